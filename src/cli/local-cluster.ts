/** The folder of a local cluster: made when absent, checked against what was asked for, taken for this process alone. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { replicaName } from '../base/ids.ts';
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import type { AuthenticationMode, MacPrimitive } from '../protocol/config.ts';
import { makeQuorums } from '../protocol/quorum.ts';
import type { QuorumRule } from '../protocol/quorum.ts';
import {
  CLUSTER_FILE,
  describeConfigFault,
  FIRST_HTTP_PORT,
  FIRST_PEER_PORT,
  generateCluster,
  hasLostLog,
  isStopped,
  loadNodeConfig,
  LOCAL_NODE_COUNT,
  lockDirectory,
  lockHolder,
  nearestName,
  NODE_FILES,
  readClusterFile,
  writeJson,
} from '../server/config/index.ts';
import type { DirectoryLock, NodeConfig } from '../server/config/index.ts';
import { findFreePorts, portProblem } from './ports.ts';

const HOST = '127.0.0.1';

/** What was asked for on the command line; what is undefined is as the folder has it, or the default in a new one. */
export interface LocalClusterWishes {
  readonly directory: string;
  readonly nodes: number | undefined;
  readonly port: number | undefined;
  readonly peerPort: number | undefined;
  readonly lab: boolean | undefined;
  readonly quorumRule: QuorumRule | undefined;
  readonly authentication: AuthenticationMode | undefined;
  readonly mac: MacPrimitive | undefined;
  readonly readOnlyRequests: boolean | undefined;
  readonly tentativeExecution: boolean | undefined;
  readonly overlappedSync: boolean | undefined;
  readonly application: string | undefined;
}

export interface LocalNode {
  readonly name: string;
  readonly directory: string;
  readonly config: NodeConfig;
}

export interface LocalCluster {
  readonly nodes: readonly LocalNode[];
  /** True when the folder was made just now. */
  readonly created: boolean;
  readonly lock: DirectoryLock;
}

/** One line that says what is wrong, and further ones that say what to do. */
export type Refused = readonly [string, ...string[]];

/** A cluster ready to start: its folder is there and locked, its ports are free. Nothing is left behind when it is refused. */
export async function prepareLocalCluster(wishes: LocalClusterWishes): Promise<Result<LocalCluster, Refused>> {
  if (wishes.directory === '') return fail(['--data is empty: give the name of a folder']);
  const created = !existsSync(join(wishes.directory, CLUSTER_FILE));
  if (created) {
    const made = await createFolder(wishes);
    if (!made.ok) return made;
  }
  const lock = lockDirectory(wishes.directory);
  if (!lock.ok) {
    const { error } = lock;
    if (error.code === 'unwritable') return fail([`cannot write to ${wishes.directory}: ${error.reason}`]);
    return fail([
      `${wishes.directory} is in use by another \`pbft up\` (process ${error.pid}): end that one, or give another folder with --data`,
    ]);
  }
  // What was made just now is as it was wished for: its ports are not drawn a second time.
  const opened = await openFolder(created ? { ...wishes, port: undefined, peerPort: undefined } : wishes);
  if (opened.ok) return ok({ nodes: opened.value, created, lock: lock.value });
  lock.value.release();
  return opened;
}

async function createFolder(wishes: LocalClusterWishes): Promise<Result<undefined, Refused>> {
  const { directory } = wishes;
  if (existsSync(directory) && !statSync(directory).isDirectory())
    return fail([`${directory} is not a folder: give another one with --data`]);
  if (existsSync(directory) && readdirSync(directory).length > 0) {
    return fail([
      `${directory} is not empty and holds no ${CLUSTER_FILE}: it was not made by pbft; give another folder with --data`,
    ]);
  }
  const application = applicationSetting(wishes.application);
  if (!application.ok) return application;
  const count = wishes.nodes ?? LOCAL_NODE_COUNT;
  const [firstHttp, firstPeer] = [wishes.port ?? FIRST_HTTP_PORT, wishes.peerPort ?? FIRST_PEER_PORT];
  const free = await freePorts([firstHttp, firstPeer], count);
  const http = portsFrom(firstHttp, free.slice(0, count));
  const peer = portsFrom(firstPeer, free.slice(count));
  const nodes = http.map((httpPort, index) => ({ host: HOST, httpPort, peerPort: peer[index] ?? 0 }));
  const clash = http.find((port) => peer.includes(port));
  if (clash !== undefined)
    return fail([`--port and --peer-port overlap at ${clash}: keep them at least ${count} apart`]);
  const beyond = [...http, ...peer].find((port) => port > 65_535);
  if (beyond !== undefined) return fail([`there is no port ${beyond}: choose a lower --port or --peer-port`]);
  for (const [index, node] of nodes.entries()) {
    const taken = await takenPort(`node${index + 1}`, node);
    if (taken !== undefined) return fail(taken);
  }
  const { quorumRule, authentication, mac, readOnlyRequests, tentativeExecution, overlappedSync } = wishes;
  const made = generateCluster(directory, {
    nodes,
    lab: wishes.lab ?? true,
    openClients: true,
    ...(quorumRule === undefined ? {} : { quorumRule }),
    ...(authentication === undefined ? {} : { authentication }),
    ...(mac === undefined ? {} : { mac }),
    ...(readOnlyRequests === undefined ? {} : { readOnlyRequests }),
    ...(tentativeExecution === undefined ? {} : { tentativeExecution }),
    ...(overlappedSync === undefined ? {} : { overlappedSync }),
    application: application.value,
  });
  if (made.ok) return ok(undefined);
  const { error } = made;
  return fail([error.code === 'exists' ? `${directory} is not empty` : `cannot make ${directory}: ${error.reason}`]);
}

/** As the configuration has it: a name, or an absolute path, for each node's own file starts from its own folder. */
function applicationSetting(wish: string | undefined): Result<string, Refused> {
  const name = wish ?? 'ledger';
  if (name === 'ledger' || name === 'counter') return ok(name);
  const path = resolve(name);
  if (existsSync(path)) return ok(path);
  const nearest = nearestName(name, ['ledger', 'counter']);
  const hint = nearest === undefined ? 'give ledger, counter, or the path of a module' : `did you mean ${nearest}?`;
  return fail([`there is no application ${name}, and no file ${path}: ${hint}`]);
}

/** `count` free ports for each of two kinds, drawn at once so that none is drawn twice (all 0 where nobody asked for free ones). */
async function freePorts(
  firsts: readonly [number | undefined, number | undefined],
  count: number,
): Promise<readonly number[]> {
  return firsts.includes(0) ? findFreePorts(HOST, 2 * count) : Array.from({ length: 2 * count }, () => 0);
}

/** `first`, `first` + 1 …, as many as there are in `free`; those for 0. */
function portsFrom(first: number, free: readonly number[]): readonly number[] {
  return first === 0 ? free : free.map((_, index) => first + index);
}

async function takenPort(
  name: string,
  ports: { readonly httpPort: number; readonly peerPort: number },
): Promise<Refused | undefined> {
  const checks = [
    ['HTTP', '--port', ports.httpPort],
    ['links', '--peer-port', ports.peerPort],
  ] as const;
  for (const [what, option, port] of checks) {
    const problem = await portProblem(HOST, port);
    if (problem === undefined) continue;
    const why = problem === 'EADDRINUSE' ? 'is taken by another program' : `cannot be used (${problem})`;
    return [`port ${port} (${what} of ${name}) ${why}: end that program, or choose other ports with ${option}`];
  }
  return undefined;
}

async function openFolder(wishes: LocalClusterWishes): Promise<Result<readonly LocalNode[], Refused>> {
  const { directory } = wishes;
  const cluster = readClusterFile(join(directory, CLUSTER_FILE));
  if (!cluster.ok) {
    const reason = cluster.error.code === 'absent' ? 'it is gone' : cluster.error.reason;
    return fail([`cannot use ${cluster.error.file}: ${reason}`]);
  }
  const names = cluster.value.replicas.map(({ id }) => replicaName(id));
  const mismatch = differs(wishes, { ...cluster.value, nodes: names.length });
  if (mismatch !== undefined) return fail(mismatch);
  const changed = await applyChanges(wishes, names);
  if (!changed.ok) return changed;
  const nodes: LocalNode[] = [];
  for (const name of names) {
    const folder = join(directory, name);
    const config = loadNodeConfig(folder);
    if (!config.ok) return fail(refusedLines(describeConfigFault(config.error)));
    const { clusterId, self } = config.value;
    if (clusterId !== cluster.value.clusterId || replicaName(self) !== name) {
      const owner =
        clusterId === cluster.value.clusterId ? replicaName(self) : `${replicaName(self)} of another cluster`;
      return fail([`${folder} belongs to ${owner}, not to ${name} of this one: put the right folder there`]);
    }
    nodes.push({ name, directory: folder, config: config.value });
  }
  const runs = nodes[0]?.config.application;
  const [is, wished] = [runs?.kind === 'builtin' ? runs.name : runs?.path, wishes.application];
  if (wished !== undefined && is !== wished && is !== resolve(wished)) {
    return fail([`${directory} was made with --application ${is ?? 'ledger'}, not ${wished}: ${ELSEWHERE}`]);
  }
  return tooFewLogs(directory, nodes) ?? claimPorts(nodes);
}

/** Where too many nodes have lost their log nothing can be agreed on, and no node has to be started to see it. */
function tooFewLogs(directory: string, nodes: readonly LocalNode[]): Result<never, Refused> | undefined {
  const lost = nodes.filter((node) => hasLostLog(node.directory, node.config));
  const { quorum } = makeQuorums(nodes.length, nodes[0]?.config.quorumRule);
  if (nodes.length - lost.length >= quorum) return undefined;
  const names = lost.map(({ name }) => name).join(', ');
  return fail([
    `${names} in ${directory} have no log and are not new, and ${quorum} of ${nodes.length} nodes are needed: put their log/ back if you have it as it was last`,
    'one after the other can be brought back with `pbft recover` only while the others run; a new cluster: give another folder with --data',
  ]);
}

const ELSEWHERE = 'leave the option out, or give another folder with --data';

function differs(
  wishes: LocalClusterWishes,
  made: {
    readonly nodes: number;
    readonly quorumRule: QuorumRule;
    readonly authentication: AuthenticationMode;
    readonly mac: MacPrimitive;
    readonly readOnlyRequests: boolean;
    readonly tentativeExecution: boolean;
    readonly overlappedSync: boolean;
  },
): Refused | undefined {
  const settings = [
    ['--nodes', made.nodes, wishes.nodes],
    ['--quorum-rule', made.quorumRule, wishes.quorumRule],
    ['--authentication', made.authentication, wishes.authentication],
    ['--mac', made.mac, wishes.mac],
  ] as const;
  for (const [option, is, wished] of settings) {
    if (wished === undefined || wished === is) continue;
    return [`${wishes.directory} was made with ${option} ${is}, not ${wished}: ${ELSEWHERE}`];
  }
  if (wishes.readOnlyRequests === true && !made.readOnlyRequests)
    return [`${wishes.directory} was made without --read-only-requests: ${ELSEWHERE}`];
  if (wishes.tentativeExecution === true && !made.tentativeExecution)
    return [`${wishes.directory} was made without --tentative-execution: ${ELSEWHERE}`];
  if (wishes.overlappedSync === true && !made.overlappedSync)
    return [`${wishes.directory} was made without --overlapped-sync: ${ELSEWHERE}`];
  return undefined;
}

type Json = Record<string, unknown>;

/** Ports and lab mode are no part of what the nodes agreed on: they may change from one start to the next. */
async function applyChanges(wishes: LocalClusterWishes, names: readonly string[]): Promise<Result<undefined, Refused>> {
  const { directory, port, peerPort, lab } = wishes;
  if (port === undefined && peerPort === undefined && lab === undefined) return ok(undefined);
  const free = await freePorts([port, peerPort], names.length);
  const http = port === undefined ? undefined : portsFrom(port, free.slice(0, names.length));
  const peer = peerPort === undefined ? undefined : portsFrom(peerPort, free.slice(names.length));
  const withPorts = (replicas: readonly Json[]): readonly Json[] =>
    replicas.map((replica, index) => ({
      ...replica,
      ...(http === undefined ? {} : { http_url: `http://${HOST}:${http[index] ?? 0}` }),
      ...(peer === undefined ? {} : { peer_port: peer[index] ?? 0 }),
    }));
  // All are read before one is written: a damaged file leaves the folder as it was.
  let file = join(directory, CLUSTER_FILE);
  try {
    const cluster = JSON.parse(readFileSync(file, 'utf8')) as Json & { replicas: readonly Json[] };
    const changed: [string, object][] = [[file, { ...cluster, replicas: withPorts(cluster.replicas) }]];
    for (const [index, name] of names.entries()) {
      file = join(directory, name, NODE_FILES.config);
      const config = JSON.parse(readFileSync(file, 'utf8')) as Json & { http: Json; replicas: readonly Json[] };
      const httpPart = http === undefined ? config.http : { ...config.http, port: http[index] ?? 0 };
      const labPart = lab === undefined ? {} : { lab };
      changed.unshift([file, { ...config, ...labPart, http: httpPart, replicas: withPorts(config.replicas) }]);
    }
    for (const [path, content] of changed) {
      file = path;
      writeJson(file, content);
    }
    return ok(undefined);
  } catch (error) {
    return fail([`cannot change ${file}: ${error instanceof Error ? error.message : String(error)}`]);
  }
}

/** How long the replicas of an `up` that was killed may take to notice and end. */
const ORPHANS_END_MS = 6000;

/** Waits for replicas that are about to end with their killed `up`, then makes sure that all ports are free. */
async function claimPorts(nodes: readonly LocalNode[]): Promise<Result<readonly LocalNode[], Refused>> {
  const deadline = Date.now() + ORPHANS_END_MS;
  for (const node of nodes) {
    for (let holder = lockHolder(node.directory); holder !== undefined; holder = lockHolder(node.directory)) {
      const inUse = `${node.directory} is in use by process ${holder}`;
      // One that was paused by a lab, and outlived it, does not hear that it is to end.
      if (isStopped(holder))
        return fail([
          `${inUse}, which is stopped: let it end with \`kill -CONT ${holder}\`, or end it with \`kill -KILL ${holder}\``,
        ]);
      if (Date.now() > deadline) return fail([`${inUse}: end it first`]);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  const seen = new Set<number>();
  for (const { name, config } of nodes) {
    const [httpPort, peerPort] = [config.http.port, config.replicas[config.self]?.peerPort ?? config.peer.port];
    for (const port of [httpPort, peerPort]) {
      if (seen.has(port)) return fail([`port ${port} would be used twice: choose others with --port or --peer-port`]);
      seen.add(port);
    }
    const taken = await takenPort(name, { httpPort, peerPort });
    if (taken !== undefined) return fail(taken);
  }
  return ok(nodes);
}

function refusedLines([first = 'the configuration is not usable', ...more]: readonly string[]): Refused {
  return [first, ...more];
}
