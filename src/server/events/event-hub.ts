/**
 * The event stream of one node: numbers what happens, encodes it once, and hands it to all who listen. While nobody does it only counts. It
 * never waits for anybody, and bounds what it keeps for each; what it takes in time is measured, and kept below its part by telling less
 * (sampler.ts). Events go out together, some ten times a second.
 */
import { apiError, toStreamEvent } from '../../api/index.ts';
import type { ApiError, EventHead, StreamEvent, StreamEventKind } from '../../api/index.ts';
import type { Bytes } from '../../base/bytes.ts';
import { replicaName } from '../../base/ids.ts';
import type { ReplicaId } from '../../base/ids.ts';
import type { Result } from '../../base/result.ts';
import { fail, ok } from '../../base/result.ts';
import type { Message } from '../../messages/index.ts';
import type { Event, ExecutedEvent } from '../../protocol/event.ts';
import type { Input } from '../../protocol/input.ts';
import type { Party } from '../../protocol/ports.ts';
import { Consumer, DEFAULT_CONSUMER_LIMITS } from './consumer.ts';
import type { ConsumerLimits, EventSink, Parcel } from './consumer.ts';
import type { EventClocks } from './event-clocks.ts';
import { keyOfEvent, keyOfMessage, SAMPLED_KINDS } from './event-key.ts';
import { DEFAULT_EVENT_RING_LIMITS, EventRing } from './event-ring.ts';
import type { EncodedEvent, EventRingLimits } from './event-ring.ts';
import { KindTally } from './kind-tally.ts';
import { DEFAULT_SAMPLER_LIMITS, Sampler } from './sampler.ts';
import type { SamplerLimits } from './sampler.ts';

export interface EventHubLimits {
  /** Who may listen at once. */
  readonly consumers: number;
  /** Events that wait to be sent together; with one more they are sent at once. */
  readonly pending: number;
  /** How long they wait, ms. */
  readonly flushMs: number;
  /** A comment after so many seconds, so that nobody between takes the connection for dead. */
  readonly heartbeatSeconds: number;
  /** Seconds after the last one has left in which events are still kept for those who come back. */
  readonly lingerSeconds: number;
  readonly ring: EventRingLimits;
  readonly consumer: ConsumerLimits;
  readonly sampler: SamplerLimits;
}

export const DEFAULT_EVENT_HUB_LIMITS: EventHubLimits = {
  consumers: 32,
  pending: 256,
  flushMs: 100,
  heartbeatSeconds: 15,
  lingerSeconds: 30,
  ring: DEFAULT_EVENT_RING_LIMITS,
  consumer: DEFAULT_CONSUMER_LIMITS,
  sampler: DEFAULT_SAMPLER_LIMITS,
};

/** What goes out next: an event of the core, `isShort` without its requests, or what the node itself tells. */
type What =
  | { readonly event: Event; readonly isShort: boolean }
  | { readonly fields: { readonly kind: StreamEventKind } & Readonly<Record<string, unknown>> };

type FieldsOf<Kind extends StreamEventKind> = Omit<Extract<StreamEvent, { kind: Kind }>, keyof EventHead | 'kind'>;

export interface EventHubOptions {
  readonly self: ReplicaId;
  /** Eight hexadecimal characters, others at each start of the process. */
  readonly boot: string;
  readonly hello: () => Omit<FieldsOf<'hello'>, 'boot'>;
  readonly clocks: EventClocks;
  readonly limits?: Partial<EventHubLimits>;
}

/** What one who wants to listen asks for. */
export interface ListenRequest {
  /** undefined: all kinds. `hello` and `lost` come in any case, and `sampled` with what may be sampled. */
  readonly kinds: ReadonlySet<StreamEventKind> | undefined;
  /** Id of the last event that it got before; undefined: it wants only what is new. */
  readonly lastEventId: string | undefined;
  readonly sink: EventSink;
}

/** Totals since the start. */
export interface EventStreamCounts {
  readonly cpuSeconds: number;
  readonly sentEvents: number;
  readonly lostEvents: number;
  readonly leftOutEvents: number;
  readonly listeners: number;
}

const SECOND_MS = 1000;
/** Frames that are held until they are told of. */
const PENDING_BYTES = 1024 * 1024;
/** Noting one event is too short to be measured: what it takes at most. */
const NOTE_US = 1;
/** To ask what the process takes is a system call, and not made more often. */
const EARN_US = 100_000;
/** After this a client that lost its connection comes back. */
const RETRY_MS = 1000;
const HEARTBEAT = Buffer.from(': still here\n\n');

export class EventHub {
  readonly #options: EventHubOptions;
  readonly #limits: EventHubLimits;
  readonly #name: string;
  readonly #tally = new KindTally();
  readonly #ring: EventRing;
  readonly #sampler: Sampler;
  readonly #consumers = new Set<Consumer>();
  #turn = 0;
  #pending: { readonly number: number; readonly atUs: number; readonly what: What }[] = [];
  /** Of the frames among what is pending. */
  #pendingBytes = 0;
  /** Somebody listens, or did until shortly. */
  #isRecording = false;
  /** Kinds that anybody wants or wanted until shortly; undefined: all. */
  #wanted: ReadonlySet<StreamEventKind> | undefined = new Set();
  #isClosed = false;
  #flushTimer: NodeJS.Timeout | undefined;
  #secondTimer: NodeJS.Timeout | undefined;
  #seconds = 0;
  #leftAtSecond = 0;
  #secondBeganUs = 0;
  #processUs = 0;
  #earnedAtUs = 0;
  #spentUs = 0;
  #sentEvents = 0;
  #lostEvents = 0;
  #leftOutEvents = 0;

  constructor(options: EventHubOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_EVENT_HUB_LIMITS, ...options.limits };
    this.#name = replicaName(options.self);
    this.#ring = new EventRing(this.#limits.ring, ({ kind, number }) => this.#tally.gone(kind, number));
    this.#sampler = new Sampler(this.#limits.sampler);
  }

  get counts(): EventStreamCounts {
    return {
      cpuSeconds: this.#spentUs / 1e6,
      sentEvents: this.#sentEvents,
      lostEvents: this.#lostEvents,
      leftOutEvents: this.#leftOutEvents,
      listeners: this.#consumers.size,
    };
  }

  /** Part of the slots that is told at present, 1 at most. */
  get share(): number {
    return this.#sampler.share;
  }

  /** Something happened in the replica. */
  onEvent(event: Event): void {
    if (!this.#isWanted(event.kind)) return;
    const key = keyOfEvent(event, (this.#turn += 1));
    if (key !== undefined && !this.#sampler.admits(key)) return;
    this.#put({ event, isShort: event.kind === 'executed' && this.#isShort(event) });
  }

  /** Has it requests, which are not told? Asked for here, they are made now, and the batch that they are made from does not wait with the event. */
  #isShort({ sequence, requests }: ExecutedEvent): boolean {
    return requests.length > 0 && !this.#sampler.isWithin(sequence);
  }

  /** A frame left for one receiver. */
  onSent(to: Party, message: Message, frame: Bytes): void {
    if (!this.#isWanted('message-sent') || !this.#sampler.admits(keyOfMessage(message, (this.#turn += 1)))) return;
    this.#putMessage({ kind: 'message-sent', to: idOf(to), message, frame });
  }

  /** A frame came over the link of `from`, and what it says is authentic. */
  onReceived(from: Party, input: Input, frame: Bytes): void {
    if (!this.#isWanted('message-received')) return;
    const message = messageOf(input);
    if (message === undefined || !this.#sampler.admits(keyOfMessage(message, (this.#turn += 1)))) return;
    this.#putMessage({ kind: 'message-received', from: idOf(from), message, frame });
  }

  onBehaviour(behaviour: string | undefined): void {
    this.#tell({ kind: 'behaviour', behaviour: behaviour ?? null });
  }

  onLink(peer: ReplicaId, state: 'up' | 'down'): void {
    this.#tell({ kind: 'link', peer: replicaName(peer), state });
  }

  /**
   * From now on the sink gets the stream: `hello`, then what was missed since the event `lastEventId` as far as it is still here (and `lost` with
   * how many are not), then what happens. The caller says when the sink is gone, by the function it gets.
   */
  listen({ kinds, lastEventId, sink }: ListenRequest): Result<() => void, ApiError> {
    if (this.#isClosed) return fail(apiError('replica_stopped', 'This node is shutting down.'));
    const { consumers: most } = this.#limits;
    if (this.#consumers.size >= most) return fail(apiError('too_many_streams', undefined, { limit: most }, 5));
    this.#flush();
    this.#record();
    const began = this.#options.clocks.threadUs();
    const consumer = new Consumer({
      sink,
      kinds:
        kinds === undefined || !SAMPLED_KINDS.some((kind) => kinds.has(kind)) ? kinds : new Set([...kinds, 'sampled']),
      limits: this.#limits.consumer,
      lost: (count, lastNumber) => Buffer.from(this.#encode({ kind: 'lost', count }, lastNumber)),
      nowMs: () => this.#options.clocks.monotonicUs() / 1000,
    });
    this.#consumers.add(consumer);
    this.#want();
    sink.write(this.#opening(consumer, lastEventId));
    this.#spend(this.#options.clocks.threadUs() - began);
    return ok(() => this.#leave(consumer));
  }

  /** Ends all streams, and takes no more. */
  close(): void {
    this.#flush();
    this.#isClosed = true;
    for (const consumer of this.#consumers) consumer.end();
    this.#consumers.clear();
    this.#rest();
  }

  #isWanted(kind: StreamEventKind): boolean {
    if (this.#isRecording && (this.#wanted === undefined || this.#wanted.has(kind))) return true;
    // Counted, so that one who comes back learns how many are missing.
    this.#tally.pass(kind);
    return false;
  }

  /** What the node itself tells. */
  #tell(fields: { readonly kind: 'behaviour' | 'link' | 'sampled' } & Record<string, unknown>): void {
    if (this.#isWanted(fields.kind)) this.#put({ fields });
  }

  #putMessage(event: Extract<Event, { readonly frame: Bytes }>): void {
    this.#pendingBytes += event.frame.length;
    this.#put({ event, isShort: false });
  }

  #head(number: number, atUs: number): EventHead {
    return { id: `${this.#options.boot}-${number}`, node: this.#name, at_us: atUs };
  }

  /** Only noted here: what is made of it is made, and measured, when it goes out. */
  #put(what: What): void {
    const number = this.#tally.add('event' in what ? what.event.kind : what.fields.kind);
    this.#pending.push({ number, atUs: this.#options.clocks.wallUs(), what });
    this.#sampler.count();
    if (this.#pending.length > this.#limits.pending || this.#pendingBytes > PENDING_BYTES) this.#flush();
    else this.#flushTimer ??= setTimeout(() => this.#flush(), this.#limits.flushMs);
  }

  #flush(): void {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    if (this.#pending.length === 0) return;
    const began = this.#options.clocks.threadUs();
    const encoded: EncodedEvent[] = this.#pending.map(({ number, atUs, what }) => {
      const event = toldOf(what, this.#head(number, atUs));
      return { number, kind: event.kind, text: asText(event) };
    });
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#sentEvents += encoded.length;
    for (const event of encoded) this.#ring.add(event);
    this.#send(encoded);
    this.#spend(this.#options.clocks.threadUs() - began + encoded.length * NOTE_US);
    if (this.#options.clocks.monotonicUs() - this.#earnedAtUs > EARN_US) this.#earn();
  }

  #send(encoded: readonly EncodedEvent[]): void {
    const parcels = new Map<string, Parcel | undefined>();
    for (const consumer of this.#consumers) {
      let parcel = parcels.get(consumer.key);
      if (!parcels.has(consumer.key)) {
        parcel = parcelOf(encoded.filter(({ kind }) => consumer.wants(kind)));
        parcels.set(consumer.key, parcel);
      }
      if (parcel !== undefined) this.#lostEvents += consumer.offer(parcel);
    }
  }

  #opening(consumer: Consumer, lastEventId: string | undefined): Uint8Array {
    const after = this.#placeOf(lastEventId);
    const kept = this.#ring.above(after).filter(({ kind }) => consumer.wants(kind));
    // Of what is kept a newcomer gets as much as may wait for anybody.
    let from = kept.length;
    for (let size = 0; from > 0; from -= 1) {
      size += kept[from - 1]?.text.length ?? 0;
      if (size > this.#limits.consumer.waitingBytes) break;
    }
    const missed = kept.slice(from);
    const lost = this.#tally.missing(after, (kind) => consumer.wants(kind), missed);
    const { boot, hello } = this.#options;
    const parts = [`retry: ${RETRY_MS}\n`, this.#encode({ kind: 'hello', ...hello(), boot }, after)];
    if (lost > 0)
      parts.push(this.#encode({ kind: 'lost', count: lost }, (missed[0]?.number ?? this.#tally.number + 1) - 1));
    for (const { text } of missed) parts.push(text);
    return Buffer.from(parts.join(''));
  }

  /** Number of the last event that is known there; of another process, or none of ours: 0, so that it learns all that is known of this one. */
  #placeOf(lastEventId: string | undefined): number {
    if (lastEventId === undefined) return this.#tally.number;
    const [, boot, number] = /^([0-9a-f]{8})-([0-9]{1,15})$/.exec(lastEventId) ?? [];
    return boot === this.#options.boot ? Math.min(Number(number), this.#tally.number) : 0;
  }

  #encode(fields: { readonly kind: 'hello' | 'lost' } & Record<string, unknown>, number: number): string {
    return asText({ ...this.#head(number, this.#options.clocks.wallUs()), ...fields } as StreamEvent);
  }

  #leave(consumer: Consumer): void {
    if (!this.#consumers.delete(consumer)) return;
    this.#leftAtSecond = this.#seconds;
  }

  #record(): void {
    if (this.#isRecording) return;
    this.#isRecording = true;
    const { clocks } = this.#options;
    this.#processUs = clocks.processUs();
    this.#earnedAtUs = clocks.monotonicUs();
    this.#secondBeganUs = clocks.wallUs();
    this.#secondTimer = setInterval(() => this.#onSecond(), SECOND_MS);
    this.#secondTimer.unref();
  }

  #rest(): void {
    this.#isRecording = false;
    clearInterval(this.#secondTimer);
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#ring.clear();
  }

  /** What is wanted by those who listen, and by those who left lately: they may come back. */
  #want(): void {
    const all = [...this.#consumers].map(({ kinds }) => kinds);
    if (this.#seconds - this.#leftAtSecond < this.#limits.lingerSeconds) all.push(this.#wanted);
    this.#wanted = all.includes(undefined) ? undefined : new Set(all.flatMap((kinds) => [...(kinds ?? [])]));
  }

  #onSecond(): void {
    this.#seconds += 1;
    const began = this.#options.clocks.threadUs();
    this.#earn();
    const sampled = this.#sampler.endSecond();
    if (sampled !== undefined) {
      this.#leftOutEvents += sampled.of - sampled.kept;
      this.#tell({ kind: 'sampled', ...sampled, since_us: this.#secondBeganUs });
    }
    this.#secondBeganUs = this.#options.clocks.wallUs();
    for (const consumer of this.#consumers) {
      consumer.tellLost();
      if (this.#seconds % this.#limits.heartbeatSeconds === 0) consumer.keepAlive(HEARTBEAT);
      if (!consumer.isStalled()) continue;
      consumer.cut();
      this.#leave(consumer);
    }
    this.#want();
    this.#spend(this.#options.clocks.threadUs() - began);
    const isOver = this.#seconds - this.#leftAtSecond >= this.#limits.lingerSeconds;
    if (this.#consumers.size > 0 || !isOver) return;
    this.#flush();
    this.#rest();
  }

  #spend(us: number): void {
    this.#spentUs += us;
    this.#sampler.spend(us);
  }

  #earn(): void {
    const { clocks } = this.#options;
    const [processUs, nowUs] = [clocks.processUs(), clocks.monotonicUs()];
    this.#sampler.earn(processUs - this.#processUs, nowUs - this.#earnedAtUs);
    this.#processUs = processUs;
    this.#earnedAtUs = nowUs;
  }
}

function toldOf(what: What, head: EventHead): StreamEvent {
  if ('fields' in what) return { ...head, ...what.fields } as StreamEvent;
  const told = toStreamEvent(what.event, head);
  return what.isShort && told.kind === 'executed' ? { ...told, requests: [] } : told;
}

function asText(event: StreamEvent): string {
  return `id: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`;
}

function parcelOf(events: readonly EncodedEvent[]): Parcel | undefined {
  const last = events.at(-1);
  if (last === undefined) return undefined;
  return { bytes: Buffer.from(events.map(({ text }) => text).join('')), count: events.length, lastNumber: last.number };
}

/** The message behind an input; undefined where it is none. */
function messageOf(input: Input): Message | undefined {
  if (input.kind === 'message') return input.message;
  if (input.kind !== 'requests') return undefined;
  return { type: 'requests', requests: input.requests.map(({ request }) => request) };
}

function idOf(party: Party) {
  return party.kind === 'replica' ? party.replica : party.client;
}
