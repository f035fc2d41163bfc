/** `pbft replay`: runs a scenario file again, and says whether it comes to what the file says. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describeBroken } from '../../simulation/broken-invariant.ts';
import { replayScenario, ScenarioError } from '../../simulation/scenario.ts';
import type { ScenarioRun } from '../../simulation/scenario.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { cryptoOption } from '../options.ts';
import type { End } from '../options.ts';
import { cryptoModules } from '../seeds/node-crypto.ts';
import type { CryptoChoice } from '../seeds/node-crypto.ts';
import { printLine, terminal } from '../terminal.ts';

const HELP = `
A scenario is a text: lines that begin with "> " are commands, all others what
they print. \`pbft simulate\` writes one for a seed that fails; docs/simulator.md
lists the commands. It is run again and printed as it reads now.

Exit code: 0 no invariant broke and it reads as before, or a failure is gone;
1 an invariant broke, or it reads otherwise; 2 the file is no scenario.

Examples:
  pbft replay pbft-failure-17.txt
  pbft replay pbft-failure-17.txt --trace      with everything that happens
  pbft replay pbft-failure-17.txt --crypto real
  pbft replay test/scenarios/lost-commit.txt`;

/** As commander gives them. */
interface ReplayOptions {
  readonly crypto: CryptoChoice;
  readonly trace?: boolean;
}

export function addReplayCommand(program: Command, end: End): void {
  program
    .command('replay')
    .description('run a scenario file again: a shrunk failure, or one written by hand')
    .argument('<file>', 'what `pbft simulate` wrote, or any scenario')
    .addOption(cryptoOption())
    .option('--trace', 'print everything that happens first')
    .addHelpText('after', HELP)
    .action((file: string, options: ReplayOptions) => end(run(file, options)));
}

function run(file: string, { crypto, trace }: ReplayOptions): ExitCode {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').replaceAll('\r\n', '\n');
  } catch (error) {
    return terminal.fail(EXIT.usage, `cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  try {
    const modules = { ...cryptoModules(crypto), ...(trace === true ? { onTrace: printLine } : {}) };
    return judge(file, text, replayScenario(text, modules));
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    return terminal.fail(EXIT.usage, `${file}${error.line === undefined ? '' : `:${error.line}`}: ${error.message}`);
  }
}

function judge(file: string, before: string, { text, violation, isSwarm }: ScenarioRun): ExitCode {
  terminal.line(text.trimEnd());
  const isSame = text === before;
  if (violation !== undefined) {
    const known = isSame ? 'it still fails, as the file says' : 'it fails, not as the file says';
    return terminal.fail(EXIT.refused, `${file}: ${known}`, describeBroken(violation));
  }
  if (isSame) {
    terminal.note(`${file}: reads as it runs`);
    return EXIT.done;
  }
  if (isSwarm) {
    terminal.note(`${file}: does not fail any more`);
    return EXIT.done;
  }
  return terminal.fail(EXIT.refused, `${file}: reads otherwise now`, ...firstDifference(before, text));
}

/** The first line that differs, as the file has it and as it is now. */
function firstDifference(before: string, after: string): readonly string[] {
  const [old, fresh] = [before.split('\n'), after.split('\n')];
  const at = fresh.findIndex((line, index) => line !== old[index]);
  const line = at < 0 ? fresh.length : at;
  return [`line ${line + 1}, in the file: ${old[line] ?? '(the end)'}`, `now: ${fresh[line] ?? '(the end)'}`];
}
