/** `pbft start`: one node, as `pbft init` or `pbft up` made its folder. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Option } from 'commander';
import type { Command } from 'commander';
import { configWarnings, describeConfigFault, loadNodeConfig, lockDirectory } from '../../server/config/index.ts';
import type { RunningNode } from '../../server/index.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import type { End } from '../options.ts';
import type { NodeReport } from '../supervisor.ts';
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
    .action(async (options: StartOptions) => end(await run(options)));
}

/** How long an orderly end may take; then the process ends anyway: what counts is on disk. */
const STOP_WITHIN_MS = 3000;

async function run({ directory: given, supervised }: StartOptions): Promise<number> {
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
    const started = await startNode({ directory });
    if (!started.ok) return refuse(started.error.message.split('\n'));
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
