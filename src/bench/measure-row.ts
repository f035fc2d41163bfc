/** One run of one row, from an empty folder to an empty folder: start, load, check, end. */
import { cpuCost } from './cpu-cost.ts';
import { measureEtcd } from './etcd-system.ts';
import type { RunFigures, RunOutcome } from './figures.ts';
import { inWorkplace } from './in-workplace.ts';
import type { LoadReport } from './load-report.ts';
import { BENCH_TIMING } from './normal-case.ts';
import { startPbft } from './pbft-system.ts';
import { peakRssBytes } from './process-usage.ts';
import type { Row } from './row.ts';
import type { RunningSystem, Surroundings } from './system.ts';
import { runLoad, startLoad } from './under-load.ts';
import { startUnreplicated } from './unreplicated-system.ts';
import type { Workplace } from './workplace.ts';

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
  return inWorkplace(plan.signal, async (place) => measure(place, plan));
}

async function measure(place: Workplace, plan: RunPlan): Promise<RunOutcome> {
  const { row, surroundings, warmUpMs, measureMs } = plan;
  if (row.system !== 'etcd') return measureOurs(place, plan);
  const { etcd, freePorts } = surroundings;
  if (typeof etcd === 'string') return { kind: 'failed', reason: etcd };
  return { kind: 'measured', run: await measureEtcd(place, row, { etcd, freePorts, warmUpMs, measureMs }) };
}

async function measureOurs(place: Workplace, { row, surroundings, warmUpMs, measureMs }: RunPlan): Promise<RunOutcome> {
  // While the nodes start, so does the load.
  const load = startLoad(place, surroundings);
  const start = row.system === 'pbft' ? startPbft : startUnreplicated;
  const system = await start(place, row, surroundings);
  const { clusterFile, servers } = system;
  const report = await runLoad(load, servers, { row, clusterFile, timing: BENCH_TIMING, warmUpMs, measureMs });
  const checked = await system.check(report.acknowledged);
  if (!checked.ok) return { kind: 'failed', reason: checked.error };
  const run = figuresOf(system, report, checked.value);
  const { readsOrdered } = report;
  return { kind: 'measured', run: row.reads === 'only' ? { ...run, readsOrdered } : run };
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
