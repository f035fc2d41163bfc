/**
 * What a cluster costs that has nothing to do: `node bench/idle.ts [NODES] [SECONDS] [--json]`. Real nodes on loopback with the defaults of `pbft init`
 * execute a few requests and settle; then nobody asks for anything. Prints the CPU time that each takes, user and system of all its threads, and how often its
 * main thread wakes. Linux only (`/proc`).
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuUs } from '../src/bench/process-usage.ts';
import { findFreePorts } from '../src/cli/ports.ts';
import { PbftClient } from '../src/client/index.ts';
import { Identity } from '../src/node/index.ts';
import { describeCluster, generateCluster, readClusterFile } from '../src/server/config/index.ts';
import { describeHost, print } from './support/report.ts';

const HOST = '127.0.0.1';
const MAIN = join(import.meta.dirname, '../src/cli/main.ts');
const REQUESTS = 100;
/** After the last request: idle checkpoint, collection, and what the engine compiles. */
const SETTLE_MS = 20_000;
const STARTED_WITHIN_MS = 600_000;

const [count = 4, seconds = 60] = process.argv
  .slice(2)
  .filter((word) => /^\d+$/.test(word))
  .map(Number);
const folder = mkdtempSync(join(tmpdir(), 'pbft-idle-'));
const data = join(folder, 'data');
const children: ChildProcess[] = [];

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** Makes and starts the cluster; resolves when every node is ready. */
async function start(): Promise<void> {
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
  const deadline = Date.now() + STARTED_WITHIN_MS;
  for (const { httpPort } of nodes) {
    while (!(await isReady(`http://${HOST}:${httpPort}/readyz`))) {
      if (Date.now() > deadline) throw new Error('the nodes do not become ready');
      await pause(200);
    }
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

/** Some requests, one after the other. */
async function load(): Promise<void> {
  const read = readClusterFile(join(data, 'cluster.json'));
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  const client = new PbftClient({ cluster: describeCluster(read.value), identity: Identity.generate() });
  for (let left = REQUESTS; left > 0; left -= 1) {
    const outcome = await client.submit(Buffer.from('{"operation":"transfer","amount":1}'), { timeoutMs: 60_000 });
    if (outcome.kind !== 'executed') throw new Error(`a request ended as ${outcome.kind}`);
  }
  await client.close();
}

/** Times that the main thread of a process began to wait, since it began. */
function waits(pid: number): number {
  const text = readFileSync(`/proc/${pid}/task/${pid}/status`, 'utf8');
  return Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(text)?.[1]);
}

/** However it ends, nothing stays. */
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

await measure();
process.exit(0);

async function measure(): Promise<void> {
  await start();
  await load();
  await pause(SETTLE_MS);
  const pids = children.flatMap(({ pid }) => pid ?? []);
  const look = (): readonly { readonly us: number; readonly waits: number }[] =>
    pids.map((pid) => ({ us: cpuUs(pid), waits: waits(pid) }));
  const before = look();
  const began = performance.now();
  await pause(seconds * 1000);
  const after = look();
  const tookS = (performance.now() - began) / 1000;
  const rows = after.map((now, index) => ({
    node: `node${index + 1}`,
    cpu_percent: (now.us - (before[index]?.us ?? 0)) / tookS / 10_000,
    wakes_per_s: (now.waits - (before[index]?.waits ?? 0)) / tookS,
  }));
  const total = rows.reduce((sum, { cpu_percent: percent }) => sum + percent, 0);
  print(
    { benchmark: 'idle', ...describeHost(), nodes: count, seconds: tookS, total_cpu_percent: total, rows },
    `${count} idle nodes over ${tookS.toFixed(0)} s: together ${total.toFixed(2)} % of one core`,
  );
}
