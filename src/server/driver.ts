/**
 * The thin shell around one replica: frames and time in, outputs out. It owns the replica, its timer and the barrier in front of the wire;
 * it decides nothing. Whatever breaks one of our own rules stops the replica for good: a silent replica costs liveness, a wrong vote safety.
 */
import { InvariantViolation } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { MAX_NUMBER, asReplicaId, asSequence } from '../base/ids.ts';
import type { Digest, ReplicaId, Sequence } from '../base/ids.ts';
import type { Reader } from '../base/key-value.ts';
import type { Result } from '../base/result.ts';
import { fail, ok } from '../base/result.ts';
import { admitted, makeBehaviour, parseOrder } from '../byzantine/index.ts';
import type { Behaviour } from '../byzantine/index.ts';
import type { WrongReply } from '../client/index.ts';
import type { CodecContext, Message, MessageType } from '../messages/index.ts';
import type { ReplicaConfig } from '../protocol/config.ts';
import type { Event } from '../protocol/event.ts';
import type { Input, Now } from '../protocol/input.ts';
import { Intake } from '../protocol/intake.ts';
import type { LabCommand } from '../protocol/intake.ts';
import { spelledOut } from '../protocol/output.ts';
import type { StepOutput } from '../protocol/output.ts';
import type { Party } from '../protocol/ports.ts';
import type { Record } from '../protocol/record.ts';
import type { CoreRefusalCode, Refusal } from '../protocol/refusal.ts';
import { Replica } from '../protocol/replica.ts';
import type { CertifiedState, LostLog, ReplicaModules } from '../protocol/replica.ts';
import { ReplyOutbox } from '../protocol/reply-outbox.ts';
import { Sealer } from '../protocol/seal.ts';
import type { ReplicaStatus, SlotStatus } from '../protocol/status.ts';
import type { ReplicaMoment } from './explanation.ts';
import { LateFrames } from './late-frames.ts';
import type { RecordedFrame } from './message-ring.ts';
import { OutputGate } from './output-gate.ts';
import type { GateLog, Outbound } from './output-gate.ts';
import { encodeRecord } from '../protocol/record-codec.ts';
import { ServingBudget } from './serving-budget.ts';

/** Why a replica stopped by itself. */
export type DriverFault =
  | { readonly code: 'invariant-violated'; readonly reason: string; readonly error: unknown }
  | { readonly code: 'log-failed'; readonly reason: string; readonly error: unknown }
  | { readonly code: 'state-failed'; readonly reason: string; readonly error: unknown };

/** Who wants to know what happens. Called synchronously; must not throw. */
export interface DriverObserver {
  onEvent(event: Event): void;
  onSync(records: number): void;
  onDropped(reason: 'log-backlog' | 'stopped'): void;
  /** Lab mode only. */
  onRecorded(recorded: RecordedFrame): void;
  /** A frame has left for one receiver. */
  onSent(to: Party, message: Message, frame: Bytes): void;
  /** A frame came over the link of `from`, and what it says is authentic. */
  onReceived(from: Party, input: Input, frame: Bytes): void;
  /** A behaviour was switched on (its name) or off (undefined) here. */
  onBehaviour(behaviour: string | undefined): void;
  onStopped(fault: DriverFault): void;
}

export interface DriverOptions {
  readonly config: ReplicaConfig;
  readonly modules: ReplicaModules;
  readonly codec: CodecContext;
  /** The log was lost, and `records` is empty: the replica recovers. */
  readonly lost?: LostLog | undefined;
  readonly records: readonly Record[];
  readonly log: GateLog;
  /** false: the frame was dropped. `message`: what it says. */
  readonly send: (to: Party, frame: Bytes, message: Message) => boolean;
  /** Nobody could use the frame that has just come on this link: it was refused at the door, or holds only requests that are not their clients'. */
  readonly blame?: (link: Party) => void;
  readonly clock: () => Now;
  /** Lab mode: behaviours can be switched on, frames are recorded. */
  readonly lab: boolean;
  readonly observer: DriverObserver;
}

/** Held outputs and bytes waiting for the disk, above which frames are dropped: the peers' STATUS repairs what was missed. */
const HELD_OUTPUTS = 65_536;
const PENDING_BYTES = 64 * 1024 * 1024;
/** The longest that setTimeout takes. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** What became of a message that was handed in. `refused`: authentic, and not for now. */
export type Delivery = { readonly kind: 'taken' } | { readonly kind: 'refused'; readonly code: CoreRefusalCode };
export type DeliveryFault =
  | { readonly kind: 'intake'; readonly refusal: Refusal }
  | { readonly kind: 'busy' }
  | { readonly kind: 'stopped' };

export class Driver {
  readonly #options: DriverOptions;
  readonly #replica: Replica;
  readonly #intake: Intake;
  readonly #sealer: Sealer;
  readonly #gate: OutputGate;
  readonly #outbox: ReplyOutbox;
  readonly #lateFrames: LateFrames;
  readonly #serving: ServingBudget<Input>;
  /** By id. */
  readonly #replicas: readonly Party[];
  /** Last executed, as each peer's latest STATUS says: a hint, for readiness only. */
  readonly #claims = new Map<ReplicaId, Sequence>();
  #behaviour: Behaviour | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Monotonic µs at which the timer fires. */
  #armedFor = Infinity;
  #stopped = false;
  #isFlushPlanned = false;

  /** Throws UnusableRecords when the stored records do not fit this replica. */
  constructor(options: DriverOptions) {
    this.#options = options;
    const { config, modules, observer } = options;
    this.#replicas = Array.from({ length: config.cluster.replicaCount }, (_, id) => replicaParty(asReplicaId(id)));
    this.#replica = new Replica(config, modules, options.records, options.lost);
    this.#intake = new Intake(config.cluster, config.self, modules.authenticator);
    this.#sealer = new Sealer(config.cluster, modules.authenticator);
    this.#outbox = new ReplyOutbox(config.self, config.cluster, modules.authenticator);
    this.#lateFrames = new LateFrames({
      clock: () => options.clock().monotonic,
      send: (to, frame, message) => void this.#sendFrame(to, frame, message),
      frames: HELD_OUTPUTS,
      bytes: PENDING_BYTES,
    });
    this.#serving = new ServingBudget({
      clock: () => performance.now() * 1000,
      answer: (question) => this.#serving.measure(() => this.#run((now) => this.#replica.step(now, question))),
    });
    this.#gate = new OutputGate({
      log: options.log,
      encode: encodeRecord,
      release: (outputs) => this.#guard(() => this.#release(outputs)),
      onFault: (error) => this.#halt({ code: 'log-failed', reason: describe(error), error }),
      onSync: (records) => observer.onSync(records),
      heldOutputs: HELD_OUTPUTS,
      pendingBytes: PENDING_BYTES,
    });
  }

  /** Once: the replica greets its peers. */
  start(): void {
    this.#run((now) => this.#replica.start(now));
  }

  /** No further step, nothing leaves any more. Harmless when repeated. */
  stop(): void {
    this.#stopped = true;
    this.#gate.close();
    this.#lateFrames.stop();
    this.#serving.stop();
    clearTimeout(this.#timer);
  }

  get isStopped(): boolean {
    return this.#stopped;
  }

  status(): ReplicaStatus {
    return this.#replica.status();
  }

  /** The slots from `from` to `to`, both included, the last finished ones among them. */
  slots(from: Sequence, to: Sequence): readonly SlotStatus[] {
    const finished = this.#replica.finishedSlots().filter(({ sequence }) => sequence >= from && sequence <= to);
    return [...finished, ...this.#replica.slots(from, to)];
  }

  /** The slot with exactly this number; undefined outside the water marks and what was finished last. */
  slot(sequence: Sequence): SlotStatus | undefined {
    const [live] = this.#replica.slots(sequence, sequence);
    return live ?? this.#replica.finishedSlots().find((finished) => finished.sequence === sequence);
  }

  /** Does the request wait here to be proposed or executed? */
  isQueued(digest: Digest): boolean {
    return this.#replica.isQueued(digest);
  }

  /** What holds the replica up, now. */
  moment(): ReplicaMoment {
    const status = this.#replica.status();
    const from = asSequence(status.lastExecuted + 1);
    return {
      nowUs: this.#options.clock().monotonic,
      status,
      waits: this.#replica.waits(),
      openSlots: this.#replica.slots(from, asSequence(MAX_NUMBER)),
    };
  }

  /** The shortest list from which a restart gives this replica, as bytes of the log. */
  records(): readonly Bytes[] {
    return this.#replica.records().map(encodeRecord);
  }

  /** The state of the last stable checkpoint with the certificate that made it so; undefined while it is not here. */
  certifiedState(): CertifiedState | undefined {
    return this.#replica.certifiedState();
  }

  get reader(): Reader {
    return this.#replica.reader;
  }

  get heldOutputs(): number {
    return this.#gate.heldOutputs;
  }

  /** Time spent on handing out state, µs. */
  get servingUs(): number {
    return this.#serving.spentUs;
  }

  /** Name of the behaviour that is on here; undefined for a correct replica. */
  get behaviour(): string | undefined {
    return this.#behaviour?.name;
  }

  /** Last executed sequence number that each peer claims. */
  get claims(): ReadonlyMap<ReplicaId, Sequence> {
    return this.#claims;
  }

  /** A frame from an authenticated link. */
  onFrame(link: Party, frame: Bytes): void {
    if (!this.#mayStep()) return;
    if (this.#options.lab) this.#record('received', link, frame);
    const opened = this.#intake.open(frame, link);
    if (isUseless(opened)) this.#options.blame?.(link);
    if (!opened.ok) this.#onRefused(link, opened.error);
    else if (opened.value.kind === 'lab') this.#onLabCommand(opened.value);
    else {
      this.#options.observer.onReceived(link, opened.value, frame);
      this.#step(opened.value);
    }
  }

  /** A link to a peer came up. */
  onConnected(peer: ReplicaId): void {
    if (this.#mayStep()) this.#step({ kind: 'connected', peer });
  }

  /** A sealed or fetched state is durable. Never dropped: a transfer waits for it. */
  onSealed(): void {
    if (!this.#stopped) this.#step({ kind: 'sealed' });
  }

  /** The state database can no longer be written, for a reason that does not go away by itself. */
  onStateFailed(reason: string): void {
    this.#halt({ code: 'state-failed', reason, error: undefined });
  }

  /** The state cannot be read, as somebody found who read it. */
  onDamaged(reason: string): void {
    if (!this.#stopped) this.#step({ kind: 'damaged', reason });
  }

  /** What the link itself refused of a peer, before there was a frame. */
  onBadFrame(link: ReplicaId, code: 'malformed' | 'oversized', reason: string): void {
    if (this.#mayStep()) this.#step({ kind: 'refused', link, refusal: { code, reason, decode: undefined } });
  }

  /** One protocol message in its JSON form, from whoever: the proof in it decides. */
  deliver(value: unknown): Result<Delivery, DeliveryFault> {
    if (this.#stopped) return fail({ kind: 'stopped' });
    if (!this.#mayStep()) return fail({ kind: 'busy' });
    const opened = this.#intake.openJson(value);
    if (!opened.ok) {
      this.#options.observer.onEvent({
        kind: 'refused',
        type: 'frame',
        from: this.#options.config.self,
        code: opened.error.code,
      });
      return fail({ kind: 'intake', refusal: opened.error });
    }
    const type = typeOf(opened.value);
    const refused = this.#step(opened.value).find((output) => isRefusalOf(output, type));
    if (refused?.kind !== 'event' || refused.event.kind !== 'refused') return ok({ kind: 'taken' });
    return ok({ kind: 'refused', code: refused.event.code as CoreRefusalCode });
  }

  /** The gateway's client saw a replica answer wrongly. */
  onWrongReply(wrong: WrongReply): void {
    if (wrong.replica !== this.#options.config.self && this.#mayStep()) this.#step({ kind: 'wrong-reply', ...wrong });
  }

  /** Switches a behaviour on or off here, as it was ordered (`parseOrder`). Requires: lab mode. Returns false for an order that is none. */
  behave(ordered: string, enabled: boolean): boolean {
    const order = parseOrder(ordered);
    if (order === undefined) return false;
    const { config, codec, modules, observer } = this.#options;
    const context = {
      self: config.self,
      cluster: config.cluster,
      requestTimeoutUs: config.tuning.requestTimeoutUs,
      codec,
      authenticator: modules.authenticator,
      variant: 0,
      delayUs: order.delayUs,
    };
    this.#behaviour = enabled ? makeBehaviour(order.name, context) : undefined;
    observer.onBehaviour(this.#behaviour?.name);
    return true;
  }

  /** Sends a message of the node itself (not of the replica) to a peer; false when it could not be sent. */
  sendDirectly(to: ReplicaId, message: Message): boolean {
    const party = this.#partyOf(to);
    const [frame] = this.#sealer.seal(message, [party], undefined);
    return frame !== undefined && this.#sendFrame(party, frame, message);
  }

  #mayStep(): boolean {
    if (!this.#stopped && !this.#gate.isFull) return true;
    this.#options.observer.onDropped(this.#stopped ? 'stopped' : 'log-backlog');
    return false;
  }

  #onRefused(link: Party, refusal: Refusal): void {
    if (link.kind === 'replica') this.#step({ kind: 'refused', link: link.replica, refusal });
    else this.#options.observer.onEvent({ kind: 'refused', type: 'frame', from: link.client, code: refusal.code });
  }

  #onLabCommand({ command }: LabCommand): void {
    const { lab, config, observer } = this.#options;
    const isObeyed = lab && command.target === config.self && this.behave(command.behaviour, command.enabled);
    if (!isObeyed)
      observer.onEvent({
        kind: 'refused',
        type: 'simulate-byzantine',
        from: command.replica,
        code: 'not-allowed-here',
      });
  }

  #step(heard: Input): readonly StepOutput[] {
    const input = admitted(this.#behaviour, heard);
    if (input === undefined) return [];
    if (input.kind === 'message' && input.message.type === 'status')
      this.#claims.set(input.author, input.message.lastExecuted);
    if (input.kind === 'message' && input.message.type === 'fetch-state') {
      this.#serving.ask(input.author, input);
      return [];
    }
    return this.#run((now) => this.#replica.step(now, input));
  }

  /** One step: its outputs to the gate, its next deadline to the timer. */
  #run(step: (now: Now) => readonly StepOutput[]): readonly StepOutput[] {
    let outputs: readonly StepOutput[] = [];
    if (this.#stopped) return outputs;
    try {
      const now = this.#options.clock();
      outputs = step(now);
      const leaving =
        this.#behaviour === undefined
          ? outputs
          : this.#behaviour.rewrite(now, spelledOut(outputs), this.#replica.status());
      this.#gate.put(leaving);
      this.#arm(now);
    } catch (error) {
      this.#onThrown(error);
    }
    return outputs;
  }

  /** Runs our own code; whatever it throws is our own bug, and stops the replica. */
  #guard(action: () => void): void {
    if (this.#stopped) return;
    try {
      action();
    } catch (error) {
      this.#onThrown(error);
    }
  }

  #onThrown(error: unknown): void {
    this.#halt({ code: 'invariant-violated', reason: describe(error), error });
  }

  #halt(fault: DriverFault): void {
    if (this.#stopped) return;
    this.stop();
    this.#options.observer.onStopped(fault);
  }

  #arm(now: Now): void {
    const next = this.#replica.nextTimeout() ?? Infinity;
    // A timer that fires too early finds nothing due and is set again: cheaper than moving it at every step.
    if (next >= this.#armedFor || next === Infinity || this.#stopped) return;
    clearTimeout(this.#timer);
    this.#armedFor = next;
    const delayMs = Math.min(MAX_DELAY_MS, Math.max(0, Math.ceil((next - now.monotonic) / 1000)));
    this.#timer = setTimeout(() => this.#onTimer(), delayMs);
  }

  #onTimer(): void {
    this.#armedFor = Infinity;
    if (this.#stopped) return;
    const now = this.#options.clock();
    const next = this.#replica.nextTimeout() ?? Infinity;
    if (next > now.monotonic) this.#arm(now);
    // The disk does not keep up: look again when it may have.
    else if (this.#gate.isFull) this.#timer = setTimeout(() => this.#onTimer(), BACKLOG_PAUSE_MS);
    else this.#step({ kind: 'timeout' });
  }

  #release(outputs: readonly Outbound[]): void {
    for (const output of outputs) {
      switch (output.kind) {
        case 'event':
          this.#options.observer.onEvent(output.event);
          break;
        case 'reply':
          this.#outbox.add(output.reply, output.isSigned);
          break;
        case 'batch-replies':
          this.#outbox.addBatch(output.replies);
          break;
        case 'store':
          this.#options.modules.state.store(output.sequence);
          break;
        case 'collect':
          this.#options.modules.state.collect(output.sequence);
          break;
        case 'send':
          this.#send(
            output.message,
            output.to.map((replica) => this.#partyOf(replica)),
            output.signature,
          );
      }
    }
    if (this.#outbox.isEmpty || this.#isFlushPlanned) return;
    this.#isFlushPlanned = true;
    queueMicrotask(() => this.#guard(() => this.#flushReplies()));
  }

  #flushReplies(): void {
    this.#isFlushPlanned = false;
    for (const letter of this.#outbox.drain()) {
      const { client } = letter.message;
      this.#sendSealed({ kind: 'client', client }, letter.message, this.#sealer.sealReplies(letter));
    }
  }

  #send(message: Message, to: readonly Party[], signature: Bytes | undefined): void {
    if (message.type === 'state') this.#serving.measure(() => this.#seal(message, to, signature));
    else this.#seal(message, to, signature);
  }

  #seal(message: Message, to: readonly Party[], signature: Bytes | undefined): void {
    const frames = this.#sealer.seal(message, to, signature);
    to.forEach((receiver, index) => this.#sendSealed(receiver, message, frames[index]));
  }

  #partyOf(replica: ReplicaId): Party {
    return this.#replicas[replica] ?? replicaParty(replica);
  }

  /** `undefined`: no key is shared with the receiver yet. */
  #sendSealed(to: Party, message: Message, sealed: Bytes | undefined): void {
    if (sealed === undefined) return;
    const frame = this.#behaviour?.rewriteFrame(sealed) ?? sealed;
    this.#lateFrames.send(to, frame, message, this.#behaviour?.delayUs ?? 0);
  }

  #sendFrame(to: Party, frame: Bytes, message: Message): boolean {
    if (this.#options.lab) this.#record('sent', to, frame);
    const isSent = this.#options.send(to, frame, message);
    if (isSent) this.#options.observer.onSent(to, message, frame);
    return isSent;
  }

  #record(direction: 'sent' | 'received', peer: Party, frame: Bytes): void {
    this.#options.observer.onRecorded({ atMs: this.#options.clock().wall, direction, peer, frame });
  }
}

const BACKLOG_PAUSE_MS = 10;

function replicaParty(replica: ReplicaId): Party {
  return { kind: 'replica', replica };
}

/** Refused at the door; or requests none of which is their client's, as far as anybody here can tell. A correct replica passes on what it verified; where a client convinced it alone, a view change brings a few
 * frames of them, far below what a link may bring. */
function isUseless(opened: Result<Input | LabCommand, Refusal>): boolean {
  if (!opened.ok) return true;
  const { value } = opened;
  return value.kind === 'requests' && value.requests.every(({ verified }) => verified === 'unverified');
}

function typeOf(input: Input): MessageType | undefined {
  return input.kind === 'message' ? input.message.type : input.kind === 'requests' ? 'requests' : undefined;
}

function isRefusalOf(output: StepOutput, type: MessageType | undefined): boolean {
  return output.kind === 'event' && output.event.kind === 'refused' && output.event.type === type;
}

function describe(error: unknown): string {
  if (error instanceof InvariantViolation) return `invariant violated: ${error.message}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
