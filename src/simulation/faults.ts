/** What goes wrong in a run besides its liars, as data: drawn from the seed, begun as the run proceeds, over before the quiet end. */
import { asReplicaId } from '../base/ids.ts';
import type { ReplicaId } from '../base/ids.ts';
import { CRASH_PHASES } from './node.ts';
import type { CrashTrap } from './node.ts';
import type { Liar } from './options.ts';
import type { Random } from './random.ts';
import type { Record } from '../protocol/record.ts';

/** What a client may do wrong. */
export const CLIENT_FAULTS = [
  /** Good MACs for some replicas, bad ones for others. */
  'partial-authenticator',
  /** Two requests under one (session, timestamp), to different replicas. */
  'timestamp-reuse',
  /** Timestamps left out. */
  'gap',
  /** Everything it ever sent, again. */
  'replay',
  /** Session numbers far from the agreed time, and more sessions than it may hold. */
  'strange-sessions',
  /** Requests flagged read-only. */
  'read-only',
  /** A client that no configuration lists. */
  'unlisted',
  /** Frames that are none, or not a client's. */
  'garbage',
  /** More requests at once than anybody keeps waiting. */
  'flood',
] as const;
export type ClientFault = (typeof CLIENT_FAULTS)[number];

export type Fault =
  /** Power off, at once or when the trap springs; on again after `downUs`. */
  | {
      readonly kind: 'crash';
      readonly replica: ReplicaId;
      readonly trap: CrashTrap | undefined;
      readonly downUs: number;
    }
  /** Power off for all correct nodes at once. */
  | { readonly kind: 'crash-all'; readonly downUs: number; readonly survivors: number }
  /** One node's links lose or delay nearly everything. */
  | {
      readonly kind: 'isolate';
      readonly replica: ReplicaId;
      readonly loss: number;
      readonly delayUs: number;
      readonly forUs: number;
    }
  /** All links get much worse. */
  | { readonly kind: 'storm'; readonly loss: number; readonly forUs: number }
  | { readonly kind: 'slow-disk'; readonly replica: ReplicaId; readonly syncUs: number; readonly forUs: number }
  | { readonly kind: 'clock-jump'; readonly replica: ReplicaId; readonly byMs: number; readonly forUs: number }
  | { readonly kind: 'faulty-client'; readonly fault: ClientFault };

export type FaultKind = Fault['kind'];

const FAULT_COUNT = 5;
const RECORD_KINDS: readonly Record['kind'][] = ['accepted', 'prepared', 'executed', 'checkpoint', 'stable'];

/** Five faults, in the order in which they begin. Liars do not crash. */
export function makeFaults(random: Random, replicaCount: number, liars: readonly Liar[]): readonly Fault[] {
  const correct = Array.from({ length: replicaCount }, (_, index) => asReplicaId(index)).filter(
    (id) => !liars.some((liar) => liar.replica === id),
  );
  return Array.from({ length: FAULT_COUNT }, () => makeFault(random, correct));
}

function makeFault(random: Random, correct: readonly ReplicaId[]): Fault {
  const kind = random.pick<FaultKind>([
    'crash',
    'crash',
    'crash',
    'crash-all',
    'isolate',
    'storm',
    'slow-disk',
    'clock-jump',
    'faulty-client',
    'faulty-client',
  ]);
  const replica = random.pick(correct);
  switch (kind) {
    case 'crash': {
      const trap = {
        record: random.pick(RECORD_KINDS),
        phase: random.pick(CRASH_PHASES),
        survivors: random.between(0, 3),
      };
      return {
        kind,
        replica,
        trap: random.chance(0.85) ? trap : undefined,
        downUs: random.pick([1000, 30_000, 400_000]),
      };
    }
    case 'crash-all':
      return { kind, downUs: random.pick([1000, 200_000]), survivors: random.between(0, 3) };
    case 'isolate':
      return {
        kind,
        replica,
        loss: random.pick([0.5, 0.9, 1]),
        delayUs: random.pick([1000, 100_000]),
        forUs: random.pick([50_000, 300_000, 1_000_000]),
      };
    case 'storm':
      return { kind, loss: random.pick([0.3, 0.6]), forUs: random.pick([100_000, 500_000]) };
    case 'slow-disk':
      return { kind, replica, syncUs: random.pick([20_000, 150_000]), forUs: random.pick([200_000, 1_000_000]) };
    case 'clock-jump':
      return {
        kind,
        replica,
        byMs: random.pick([-12_000, -3000, 3000, 12_000]),
        forUs: random.pick([200_000, 1_500_000]),
      };
    case 'faulty-client':
      return { kind, fault: random.pick(CLIENT_FAULTS) };
  }
}
