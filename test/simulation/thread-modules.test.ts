import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

// A thread that ends while it loads a native module ends the whole process. None is ended before it has loaded all it needs (seed-pool.ts); what it
// does not need it should not load, the database above all, which has threads of its own.

const SEEDS = join(import.meta.dirname, '../../src/cli/seeds');

/** Native modules that a process has loaded after these modules of ours. */
function nativeAfter(...modules: readonly string[]): readonly string[] {
  const script = `
    for (const module of ${JSON.stringify(modules)}) await import(module);
    console.log(JSON.stringify(process.report.getReport().sharedObjects.filter((file) => file.endsWith('.node'))));
  `;
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }),
  ) as string[];
}

test('what a thread of `pbft simulate` loads has no native module but that for signatures', () => {
  const native = nativeAfter(join(SEEDS, 'node-crypto.ts'), join(SEEDS, '../../simulation/run-seeds.ts'));
  expect(native.filter((file) => !file.includes('sodium-native'))).toEqual([]);
});

test('where there is one it is seen', () => {
  expect(nativeAfter(join(SEEDS, '../../node/index.ts')).some((file) => file.includes('lmdb'))).toBe(true);
});
