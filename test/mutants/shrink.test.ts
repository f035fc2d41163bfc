import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { COPIED_CLI, withMutantCopy } from '../../scripts/mutant-copy.ts';
import { MUTANTS } from '../../scripts/mutant-list.ts';

// A failure is found, shrunk, written and replayed with the command line alone: in a copy of the source whose quorum is too small. The sound
// source then runs the same file without a violation.

const ROOT = join(import.meta.dirname, '../..');
/** The value; a test cannot go on without it. */
function present<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('it is missing');
  return value;
}

const mutant = present(MUTANTS.find(({ name }) => name === 'quorum one too small'));

/** Some seconds, on a machine that may be busy. */
const PATIENCE_MS = 120_000;

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function pbft(source: string, cwd: string, args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [join(source, COPIED_CLI), ...args], { cwd }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

test(
  'a broken core: the first failure becomes a small scenario, which fails again there and not here',
  async () => {
    await withMutantCopy(mutant, async (folder) => {
      const simulate = ['simulate', '--liar', present(mutant.liar), '--seeds', String(mutant.seeds), '--workers', '1'];
      const found = await pbft(folder, folder, [...simulate, '--failures', '1', '--json']);
      expect(found.code).toBe(1);
      const [failure] = (JSON.parse(found.stdout) as { failures: { seed: number; invariant: string; file: string }[] })
        .failures;
      const { seed, invariant, file } = present(failure);
      expect(file).toBe(`pbft-failure-${seed}.txt`);
      expect(found.stderr).toContain(`pbft replay ${file}`);

      const text = readFileSync(join(folder, file), 'utf8');
      const written = JSON.parse(present(/^> swarm (.*)$/m.exec(text)?.[1])) as Record<string, unknown>;
      expect(written['liars']).toHaveLength(1);
      expect((written['faults'] as unknown[] | undefined) ?? []).toEqual([]);
      expect((written['clientCount'] as number | undefined) ?? 1).toBeLessThanOrEqual(2);
      expect((written['requestsPerClient'] as number | undefined) ?? 1).toBeLessThanOrEqual(5);
      expect(Object.keys(written)).not.toContain('network');
      const verdict = present(new RegExp(`^${invariant}: .*$`, 'm').exec(text)?.[0]);

      const again = await pbft(folder, folder, ['replay', file]);
      expect(again).toMatchObject({ code: 1, stdout: text });
      expect(again.stderr).toContain(verdict);

      const sound = await pbft(ROOT, folder, ['replay', file]);
      expect(sound).toMatchObject({ code: 0, stdout: text.replace(verdict, 'no violation') });
      expect(sound.stderr).toContain('does not fail any more');
    });
  },
  PATIENCE_MS,
);
