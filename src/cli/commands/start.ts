/** `pbft start`: one node, as `pbft init` or `pbft up` made its folder. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Option } from 'commander';
import type { Command } from 'commander';
import { configWarnings, describeConfigFault, loadNodeConfig, lockDirectory } from '../../server/config/index.ts';
import { startNode } from '../../server/index.ts';
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
The directory holds config.json and keys/, as \`pbft init\` makes them; everything that the node must not forget is kept there
too. Only one process at a time may use it. The log goes to standard output, one JSON object a line. SIGTERM ends the node.

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

async function run({ directory: given, supervised }: StartOptions): Promise<ExitCode> {
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
    writeFileSync(pidFile, `${process.pid}\n`);
    if (supervised !== true) for (const warning of configWarnings(config.value)) terminal.warn(warning);
    const started = await startNode({ directory });
    if (!started.ok) return refuse([started.error.message]);
    report({ kind: 'ready', httpUrl: started.value.httpUrl });
    if (supervised !== true) terminal.note(`node${config.value.self + 1} runs: ${started.value.httpUrl}`);
    await ending;
    setTimeout(() => process.exit(EXIT.done), STOP_WITHIN_MS).unref();
    await started.value.stop();
    return EXIT.done;
  } finally {
    rmSync(pidFile, { force: true });
    lock.value.release();
    if (process.connected) process.disconnect();
  }
}

/** Resolves at SIGTERM, at SIGINT, or when the supervisor is gone. A supervised node leaves Ctrl-C, which reaches all, to its supervisor. */
async function untilEnd(supervised: boolean): Promise<void> {
  return new Promise((resolve) => {
    process.on('SIGTERM', () => resolve());
    process.on('SIGINT', () => {
      if (!supervised) resolve();
    });
    if (supervised) process.once('disconnect', () => resolve());
  });
}

function refuse([first = 'it cannot start', ...more]: readonly string[]): ExitCode {
  report({ kind: 'failed', lines: [first, ...more] });
  return terminal.fail(EXIT.usage, first, ...more);
}

function report(message: NodeReport): void {
  if (process.connected) process.send?.(message);
}
