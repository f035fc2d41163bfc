/** Real processes for the tests of this folder: the command line as a user starts it, in a folder of its own that goes away afterwards. */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { StatusBody } from '../../src/api/index.ts';
import { findFreePorts } from '../../src/cli/ports.ts';
import { generateCluster } from '../../src/server/config/index.ts';
import { must } from '../support/must.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');

/** How one run of the command line ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface CliOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly shell?: boolean;
  /** A command that runs ours: `nsenter`, say. */
  readonly within?: readonly string[];
}

/** A run of the command line that goes on. */
export class CliProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], options: CliOptions) {
    const clean = {
      PBFT_URL: '',
      PBFT_TOKEN: '',
      NO_COLOR: '1',
      FORCE_COLOR: undefined,
      npm_lifecycle_event: undefined,
    };
    const env = { ...process.env, ...clean, ...options.env };
    const command = [...(options.within ?? []), process.execPath, MAIN, ...args];
    // The colon keeps the shell from becoming the command itself.
    const [file = '', ...rest] = options.shell === true ? ['sh', '-c', '"$@"; :', 'sh', ...command] : command;
    this.child = spawn(file, rest, { cwd: options.cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code, signal) => resolve({ code, signal, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}

/** Polls until `probe` gives something else than undefined or false. Rejects at the deadline, with `what` and the last error. */
export async function eventually<Value>(
  what: string,
  probe: () => Value | undefined | false | Promise<Value | undefined | false>,
  withinMs = 15_000,
): Promise<Value> {
  const deadline = Date.now() + withinMs;
  let problem: unknown;
  do {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      problem = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  } while (Date.now() < deadline);
  const why = problem instanceof Error ? ` (${problem.message})` : '';
  throw new Error(`not within ${withinMs} ms: ${what}${why}`, { cause: problem });
}

/** True while the process exists. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** What a node answered over HTTP. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON; the tests look into it with matchers. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** A folder for one test: commands run in it, and nothing of it is left at the end. */
export class Workplace {
  readonly folder = mkdtempSync(join(tmpdir(), 'pbft-e2e-'));
  /** Variables for every command, besides its own. */
  environment: Readonly<Record<string, string>> = {};
  readonly #running: CliProcess[] = [];

  /** Starts a command and does not wait for it. */
  start(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    within: readonly string[] = [],
  ): CliProcess {
    const started = new CliProcess(args, { cwd: this.folder, env: { ...this.environment, ...env }, within });
    this.#running.push(started);
    return started;
  }

  /** Starts a command as the child of a shell, which is what gets the signals. */
  startInShell(args: readonly string[], env: Readonly<Record<string, string>>): CliProcess {
    const started = new CliProcess(args, { cwd: this.folder, env: { ...this.environment, ...env }, shell: true });
    this.#running.push(started);
    return started;
  }

  /** Runs a command to its end. */
  async run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    return this.start(args, env).ended;
  }

  /** `pbft up` on free ports, once it has said that it is ready: on a busy machine it gives its nodes 45 s. */
  async up(...options: readonly string[]): Promise<CliProcess> {
    const ports = existsSync(join(this.folder, 'pbft-data')) ? [] : ['--port', '0', '--peer-port', '0'];
    const running = this.start(['up', ...ports, ...options]);
    const ready = eventually('`pbft up` is ready', () => running.stdout.includes('Ctrl-C ends it'), 60_000);
    const early = running.ended.then(({ code, stderr }): never => {
      throw new Error(`\`pbft up\` ended with ${code}: ${stderr}`);
    });
    await Promise.race([ready, early]);
    early.catch(() => undefined);
    await this.#makeSureOfAll(running);
    return running;
  }

  /** `up` is content with a quorum; a test of this folder is not, and says what the others lack. */
  async #makeSureOfAll(running: CliProcess): Promise<void> {
    for (const [index, url] of this.urls().entries()) {
      const name = `node${index + 1}`;
      const { body } = await call(`${url}/pbft/status`, {}).catch((cause: unknown): never => {
        throw new Error(`${name} does not serve at ${url}; \`pbft up\` said: ${running.stderr}`, { cause });
      });
      if (body['node_id'] !== name) throw new Error(`${url} is ${String(body['node_id'])}, not ${name}`);
    }
  }

  /** The folder of a cluster that never ran, as `pbft up` makes it. */
  async makeFolder(): Promise<void> {
    const ports = await findFreePorts('127.0.0.1', 8);
    const nodes = [0, 1, 2, 3].map((index) => ({
      host: '127.0.0.1',
      httpPort: ports[index] ?? 0,
      peerPort: ports[index + 4] ?? 0,
    }));
    must(generateCluster(join(this.folder, 'pbft-data'), { nodes, lab: true, openClients: true }));
  }

  /** `pbft start` for each of these nodes of a folder that is there, until all are ready; `within`: the command that runs one of them. */
  async startNodes(names: readonly string[], within: (name: string) => readonly string[] = () => []): Promise<void> {
    const started = names.map((name) =>
      this.start(['start', '--directory', join(this.folder, 'pbft-data', name)], {}, within(name)),
    );
    const ready = names.map(async (name) => this.ready(name));
    const early = started.map(async ({ ended }): Promise<never> => {
      const { code, stderr } = await ended;
      throw new Error(`a node ended with ${code}: ${stderr}`);
    });
    for (const each of [...early, ...ready]) each.catch(() => undefined);
    await Promise.race([Promise.all(ready), ...early]);
  }

  /** Settings of a node that does not run. */
  tune(name: string, tuning: Readonly<Record<string, number>>): void {
    this.#configure(name, (config) => ({ tuning: { ...config.tuning, ...tuning } }));
  }

  /** Changes settings of a node's configuration; it reads them when it starts. */
  set(name: string, settings: Readonly<Record<string, number>>): void {
    this.#configure(name, () => settings);
  }

  #configure(name: string, changed: (config: { readonly tuning?: object }) => object): void {
    const file = join(this.folder, 'pbft-data', name, 'config.json');
    const config = JSON.parse(readFileSync(file, 'utf8')) as { readonly tuning?: object };
    writeFileSync(file, JSON.stringify({ ...config, ...changed(config) }));
  }

  /** Runs each command in a shell, one after the other; what each printed. */
  async shell(commands: readonly string[]): Promise<readonly string[]> {
    const outputs: string[] = [];
    for (const command of commands)
      outputs.push((await promisify(execFile)('sh', ['-c', command], { cwd: this.folder })).stdout);
    return outputs;
  }

  /** HTTP origins of the nodes, in order. */
  urls(): readonly string[] {
    const file = JSON.parse(readFileSync(join(this.folder, 'pbft-data/cluster.json'), 'utf8')) as {
      replicas: { http_url: string }[];
    };
    return file.replicas.map(({ http_url: url }) => url);
  }

  /** HTTP origin of `node1`, `node2` … */
  url(name: string): string {
    return this.urls()[Number(name.slice(4)) - 1] ?? '';
  }

  /** Process id of a node, as it keeps it. */
  pid(name: string): number {
    return Number(readFileSync(join(this.folder, 'pbft-data', name, 'pid'), 'utf8'));
  }

  /** Process ids of all nodes that are there. */
  pids(): readonly number[] {
    const data = join(this.folder, 'pbft-data');
    const files = existsSync(data) ? readdirSync(data).map((name) => join(data, name, 'pid')) : [];
    return files.filter((file) => existsSync(file)).map((file) => Number(readFileSync(file, 'utf8')));
  }

  /** The power of all nodes goes at once, and that of `pbft up` with them. */
  async killAll(up: CliProcess): Promise<void> {
    const pids = this.pids();
    up.signal('SIGKILL');
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await up.ended;
    await eventually('all have ended', () => !pids.some(isAlive));
  }

  async get(name: string, path: string): Promise<Answer> {
    return call(`${this.url(name)}${path}`, {});
  }

  async post(
    name: string,
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    return call(`${this.url(name)}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  }

  /** Until a node takes part. It serves before that; a request given to it then may be refused, to be sent again. */
  async ready(name: string): Promise<unknown> {
    return eventually(`${name} is ready`, async () => (await this.get(name, '/readyz')).status === 200, 60_000);
  }

  async status(name: string): Promise<StatusBody> {
    const { body } = await this.get(name, '/pbft/status');
    return body as StatusBody;
  }

  async statuses(): Promise<readonly StatusBody[]> {
    return Promise.all(this.urls().map(async (_, index) => this.status(`node${index + 1}`)));
  }

  /** All nodes at one root, which covers everything that was executed. */
  async sameRoots(withinMs = 15_000): Promise<readonly StatusBody[]> {
    return eventually(
      'all nodes at the same root',
      async () => {
        const all = await this.statuses();
        const [first] = all;
        const same = all.every(
          (status) =>
            status.state_root === first?.state_root &&
            status.state_root_sequence === status.last_executed &&
            status.last_executed === first.last_executed,
        );
        return same && all;
      },
      withinMs,
    );
  }

  /** What `account` has, as the nodes agree on it; waits for a node that is not ready yet. */
  async balance(name: string, account: string): Promise<number> {
    return eventually(`${name} tells the balance of ${account}`, async () => {
      const { body } = await this.post(name, '/pbft/request?wait=true', { operation: 'balance', account });
      const found = (body['result'] as { balance: number } | undefined)?.balance;
      // 0 is a balance too, and no reason to ask again.
      return found === undefined ? undefined : { found };
    }).then(({ found }) => found);
  }

  /** Ends whatever still runs, and removes the folder. */
  async clear(): Promise<void> {
    for (const running of this.#running) {
      if (running.child.exitCode === null && running.child.signalCode === null) running.signal('SIGTERM');
    }
    await Promise.all(this.#running.map(async ({ ended }) => ended));
    await eventually('no node is left', () => !this.pids().some(isAlive));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function call(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(30_000) });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: JSON.parse(text) as Answer['body'] };
}
