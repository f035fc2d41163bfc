/**
 * From the core's events to those of the stream, and from a message to its summary. Pure: the same code in the server and in the lab's Worker.
 */
import type { Bytes } from '../base/bytes.ts';
import { replicaName } from '../base/ids.ts';
import type { ClientId, Digest, ReplicaId } from '../base/ids.ts';
import { decodeFrame } from '../messages/index.ts';
import type { CodecContext, Message } from '../messages/index.ts';
import type { Event, ExecutedRequest } from '../protocol/event.ts';
import type { Suspicion } from '../protocol/suspicion.ts';
import type { SuspicionSummary } from './common.ts';
import { MAX_EVENT_REQUESTS } from './event-bounds.ts';
import type { ExecutedRequestSummary, MessageSummary, StreamEvent } from './events.ts';

/** What every event begins with: who says so, when, and as which of its events. */
export interface EventHead {
  readonly id: string;
  /** `node1` … */
  readonly node: string;
  /** µs since 1970; in the lab virtual µs. */
  readonly at_us: number;
}

/** `node2`, or `client:` with the first eight characters of its key. */
export function partyName(party: ReplicaId | ClientId): string {
  return typeof party === 'number' ? replicaName(party) : clientName(party);
}

function clientName(client: ClientId): string {
  return `client:${client.slice(0, 8)}`;
}

/** One thing that happened, as the stream tells it. */
export function toStreamEvent(event: Event, head: EventHead): StreamEvent {
  switch (event.kind) {
    case 'started':
      return {
        ...head,
        kind: event.kind,
        view: event.view,
        last_executed: event.lastExecuted,
        low_water_mark: event.lowWaterMark,
      };
    case 'view-entered':
      return { ...head, kind: event.kind, view: event.view, primary: replicaName(event.primary) };
    case 'request-received':
      return {
        ...head,
        kind: event.kind,
        client: clientName(event.client),
        request_digest: event.requestDigest,
        queued: event.queued,
      };
    case 'pre-prepared':
      return { ...head, kind: event.kind, ...slotOf(event), ...listed(event.requests.toArray()) };
    case 'prepared':
    case 'tentatively-executed':
    case 'committed':
      return { ...head, kind: event.kind, ...slotOf(event) };
    case 'decided':
      return {
        ...head,
        kind: event.kind,
        sequence: event.sequence,
        digest: event.digest,
        claims: event.claims.map(replicaName),
      };
    case 'executed':
      return {
        ...head,
        kind: event.kind,
        ...slotOf(event),
        timestamp: event.timestamp,
        requests: event.requests.slice(0, MAX_EVENT_REQUESTS).map(executedSummary),
        request_count: event.requests.length,
      };
    case 'complained':
      return { ...head, kind: event.kind, view: event.view, sequence: event.sequence, ...listed(event.requests) };
    case 'request-timeout':
      return {
        ...head,
        kind: event.kind,
        view: event.view,
        request_digest: event.requestDigest ?? null,
        sequence: event.sequence ?? null,
      };
    case 'resent':
      return { ...head, kind: event.kind, to: replicaName(event.to), messages: event.messages };
    case 'client-marked':
      return { ...head, kind: event.kind, client: clientName(event.client) };
    case 'session-evicted':
      return { ...head, kind: event.kind, client: clientName(event.client), session: event.session };
    case 'suspicion':
      return { ...head, kind: event.kind, suspicion: suspicionSummary(event.suspicion) };
    case 'refused':
      return { ...head, kind: event.kind, type: event.type, from: partyName(event.from), code: event.code };
    case 'checkpoint-stable':
      return {
        ...head,
        kind: event.kind,
        sequence: event.sequence,
        root: event.root,
        nodes: event.replicas.map(replicaName),
      };
    case 'transfer-started':
      return {
        ...head,
        kind: event.kind,
        sequence: event.sequence,
        root: event.root,
        from: event.from.map(replicaName),
      };
    case 'transferred':
      return {
        ...head,
        kind: event.kind,
        sequence: event.sequence,
        root: event.root,
        size_bytes: event.sizeBytes,
      };
    case 'recovery-started':
      return { ...head, kind: event.kind, mark: event.mark ?? null };
    case 'recovery-ordered':
      return {
        ...head,
        kind: event.kind,
        replica: replicaName(event.replica),
        sequence: event.sequence,
        target: event.target,
      };
    case 'message-sent':
      return {
        ...head,
        kind: event.kind,
        to: partyName(event.to),
        message: messageSummary(event.message, event.frame),
      };
    case 'message-received':
      return {
        ...head,
        kind: event.kind,
        from: partyName(event.from),
        message: messageSummary(event.message, event.frame),
      };
    // These are told as they are.
    case 'view-change-started':
    case 'new-view-made':
    case 'checkpoint-taken':
    case 'body-missing':
    case 'body-fetched':
    case 'buffered':
    case 'state-damaged':
    case 'diverged':
    case 'recovery-estimated':
    case 'recovered':
      return { ...head, ...event };
  }
}

/** A suspicion without the frames that prove it. */
export function suspicionSummary({
  node,
  kind,
  certainty,
  view,
  sequence,
  evidence,
  ...seen
}: Suspicion): SuspicionSummary {
  return {
    node_id: replicaName(node),
    kind,
    certainty,
    view,
    sequence,
    first_seen_ms: seen.firstSeenMs,
    last_seen_ms: seen.lastSeenMs,
    count: seen.count,
    evidence: evidence.summary,
  };
}

/** `frame`: the bytes of the message as they are on the wire. */
export function messageSummary(message: Message, frame: Bytes): MessageSummary {
  return { type: message.type, id: messageId(frame), ...aboutOf(message), size_bytes: frame.length };
}

/** The summary of a frame as it is on the wire; undefined for bytes that are no message. Costs a decoding. */
export function frameSummary(frame: Bytes, codec: CodecContext): MessageSummary | undefined {
  const decoded = decodeFrame(frame, codec);
  return decoded.ok ? messageSummary(decoded.value.message, frame) : undefined;
}

function slotOf(
  event: Extract<
    Event,
    {
      readonly kind: 'prepared' | 'pre-prepared' | 'tentatively-executed' | 'committed' | 'executed';
    }
  >,
) {
  return { view: event.view, sequence: event.sequence, digest: event.digest };
}

function listed(requests: readonly Digest[]) {
  return { requests: requests.slice(0, MAX_EVENT_REQUESTS), request_count: requests.length };
}

function executedSummary({
  client,
  session,
  timestamp,
  requestDigest,
  outcome,
}: ExecutedRequest): ExecutedRequestSummary {
  return { client: clientName(client), session, timestamp, request_digest: requestDigest, outcome };
}

type About = Pick<MessageSummary, 'view' | 'sequence' | 'digest' | 'requests'>;

const NOTHING: About = { view: null, sequence: null, digest: null, requests: null };

function aboutOf(message: Message): About {
  switch (message.type) {
    case 'pre-prepare':
      return { ...NOTHING, ...voteOf(message), requests: message.batch?.requests.length ?? 0 };
    case 'prepare':
    case 'commit':
      return { ...NOTHING, ...voteOf(message) };
    case 'reply':
      return { ...NOTHING, ...voteOf(message), requests: 1 };
    case 'complaint':
      return { ...NOTHING, ...voteOf(message), requests: message.requests.length };
    case 'replies': {
      const [first, ...more] = message.replies;
      const isOfOneSlot = more.every(({ sequence, view }) => sequence === first?.sequence && view === first.view);
      const slot = first === undefined || !isOfOneSlot ? {} : voteOf(first);
      return { ...NOTHING, ...slot, requests: message.replies.length };
    }
    case 'requests': {
      const [first, ...more] = message.requests;
      const digest = more.length === 0 ? (first?.digest ?? null) : null;
      return { ...NOTHING, digest, requests: message.requests.length };
    }
    case 'batch': {
      const { sequence, digest, batch } = message;
      return { ...NOTHING, sequence, digest, requests: batch.requests.length };
    }
    case 'fetch':
      return { ...NOTHING, ...onlyOne(message.wanted) };
    case 'decided':
      return { ...NOTHING, ...onlyOne(message.decisions) };
    case 'checkpoint':
    case 'fetch-state':
    case 'state':
      return { ...NOTHING, sequence: message.sequence, digest: message.root };
    case 'view-change':
      return { ...NOTHING, view: message.view, sequence: message.lowWaterMark, digest: message.root };
    case 'new-view':
      return { ...NOTHING, view: message.view, sequence: message.start.sequence, digest: message.start.root };
    case 'status':
      return { ...NOTHING, view: message.view };
    case 'simulate-byzantine':
    case 'query-stable':
    case 'reply-stable':
      return NOTHING;
  }
}

function voteOf({ view, sequence, digest }: { view: number; sequence: number; digest: Digest }) {
  return { view, sequence, digest };
}

function onlyOne(slots: readonly { readonly sequence: number; readonly digest: Digest }[]) {
  const [first, ...more] = slots;
  return first === undefined || more.length > 0 ? {} : { sequence: first.sequence, digest: first.digest };
}

/** What every frame of this system that bears a MAC ends with: its kind, its length, 32 bytes. */
const MAC_TAIL = { kind: 1, macBytes: 32, bytes: 34 } as const;
/** Messages tell themselves apart by their first bytes: type, view, number, digest, or the first of what they list. */
const HASHED_BYTES = 1024;

/**
 * 16 hexadecimal characters for a frame: the same for all receivers of a message, though each gets a MAC of its own. No digest: whoever
 * wants two frames of one id can make them, and nothing may depend on it but a picture. Two lanes of FNV-1a over at most the first KiB.
 */
export function messageId(frame: Bytes): string {
  const tail = frame.length - MAC_TAIL.bytes;
  // Where other bytes happen to look like this, they are left out at all receivers alike.
  const isMac = tail > 0 && frame[tail] === MAC_TAIL.kind && frame[tail + 1] === MAC_TAIL.macBytes;
  const length = isMac ? tail : frame.length;
  const end = Math.min(length, HASHED_BYTES);
  let low = 0x81_1c_9d_c5 ^ length;
  let high = 0x9e_37_79_b9 ^ length;
  for (let at = 0; at < end; at += 1) {
    const byte = frame[at] ?? 0;
    low = Math.imul(low ^ byte, 0x01_00_01_93);
    high = Math.imul(high ^ byte, 0x85_eb_ca_6b);
  }
  return hex32(high ^ (high >>> 15)) + hex32(low ^ (low >>> 15));
}

function hex32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
