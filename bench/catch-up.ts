/**
 * What a replica that was away has to fetch: `node bench/catch-up.ts [keys] [requests]`. Four real nodes on loopback with so many keys; one is
 * stopped, each request changes one key at random, and the node comes back. Prints what came over its links against what had changed, and how
 * long it took. With one node (`--alone`): memory, start time and size of the log as the history grows.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePorts } from '../src/cli/ports.ts';
import { PbftClient } from '../src/client/index.ts';
import { Identity } from '../src/node/index.ts';
import { describeCluster, generateCluster, readClusterFile } from '../src/server/config/index.ts';
import { argumentsOf, whole } from './support/arguments.ts';

const HOST = '127.0.0.1';
const MAIN = join(import.meta.dirname, '../src/cli/main.ts');
const FILLER = join(import.meta.dirname, 'support/filler.ts');
const FILL_AT_ONCE = 5000;
const SESSIONS = 256;

const { values, flags } = argumentsOf('catch-up.ts', {
  places: [whole('KEYS', 1_000_000), whole('REQUESTS', process.argv.includes('--alone') ? 10_000 : 100_000)],
  flags: ['--alone'],
});
const [keys, requests] = values;
const isAlone = flags.has('--alone');
const count = isAlone ? 1 : 4;
const folder = mkdtempSync(join(tmpdir(), 'pbft-bench-'));
const data = join(folder, 'data');
const nodes = new Map<string, { readonly process: ChildProcess; readonly lines: string[] }>();

function must<Value>(
  result: { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: unknown },
): Value {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

async function until<Value>(what: string, probe: () => Promise<Value | undefined> | Value | undefined): Promise<Value> {
  for (const deadline = Date.now() + 600_000; Date.now() < deadline;) {
    const value = await probe();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`never: ${what}`);
}

const ports = await findFreePorts(HOST, 2 * count);
must(
  generateCluster(data, {
    nodes: Array.from({ length: count }, (_, index) => ({
      host: HOST,
      httpPort: ports[2 * index] ?? 0,
      peerPort: ports[2 * index + 1] ?? 0,
    })),
    application: FILLER,
    openClients: true,
    tuning: { request_timeout_ms: 20_000, slow_primary_ms: 20_000 },
  }),
);
const urlOf = (index: number): string => `http://${HOST}:${ports[2 * index]}`;

async function start(index: number): Promise<number> {
  const name = `node${index + 1}`;
  const began = performance.now();
  const child = spawn(process.execPath, [MAIN, 'start', '--directory', join(data, name)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  child.stdout?.on('data', (text: Buffer) => lines.push(...text.toString().split('\n')));
  nodes.set(name, { process: child, lines });
  await until(`${name} serves`, async () => ((await status(index)) === undefined ? undefined : true));
  return performance.now() - began;
}

interface Status {
  readonly last_executed: number;
  readonly low_water_mark: number;
  readonly state_root: string;
  readonly state_root_sequence: number;
}

async function status(index: number): Promise<Status | undefined> {
  try {
    return (await (await fetch(`${urlOf(index)}/pbft/status`)).json()) as Status;
  } catch {
    return undefined;
  }
}

/** Time that a node has spent on handing out state, by its own counter. */
async function servingSeconds(index: number): Promise<number> {
  const text = await (await fetch(`${urlOf(index)}/metrics`)).text();
  return Number(/^pbft_state_serving_seconds_total (\S+)/m.exec(text)?.[1]);
}

async function stop(index: number): Promise<void> {
  const child = nodes.get(`node${index + 1}`)?.process;
  child?.kill('SIGTERM');
  await until('it has ended', () => (child?.exitCode === null && child.signalCode === null ? undefined : true));
}

const sizeOf = (...parts: readonly string[]): number => {
  const path = join(data, ...parts);
  return readdirSync(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
};
const anonymousMiB = (index: number): number => {
  const text = readFileSync(`/proc/${nodes.get(`node${index + 1}`)?.process.pid}/status`, 'utf8');
  return Math.round(Number(/RssAnon:\s+(\d+)/.exec(text)?.[1] ?? 0) / 1024);
};

/** Every node has a stable checkpoint of all that it executed. */
async function settled(indexes: readonly number[]): Promise<void> {
  await until('all are at one checkpoint', async () => {
    const all = await Promise.all(indexes.map(async (index) => status(index)));
    const [first] = all;
    const isSame = all.every(
      (each) =>
        each !== undefined && each.low_water_mark === each.last_executed && each.state_root === first?.state_root,
    );
    return isSame ? true : undefined;
  });
}

try {
  await Promise.all(Array.from({ length: count }, async (_, index) => start(index)));
  const cluster = describeCluster(must(readClusterFile(join(data, 'cluster.json'))));
  const client = new PbftClient({ cluster, identity: Identity.generate(), sessions: SESSIONS });
  const submit = async (text: string): Promise<void> => {
    const outcome = await client.submit(Buffer.from(text), { timeoutMs: 240_000 });
    if (outcome.kind !== 'executed') throw new Error(`${text}: ${outcome.kind}`);
  };
  const everyone = Array.from({ length: count }, (_, index) => index);
  const began = performance.now();
  for (let from = 0; from < keys; from += FILL_AT_ONCE)
    await submit(`fill ${from} ${Math.min(FILL_AT_ONCE, keys - from)}`);
  await settled(everyone);
  console.log(
    `${keys} keys filled in ${((performance.now() - began) / 1000).toFixed(1)} s; state of node1 ${(sizeOf('node1', 'state') / 2 ** 20).toFixed(0)} MiB, anonymous memory ${anonymousMiB(0)} MiB`,
  );
  const away = count - 1;
  if (!isAlone) await stop(away);
  const changed = new Set<number>();
  let sent = 0;
  const loadBegan = performance.now();
  await Promise.all(
    Array.from({ length: SESSIONS }, async () => {
      while (sent < requests) {
        sent += 1;
        const key = Math.floor(Math.random() * keys);
        changed.add(key);
        await submit(`set ${key} ${sent}`);
      }
    }),
  );
  await settled(isAlone ? everyone : everyone.slice(0, -1));
  console.log(
    `${requests} requests in ${((performance.now() - loadBegan) / 1000).toFixed(1)} s, ${changed.size} keys changed; log of node1 ${(sizeOf('node1', 'log') / 1024).toFixed(0)} KiB, anonymous memory ${anonymousMiB(0)} MiB`,
  );
  if (isAlone) {
    await stop(0);
    console.log(`started again in ${Math.round(await start(0))} ms; anonymous memory ${anonymousMiB(0)} MiB`);
  } else {
    const sources = everyone.slice(0, -1);
    const servedBefore = await Promise.all(sources.map(servingSeconds));
    const backAt = performance.now();
    await start(away);
    await settled(everyone);
    const seconds = (performance.now() - backAt) / 1000;
    const served = (await Promise.all(sources.map(servingSeconds))).map((after, at) => after - (servedBefore[at] ?? 0));
    const fetched = (nodes.get(`node${away + 1}`)?.lines ?? []).flatMap(
      (line) => /"bytes":(\d+),"msg":"the state was fetched"/.exec(line)?.[1] ?? [],
    );
    const bytes = fetched.reduce((sum, text) => sum + Number(text), 0);
    const whole = sizeOf(`node${away + 1}`, 'state');
    console.log(
      `node${away + 1} is back after ${seconds.toFixed(1)} s in ${fetched.length} transfers: ${bytes} bytes of keys and values came (${(bytes / changed.size).toFixed(0)} per changed key), its state has ${(whole / 2 ** 20).toFixed(0)} MiB; serving took ${served.map((each) => `${((100 * each) / seconds).toFixed(1)} %`).join(', ')} of that time at the others`,
    );
  }
  await client.close();
} finally {
  for (const { process: child } of nodes.values()) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
