/** `pbft backup DIR`: state and configuration of one node, running or not, into a folder of their own. */
import type { Command } from 'commander';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import type { End } from '../options.ts';
import { terminal } from '../terminal.ts';

const HELP = `
The node may run. What is copied is its state at the last checkpoint that is on its
disk, as a whole, and its configuration. No key is in a backup, and no vote: keep a
copy of keys/ in a safe place of its own; votes come back by \`pbft recover\`.

Examples:
  pbft backup pbft-data/node1 --out backups/node1-monday
  pbft backup /var/lib/pbft/node3 --out /mnt/backup/node3 --json

Back again: pbft restore --help`;

interface BackupOptions {
  readonly out: string;
  readonly json?: boolean;
}

export function addBackupCommand(program: Command, end: End): void {
  program
    .command('backup')
    .description('copy the state of a node, running or not')
    .argument('<directory>', 'the folder of the node')
    .requiredOption('--out <folder>', 'a folder that does not exist yet')
    .option('--json', 'print what was copied as JSON')
    .addHelpText('after', HELP)
    .action(async (directory: string, options: BackupOptions) => end(await run(directory, options)));
}

async function run(directory: string, { out, json }: BackupOptions): Promise<ExitCode> {
  const { backupNode } = await import('../../server/index.ts');
  const made = await backupNode(directory, out);
  if (!made.ok) {
    const [first = 'no backup was made', ...more] = made.error.split('\n');
    return terminal.fail(EXIT.usage, first, ...more);
  }
  if (json === true) terminal.json({ backup: out, ...made.value });
  else
    terminal.line(
      `${out}: the state of ${made.value.node_id} after sequence ${made.value.sequence}, root ${made.value.root}`,
    );
  return EXIT.done;
}
