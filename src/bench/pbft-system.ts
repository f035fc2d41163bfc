/** A cluster under test: one process per node, started as `pbft up` starts them. Owns none of them: they belong to the workplace. */
import type { StatusBody } from '../api/index.ts';
import { makeClusterFolder } from './cluster-folder.ts';
import type { ClusterFolder } from './cluster-folder.ts';
import { parseOutcomes } from './execution-check.ts';
import type { NodeAccount } from './execution-check.ts';
import { NORMAL_SETUP } from './pbft-setup.ts';
import type { PbftSetup } from './pbft-setup.ts';
import type { Row } from './row.ts';
import { fail, ok } from '../base/result.ts';
import type { Checked, RunningSystem, Server, Surroundings } from './system.ts';
import type { Workplace } from './workplace.ts';

/** What a node tells who started it, as far as it matters here. */
interface NodeReport {
  readonly kind: string;
  readonly lines?: readonly string[];
}

const LINKED_WITHIN_MS = 60_000;
const SETTLED_WITHIN_MS = 30_000;
const ANSWER_WITHIN_MS = 10_000;
const LOOK_AGAIN_MS = 50;

/** A cluster that serves. */
export interface PbftSystem extends RunningSystem {
  readonly nodes: ClusterFolder['nodes'];
}

/** Starts the nodes; resolves once each is linked to all others. Throws with the reason when they do not get there. */
export async function startPbft(
  place: Workplace,
  row: Row,
  surroundings: Surroundings,
  setup: PbftSetup = NORMAL_SETUP,
): Promise<PbftSystem> {
  const cluster = await makeClusterFolder(place.folder, row, surroundings, setup);
  const servers = cluster.nodes.map(({ directory }, index): Server => ({
    process: place.start({
      name: `node${index + 1}`,
      command: process.execPath,
      args: surroundings.nodeArgs(directory),
      env: { PBFT_LOG_LEVEL: 'warn' },
      hasChannel: true,
    }),
    // Of view 0, in which the check demands that it has stayed.
    role: index === 0 ? 'primary' : 'backup',
  }));
  await Promise.all(servers.map(async ({ process: node }) => ready(node)));
  await linked(cluster, setup);
  return {
    servers,
    nodes: cluster.nodes,
    clusterFile: cluster.clusterFile,
    check: async (acknowledged) => check(cluster, servers, setup, acknowledged),
  };
}

async function ready(node: Server['process']): Promise<void> {
  const report = (await node.next()) as NodeReport;
  if (report.kind !== 'ready') throw new Error(`${node.name} did not start: ${report.lines?.join('; ') ?? ''}`);
}

async function linked({ nodes }: ClusterFolder, { isLinkTaken, faulty }: PbftSetup): Promise<void> {
  for (const deadline = performance.now() + LINKED_WITHIN_MS; ;) {
    const statuses = await Promise.all(urlsOf(nodes).map(async (url) => status(url)));
    const lonely = statuses.find(({ connected_peers: peers }, index) => {
      const isCut = isLinkTaken === true && index === faulty;
      return peers.length < nodes.length - (isCut ? 2 : 1);
    });
    if (lonely === undefined) return;
    if (performance.now() > deadline)
      throw new Error(`${lonely.node_id} is linked to ${lonely.connected_peers.length} other nodes only`);
    await pause();
  }
}

async function check(
  { nodes }: ClusterFolder,
  servers: readonly Server[],
  { faulty, judge }: PbftSetup,
  acknowledged: number,
): Promise<Checked> {
  const asked = nodes.filter((_, index) => index !== faulty);
  for (const deadline = performance.now() + SETTLED_WITHIN_MS; ;) {
    const dead = servers.find(({ process: node }) => node.end !== undefined);
    if (dead !== undefined) return fail(dead.process.describeEnd());
    const accounts = await Promise.all(urlsOf(asked).map(account));
    const judgement = judge(accounts, acknowledged);
    if (judgement.kind === 'sound') return ok(accounts[0]?.status.last_executed);
    if (judgement.kind === 'failed' || performance.now() > deadline) return fail(judgement.reason);
    await pause();
  }
}

function urlsOf(nodes: ClusterFolder['nodes']): readonly string[] {
  return nodes.map(urlOf);
}

/** Where its HTTP API is. */
export function urlOf({ config }: ClusterFolder['nodes'][number]): string {
  return config.replicas[config.self]?.httpUrl ?? '';
}

async function account(url: string): Promise<NodeAccount> {
  const said = await status(url);
  return { status: said, outcomes: parseOutcomes(await (await get(`${url}/metrics`)).text()) };
}

async function status(url: string): Promise<StatusBody> {
  return (await (await get(`${url}/pbft/status`)).json()) as StatusBody;
}

async function get(url: string): Promise<Response> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  if (answer.ok) return answer;
  throw new Error(`${url} answered ${answer.status}`);
}

async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
}
