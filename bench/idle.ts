/**
 * What a cluster costs that has nothing to do: `node bench/idle.ts [NODES] [SECONDS] [--json]`. Real nodes on loopback with the defaults of `pbft init`
 * execute a few requests and settle; then nobody asks for anything. Prints the CPU time that each takes, user and system of all its threads, and how often its
 * main thread wakes. Linux only (`/proc`).
 */
import { readFileSync } from 'node:fs';
import { cpuUs } from '../src/bench/process-usage.ts';
import { argumentsOf, whole } from './support/arguments.ts';
import { pause, RealCluster } from './support/real-cluster.ts';
import { describeHost, print } from './support/report.ts';

const REQUESTS = 100;
/** After the last request: idle checkpoint, collection, and what the engine compiles. */
const SETTLE_MS = 20_000;

const {
  values: [count, seconds],
} = argumentsOf('idle.ts', { places: [whole('NODES', 4), whole('SECONDS', 60)], flags: ['--json'] });

/** Times that the main thread of a process began to wait, since it began. */
function waits(pid: number): number {
  const text = readFileSync(`/proc/${pid}/task/${pid}/status`, 'utf8');
  return Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(text)?.[1]);
}

await measure();
process.exit(0);

async function measure(): Promise<void> {
  const cluster = await RealCluster.start(count);
  await cluster.load(1, (done) => done < REQUESTS);
  await pause(SETTLE_MS);
  const { pids } = cluster;
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
