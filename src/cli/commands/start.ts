/** `pbft start`: one node, as `pbft init` or `pbft up` made its folder. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Option } from 'commander';
import type { Command } from 'commander';
import { configWarnings, describeConfigFault, loadNodeConfig, lockDirectory } from '../../server/config/index.ts';
import type { Result } from '../../base/result.ts';
import type { LostLog } from '../../protocol/replica.ts';
import type { RunningNode, StartFault } from '../../server/index.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { ParentSupervision } from '../lab-channel.ts';
import type { NodeReport } from '../node-report.ts';
import type { End } from '../options.ts';
import { terminal } from '../terminal.ts';

interface StartOptions {
  readonly directory: string;
  readonly supervised?: boolean;
}

const HELP = `
The directory holds config.json and keys/, as \`pbft init\` makes them; everything
that the node must not forget is kept there too. Only one process at a time may
use it. The log goes to standard output, one JSON object a line. SIGTERM ends the
node. Exit codes besides the usual ones: 70 the replica broke a rule of its own
and stopped, 74 its disk failed.

Examples:
  pbft start --directory node1
  pbft config check node1            before the first start`;

export function addStartCommand(program: Command, end: End): void {
  program
    .command('start')
    .description('run one node of a cluster')
    .requiredOption('--directory <directory>', 'the folder of the node')
    .addOption(new Option('--supervised', 'end when the process that started this one ends').hideHelp())
    .addHelpText('after', HELP)
    .action(async (options: StartOptions) => end(await runNode(options)));
}

/** How long an orderly end may take; then the process ends anyway: what counts is on disk. */
const STOP_WITHIN_MS = 3000;

/** What there is to do in the node's folder once it is locked: a lost log, or why the node is not to start. */
export type BeforeStart = (directory: string) => Result<LostLog, readonly string[]>;

/** Runs the node of a folder until it ends. `before`: it comes back by a recovery. */
export async function runNode({ directory: given, supervised }: StartOptions, before?: BeforeStart): Promise<number> {
  const directory = resolve(given);
  if (!existsSync(directory)) return refuse([`there is no directory ${given}: \`pbft init\` makes one for each node`]);
  const config = loadNodeConfig(directory);
  if (!config.ok) return refuse(describeConfigFault(config.error));
  const lock = lockDirectory(directory);
  if (!lock.ok) {
    const { error } = lock;
    if (error.code === 'in-use')
      return refuse([
        `${given} is in use by process ${error.pid}: two processes on one node's data would contradict each other`,
      ]);
    return refuse([`cannot write to ${given}: ${error.reason}`]);
  }
  const pidFile = join(directory, 'pid');
  const ending = untilEnd(supervised === true);
  try {
    const unwritten = writePid(pidFile);
    if (unwritten !== undefined) return refuse([`cannot write ${pidFile}: ${unwritten}`]);
    if (supervised !== true) for (const warning of configWarnings(config.value)) terminal.warn(warning);
    // Only here: the other commands start in a fraction of the time without the server.
    const { boundProcessMemory, FAULT_EXIT_CODES, startNode } = await import('../../server/index.ts');
    boundProcessMemory();
    const lost = before?.(directory);
    if (lost?.ok === false) return refuse(lost.error);
    const started = await startNode({
      directory,
      ...(lost === undefined ? {} : { lost: lost.value }),
      ...(supervised === true ? { supervision: new ParentSupervision(process) } : {}),
    });
    if (!started.ok)
      return refuse([...started.error.message.split('\n'), ...(before === undefined ? [] : adviceFor(started.error))]);
    report({ kind: 'ready', httpUrl: started.value.httpUrl });
    if (supervised !== true) terminal.note(`${started.value.name} runs: ${started.value.httpUrl}`);
    const fault = await Promise.race([ending, started.value.failed]);
    const exit = fault === undefined ? EXIT.done : FAULT_EXIT_CODES[fault.code];
    if (fault !== undefined) refuse([`${started.value.name} has stopped: ${fault.reason}`]);
    await end(started.value, exit);
    return exit;
  } finally {
    rmSync(pidFile, { force: true });
    lock.value.release();
    if (process.connected) process.disconnect();
  }
}

/** Undefined, or why not: a full disk, say. */
function writePid(file: string): string | undefined {
  try {
    writeFileSync(file, `${process.pid}\n`);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** What one who recovers a node can do about it. */
function adviceFor({ code }: StartFault): readonly string[] {
  switch (code) {
    case 'key-unusable':
    case 'key-mismatch':
      return [
        'a node recovers under its own keys, which nobody can make again: put back keys/ from where it is kept',
        'if keys/node.key is lost, this node is gone for good: a new key must take the place of its `signing` and',
        '`agreement` under `replicas` in config.json of every node, and every node must be started again with that',
        'if keys/gateway.key is lost, the same holds for its entry under `clients`, which the nodes have agreed on:',
        'a cluster in which it is another one is a new cluster',
      ];
    case 'log-exists':
    case 'log-damaged':
    case 'log-foreign':
    case 'log-unusable':
      return [
        '--discard-log recovers all the same: what the node said is forgotten, and it counts as faulty until it is done',
      ];
    default:
      return [];
  }
}

async function end(node: RunningNode, exit: number): Promise<void> {
  setTimeout(() => process.exit(exit), STOP_WITHIN_MS).unref();
  await node.stop();
}

/** Resolves at SIGTERM, at SIGINT, or when the supervisor is gone. A supervised node leaves Ctrl-C, which reaches all, to its supervisor. */
async function untilEnd(supervised: boolean): Promise<undefined> {
  return new Promise((resolve) => {
    process.on('SIGTERM', () => resolve(undefined));
    process.on('SIGINT', () => {
      if (!supervised) resolve(undefined);
    });
    if (supervised) process.once('disconnect', () => resolve(undefined));
  });
}

function refuse([first = 'it cannot start', ...more]: readonly string[]): ExitCode {
  report({ kind: 'failed', lines: [first, ...more] });
  return terminal.fail(EXIT.usage, first, ...more);
}

function report(message: NodeReport): void {
  if (process.connected) process.send?.(message);
}
