// Applies each mutant to a copy of the source, in a folder of its own, and runs simulator seeds on it until one fails. Exit code 1 if a mutant
// lives, or if its patch does not apply any more. `npm run mutants`, or `npm run mutants -- "part of a name"`.

import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { COPIED_CLI, withMutantCopy } from './mutant-copy.ts';
import { MUTANTS } from './mutant-list.ts';
import type { Mutant } from './mutant-list.ts';

const FIRST_SEED = 1;

interface Verdict {
  readonly mutant: Mutant;
  readonly isCaught: boolean;
  /** Which invariant broke in which seed, or why nothing did. */
  readonly told: string;
  readonly seconds: number;
}

interface Run {
  readonly code: number;
  readonly output: string;
}

const VITEST = 'node_modules/vitest/vitest.mjs';

async function runSeeds(
  folder: string,
  { seeds, from = FIRST_SEED, liar, nodes, lostDisks, reads, tentative, overlap, compound }: Mutant,
): Promise<Run> {
  const args = [
    COPIED_CLI,
    'simulate',
    '--seeds',
    String(seeds),
    '--from',
    String(from),
    '--workers',
    '1',
    '--failures',
    '1',
    '--quiet',
    '--no-coverage',
    '--no-shrink',
    ...(liar === undefined ? [] : ['--liar', liar]),
    ...(nodes === undefined ? [] : ['--nodes', String(nodes)]),
    ...(lostDisks === true ? ['--lost-disks'] : []),
    ...(reads === true ? ['--reads'] : []),
    ...(tentative === true ? ['--tentative'] : []),
    ...(overlap === true ? ['--overlap'] : []),
    ...(compound === true ? ['--compound'] : []),
  ];
  return execute(folder, args);
}

/** The exit code is not 0 when a test failed; `output` tells which. */
async function runTest(folder: string, test: string): Promise<Run> {
  return execute(folder, [VITEST, 'run', '--bail', '1', '--no-color', test]);
}

async function execute(folder: string, args: readonly string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile(process.execPath, [...args], { cwd: folder, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, output: stdout + stderr });
    });
  });
}

async function judge(mutant: Mutant): Promise<Verdict> {
  const start = performance.now();
  const verdict = (isCaught: boolean, told: string): Verdict => ({
    mutant,
    isCaught,
    told,
    seconds: (performance.now() - start) / 1000,
  });
  const { test } = mutant;
  const run = await withMutantCopy(mutant, async (folder) =>
    test === undefined ? runSeeds(folder, mutant) : runTest(folder, test),
  );
  if (run === undefined) return verdict(false, `the patch does not apply to ${mutant.file}`);
  const { code, output } = run;
  if (test !== undefined) {
    const failed = /^ FAIL .* > (?<name>[^\n]*)/m.exec(output)?.groups?.['name'];
    if (code === 0) return verdict(false, `lives: ${test} passes`);
    return failed === undefined ? verdict(false, `${test} did not run`) : verdict(true, failed);
  }
  const failure = /^seed (?<seed>\d+)@\S+: (?<invariant>[^:\n]+): (?<message>[^\n]*)/m.exec(output)?.groups;
  if (code === 0) return verdict(false, `lives: nothing broke in ${mutant.seeds} seeds`);
  if (failure === undefined) return verdict(false, `the seeds did not run: ${output.trim().split('\n').at(0) ?? ''}`);
  const { seed = '', invariant = '', message = '' } = failure;
  // An exception is a broken patch, not a caught one.
  if (invariant === 'exception') return verdict(false, `the patch breaks the program in seed ${seed}: ${message}`);
  return verdict(true, `${invariant}, seed ${seed}`);
}

async function judgeAll(mutants: readonly Mutant[]): Promise<readonly Verdict[]> {
  const waiting = [...mutants];
  const verdicts: Verdict[] = [];
  const worker = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const verdict = await judge(mutant);
      verdicts.push(verdict);
      console.log(
        `${verdict.isCaught ? 'caught ' : 'ALIVE  '} ${verdict.seconds.toFixed(1).padStart(6)} s  ${mutant.name.padEnd(48)}  ${verdict.told}`,
      );
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return verdicts;
}

const [part = ''] = process.argv.slice(2);
const chosen = MUTANTS.filter(({ name }) => name.includes(part));
const verdicts = await judgeAll(chosen);
const alive = verdicts.filter(({ isCaught }) => !isCaught);
console.log(`\n${verdicts.length} mutants, ${verdicts.length - alive.length} caught, ${alive.length} not`);
process.exitCode = alive.length > 0 || verdicts.length === 0 ? 1 : 0;
