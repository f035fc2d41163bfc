/** Stream events for tests, with everything that a test does not speak of filled in. */
import type { StreamEvent } from '../../src/api/index.ts';

type Of<Kind extends StreamEvent['kind']> = Extract<StreamEvent, { kind: Kind }>;

const DIGEST = 'd'.repeat(64);

/** What a sound node of four says of itself in its `hello`. */
export const HELLO = {
  version: '0',
  n: 4,
  f: 1,
  quorum: 3,
  view: 0,
  in_view_change: false,
  lab: true,
  behaviour: null,
  down_links: [],
} satisfies Partial<Of<'hello'>>;

/** An id is made of node and time: tests that look at ids give their own. */
function head(node: string, atUs: number): { readonly id: string; readonly node: string; readonly at_us: number } {
  return { id: `boot-${node}-${atUs}`, node, at_us: atUs };
}

interface Message {
  readonly type?: string;
  readonly id?: string;
  readonly view?: number | null;
  readonly sequence?: number | null;
  readonly digest?: string | null;
}

export function message({
  type = 'prepare',
  id = 'a'.repeat(16),
  ...rest
}: Message = {}): Of<'message-sent'>['message'] {
  return { type, id, view: 0, sequence: 1, digest: DIGEST, requests: null, size_bytes: 100, ...rest };
}

export function sent(from: string, to: string, atUs: number, what: Message = {}): Of<'message-sent'> {
  return { ...head(from, atUs), kind: 'message-sent', to, message: message(what) };
}

export function received(from: string, to: string, atUs: number, what: Message = {}): Of<'message-received'> {
  return { ...head(to, atUs), kind: 'message-received', from, message: message(what) };
}

export function requestReceived(
  node: string,
  atUs: number,
  digest: string,
  client = 'client:0a0a0a0a',
): Of<'request-received'> {
  return { ...head(node, atUs), kind: 'request-received', client, request_digest: digest, queued: true };
}

interface SlotFields {
  readonly view?: number;
  readonly sequence?: number;
  readonly digest?: string;
  readonly requests?: readonly string[];
}

export function prePrepared(node: string, atUs: number, fields: SlotFields = {}): Of<'pre-prepared'> {
  const { view = 0, sequence = 1, digest = DIGEST, requests = [] } = fields;
  return {
    ...head(node, atUs),
    kind: 'pre-prepared',
    view,
    sequence,
    digest,
    requests: [...requests],
    request_count: requests.length,
  };
}

export function certificate(
  kind: 'prepared' | 'committed',
  node: string,
  atUs: number,
  { view = 0, sequence = 1, digest = DIGEST }: SlotFields = {},
): Of<'prepared' | 'committed'> {
  return { ...head(node, atUs), kind, view, sequence, digest };
}

export function executed(
  node: string,
  atUs: number,
  fields: SlotFields & { readonly isShort?: boolean } = {},
): Of<'executed'> {
  const { view = 0, sequence = 1, digest = DIGEST, requests = [], isShort = false } = fields;
  return {
    ...head(node, atUs),
    kind: 'executed',
    view,
    sequence,
    digest,
    timestamp: atUs,
    requests: isShort
      ? []
      : requests.map((request) => ({
          client: 'client:0a0a0a0a',
          session: 1,
          timestamp: 1,
          request_digest: request,
          outcome: 'executed',
        })),
    request_count: requests.length,
  };
}

export function viewChangeStarted(node: string, atUs: number, view: number): Of<'view-change-started'> {
  return { ...head(node, atUs), kind: 'view-change-started', view, reason: 'timeout' };
}

export function viewEntered(node: string, atUs: number, view: number, primary: string): Of<'view-entered'> {
  return { ...head(node, atUs), kind: 'view-entered', view, primary };
}

export function suspicion(
  node: string,
  atUs: number,
  fields: Partial<Of<'suspicion'>['suspicion']> = {},
): Of<'suspicion'> {
  return {
    ...head(node, atUs),
    kind: 'suspicion',
    suspicion: {
      node_id: 'node2',
      kind: 'false-vote',
      certainty: 'certain',
      view: 0,
      sequence: 1,
      first_seen_ms: 1,
      last_seen_ms: 1,
      count: 1,
      evidence: 'it voted otherwise',
      ...fields,
    },
  };
}

type Headless<Event> = Event extends StreamEvent ? Omit<Event, 'id' | 'node' | 'at_us'> : never;

/** Any other event. */
export function other(node: string, atUs: number, fields: Headless<StreamEvent>): StreamEvent {
  return { ...head(node, atUs), ...fields };
}
