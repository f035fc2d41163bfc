/** Puts the commands together, and turns what the argument parser refuses into one line and exit code 2. */
import { Command, CommanderError } from 'commander';
import { addByzantineCommand } from './commands/byzantine.ts';
import { addConfigCommand } from './commands/config-check.ts';
import { addBenchCommand } from './commands/bench.ts';
import { addBackupCommand } from './commands/backup.ts';
import { addCheckCommand } from './commands/check.ts';
import { addEventsCommand } from './commands/events.ts';
import { addExplainCommand } from './commands/explain.ts';
import { addInitCommand } from './commands/init.ts';
import { addInspectCommand } from './commands/inspect.ts';
import { addRecoverCommand } from './commands/recover.ts';
import { addReplayCommand } from './commands/replay.ts';
import { addRestoreCommand } from './commands/restore.ts';
import { addRequestCommand } from './commands/request.ts';
import { addSimulateCommand } from './commands/simulate.ts';
import { addStartCommand } from './commands/start.ts';
import { addStatusCommand } from './commands/status.ts';
import { addUpCommand } from './commands/up.ts';
import { addVerifyCommand } from './commands/verify.ts';
import { EXIT } from './exit-code.ts';
import { DATA_DIRECTORY } from './find-cluster.ts';
import type { End } from './options.ts';
import { packageVersion } from './seeds/source-version.ts';
import { terminal } from './terminal.ts';

/** Runs one command line (without `node` and the script) and says what to exit with. Never throws. */
export async function runCli(args: readonly string[]): Promise<number> {
  let exit: number = EXIT.done;
  const program = makeProgram((code) => {
    exit = code;
  });
  try {
    if (args.length === 0) {
      program.outputHelp({ error: true });
      return EXIT.usage;
    }
    await program.parseAsync(args, { from: 'user' });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return terminal.fail(EXIT.usage, `this is a bug in pbft, please report it: ${text}`);
  }
}

/** All commands and their options; `end` is told what the one that runs ends with. */
export function makeProgram(end: End): Command {
  const program = new Command('pbft');
  program
    .description('A service that stays correct when some of its nodes crash, lie or are broken into (PBFT).')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .showSuggestionAfterError(true)
    .showHelpAfterError('  see `pbft help`, or `pbft help <command>`')
    .exitOverride()
    .configureOutput({ outputError: reportUsage })
    .addHelpText('after', PROGRAM_HELP);
  addUpCommand(program, end);
  addStatusCommand(program, end);
  addExplainCommand(program, end);
  addEventsCommand(program, end);
  addRequestCommand(program, end);
  addByzantineCommand(program, end);
  addInitCommand(program, end);
  addStartCommand(program, end);
  addRecoverCommand(program, end);
  addConfigCommand(program, end);
  addInspectCommand(program, end);
  addCheckCommand(program, end);
  addBackupCommand(program, end);
  addRestoreCommand(program, end);
  addVerifyCommand(program, end);
  addSimulateCommand(program, end);
  addReplayCommand(program, end);
  addBenchCommand(program, end);
  return program;
}

const PROGRAM_HELP = `
Commands find the cluster by --url, by the variable PBFT_URL, or by
./${DATA_DIRECTORY}/cluster.json. A node that demands a token gets the one in PBFT_TOKEN.

Exit codes: 0 done, 1 refused or not found, 2 usage or environment,
            3 cluster unreachable, 4 outcome unknown

First steps:
  pbft up                              a cluster of four nodes on this machine
  pbft request transfer amount=100     let it agree on something
  pbft status                          look at all nodes`;

/** The parser's message as our own kind of line. */
function reportUsage(text: string): void {
  const [first = '', ...more] = text
    .replace(/^error: /, '')
    .split('\n')
    .filter((line) => line !== '');
  terminal.fail(EXIT.usage, first, ...more);
}
