/**
 * Scenarios as text: lines that begin with `> ` are commands, lines that begin with `#` are for people, everything else is what the commands
 * print. Running one gives the same text with what is printed now. docs/simulator.md lists the commands.
 */
import { brokenBy, describeBroken } from './broken-invariant.ts';
import type { BrokenInvariant } from './broken-invariant.ts';
import { drain } from './drain.ts';
import { NO_VIOLATION, Scenario } from './scenario-commands.ts';
import { ScenarioError } from './scenario-faults.ts';
import type { ScenarioModules } from './scenario-world.ts';

export { NO_VIOLATION, ScenarioError };

/** What a scenario came to. */
export interface ScenarioRun {
  /** The scenario as it should read. */
  readonly text: string;
  /** What broke: told by a `verdict`, after which the rest was run, or seen by the checkers, which ended it. Several swarms: the last that broke. */
  readonly violation: BrokenInvariant | undefined;
  /** It judges swarms: other than that of a transcript, its verdict may change for the better. */
  readonly isSwarm: boolean;
}

/** Runs a scenario; returns it as it should read. Throws {@link ScenarioError} for a command it does not know, Violation for a broken invariant. */
export function runScenario(text: string): string {
  const scenario = new Scenario({});
  const lines: string[] = [];
  drain(playLines(text, scenario, lines));
  return lines.join('\n');
}

/** The same for people: a broken invariant is part of the result. Throws {@link ScenarioError} also for a text without any command. */
export function replayScenario(text: string, modules: ScenarioModules = {}): ScenarioRun {
  if (!/^> /m.test(text)) throw new ScenarioError('no line begins with "> ": this is no scenario');
  const scenario = new Scenario(modules);
  const lines: string[] = [];
  let violation: BrokenInvariant | undefined;
  try {
    drain(playLines(text, scenario, lines));
  } catch (error) {
    violation = brokenBy(error);
    if (violation === undefined) throw error;
    lines.push(describeBroken(violation), '');
  }
  return { text: lines.join('\n'), violation: violation ?? scenario.violation, isSwarm: scenario.isSwarm };
}

/**
 * One entry of the world's queue at a time; tells the number of the line under way, from 1. Appends to `lines`, so that what was printed before an
 * invariant broke is not lost.
 */
export function* playLines(text: string, scenario: Scenario, lines: string[]): Generator<number> {
  for (const [index, line] of text.split('\n').entries()) {
    if (line.startsWith('> ')) {
      lines.push(line);
      lines.push(...(yield* playLine(line.slice(2).trim(), index + 1, scenario)));
    } else if (line.startsWith('#') || line.trim() === '') lines.push(line);
  }
}

function* playLine(command: string, number: number, scenario: Scenario): Generator<number, readonly string[]> {
  try {
    const play = scenario.command(command);
    for (;;) {
      const { done, value } = play.next();
      if (done === true) return value;
      yield number;
    }
  } catch (error) {
    if (error instanceof ScenarioError) throw new ScenarioError(error.message, number);
    throw error;
  }
}
