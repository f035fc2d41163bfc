/** What goes wrong in a run besides its liars, as data: drawn from the seed, begun as the run proceeds, over before the quiet end. */
import { assert } from '../base/assert.ts';
import { asReplicaId } from '../base/ids.ts';
import type { ReplicaId } from '../base/ids.ts';
import { MESSAGE_TYPES } from '../messages/index.ts';
import type { MessageType } from '../messages/index.ts';
import { CRASH_PHASES, DISK_EFFECTS, RELEASES, VERSION_PHASES } from './crash-trap.ts';
import type { CrashTrap, DiskEffect } from './crash-trap.ts';
import type { Random } from './random.ts';

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
  /** A request to the primary alone, or to the backups alone; and late, signed, to one of the two sides. */
  'shown-late',
  /** More requests than the primary keeps waiting, to it alone; and one, signed, to the backups alone. */
  'crowded-primary',
] as const;
export type ClientFault = (typeof CLIENT_FAULTS)[number];

/** Drawn by a stream of their own, in the place of others, so that the others are drawn as they always were. */
const LATE_CLIENT_FAULTS: readonly ClientFault[] = ['shown-late', 'crowded-primary'];
const EARLY_CLIENT_FAULTS = CLIENT_FAULTS.filter((fault) => !LATE_CLIENT_FAULTS.includes(fault));

/** Some directed links: those to one party from all others, those from it, both, or a single one. Clients are parties, too. */
export type Links =
  | { readonly kind: 'in'; readonly replica: ReplicaId }
  | { readonly kind: 'out'; readonly replica: ReplicaId }
  | { readonly kind: 'both'; readonly replica: ReplicaId }
  | { readonly kind: 'one'; readonly replica: ReplicaId; readonly peer: ReplicaId };

/** The cluster falls into groups that do not hear each other. */
export interface Split {
  readonly groups: readonly (readonly ReplicaId[])[];
  /** Each client is with the node of its number; false: clients reach everybody. */
  readonly withClients: boolean;
}

/** Times in µs. */
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
  | ({ readonly kind: 'partition'; readonly forUs: number } & Split)
  /** A partition that comes and goes: `periodUs` cut, then as long whole, and so on. */
  | ({ readonly kind: 'flapping'; readonly periodUs: number; readonly forUs: number } & Split)
  /** Links that lose everything in one direction. */
  | { readonly kind: 'one-way'; readonly links: Links; readonly forUs: number }
  /** Links that hold everything back, up to their buffers, and then let it go in one burst. */
  | { readonly kind: 'clog'; readonly links: Links; readonly bufferBytes: number; readonly forUs: number }
  /** Messages of these types do not reach these nodes. */
  | {
      readonly kind: 'drop-type';
      readonly types: readonly MessageType[];
      readonly receivers: readonly ReplicaId[];
      readonly forUs: number;
    }
  /** All links get much worse. */
  | { readonly kind: 'storm'; readonly loss: number; readonly forUs: number }
  /** Processes stand still and keep their memory; what arrives waits, up to the buffers. */
  | {
      readonly kind: 'pause';
      readonly replicas: readonly ReplicaId[];
      readonly bufferBytes: number;
      readonly forUs: number;
    }
  | { readonly kind: 'slow-disk'; readonly replica: ReplicaId; readonly syncUs: number; readonly forUs: number }
  /** The disk takes nothing for a while. */
  | { readonly kind: 'full-disk'; readonly replica: ReplicaId; readonly forUs: number }
  /** The part of the state whose keys' digests begin with `prefix` (hexadecimal) cannot be read any more; a scrub finds it at once, or whoever reads there. */
  | { readonly kind: 'bit-flip'; readonly replica: ReplicaId; readonly prefix: string; readonly scrubbed: boolean }
  | { readonly kind: 'clock-jump'; readonly replica: ReplicaId; readonly byMs: number; readonly forUs: number }
  /** Both clocks of a node advance by so many thousandths of the true time. */
  | { readonly kind: 'clock-drift'; readonly replica: ReplicaId; readonly permille: number; readonly forUs: number }
  | { readonly kind: 'faulty-client'; readonly fault: ClientFault }
  /** Power off, and all that was on the disk is gone; on again after `downUs`, as a replica that recovers. One of the f until it is done. */
  | {
      readonly kind: 'lose-disk';
      readonly replica: ReplicaId;
      /** Once more during the recovery, the disk intact. */
      readonly trap: CrashTrap | undefined;
      readonly downUs: number;
    };

export type FaultKind = Fault['kind'];

/** Every kind of fault. */
export const FAULT_KINDS = [
  'crash',
  'crash-all',
  'isolate',
  'partition',
  'flapping',
  'one-way',
  'clog',
  'drop-type',
  'storm',
  'pause',
  'slow-disk',
  'full-disk',
  'bit-flip',
  'clock-jump',
  'clock-drift',
  'faulty-client',
  'lose-disk',
] as const satisfies readonly FaultKind[];
type UnlistedKind = Exclude<FaultKind, (typeof FAULT_KINDS)[number]>;
/** Does not compile while a kind is missing above. */
const ALL_KINDS_LISTED: [UnlistedKind] extends [never] ? true : UnlistedKind = true;
assert(ALL_KINDS_LISTED, 'every kind of fault can be drawn');
/** So many replicas a fault needs: others to be cut off from, or to repair a state. */
const LEAST_REPLICAS: { readonly [kind in FaultKind]?: number } = {
  partition: 2,
  flapping: 2,
  'one-way': 2,
  clog: 2,
  'drop-type': 2,
  isolate: 2,
  'bit-flip': 4,
};
const HEX_DIGITS = '0123456789abcdef';

/** How likely each kind is in a run that has it. */
const WEIGHTS: { readonly [kind in FaultKind]: number } = {
  crash: 4,
  'crash-all': 1,
  isolate: 1,
  partition: 2,
  flapping: 1,
  'one-way': 2,
  clog: 1,
  'drop-type': 2,
  storm: 1,
  pause: 2,
  'slow-disk': 1,
  'full-disk': 1,
  'bit-flip': 1,
  'clock-jump': 1,
  'clock-drift': 1,
  'faulty-client': 3,
  'lose-disk': 2,
};

/** How likely a run has a kind at all. There are more moments to crash at than seeds in a usual run. */
const KIND_SHARE = 0.4;
const CRASH_SHARE = 0.7;
const MOST_FAULTS = 8;
/** All faults of a run together last about so long at most, so that eight fit into one. */
const TOTAL_US = 8_000_000;
const LONGEST_US = 2_000_000;
const BUFFER_BYTES: readonly number[] = [2_000, 32_000, 1_000_000];

/** What is written down only where primaries propose before their votes are on disk comes in afterwards: {@link trippedAtProposing}. */
const DRAWN_EFFECTS = DISK_EFFECTS.filter((effect) => effect !== 'proposes');
/** Records that few runs write, or few nodes of a run. */
const SELDOM_EFFECTS: readonly DiskEffect[] = ['suspicion', 'new-view', 'view-change'];
type DistributiveOmit<Union, Key extends PropertyKey> = Union extends unknown ? Omit<Union, Key> : never;

/** What a replica takes from others, and clients. */
export const TAKEN_TYPES: readonly MessageType[] = MESSAGE_TYPES.filter(
  (type) => type !== 'reply' && type !== 'replies' && type !== 'simulate-byzantine',
);
/** Types on which a decision depends: votes, checkpoints, all that view changes consist of. */
const VOTE_TYPES = TAKEN_TYPES.filter((type) => /prepare|commit|checkpoint|view/.test(type));
const VIEW_TYPES = TAKEN_TYPES.filter((type) => /view/.test(type));

/** What faults can befall. */
export interface FaultTargets {
  readonly replicaCount: number;
  /** Replicas that are no liars: only they crash, stand still, or have bad disks and clocks. */
  readonly correct: readonly ReplicaId[];
  /** Disks are lost in this run; else in none. Requires: fewer than f liars. */
  readonly losesDisks: boolean;
}

/** One to eight faults of a random subset of the kinds, in the order in which they begin. */
export function makeFaults(random: Random, targets: FaultTargets): readonly Fault[] {
  const possible = FAULT_KINDS.filter((kind) =>
    kind === 'lose-disk' ? targets.losesDisks : targets.replicaCount >= (LEAST_REPLICAS[kind] ?? 1),
  );
  const drawn = possible.filter(
    (kind) => random.chance(kind === 'crash' ? CRASH_SHARE : KIND_SHARE) || kind === 'lose-disk',
  );
  const kinds = drawn.length > 0 ? drawn : [random.pick(possible)];
  const bag = kinds.flatMap((kind) => Array.from({ length: WEIGHTS[kind] }, () => kind));
  const count = random.between(random.chance(0.1) ? 1 : 4, MOST_FAULTS);
  const drawing = new Drawing(random, targets, Math.min(LONGEST_US, Math.floor(TOTAL_US / count)));
  const faults = Array.from({ length: count }, () => drawing.fault(random.pick(bag)));
  if (!targets.losesDisks || faults.some(({ kind }) => kind === 'lose-disk')) return faults;
  return faults.with(random.between(0, count - 1), drawing.fault('lose-disk'));
}

/** Draws the particulars. */
class Drawing {
  readonly #random: Random;
  readonly #lateClients: Random;
  readonly #targets: FaultTargets;
  readonly #longestUs: number;

  constructor(random: Random, targets: FaultTargets, longestUs: number) {
    this.#random = random;
    this.#lateClients = random.fork('late client faults');
    this.#targets = targets;
    this.#longestUs = longestUs;
  }

  fault(kind: FaultKind): Fault {
    const random = this.#random;
    const replica = random.pick(this.#targets.correct);
    const forUs = this.#duration();
    switch (kind) {
      case 'crash':
        return { kind, replica, trap: random.chance(0.9) ? this.#trap() : undefined, downUs: this.#downtime() };
      case 'crash-all':
        return { kind, downUs: random.pick([1000, 200_000]), survivors: random.between(0, 3) };
      case 'isolate':
        return { kind, replica, loss: random.pick([0.5, 0.9, 1]), delayUs: random.pick([1000, 100_000]), forUs };
      case 'partition':
        return { kind, ...this.#split(), forUs };
      case 'flapping':
        return { kind, ...this.#split(), periodUs: Math.ceil(forUs / random.pick([4, 10, 20])), forUs };
      case 'one-way':
        return { kind, links: this.#links(['in', 'out', 'one']), forUs };
      case 'clog':
        return {
          kind,
          links: this.#links(['in', 'out', 'both', 'one']),
          bufferBytes: random.pick(BUFFER_BYTES),
          forUs,
        };
      case 'drop-type':
        return { kind, types: this.#types(), receivers: this.#receivers(), forUs };
      case 'storm':
        return { kind, loss: random.pick([0.3, 0.6]), forUs };
      case 'pause':
        return { kind, replicas: this.#paused(replica), bufferBytes: random.pick(BUFFER_BYTES), forUs };
      case 'slow-disk':
        return { kind, replica, syncUs: random.pick([20_000, 150_000]), forUs };
      case 'full-disk':
        return { kind, replica, forUs };
      case 'bit-flip':
        return { kind, replica, prefix: random.pick([...HEX_DIGITS]), scrubbed: random.chance(0.3) };
      case 'clock-jump':
        return { kind, replica, byMs: random.pick([-12_000, -3000, 3000, 12_000]), forUs };
      case 'clock-drift':
        return { kind, replica, permille: random.pick([800, 900, 999, 1001, 1100, 1200]), forUs: 2 * this.#longestUs };
      case 'lose-disk':
        return { kind, replica, trap: random.chance(0.5) ? this.#recoveryTrap() : undefined, downUs: this.#downtime() };
      case 'faulty-client':
        return { kind, fault: this.#clientFault() };
    }
  }

  #clientFault(): ClientFault {
    const early = this.#random.pick(EARLY_CLIENT_FAULTS);
    const isLate = this.#lateClients.chance(LATE_CLIENT_FAULTS.length / CLIENT_FAULTS.length);
    return isLate ? this.#lateClients.pick(LATE_CLIENT_FAULTS) : early;
  }

  #duration(): number {
    return Math.ceil(this.#longestUs * this.#random.pick([0.05, 0.25, 1]));
  }

  #downtime(): number {
    return this.#random.pick([1000, 30_000, 400_000]);
  }

  #trap(): CrashTrap {
    const random = this.#random;
    const survivors = random.between(0, 3);
    if (random.chance(0.2)) return { ...this.#seldomTrap(), survivors };
    if (random.chance(0.1)) return { kind: 'version', phase: random.pick(VERSION_PHASES), survivors };
    if (random.chance(0.6)) {
      return { kind: 'record', record: random.pick(DRAWN_EFFECTS), phase: random.pick(CRASH_PHASES), survivors };
    }
    const of = random.chance(0.6) ? random.pick(RELEASES) : undefined;
    return {
      kind: 'output',
      of,
      count: random.between(1, of === undefined ? 40 : 3),
      receivers: random.chance(0.5) ? this.#anyReceivers() : undefined,
      survivors,
    };
  }

  /** On the way back from a lost disk. */
  #recoveryTrap(): CrashTrap {
    const random = this.#random;
    const survivors = random.between(0, 3);
    if (random.chance(0.3)) return this.#trap();
    if (random.chance(0.6)) return { kind: 'record', record: 'recovery', phase: random.pick(CRASH_PHASES), survivors };
    const of = random.pick(['query-stable', 'requests', 'view-change', 'event'] as const);
    const receivers = of !== 'event' && random.chance(0.5) ? this.#anyReceivers() : undefined;
    return { kind: 'output', of, count: random.between(1, 3), receivers, survivors };
  }

  /** What happens in few runs, so that of all runs enough stop there. */
  #seldomTrap(): DistributiveOmit<CrashTrap, 'survivors'> {
    const random = this.#random;
    if (random.chance(0.5))
      return { kind: 'record', record: random.pick(SELDOM_EFFECTS), phase: random.pick(CRASH_PHASES) };
    return {
      kind: 'output',
      of: 'new-view',
      count: 1,
      receivers: random.chance(0.5) ? this.#anyReceivers() : undefined,
    };
  }

  #anyReceivers(): number {
    return this.#random.between(0, 2 ** this.#targets.replicaCount - 1);
  }

  /** Two groups, seldom three, or everybody alone. */
  #split(): Split {
    const random = this.#random;
    const { replicaCount } = this.#targets;
    const ids = random.shuffle(allReplicas(replicaCount));
    const withClients = random.chance(0.5);
    if (random.chance(0.1)) return { groups: ids.map((id) => [id]), withClients };
    const first = random.between(1, replicaCount - 1);
    const rest = ids.slice(first);
    const second = rest.length > 1 && random.chance(0.2) ? random.between(1, rest.length - 1) : rest.length;
    const groups = [ids.slice(0, first), rest.slice(0, second), rest.slice(second)];
    return { groups: groups.filter((group) => group.length > 0), withClients };
  }

  #links(ways: readonly Links['kind'][]): Links {
    const random = this.#random;
    const [replica = asReplicaId(0), peer = asReplicaId(0)] = random.shuffle(allReplicas(this.#targets.replicaCount));
    const kind = random.pick(ways);
    return kind === 'one' ? { kind, replica, peer } : { kind, replica };
  }

  /** Half of the time what decisions depend on, if there are any a whole view change; else anything. */
  #types(): readonly MessageType[] {
    const random = this.#random;
    if (VIEW_TYPES.length > 0 && random.chance(0.3)) return VIEW_TYPES;
    const from = random.chance(0.6) ? VOTE_TYPES : TAKEN_TYPES;
    return random.shuffle(from).slice(0, random.between(1, 2));
  }

  /** f … 2f of them. */
  #receivers(): readonly ReplicaId[] {
    const { replicaCount } = this.#targets;
    const faultLimit = Math.max(1, Math.floor((replicaCount - 1) / 3));
    const count = Math.min(replicaCount, this.#random.between(faultLimit, 2 * faultLimit));
    return this.#random.shuffle(allReplicas(replicaCount)).slice(0, count);
  }

  /** One, or as many as there are. */
  #paused(one: ReplicaId): readonly ReplicaId[] {
    const { correct } = this.#targets;
    if (this.#random.chance(0.7)) return [one];
    return this.#random.shuffle(correct).slice(0, this.#random.between(1, correct.length));
  }
}

function allReplicas(replicaCount: number): readonly ReplicaId[] {
  return Array.from({ length: replicaCount }, (_, index) => asReplicaId(index));
}

/** The same faults, and some of the power cuts at a record where a primary writes down that it proposes, or has proposed what is not on disk yet. */
export function trippedAtProposing(random: Random, faults: readonly Fault[]): readonly Fault[] {
  return faults.map((fault) => {
    if (fault.kind !== 'crash' || fault.trap?.kind !== 'record' || !random.chance(0.6)) return fault;
    const { trap } = fault;
    if (random.chance(0.3)) return { ...fault, trap: { ...trap, record: 'proposes' } };
    // Whom it reaches, by bits: mostly some of the backups of the first view.
    const receivers = random.between(1, 15);
    return {
      ...fault,
      trap: { kind: 'output', of: 'pre-prepare', count: random.between(1, 3), receivers, survivors: 0 },
    };
  });
}
