/** One run of one row, from an empty folder to an empty folder: start, load, check, end. */
import { cpuCost } from './cpu-cost.ts';
import { measureEtcd } from './etcd-system.ts';
import type { RunFigures, RunOutcome } from './figures.ts';
import type { LoadMessage, LoadPlan, LoadReport } from './load-report.ts';
import { startPbft } from './pbft-system.ts';
import { peakRssBytes } from './process-usage.ts';
import type { Row } from './row.ts';
import type { RunningSystem, Server, Surroundings } from './system.ts';
import { startUnreplicated } from './unreplicated-system.ts';
import { scriptOf, Workplace } from './workplace.ts';

export interface RunPlan {
  readonly row: Row;
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly surroundings: Surroundings;
  /** Gives the run up: everything is ended, and the run rejects with the signal's reason. */
  readonly signal: AbortSignal;
}

/** Figures, if everything that was acknowledged was executed as it must be; else the reason. Nothing is left behind, whatever happens. Rejects only when given up. */
export async function measureRow(plan: RunPlan): Promise<RunOutcome> {
  plan.signal.throwIfAborted();
  const place = new Workplace();
  let giveUp = (): void => undefined;
  const givenUp = new Promise<undefined>((resolve) => {
    giveUp = (): void => resolve(undefined);
    plan.signal.addEventListener('abort', giveUp, { once: true });
  });
  const work = measure(place, plan);
  try {
    const outcome = await Promise.race([work, givenUp]);
    plan.signal.throwIfAborted();
    return outcome ?? { kind: 'failed', reason: 'given up' };
  } finally {
    plan.signal.removeEventListener('abort', giveUp);
    await place.close();
    // What was given up fails once its processes are gone, and may have written a last file until then.
    await work;
    await place.close();
  }
}

async function measure(place: Workplace, plan: RunPlan): Promise<RunOutcome> {
  const { row, surroundings, warmUpMs, measureMs } = plan;
  try {
    if (row.system !== 'etcd') return await measureOurs(place, plan);
    const { etcd, freePorts } = surroundings;
    if (typeof etcd === 'string') return { kind: 'failed', reason: etcd };
    return { kind: 'measured', run: await measureEtcd(place, row, { etcd, freePorts, warmUpMs, measureMs }) };
  } catch (error) {
    return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
}

async function measureOurs(place: Workplace, { row, surroundings, warmUpMs, measureMs }: RunPlan): Promise<RunOutcome> {
  // While the nodes start, so does the load.
  const load = place.start({
    name: 'load',
    command: process.execPath,
    args: [scriptOf('load-process')],
    hasChannel: true,
  });
  const start = row.system === 'pbft' ? startPbft : startUnreplicated;
  const system = await start(place, row, surroundings);
  await load.next();
  const { clusterFile } = system;
  const servers = system.servers.map(({ process: { pid } }) => pid);
  const plan: LoadPlan = { row, clusterFile, servers, warmUpMs, measureMs };
  load.send(plan);
  const message = (await Promise.race([load.next(), ...system.servers.map(ended)])) as LoadMessage;
  if (message.kind === 'failed') return message;
  const checked = await system.check(message.report.acknowledged);
  if (!checked.ok) return { kind: 'failed', reason: checked.error };
  const run = figuresOf(system, message.report, checked.value);
  const { readsOrdered } = message.report;
  return { kind: 'measured', run: row.reads === 'only' ? { ...run, readsOrdered } : run };
}

/** Rejects when a process of the system ends by itself: the load might wait for it in vain. */
async function ended({ process: server }: Server): Promise<never> {
  await server.closed();
  throw new Error(server.describeEnd());
}

function figuresOf({ servers }: RunningSystem, report: LoadReport, batches: number | undefined): RunFigures {
  const peaks = servers.map(({ process: { pid } }) => peakRssBytes(pid));
  const figures = {
    ops_per_s: report.measured / report.seconds,
    p50_us: report.p50Us,
    p99_us: report.p99Us,
    ...cpuCost(servers, report),
    ...(batches === undefined ? {} : { batch_requests: report.acknowledged / Math.max(1, batches) }),
    peak_rss_bytes: Math.max(...peaks),
  };
  return { figures, peakRssBytes: peaks, checkedOperations: report.acknowledged };
}
