/** Real nodes on loopback with the defaults of `pbft init`, as processes of `pbft start`, for a benchmark that measures them. Whatever happens, nothing of them stays. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePorts } from '../../src/cli/ports.ts';
import { PbftClient } from '../../src/client/index.ts';
import { Identity } from '../../src/node/index.ts';
import { describeCluster, generateCluster, readClusterFile } from '../../src/server/config/index.ts';

const HOST = '127.0.0.1';
const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');
const STARTED_WITHIN_MS = 600_000;
const OPERATION = Buffer.from('{"operation":"transfer","amount":1}');

export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

export class RealCluster {
  /** Origins of the nodes' HTTP, in order. */
  readonly urls: readonly string[];
  readonly #data: string;
  readonly #children: readonly ChildProcess[];

  private constructor(urls: readonly string[], data: string, children: readonly ChildProcess[]) {
    this.urls = urls;
    this.#data = data;
    this.#children = children;
  }

  /** Makes and starts `count` nodes; resolves when every one is ready. They end with this process. */
  static async start(count: number): Promise<RealCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'pbft-bench-'));
    const data = join(folder, 'data');
    const children: ChildProcess[] = [];
    process.on('exit', () => {
      for (const child of children) child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
    const ports = await findFreePorts(HOST, 2 * count);
    const nodes = Array.from({ length: count }, (_, index) => ({
      host: HOST,
      httpPort: ports[2 * index] ?? 0,
      peerPort: ports[2 * index + 1] ?? 0,
    }));
    const made = generateCluster(data, { nodes, openClients: true });
    if (!made.ok) throw new Error(`cannot make ${data}: ${made.error.code}`);
    for (let index = 1; index <= count; index += 1) {
      const args = [MAIN, 'start', '--directory', join(data, `node${index}`)];
      children.push(spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] }));
    }
    const urls = nodes.map(({ httpPort }) => `http://${HOST}:${httpPort}`);
    const deadline = Date.now() + STARTED_WITHIN_MS;
    for (const url of urls) {
      while (!(await isReady(`${url}/readyz`))) {
        if (Date.now() > deadline) throw new Error('the nodes do not become ready');
        await pause(200);
      }
    }
    return new RealCluster(urls, data, children);
  }

  /** Process ids, in the order of the nodes. */
  get pids(): readonly number[] {
    return this.#children.flatMap(({ pid }) => pid ?? []);
  }

  /** Requests of `sessions` clients, each one after the other, as long as `goesOn`; how many were executed. */
  async load(sessions: number, goesOn: (done: number) => boolean): Promise<number> {
    const read = readClusterFile(join(this.#data, 'cluster.json'));
    if (!read.ok) throw new Error(JSON.stringify(read.error));
    const client = new PbftClient({ cluster: describeCluster(read.value), identity: Identity.generate(), sessions });
    let [begun, done] = [0, 0];
    const work = async (): Promise<void> => {
      while (goesOn(begun)) {
        begun += 1;
        const outcome = await client.submit(OPERATION, { timeoutMs: 60_000 });
        if (outcome.kind !== 'executed') throw new Error(`a request ended as ${outcome.kind}`);
        done += 1;
      }
    };
    await Promise.all(Array.from({ length: sessions }, work));
    await client.close();
    return done;
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
