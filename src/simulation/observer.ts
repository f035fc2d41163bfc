/** What checkers, coverage and trace see of a world: everything that happens, at once, with nothing hidden. */
import type { Bytes } from '../base/bytes.ts';
import type { Digest, ReplicaId, Sequence } from '../base/ids.ts';
import type { Version } from '../base/key-value.ts';
import type { AuthenticatedRequest } from '../messages/index.ts';
import type { ClientOutcome } from '../protocol/client-session.ts';
import type { Input } from '../protocol/input.ts';
import type { Output } from '../protocol/output.ts';
import type { Party } from '../protocol/ports.ts';
import type { Record } from '../protocol/record.ts';
import type { Refusal } from '../protocol/refusal.ts';
import type { Replica } from '../protocol/replica.ts';
import type { ReplicaStatus } from '../protocol/status.ts';

/** One node as observers see it. */
export interface NodeView {
  readonly id: ReplicaId;
  /** Never a liar, not even later in this run. */
  readonly isCorrect: boolean;
  readonly replica: Replica;
  readonly status: ReplicaStatus;
  /** The states of checkpoints that are durable at this node. */
  versions(): readonly Version[];
}

/** What a correct client took for its answer. */
export interface Acknowledgement {
  readonly request: AuthenticatedRequest;
  /** Where it was executed, or the first outcome of its idempotency key was. */
  readonly sequence: Sequence;
  /** Of the batch there. */
  readonly digest: Digest;
  readonly result: Bytes;
  readonly replayed: boolean;
  /** It was told before it was committed. */
  readonly isTentative: boolean;
  readonly replicas: readonly ReplicaId[];
}

/** Why a frame does not arrive: by its link, because the receiver is down, for want of room where it had to wait, or because somebody took it out. */
export type FrameLoss = 'link' | 'down' | 'room' | 'by hand';

/** Any of it may be left out. A checker that sees an invariant broken throws {@link Violation}. */
export interface Observer {
  /** A replica was made from `records` and has started. */
  booted?(node: NodeView, records: readonly Record[]): void;
  /** The replica took a step; `outputs` are its own, before any behaviour rewrites them. `input` is undefined for `start`. */
  stepped?(node: NodeView, input: Input | undefined, outputs: readonly Output[]): void;
  /** These records can no longer be lost by a crash. */
  durable?(node: NodeView, records: readonly Record[]): void;
  /** The state of a checkpoint can no longer be lost by a crash. */
  sealed?(node: NodeView, version: Version): void;
  /** A `send`, `reply` or `event` leaves the process, rewritten where the node is a liar: everything before it is durable. */
  released?(node: NodeView, output: Output): void;
  /** A frame waits in a clogged link or before a paused process, or finds no room there and is lost. */
  held?(by: 'clog' | 'pause', hasRoom: boolean): void;
  /** All that was on the disk of a node that is down is gone: it will start as one that recovers, and is one of the f until it is done. */
  diskLost?(node: ReplicaId): void;
  crashed?(node: ReplicaId, point: string): void;
  /** A process stands still, or goes on. */
  paused?(node: ReplicaId, isPaused: boolean): void;
  /** A node was told to lie from now on, or (undefined) to stop. */
  misbehaves?(node: ReplicaId, behaviour: string | undefined): void;
  refused?(node: NodeView, link: Party, refusal: Refusal): void;
  /** A frame is handed to the network, which may lose it at once. */
  sent?(from: Party, to: Party, frame: Bytes): void;
  /** A frame will never arrive: its link was cut or loses it, or nobody is there to hear it. */
  lost?(from: Party, to: Party, frame: Bytes, why: FrameLoss): void;
  /** A frame arrives at a party that is up. */
  delivered?(from: Party, to: Party, frame: Bytes): void;
  /** A client, correct or not, made a properly authenticated request. */
  issued?(request: AuthenticatedRequest): void;
  acknowledged?(acknowledgement: Acknowledgement): void;
  /** A read-only request of a correct client was answered without being ordered. */
  readAnswered?(request: AuthenticatedRequest, result: Bytes): void;
  /** A call of a correct client came to an end, or what had ended as unknown became known. */
  concluded?(request: AuthenticatedRequest, outcome: ClientOutcome): void;
}

/** An observer that judges: it throws {@link Violation} where an invariant is broken. */
export interface Checker extends Observer {
  /** The invariants that it has demanded of all that happened so far. */
  readonly judges: readonly string[];
  /** Those of them without which it knows too little to judge the others. */
  readonly isLostBy?: readonly string[];
}

/** An invariant does not hold in this run. */
export class Violation extends Error {
  override readonly name = 'Violation';
  /** Which one: `agreement`, `validity`, `durability`, … */
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(message);
    this.invariant = invariant;
  }
}

/** What a checker that goes on demands of one invariant: broken, it is told once, and does not keep the checker from what it demands next. */
export class Demand {
  readonly #invariant: string;
  #isBroken = false;

  constructor(invariant: string) {
    this.#invariant = invariant;
  }

  /** Throws a {@link Violation} unless `holds`, the first time. */
  check(holds: boolean, message: () => string): void {
    if (holds || this.#isBroken) return;
    this.#isBroken = true;
    throw new Violation(this.#invariant, message());
  }
}

/** Throws a {@link Violation} of `invariant` unless `holds`. The message is made only when it is needed. */
export function demand(holds: boolean, invariant: string, message: () => string): asserts holds {
  if (!holds) throw new Violation(invariant, message());
}
