/** The folders of the nodes of a row, made as `pbft init` makes them. Owns nothing. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replicaName } from '../base/ids.ts';
import {
  CLUSTER_FILE,
  describeConfigFault,
  generateCluster,
  loadNodeConfig,
  NODE_FILES,
  writeJson,
} from '../server/config/index.ts';
import type { NodeConfig } from '../server/config/index.ts';
import { BENCH_TUNING } from './normal-case.ts';
import type { Row } from './row.ts';
import type { Surroundings } from './system.ts';
import { scriptOf } from './workplace.ts';

const HOST = '127.0.0.1';

export interface ClusterFolder {
  readonly clusterFile: string;
  readonly nodes: readonly { readonly directory: string; readonly config: NodeConfig }[];
}

/** Makes them below `parent`, on free ports of loopback. Throws when they cannot be made, or a node would not take its configuration. */
export async function makeClusterFolder(
  parent: string,
  row: Row,
  { freePorts }: Pick<Surroundings, 'freePorts'>,
): Promise<ClusterFolder> {
  const directory = join(parent, 'cluster');
  const ports = await freePorts(HOST, 2 * row.nodes);
  const made = generateCluster(directory, {
    nodes: Array.from({ length: row.nodes }, (_, index) => ({
      host: HOST,
      httpPort: ports[2 * index] ?? 0,
      peerPort: ports[2 * index + 1] ?? 0,
    })),
    application: row.app === 'null' ? scriptOf('null-application') : 'ledger',
    authentication: row.mode,
    openClients: true,
    readOnlyRequests: row.reads !== 'off',
    tuning: { ...BENCH_TUNING, ...row.tuning },
  });
  if (!made.ok) throw new Error(`${directory} cannot be made: ${made.error.code}`);
  const nodes = made.value.replicas.map(({ id }) => {
    const folder = join(directory, replicaName(id));
    const file = join(folder, NODE_FILES.config);
    writeJson(file, { ...(JSON.parse(readFileSync(file, 'utf8')) as object), durability: row.durability });
    const config = loadNodeConfig(folder);
    if (!config.ok) throw new Error(describeConfigFault(config.error).join('; '));
    return { directory: folder, config: config.value };
  });
  return { clusterFile: join(directory, CLUSTER_FILE), nodes };
}
