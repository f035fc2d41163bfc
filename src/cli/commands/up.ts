/** `pbft up`: a whole cluster on this machine, one process per node, kept running until it is ended. */
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Option } from 'commander';
import type { Command } from 'commander';
import type { LabNodeAction } from '../../api/index.ts';
import { MAC_PRIMITIVES } from '../../protocol/config.ts';
import type { AuthenticationMode, MacPrimitive } from '../../protocol/config.ts';
import { makeQuorums, MAX_REPLICAS } from '../../protocol/quorum.ts';
import type { QuorumRule } from '../../protocol/quorum.ts';
import {
  configWarnings,
  FIRST_HTTP_PORT,
  FIRST_PEER_PORT,
  LOCAL_NODE_COUNT,
  NEW_CLUSTER_MAC,
} from '../../server/config/index.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { DATA_DIRECTORY } from '../find-cluster.ts';
import { callNode, errorOf } from '../http-call.ts';
import { LabDesk } from '../lab-desk.ts';
import { prepareLocalCluster } from '../local-cluster.ts';
import type { LocalCluster, LocalNode } from '../local-cluster.ts';
import { supervisedNodeArgs } from '../node-command.ts';
import { integerBetween } from '../options.ts';
import type { End } from '../options.ts';
import { LOG_FILE, Supervisor } from '../supervisor.ts';
import type { SupervisorEvent } from '../supervisor.ts';
import { formatTable } from '../table.ts';
import { printable, terminal } from '../terminal.ts';

interface UpOptions {
  readonly nodes?: number;
  readonly port?: number;
  readonly peerPort?: number;
  readonly data: string;
  readonly lab?: boolean;
  readonly quorumRule?: QuorumRule;
  readonly authentication?: AuthenticationMode;
  readonly mac?: MacPrimitive;
  readonly readOnlyRequests?: boolean;
  readonly tentativeExecution?: boolean;
  readonly overlappedSync?: boolean;
  readonly application?: string;
}

const HELP = `
Everything that the nodes agree on is kept in the data folder. Run pbft up again
with the same folder, and the cluster goes on where it was; what it was made with
(nodes, quorum rule, authentication, MACs, read-only requests, application) stays.

A node that dies is started again; one that dies five times within a minute stays
down. Ctrl-C ends all nodes.

Each node's log is in <data>/nodeN/${LOG_FILE}, its process id in <data>/nodeN/pid.

Examples:
  pbft up
  pbft up --nodes 7 --data seven --port 8101 --peer-port 7101
  pbft up --nodes 3 --quorum-rule 2f+1 --data unsafe     unsafe on purpose, and says why`;

export function addUpCommand(program: Command, end: End): void {
  program
    .command('up')
    .description('run a local cluster, one process per node, until Ctrl-C')
    .option(
      '--nodes <n>',
      `number of nodes, 1 to ${MAX_REPLICAS} (default: ${LOCAL_NODE_COUNT})`,
      integerBetween(1, MAX_REPLICAS),
    )
    .option(
      '--port <port>',
      `HTTP port of node1, the other nodes take the next ones; 0 takes free ones (default: ${FIRST_HTTP_PORT})`,
      integerBetween(0, 65_535),
    )
    .option(
      '--peer-port <port>',
      `port of node1 for links, the other nodes take the next ones; 0 takes free ones (default: ${FIRST_PEER_PORT})`,
      integerBetween(0, 65_535),
    )
    .option('--data <directory>', 'folder in which everything is kept; made if it is not there', DATA_DIRECTORY)
    .option('--lab', 'let nodes be told to misbehave (the default in a new folder)')
    .option('--no-lab', 'turn lab mode off')
    .addOption(
      new Option('--quorum-rule <rule>', 'what makes a quorum; intersecting if not given').choices([
        'intersecting',
        '2f+1',
      ]),
    )
    .addOption(
      new Option('--authentication <mode>', 'what proves who sent a message; mac if not given').choices([
        'mac',
        'signature',
      ]),
    )
    .addOption(
      new Option('--mac <primitive>', `how MACs are made; ${NEW_CLUSTER_MAC} if not given`).choices(MAC_PRIMITIVES),
    )
    .option(
      '--read-only-requests',
      'answer read-only requests without ordering them; every result then takes a quorum of replies',
    )
    .option(
      '--tentative-execution',
      'tell clients what a request comes to before it is committed; they then wait for a quorum that says so',
    )
    .option('--overlapped-sync', 'let a primary propose before its vote is on disk; when it starts again its view ends')
    .option('--application <name>', 'ledger, counter, or the path of a module of your own (default: ledger)')
    .addHelpText('after', HELP)
    .action(async (options: UpOptions) => end(await run(options)));
}

async function run(options: UpOptions): Promise<ExitCode> {
  const startedAt = Date.now();
  const { nodes, port, peerPort, lab, quorumRule, authentication, mac, application } = options;
  const { readOnlyRequests, tentativeExecution, overlappedSync } = options;
  const ports = { directory: options.data, nodes, port, peerPort };
  const switches = { readOnlyRequests, tentativeExecution, overlappedSync };
  const wishes = { ...ports, lab, quorumRule, authentication, mac, ...switches, application };
  const prepared = await prepareLocalCluster(wishes);
  if (!prepared.ok) return terminal.fail(EXIT.usage, ...prepared.error);
  const cluster = prepared.value;
  for (const warning of new Set(cluster.nodes.flatMap(({ config }) => configWarnings(config)))) terminal.warn(warning);
  const run = new LocalRun(cluster, options.data);
  const ended = run.untilEnded();
  process.once('uncaughtException', (error) => run.fail(error));
  const problem = await run.start().catch((error: unknown) => run.fail(error));
  if (problem !== undefined) {
    await run.stop();
    return terminal.fail(EXIT.usage, ...problem);
  }
  if (!run.ending) printReady(cluster, options.data, Date.now() - startedAt);
  await ended;
  return EXIT.done;
}

const READY_WITHIN_MS = 45_000;
const LOOK_AGAIN_MS = 100;

/** One run of a local cluster, from its start to its end. */
class LocalRun {
  readonly #cluster: LocalCluster;
  readonly #data: string;
  readonly #supervisor: Supervisor;
  readonly #desk: LabDesk;
  readonly #down = new Set<string>();
  /** What a node said when it ended last. */
  readonly #why = new Map<string, readonly string[]>();
  /** Until the cluster has come up, deaths are told only if they matter. */
  #isUp = false;
  #ending: Promise<void> | undefined;

  constructor(cluster: LocalCluster, data: string) {
    this.#cluster = cluster;
    this.#data = data;
    const supervised = cluster.nodes.map(({ name, directory }) => ({
      name,
      directory,
      args: supervisedNodeArgs(directory),
    }));
    this.#supervisor = new Supervisor(supervised, {
      onEvent: (event) => this.#onEvent(event),
      onRequest: (node, request) => this.#desk.onRequest(node, request),
    });
    this.#desk = new LabDesk({
      nodes: cluster.nodes.map(({ name }) => name),
      inLab: new Set(cluster.nodes.filter(({ config }) => config.lab).map(({ name }) => name)),
      supervisor: this.#supervisor,
    });
  }

  get ending(): boolean {
    return this.#ending !== undefined;
  }

  /** Resolves when a signal has come and all nodes have ended. A second signal ends them at once. */
  async untilEnded(): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = (): void => {
        if (this.#ending !== undefined) return this.#supervisor.kill();
        terminal.note('ending …');
        void this.stop().then(resolve);
        return undefined;
      };
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
      onOrphaned(end);
    });
  }

  /** Starts all nodes and waits until each serves; what to tell when too few of them do. */
  async start(): Promise<readonly [string, ...string[]] | undefined> {
    const { nodes } = this.#cluster;
    const [first] = nodes;
    const { quorum } = makeQuorums(nodes.length, first?.config.quorumRule);
    this.#supervisor.start();
    const deadline = Date.now() + READY_WITHIN_MS;
    let waiting: ReadonlyMap<string, string> = new Map();
    while (!this.ending && Date.now() < deadline) {
      waiting = await notReady(nodes, this.#supervisor.ready);
      if (waiting.size === 0) break;
      if (nodes.length - this.#down.size < quorum) break;
      if ([...waiting.keys()].every((name) => this.#down.has(name))) break;
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
    this.#isUp = true;
    if (this.ending || waiting.size === 0) return undefined;
    const lines = [...waiting].flatMap(([name, reason]) => [`${name}: ${reason}`, ...(this.#why.get(name) ?? [])]);
    if (nodes.length - waiting.size < quorum) {
      return [
        `${waiting.size} of ${nodes.length} nodes did not start, and ${quorum} are needed; logs: ${this.#logs()}`,
        ...lines,
      ];
    }
    for (const line of lines) terminal.warn(line);
    return undefined;
  }

  async stop(): Promise<void> {
    this.#ending ??= this.#supervisor.stop().then(() => this.#cluster.lock.release());
    return this.#ending;
  }

  /** Something that nobody caught: no node is left behind, not even a paused one, which would not hear that this process is gone. */
  fail(error: unknown): never {
    this.#supervisor.kill();
    this.#cluster.lock.release();
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const [first = '', ...more] = text.split('\n').map(printable);
    terminal.fail(EXIT.refused, `this is a bug in pbft, please report it: ${first}`, ...more);
    terminal.note('all nodes were ended; their data stays, and `pbft up` goes on with it');
    process.exit(EXIT.refused);
  }

  #onEvent(event: SupervisorEvent): void {
    switch (event.kind) {
      case 'ready':
        if (event.restarted) terminal.note(`${event.node} is back (process ${event.pid})`);
        return;
      case 'ordered':
        if (event.action === 'kill' || event.action === 'restart') this.#desk.onEnded(event.node);
        terminal.note(`lab: ${event.node} ${ORDERED[event.action]}`);
        return;
      case 'misspoke':
        terminal.warn(
          `the process of ${event.node} sends \`pbft up\` what is no report of a node, and none of it is acted on: does its application call process.send?`,
        );
        return;
      case 'died':
        this.#desk.onEnded(event.node);
        this.#why.set(event.node, event.why);
        if (this.#isUp)
          terminal.note([`${event.node} died (${event.how}) and is started again`, ...event.why].join(': '));
        return;
      case 'down':
        this.#desk.onEnded(event.node);
        this.#down.add(event.node);
        this.#why.set(event.node, event.why);
        terminal.warn(
          [`${event.node} died ${event.deaths} times within a minute and stays down`, ...event.why].join(': '),
        );
        terminal.note(
          `  its log: ${join(this.#data, event.node, LOG_FILE)}; after mending it, end this and run \`pbft up\` again`,
        );
    }
  }

  #logs(): string {
    return join(this.#data, 'node*', LOG_FILE);
  }
}

const ORDERED: Readonly<Record<LabNodeAction, string>> = {
  kill: 'is killed, and stays down until it is restarted',
  restart: 'is restarted',
  pause: 'is paused',
  resume: 'goes on',
};

const PARENT_CHECK_MS = 500;

/** npm passes a signal on to its shell only, and the shell not to us: when that has ended, whoever started us meant us. */
function onOrphaned(end: () => void): void {
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    end();
  }, PARENT_CHECK_MS);
  watch.unref();
}

/** The nodes that do not serve yet, each with the reason. */
async function notReady(nodes: readonly LocalNode[], started: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const answers = await Promise.all(
    nodes.map(async ({ name, config }) => {
      if (!started.includes(name)) return [[name, 'its process has not started to listen'] as const];
      const outcome = await callNode({ method: 'GET', url: `${urlOf(config)}/readyz`, timeoutMs: 1000 });
      if (outcome.kind !== 'answer') return [[name, outcome.reason] as const];
      return outcome.status === 200
        ? []
        : [[name, errorOf(outcome.body)?.message ?? `HTTP ${outcome.status}`] as const];
    }),
  );
  return new Map(answers.flat());
}

function urlOf(config: LocalNode['config']): string {
  return config.replicas[config.self]?.httpUrl ?? '';
}

function printReady({ nodes, created }: LocalCluster, data: string, tookMs: number): void {
  const [first] = nodes;
  if (first === undefined) return;
  const { config } = first;
  const { replicaCount: n, faultLimit: f, quorum } = makeQuorums(nodes.length, config.quorumRule);
  const where = relative(process.cwd(), data) === data ? `./${data}` : data;
  const nodesOf = `${n} ${n === 1 ? 'node' : 'nodes'}`;
  terminal.line(
    `${terminal.style('bold', `A cluster of ${nodesOf}`)} runs, ready after ${(tookMs / 1000).toFixed(1)} s; f = ${f}, quorum ${quorum}${config.lab ? ', lab mode' : ''}.`,
  );
  terminal.line(`${created ? 'New data' : 'Its data goes on'} in ${where}.`);
  terminal.line();
  const rows = nodes.map((node) => ['', node.name, urlOf(node.config), `process ${pidOf(node)}`]);
  for (const line of formatTable(rows)) terminal.line(line);
  terminal.line();
  terminal.line('In a browser, from any node:');
  terminal.line();
  for (const line of formatTable(pagesOf(urlOf(config)))) terminal.line(line);
  terminal.line();
  terminal.line('Or in another terminal:');
  terminal.line();
  for (const command of commandsToTry(nodes)) terminal.line(`  ${terminal.style('cyan', command)}`);
  terminal.line();
  terminal.line('Ctrl-C ends it; the data stays.');
}

function pagesOf(url: string): readonly (readonly string[])[] {
  return [
    ['', `${url}/`, 'dashboard: the cluster as it runs'],
    ['', `${url}/lab`, 'lab: the protocol in the browser, to step through and break'],
    ['', `${url}/docs`, 'the HTTP API, to read and try'],
  ];
}

function pidOf({ directory }: LocalNode): string {
  const file = join(directory, 'pid');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : 'none';
}

/** Three commands that work as they stand: look, order something, break something (or look again, where nothing may be broken). */
export function commandsToTry(nodes: readonly Pick<LocalNode, 'config' | 'name'>[]): readonly string[] {
  const [first] = nodes;
  if (first === undefined) return [];
  const url = urlOf(first.config);
  const json = "-H 'Content-Type: application/json'";
  const second = nodes[1];
  const last =
    first.config.lab && second !== undefined
      ? `curl -s -X POST ${url}/pbft/simulate-byzantine ${json} -d '{"node_id":"${second.name}"}'`
      : `curl -s ${urlOf(second?.config ?? first.config)}/pbft/log`;
  return [`curl -s ${url}/pbft/status`, ...orderSomething(first, `${json} -d`), last];
}

/** An operation of an application that we know; what another one understands, its author knows. */
function orderSomething({ config }: Pick<LocalNode, 'config'>, dataOption: string): readonly string[] {
  if (config.application.kind === 'module') return [`curl -s ${urlOf(config)}/readyz`];
  const operation =
    config.application.name === 'counter' ? '{"operation":"increment"}' : '{"operation":"transfer","amount":100}';
  return [`curl -s -X POST '${urlOf(config)}/pbft/request?wait=true' ${dataOption} '${operation}'`];
}
