/** Makes small scenarios of failing seeds and writes them to files: one for each thing that broke, of the first seed that broke it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isSameFailure } from '../../simulation/broken-invariant.ts';
import type { BrokenInvariant } from '../../simulation/broken-invariant.ts';
import { failureScenario } from '../../simulation/failure-scenario.ts';
import { makeOptions } from '../../simulation/options.ts';
import type { SwarmOptions } from '../../simulation/options.ts';
import { shrink } from '../../simulation/shrink.ts';
import { simulateOptions } from '../../simulation/simulate.ts';
import type { SeedReport } from '../../simulation/simulate.ts';
import { terminal } from '../terminal.ts';
import { cryptoArgument, cryptoModules } from './node-crypto.ts';
import type { Progress } from './progress.ts';
import type { SeedChoices } from './seed-choices.ts';

export interface ShrinkPlan {
  readonly choices: SeedChoices;
  /** Of the source: it is part of a seed's name. */
  readonly version: string;
  /** Where the files go. */
  readonly directory: string;
  readonly runsAtMost: number;
  readonly progress: Progress;
}

/** Shrinks, writes and says so on standard error; seed → file. A file that cannot be written is printed there instead. */
export function shrinkFailures(failures: readonly SeedReport[], plan: ShrinkPlan): ReadonlyMap<number, string> {
  const files = new Map<number, string>();
  for (const [index, failure] of failures.entries()) {
    const isKnown = failures.slice(0, index).some((earlier) => isAlike(earlier, failure));
    const file = isKnown ? undefined : shrinkOne(failure, plan);
    if (file !== undefined) files.set(failure.seed, file);
  }
  return files;
}

function isAlike({ violation: left }: SeedReport, { violation: right }: SeedReport): boolean {
  return left !== undefined && right !== undefined && isSameFailure(left, right);
}

function shrinkOne({ seed, violation }: SeedReport, plan: ShrinkPlan): string | undefined {
  if (violation === undefined) return undefined;
  const { progress, version, runsAtMost } = plan;
  const { crypto, overrides } = plan.choices;
  const onRun = (runs: number): void => progress.show(() => `shrinking seed ${seed}: run ${runs} of ${runsAtMost}`);
  const run = (options: SwarmOptions): BrokenInvariant | undefined =>
    simulateOptions(options, cryptoModules(crypto)).violation;
  const shrunk = shrink(makeOptions(seed, overrides), violation, { run, runsAtMost, onRun });
  progress.clear();
  const text = failureScenario(`${seed}@${version}`, shrunk, `pbft replay FILE${cryptoArgument(crypto)}`);
  const file = join(plan.directory, `pbft-failure-${seed}.txt`);
  try {
    writeFileSync(file, text);
  } catch (error) {
    terminal.warn(`cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`);
    terminal.note(text);
    return undefined;
  }
  terminal.note(`seed ${seed}, shrunk in ${shrunk.runs} runs: pbft replay ${file}${cryptoArgument(crypto)}`);
  return file;
}
