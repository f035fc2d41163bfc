/** `pbft recover`: one node whose log is lost, brought back with the help of the others. */
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Option } from 'commander';
import type { Command } from 'commander';
import { digestOf } from '../../base/ids.ts';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { NODE_FILES } from '../../server/config/index.ts';
import type { LostLog } from '../../protocol/replica.ts';
import type { End } from '../options.ts';
import { terminal } from '../terminal.ts';
import { runNode } from './start.ts';

interface RecoverOptions {
  readonly directory: string;
  readonly discardLog?: boolean;
  readonly supervised?: boolean;
}

const HELP = `
For a node whose log is lost: its disk broke, or is one of an older time, such as a
backup. config.json and keys/ must be there. What the node said is forgotten with
its log, so until the others have told it what that can have been, and a checkpoint
above all of it is stable, it fetches, executes and answers, but votes for nothing;
it counts as one of the f that may be faulty. Then the cluster changes views once,
and it votes again. \`pbft explain\` says what it waits for; from there on it runs
like any node, and is started with \`pbft start\` the next time.

With a log it is refused: a node that remembers is started, not recovered.
--discard-log removes the log first. Nothing that was acknowledged is lost by it as
long as no more than f nodes are faulty, this one among them: never do it to more
nodes at a time.

Examples:
  pbft recover --directory node4`;

export function addRecoverCommand(program: Command, end: End): void {
  program
    .command('recover')
    .description('bring back a node that lost its log')
    .requiredOption('--directory <directory>', 'the folder of the node')
    .option('--discard-log', 'forget what the log says the node said')
    .addOption(new Option('--supervised', 'end when the process that started this one ends').hideHelp())
    .addHelpText('after', HELP)
    .action(async (options: RecoverOptions) => end(await runNode(options, (directory) => lose(directory, options))));
}

/** Requires: the folder is locked. The nonce is fresh: 32 bytes of the system's randomness. */
function lose(directory: string, { discardLog, supervised }: RecoverOptions): Result<LostLog, readonly string[]> {
  const file = join(directory, NODE_FILES.log);
  if (discardLog === true && existsSync(file)) {
    try {
      rmSync(file, { recursive: true });
    } catch (error) {
      return fail([`cannot remove ${file}: ${error instanceof Error ? error.message : String(error)}`]);
    }
    if (supervised !== true) terminal.note(`${file} is removed: what this node said is forgotten`);
  }
  return ok({ nonce: digestOf(randomBytes(32)) });
}
