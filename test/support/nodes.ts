/** Real nodes in one process: their own directories, keys, logs, TCP links and HTTP doors on loopback. Everything is gone at the end. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { generateCluster } from '../../src/server/config/index.ts';
import type { ClusterPlan } from '../../src/server/config/index.ts';
import { startNode } from '../../src/server/index.ts';
import type { NodeOptions, RunningNode } from '../../src/server/index.ts';
import { must } from './must.ts';

const HOST = '127.0.0.1';

/** What a node answered. `json` is undefined where the body is none. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: unknown;
}

type Json = Readonly<Record<string, unknown>>;

/** Ports nobody listens on just now. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => {
        server.listen(0, HOST, resolve);
      });
      return server;
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map(async (server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Polls until `probe` gives something else than undefined or false; fails at the deadline and says what did not come. */
export async function eventually<Value>(
  what: string,
  probe: () => Promise<Value | undefined | false> | Value | undefined | false,
  withinMs = 10_000,
): Promise<Value> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export type TestPlan = Omit<ClusterPlan, 'nodes'> & { readonly nodes?: number };

export class TestCluster {
  readonly folder: string;
  readonly #running = new Map<string, RunningNode>();
  readonly #options: Partial<NodeOptions>;

  private constructor(folder: string, options: Partial<NodeOptions>) {
    this.folder = folder;
    this.#options = options;
  }

  /** Makes a cluster in a new folder and starts all its nodes; ready when each has a quorum. */
  static async start({ nodes = 4, ...plan }: TestPlan = {}, options: Partial<NodeOptions> = {}): Promise<TestCluster> {
    const cluster = await TestCluster.make({ nodes, ...plan }, options);
    try {
      await Promise.all(cluster.names.map(async (name) => cluster.startNode(name)));
      await cluster.ready();
      return cluster;
    } catch (error) {
      await cluster.end();
      throw error;
    }
  }

  /** The same without starting any. */
  static async make({ nodes = 4, ...plan }: TestPlan = {}, options: Partial<NodeOptions> = {}): Promise<TestCluster> {
    const parent = mkdtempSync(join(tmpdir(), 'pbft-test-'));
    const ports = await freePorts(2 * nodes);
    const places = Array.from({ length: nodes }, (_, index) => ({
      host: HOST,
      peerPort: ports[2 * index] ?? 0,
      httpPort: ports[2 * index + 1] ?? 0,
    }));
    must(generateCluster(join(parent, 'data'), { lab: true, ...plan, nodes: places }));
    return new TestCluster(parent, options);
  }

  get names(): readonly string[] {
    const file = JSON.parse(readFileSync(join(this.folder, 'data/cluster.json'), 'utf8')) as { replicas: unknown[] };
    return file.replicas.map((_, index) => `node${index + 1}`);
  }

  directory(name: string): string {
    return join(this.folder, 'data', name);
  }

  /** Changes a node's config.json before its start. */
  configure(name: string, change: (config: Record<string, unknown>) => void): void {
    const file = join(this.directory(name), 'config.json');
    const config = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    change(config);
    writeFileSync(file, JSON.stringify(config));
  }

  async startNode(name: string): Promise<RunningNode> {
    const logger = pino({ level: 'silent' });
    const node = must(await startNode({ directory: this.directory(name), logger, ...this.#options }));
    this.#running.set(name, node);
    return node;
  }

  async stopNode(name: string): Promise<void> {
    await this.#running.get(name)?.stop();
    this.#running.delete(name);
  }

  node(name: string): RunningNode {
    const node = this.#running.get(name);
    if (node === undefined) throw new Error(`${name} does not run`);
    return node;
  }

  /** Until every running node says that it is ready. */
  async ready(): Promise<void> {
    for (const name of this.#running.keys()) {
      await eventually(`${name} is ready`, async () => (await this.get(name, '/readyz')).status === 200);
    }
  }

  /** Until the client behind every node's HTTP API has a link to every node: before that a reply may find no way, and nobody misses it. */
  async clientsLinked(): Promise<void> {
    for (const name of this.#running.keys()) {
      await eventually(`the clients of all nodes have a link to ${name}`, async () => {
        const { text } = await this.get(name, '/metrics');
        const linked = /^pbft_connected_clients(?:\{.*\})? (\d+)$/m.exec(text)?.[1];
        return Number(linked) >= this.#running.size;
      });
    }
  }

  async get(name: string, path: string, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
    return call(`${this.node(name).httpUrl}${path}`, { headers });
  }

  /** `body`: a text goes out as it is, anything else as JSON. */
  async post(
    name: string,
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<HttpAnswer> {
    return call(`${this.node(name).httpUrl}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  /** Any call; `path` begins with a slash. */
  async fetch(name: string, path: string, init: RequestInit): Promise<HttpAnswer> {
    return call(`${this.node(name).httpUrl}${path}`, init);
  }

  async status(name: string): Promise<Json> {
    return (await this.get(name, '/pbft/status')).json as Json;
  }

  /** Orders an operation through a node and gives its result. */
  async execute(name: string, operation: Json, headers: Readonly<Record<string, string>> = {}): Promise<Json> {
    const { json } = await this.post(name, '/pbft/request?wait=true', operation, headers);
    return json as Json;
  }

  /** Stops everything and removes the folder. */
  async end(): Promise<void> {
    await Promise.all([...this.#running.values()].map(async (node) => node.stop()));
    this.#running.clear();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function call(url: string, init: RequestInit): Promise<HttpAnswer> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(20_000) });
  const text = await response.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: response.status, headers: response.headers, text, json };
}
