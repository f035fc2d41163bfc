/** The figures of attacks: of one run, and of all runs held against the fault-free ones. Pure. */
import { median, summarize } from '../statistics.ts';
import type { Summary } from '../statistics.ts';
import type { AttackName } from './attacks.ts';

/** What is measured: an attack; nobody misbehaving; or that beside a process that burns as much CPU as the flood of an attack took. */
export type Trial =
  | { readonly kind: 'fault-free' }
  | { readonly kind: 'attack'; readonly attack: AttackName }
  | { readonly kind: 'burn'; readonly attack: AttackName };

export const FAULT_FREE = 'fault-free';

/** As it stands in the table. */
export function trialName(trial: Trial): string {
  if (trial.kind === 'fault-free') return FAULT_FREE;
  return trial.kind === 'attack' ? trial.attack : `${FAULT_FREE}, CPU of ${trial.attack}`;
}

/** One run, which has passed its check. */
export interface AttackRun {
  readonly opsPerS: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Views that began after the attack did, up to the end of the load. */
  readonly viewChanges: number;
  /** From the beginning of the attack to the first answer out of another view, s; undefined where there was none. */
  readonly replacedAfterS: number | undefined;
  /** Within the window, since the last view began; undefined where none did, or too late. */
  readonly opsPerSAfter: number | undefined;
  /** What the process beside the nodes did; undefined where there was none. */
  readonly attacker: { readonly cpuShare: number; readonly framesPerS: number } | undefined;
  /** Operations that were acknowledged and found to be executed once. */
  readonly checkedOperations: number;
}

export type AttackOutcome =
  | { readonly kind: 'measured'; readonly run: AttackRun }
  | { readonly kind: 'failed'; readonly reason: string };

/** A trial and what its runs came to. */
export interface MeasuredTrial {
  readonly trial: Trial;
  readonly outcomes: readonly AttackOutcome[];
}

/** All runs of one trial. One with a failed run has no figures. */
export interface AttackReport {
  readonly trial: Trial;
  readonly name: string;
  readonly runs: readonly AttackRun[];
  /** Why it has no figures. */
  readonly failures: readonly string[];
  readonly opsPerS: Summary | undefined;
  readonly p99Us: Summary | undefined;
  /** Of each run; the most is what counts. */
  readonly viewChanges: Summary | undefined;
  /** Of the runs in which the view changed. */
  readonly replacedAfterS: Summary | undefined;
  readonly opsPerSAfter: Summary | undefined;
  /** The fault-free trial that it is held against, and its medians as multiples of that one's. */
  readonly against:
    | {
        readonly name: string;
        readonly opsPerS: number;
        readonly p99Us: number;
        readonly opsPerSAfter: number | undefined;
      }
    | undefined;
}

/** The reports, in order. */
export function reportAttacks(measured: readonly MeasuredTrial[]): readonly AttackReport[] {
  const reports = measured.map(summarizeTrial);
  return reports.map((report) => ({ ...report, against: compare(report, baselineOf(report, reports)) }));
}

function summarizeTrial({ trial, outcomes }: MeasuredTrial): AttackReport {
  const failures = outcomes.flatMap((outcome) => (outcome.kind === 'failed' ? [outcome.reason] : []));
  const runs = outcomes.flatMap((outcome) => (outcome.kind === 'measured' ? [outcome.run] : []));
  const of = (figure: (run: AttackRun) => number | undefined): Summary | undefined => {
    const values = failures.length > 0 ? [] : runs.flatMap((run) => figure(run) ?? []);
    return values.length === 0 ? undefined : summarize(values);
  };
  return {
    trial,
    name: trialName(trial),
    runs,
    failures,
    opsPerS: of((run) => run.opsPerS),
    p99Us: of((run) => run.p99Us),
    viewChanges: of((run) => run.viewChanges),
    replacedAfterS: of((run) => run.replacedAfterS),
    opsPerSAfter: of((run) => run.opsPerSAfter),
    against: undefined,
  };
}

/** A flood against the trial that was robbed of as much CPU; everything else that is under attack against the fault-free one. */
function baselineOf({ trial }: AttackReport, reports: readonly AttackReport[]): AttackReport | undefined {
  if (trial.kind === 'fault-free') return undefined;
  const burned = reports.find((other) => other.trial.kind === 'burn' && other.trial.attack === trial.attack);
  if (trial.kind === 'attack' && burned !== undefined) return burned;
  return reports.find((other) => other.trial.kind === 'fault-free');
}

function compare(report: AttackReport, baseline: AttackReport | undefined): AttackReport['against'] {
  const { opsPerS, p99Us, opsPerSAfter } = report;
  if (baseline?.opsPerS === undefined || baseline.p99Us === undefined) return undefined;
  if (opsPerS === undefined || p99Us === undefined) return undefined;
  return {
    name: baseline.name,
    opsPerS: opsPerS.median / baseline.opsPerS.median,
    p99Us: p99Us.median / baseline.p99Us.median,
    opsPerSAfter: opsPerSAfter === undefined ? undefined : opsPerSAfter.median / baseline.opsPerS.median,
  };
}

/** What share of a core the process beside the nodes took in these runs, the median; 0 where there was none. */
export function cpuShareOf(runs: readonly AttackRun[]): number {
  const shares = runs.flatMap(({ attacker }) => attacker?.cpuShare ?? []);
  return shares.length === 0 ? 0 : median(shares);
}
