/**
 * The simulator's driver of one replica, with the duties of the server's: intake → step → barrier → sealer. Owns the replica, its disk and
 * what waits behind a sync. A crash loses all but the disk; a restart is the same constructor with the stored records.
 */
import { admitted, DelayLine } from '../byzantine/index.ts';
import type { Behaviour } from '../byzantine/index.ts';
import { assert } from '../base/assert.ts';
import { replicaName } from '../base/ids.ts';
import type { Digest, ReplicaId } from '../base/ids.ts';
import type { Version } from '../base/key-value.ts';
import type { Bytes } from '../base/bytes.ts';
import type { ReplicaConfig } from '../protocol/config.ts';
import type { Input, Now } from '../protocol/input.ts';
import { Intake } from '../protocol/intake.ts';
import { spelledOut } from '../protocol/output.ts';
import type { Output } from '../protocol/output.ts';
import type { Authenticator, Party, StateMachine } from '../protocol/ports.ts';
import { UnusableRecords } from '../protocol/recovery.ts';
import { Replica } from '../protocol/replica.ts';
import type { LostLog } from '../protocol/replica.ts';
import { ReplyOutbox } from '../protocol/reply-outbox.ts';
import { Sealer } from '../protocol/seal.ts';
import { SimulatedClock } from './clock.ts';
import { ArmedTrap } from './crash-trap.ts';
import type { CrashTrap } from './crash-trap.ts';
import type { Sha256 } from './ideal-authenticator.ts';
import { Disk } from './disk.ts';
import { FragileState, maxWaitingOf } from './fragile-state.ts';
import { Violation } from './observer.ts';
import type { NodeView, Observer } from './observer.ts';

/** What a node needs of its world. Times in µs of virtual time. */
export interface NodeHost {
  readonly time: number;
  readonly observer: Required<Observer>;
  send(from: SimulatedNode, to: Party, frame: Bytes): void;
  /** Calls `onWake` no later than at `at`. */
  wake(node: SimulatedNode, at: number): void;
  /** Calls `onSynced(position)` when the disk is done. */
  sync(node: SimulatedNode, position: number): void;
  /** Calls `onSettled()` when the state that was sealed first is hashed and durable. */
  settle(node: SimulatedNode): void;
  /** The node has lost its power and asks to be started again some time. */
  onCrash(node: SimulatedNode): void;
}

export interface NodeParts {
  readonly config: ReplicaConfig;
  readonly authenticator: Authenticator;
  readonly application: StateMachine;
  readonly sha256: Sha256;
  readonly behaviour: Behaviour | undefined;
  readonly isCorrect: boolean;
}

/** What a slow liar holds back at most; beyond that frames are lost, as in the server. */
const LATE_FRAMES = { items: 65_536, bytes: 64 * 1024 * 1024 };

interface Waiting {
  /** Leaves when the disk has synced so many operations. */
  readonly position: number;
  readonly output: Output;
}

export class SimulatedNode implements NodeView {
  readonly id: ReplicaId;
  /** False from the moment at which it may lie, for ever. */
  isCorrect: boolean;
  readonly disk = new Disk();
  /** What of it is durable outlives a crash. */
  #state: FragileState;
  behaviour: Behaviour | undefined;
  readonly #clock = new SimulatedClock();
  /** Counts starts: what was scheduled for an earlier life is void. */
  incarnation = 0;

  readonly #host: NodeHost;
  readonly #parts: NodeParts;
  readonly #intake: Intake;
  readonly #sealer: Sealer;
  readonly #replies: ReplyOutbox;
  #replica: Replica | undefined;
  #outbox: Waiting[] = [];
  readonly #late = new DelayLine<{ readonly to: Party; readonly frame: Bytes }>(LATE_FRAMES);
  #barrier = 0;
  #syncing = false;
  #settling = false;
  #isDiskFull = false;
  #wakeAt: number | undefined;
  #trap: ArmedTrap | undefined;
  /** Its disk was lost: how it starts, until it is done with the recovery. */
  #lost: LostLog | undefined;

  constructor(host: NodeHost, parts: NodeParts) {
    const { config, authenticator } = parts;
    this.id = config.self;
    this.isCorrect = parts.isCorrect;
    this.behaviour = parts.behaviour;
    this.#host = host;
    this.#parts = parts;
    this.#state = FragileState.empty(parts.sha256, maxWaitingOf(this.id));
    this.#intake = new Intake(config.cluster, config.self, authenticator);
    this.#sealer = new Sealer(config.cluster, authenticator);
    this.#replies = new ReplyOutbox(config.self, config.cluster, authenticator);
  }

  get name(): string {
    return replicaName(this.id);
  }

  get isUp(): boolean {
    return this.#replica !== undefined;
  }

  get replica(): Replica {
    assert(this.#replica !== undefined, 'the node is up');
    return this.#replica;
  }

  get status(): ReturnType<Replica['status']> {
    return this.replica.status();
  }

  /** Its clocks, now. */
  get now(): Now {
    return this.#clock.read(this.#host.time);
  }

  /** Ahead of (or behind) the world's wall clock, in ms, besides what it has gone wrong by its rate. */
  get wallOffsetMs(): number {
    return this.#clock.wallOffsetMs;
  }

  set wallOffsetMs(offsetMs: number) {
    this.#clock.wallOffsetMs = offsetMs;
  }

  /** From now on both clocks advance by so many thousandths of the world's time. */
  setClockRate(permille: number): void {
    this.#clock.setRate(this.#host.time, permille);
    this.#wakeAt = undefined;
    if (this.isUp) this.#armWake();
  }

  /** The wall clock is set right, but for its offset. */
  synchroniseClock(): void {
    this.#clock.synchronise(this.#host.time);
  }

  /** Starts from what the disk holds. `monotonicStart`: where its monotonic clock would have shown 0, a virtual time up to now. */
  boot(monotonicStart: number): void {
    assert(!this.isUp, 'a node that runs is not started');
    this.incarnation += 1;
    this.#clock.boot(this.#host.time, this.#host.time - monotonicStart);
    const { config, authenticator, application } = this.#parts;
    const records = this.disk.load();
    this.#state = FragileState.reopened(this.#state);
    try {
      this.#replica = new Replica(config, { authenticator, state: this.#state, application }, records, this.#lost);
    } catch (error) {
      if (!(error instanceof UnusableRecords)) throw error;
      throw new Violation('durability', `${this.name} cannot start from its own disk: ${error.message}`);
    }
    const outputs = spelledOut(this.#replica.start(this.now));
    this.#host.observer.booted(this, records);
    this.#host.observer.stepped(this, undefined, outputs);
    this.#dispatch(outputs);
  }

  /** Power off. Of the unsynced operations the first `survivors` are on the disk. */
  crash(point: string, survivors: number): void {
    this.#host.observer.durable(this, this.disk.crash(survivors));
    // What the disk will know after the crash did happen, though nobody was told.
    for (const { position, output } of this.#outbox) {
      if (output.kind === 'event' && position <= this.disk.synced) this.#tell(output);
    }
    this.#host.observer.crashed(this.id, point);
    this.#replica = undefined;
    this.#outbox = [];
    this.#late.takeAll();
    this.#barrier = 0;
    this.#syncing = false;
    this.#settling = false;
    this.#wakeAt = undefined;
    this.#trap = undefined;
    this.#host.onCrash(this);
  }

  versions(): readonly Version[] {
    return this.#state.versions();
  }

  /** A part of its state cannot be read from now on. Found by whoever reads there, or by the scrub, which comes by now if `isScrubbed`. */
  damageState(prefix: string, isScrubbed: boolean): void {
    this.#state.damage(prefix);
    if (isScrubbed && this.isUp) this.step({ kind: 'damaged', reason: 'a scrub found it' });
  }

  /** Nothing more is written: what is given to the disk waits, and what waits for it. */
  fillDisk(): void {
    this.#isDiskFull = true;
  }

  /** There is room again. */
  freeDisk(): void {
    if (!this.#isDiskFull) return;
    this.#isDiskFull = false;
    if (!this.isUp) return;
    this.#syncing = false;
    this.#settling = false;
    this.#useDisk();
  }

  /** Power off, and the disk with all that was on it is gone, or all but the state. Requires: up; a nonce that no recovery had before. */
  loseDisk(nonce: Digest, keepsState: boolean): void {
    this.#host.observer.diskLost(this.id);
    this.crash('disk lost', 0);
    this.#lost = { nonce };
    this.disk.lose();
    if (!keepsState) this.#state = FragileState.empty(this.#parts.sha256, maxWaitingOf(this.id));
  }

  /** Its disk was lost, and it is not done with the recovery: one of the f, also while it is down. */
  get isRecovering(): boolean {
    return this.#lost !== undefined;
  }

  setTrap(trap: CrashTrap | undefined): void {
    this.#trap = trap === undefined ? undefined : new ArmedTrap(trap);
  }

  get isTrapped(): boolean {
    return this.#trap !== undefined;
  }

  /** A frame arrives over the authenticated link of `link`. */
  onFrame(frame: Bytes, link: Party): void {
    const opened = this.#intake.open(frame, link);
    if (!opened.ok) {
      this.#host.observer.refused(this, link, opened.error);
      if (link.kind === 'replica') this.step({ kind: 'refused', link: link.replica, refusal: opened.error });
    } else if (opened.value.kind !== 'lab') {
      this.step(opened.value);
    }
  }

  step(heard: Input): void {
    const input = admitted(this.behaviour, heard);
    if (input === undefined) return;
    const outputs = spelledOut(this.replica.step(this.now, input));
    this.#host.observer.stepped(this, input, outputs);
    this.#dispatch(outputs);
  }

  onWake(): void {
    this.#wakeAt = undefined;
    for (const { to, frame } of this.#late.takeDue(this.#host.time)) this.#host.send(this, to, frame);
    const deadline = this.replica.nextTimeout();
    if (deadline !== undefined && deadline <= this.now.monotonic) this.step({ kind: 'timeout' });
    else this.#armWake();
  }

  /** The disk is done with the first `position` operations. */
  onSynced(position: number): void {
    if (this.#isDiskFull) return;
    this.#syncing = false;
    const fresh = this.disk.sync(position);
    this.#host.observer.durable(this, fresh);
    const trapped = this.#trap?.onSynced(position);
    if (trapped?.phase === 'synced') return this.#spring(trapped.point);
    const free = this.#takeFree();
    if (trapped === undefined) return this.#flush(free);
    const reached = trapped.phase === 'half-sent' ? Math.ceil(free.length / 2) : free.length;
    this.#release(free.slice(0, reached));
    this.#putBack(free.slice(reached));
    this.#spring(trapped.point);
  }

  /** What was sealed first is durable. */
  onSettled(): void {
    if (this.#isDiskFull) return;
    this.#settling = false;
    const lost = this.#trap?.onVersion('sealed');
    if (lost !== undefined) return this.#spring(lost);
    const before = new Set(this.#state.versions());
    this.#state.settle();
    for (const version of this.#state.versions()) if (!before.has(version)) this.#host.observer.sealed(this, version);
    const untold = this.#trap?.onVersion('durable');
    if (untold !== undefined) return this.#spring(untold);
    this.step({ kind: 'sealed' });
  }

  #spring(point: string): void {
    this.crash(point, this.#trap?.trap.survivors ?? 0);
  }

  #dispatch(outputs: readonly Output[]): void {
    const leaving = this.behaviour?.rewrite(this.now, outputs, this.status) ?? outputs;
    let point: string | undefined;
    for (const output of leaving) {
      if (output.kind === 'persist') {
        this.disk.append(output.record);
        this.#barrier = this.disk.written;
        point ??= this.#trap?.onWritten(output.record.kind, this.disk.written);
      } else if (output.kind === 'truncate') {
        this.disk.rewrite(output.records);
        point ??= this.#trap?.onWritten('truncate', this.disk.written);
      } else {
        // Events wait as well: what is not behind a sync may yet be undone by a crash, and then it never was.
        this.#outbox.push({ position: this.#barrier, output });
      }
    }
    if (point !== undefined) return this.#spring(point);
    this.#flush(this.#takeFree());
    if (this.isUp) this.#armWake();
  }

  /** Takes out what no record holds back. */
  #takeFree(): readonly Output[] {
    const held = this.#outbox.findIndex((waiting) => waiting.position > this.disk.synced);
    return this.#outbox.splice(0, held < 0 ? this.#outbox.length : held).map((waiting) => waiting.output);
  }

  /** What was free to leave and has not left. */
  #putBack(outputs: readonly Output[]): void {
    this.#outbox.unshift(...outputs.map((output) => ({ position: this.disk.synced, output })));
  }

  /** Lets it go, and gives the disk something to do. A trap cuts it short. */
  #flush(free: readonly Output[]): void {
    const last = this.#trap?.onRelease(free);
    if (last !== undefined) {
      this.#release([...free.slice(0, last.index), ...(last.output === undefined ? [] : [last.output])]);
      this.#putBack(free.slice(last.index + 1));
      return this.#spring(last.point);
    }
    this.#release(free);
    this.#useDisk();
  }

  /** Gives the disk something to do. */
  #useDisk(): void {
    if (this.#isDiskFull) return;
    if (!this.#settling && this.#state.unsettled().length > 0) {
      this.#settling = true;
      this.#host.settle(this);
    }
    if (!this.#syncing && this.disk.written > this.disk.synced) {
      this.#syncing = true;
      this.#host.sync(this, this.disk.written);
    }
  }

  /** It happened, for good. */
  #tell(output: Output): void {
    if (output.kind === 'event' && output.event.kind === 'recovered') this.#lost = undefined;
    this.#host.observer.released(this, output);
  }

  #release(outputs: readonly Output[]): void {
    for (const output of outputs) {
      this.#tell(output);
      if (output.kind === 'store') {
        this.#state.store(output.sequence);
      } else if (output.kind === 'collect') {
        this.#state.collect(output.sequence);
      } else if (output.kind === 'send') {
        const to = output.to.map((replica): Party => ({ kind: 'replica', replica }));
        this.#seal(output.message, to, output.signature);
      } else if (output.kind === 'reply') {
        this.#replies.add(output.reply, output.isSigned);
      }
    }
    for (const letter of this.#replies.drain()) {
      const { client } = letter.message;
      this.#transmitSealed({ kind: 'client', client }, this.#sealer.sealReplies(letter));
    }
  }

  #seal(...[message, to, signature]: Parameters<Sealer['seal']>): void {
    const frames = this.#sealer.seal(message, to, signature);
    for (const [at, receiver] of to.entries()) this.#transmitSealed(receiver, frames[at]);
  }

  #transmitSealed(to: Party, frame: Bytes | undefined): void {
    if (frame !== undefined) this.#transmit(to, this.behaviour?.rewriteFrame(frame) ?? frame);
  }

  /** At once, unless the node is slow; whatever was held back goes first. */
  #transmit(to: Party, frame: Bytes): void {
    const delayUs = this.behaviour?.delayUs ?? 0;
    if (delayUs > 0) {
      this.#late.put(this.#host.time + delayUs, { to, frame }, frame.length);
      this.#armWake();
      return;
    }
    if (!this.#late.isEmpty) for (const late of this.#late.takeAll()) this.#host.send(this, late.to, late.frame);
    this.#host.send(this, to, frame);
  }

  #armWake(): void {
    const deadline = this.replica.nextTimeout();
    const own = deadline === undefined ? Infinity : this.#clock.timeOf(this.#host.time, deadline);
    const next = Math.min(own, this.#late.nextDue ?? Infinity);
    if (next === Infinity) return;
    const at = Math.max(this.#host.time, next);
    if (this.#wakeAt !== undefined && this.#wakeAt <= at) return;
    this.#wakeAt = at;
    this.#host.wake(this, at);
  }
}
