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
import { DEFAULT_CLUSTER, DEFAULT_TUNING } from '../protocol/config.ts';
import type { PbftSetup } from './pbft-setup.ts';
import type { Row } from './row.ts';
import type { Surroundings } from './system.ts';
import { scriptOf } from './workplace.ts';

const HOST = '127.0.0.1';
/** A request that waits, besides its operation: with its share of a bundle, generously. */
const WAITING_BYTES = 4096;

/** `config.json` of a node, as far as it matters here. */
interface ConfigFile {
  readonly replicas: readonly { readonly peer_port: number }[];
}

export interface ClusterFolder {
  readonly clusterFile: string;
  readonly nodes: readonly { readonly directory: string; readonly config: NodeConfig }[];
}

/** More sessions than a cluster keeps of one client by default; the file of each node says so then. */
function roomFor({ clients, sessions }: Row): { readonly sessions_per_client?: number } {
  const isMore = clients === 'multiplexed' && sessions > DEFAULT_CLUSTER.sessionsPerClient;
  return isMore ? { sessions_per_client: sessions } : {};
}

/** What waits of one client at the primary: all its sessions' requests at once. */
function queueFor({ sessions, request }: Row): { readonly client_queue_bytes?: number } {
  const bytes = sessions * (request + WAITING_BYTES);
  return bytes > DEFAULT_TUNING.clientQueueBytes ? { client_queue_bytes: bytes } : {};
}

/** Makes them below `parent`, on free ports of loopback. Throws when they cannot be made, or a node would not take its configuration. */
export async function makeClusterFolder(
  parent: string,
  row: Row,
  { freePorts }: Pick<Surroundings, 'freePorts'>,
  { tuning, lab, faulty, isLinkTaken }: PbftSetup,
): Promise<ClusterFolder> {
  const directory = join(parent, 'cluster');
  // The last one stays free: what is dialled there is not there.
  const ports = await freePorts(HOST, 2 * row.nodes + 1);
  const nobodysPort = ports.at(-1) ?? 0;
  const generated = generateCluster(directory, {
    nodes: Array.from({ length: row.nodes }, (_, index) => ({
      host: HOST,
      httpPort: ports[2 * index] ?? 0,
      peerPort: ports[2 * index + 1] ?? 0,
    })),
    application: row.app === 'null' ? scriptOf('null-application') : 'ledger',
    authentication: row.mode,
    mac: row.mac,
    openClients: true,
    readOnlyRequests: row.reads !== 'off',
    tentativeExecution: row.tentative === 'on',
    overlappedSync: row.overlap === 'on',
    lab,
    tuning: { ...tuning, ...queueFor(row), ...row.tuning },
  });
  if (!generated.ok) throw new Error(`${directory} cannot be made: ${generated.error.code}`);
  const nodes = generated.value.replicas.map(({ id }) => {
    const folder = join(directory, replicaName(id));
    const file = join(folder, NODE_FILES.config);
    const made = JSON.parse(readFileSync(file, 'utf8')) as ConfigFile;
    const isCut = isLinkTaken === true && id === faulty;
    const replicas = isCut
      ? made.replicas.map((entry, index) => (index === 0 ? { ...entry, peer_port: nobodysPort } : entry))
      : made.replicas;
    writeJson(file, { ...made, ...roomFor(row), replicas, durability: row.durability });
    const config = loadNodeConfig(folder);
    if (!config.ok) throw new Error(describeConfigFault(config.error).join('; '));
    return { directory: folder, config: config.value };
  });
  return { clusterFile: join(directory, CLUSTER_FILE), nodes };
}
