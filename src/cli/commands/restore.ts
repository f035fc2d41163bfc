/** `pbft restore BACKUP`: a backup in place of a state that is lost; or as the beginning of a new cluster. */
import type { Command } from 'commander';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import type { End } from '../options.ts';
import { terminal } from '../terminal.ts';

const HELP = `
One node of a cluster that goes on: its folder has its config.json and keys/, and
neither log/ nor state/. The backup saves fetching all of the state; the node's votes
are in no backup, so it comes back by \`pbft recover\`.

A whole cluster: make a new one with \`pbft init\`, then, on each node, give it the
same backup with --as-genesis and start it. Compare the roots that are printed: they
must be the same everywhere. The data are as in the backup; sessions and idempotency
keys are forgotten. The new cluster has an id of its own, so that no replica and no
message of the old one can take part in it. To keep the old id (the configuration and
keys of the old cluster in folders with a file "new"), say --old-replicas-gone: that
none of the old replicas will ever run again; and wait ten minutes from the last
request that the old cluster took.

Examples:
  pbft restore backups/node1-monday --directory pbft-data/node1
  pbft restore backups/node1-monday --directory pbft-cluster/node2 --as-genesis`;

interface Options {
  readonly directory: string;
  readonly asGenesis?: boolean;
  readonly oldReplicasGone?: boolean;
}

export function addRestoreCommand(program: Command, end: End): void {
  program
    .command('restore')
    .description('put a backup in place of a state that is lost, or begin a new cluster with it')
    .argument('<backup>', 'the folder that `pbft backup` made')
    .requiredOption('--directory <directory>', 'the folder of the node: config.json and keys/ are there')
    .option('--as-genesis', 'its data become the beginning of a new cluster')
    .option('--old-replicas-gone', 'with --as-genesis: keep the cluster id; no old replica will ever run again')
    .addHelpText('after', HELP)
    .action(async (backup: string, options: Options) => end(await run(backup, options)));
}

async function run(backup: string, { directory, asGenesis, oldReplicasGone }: Options): Promise<ExitCode> {
  const { restoreNode } = await import('../../server/index.ts');
  const restored = await restoreNode({
    backup,
    directory,
    asGenesis: asGenesis === true,
    oldReplicasGone: oldReplicasGone === true,
  });
  if (!restored.ok) {
    const [first = 'nothing was restored', ...more] = restored.error.split('\n');
    return terminal.fail(EXIT.usage, first, ...more);
  }
  const { about, nodeId, root } = restored.value;
  if (asGenesis === true) {
    terminal.line(
      `${nodeId}: the data of ${about.node_id} after sequence ${about.sequence} are its genesis, root ${root}`,
    );
    terminal.line(`next: the same on every node, then pbft start --directory ${directory}`);
  } else {
    terminal.line(`${nodeId}: its state after sequence ${about.sequence} is in place, root ${root}`);
    terminal.line(`next: pbft recover --directory ${directory}`);
  }
  return EXIT.done;
}
