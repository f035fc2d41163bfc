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
import type { PbftSetup } from './pbft-setup.ts';
import type { Row } from './row.ts';
import type { Surroundings } from './system.ts';
import { scriptOf } from './workplace.ts';

const HOST = '127.0.0.1';

/** `config.json` of a node, as far as it matters here. */
interface ConfigFile {
  readonly replicas: readonly { readonly peer_port: number }[];
}

export interface ClusterFolder {
  readonly clusterFile: string;
  readonly nodes: readonly { readonly directory: string; readonly config: NodeConfig }[];
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
    lab,
    tuning: { ...tuning, ...row.tuning },
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
    writeJson(file, { ...made, replicas, durability: row.durability });
    const config = loadNodeConfig(folder);
    if (!config.ok) throw new Error(describeConfigFault(config.error).join('; '));
    return { directory: folder, config: config.value };
  });
  return { clusterFile: join(directory, CLUSTER_FILE), nodes };
}
