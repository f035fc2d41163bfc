// A copy of the source with one mutant in it, in a folder of its own: the core has no switch for any of this.

import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyMutant } from './mutant-list.ts';
import type { Mutant } from './mutant-list.ts';

const ROOT = join(import.meta.dirname, '..');
const TEST_FILE = /\.test\.ts$/;

/** The command line of a copy. */
export const COPIED_CLI = 'src/cli/main.ts';

/** Gives `use` the folder of a copy with the mutant in it, and removes it afterwards. Undefined if its patch does not apply. */
export async function withMutantCopy<Result>(
  mutant: Mutant,
  use: (folder: string) => Promise<Result>,
): Promise<Result | undefined> {
  const mutated = applyMutant(mutant, readFileSync(join(ROOT, mutant.file), 'utf8'));
  if (mutated === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'pbft-mutant-'));
  try {
    const isCopied = (path: string): boolean => mutant.test !== undefined || !TEST_FILE.test(path);
    cpSync(join(ROOT, 'src'), join(folder, 'src'), { recursive: true, filter: isCopied });
    // Whoever reads tsconfig.json looks for every project in it.
    const folders = mutant.test === undefined ? [] : ['test', 'scripts', 'web'];
    for (const each of folders) cpSync(join(ROOT, each), join(folder, each), { recursive: true });
    for (const file of ['package.json', 'vitest.config.ts', 'tsconfig.base.json', 'tsconfig.json'])
      cpSync(join(ROOT, file), join(folder, file));
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, mutant.file), mutated);
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
