/** What belongs together when only a share is told: the key of an event's slot or request, the same on every node. Pure. */
import type { Digest } from '../../base/ids.ts';
import type { Message } from '../../messages/index.ts';
import type { Event, EventKind } from '../../protocol/event.ts';

/** What is left out where too much happens to tell it all: the life of single slots, messages and requests. */
export const SAMPLED_KINDS = [
  'request-received',
  'pre-prepared',
  'prepared',
  'tentatively-executed',
  'committed',
  'decided',
  'body-missing',
  'body-fetched',
  'buffered',
  'complained',
  'refused',
  'message-sent',
  'message-received',
] as const satisfies readonly EventKind[];

/**
 * undefined: it is told in any case, since it is rare, or says how the replica stands. `turn`: any number that is another one each time, for what
 * belongs to nothing.
 */
export function keyOfEvent(event: Event, turn: number): number | undefined {
  switch (event.kind) {
    case 'pre-prepared':
    case 'prepared':
    case 'tentatively-executed':
    case 'committed':
    case 'decided':
    case 'body-missing':
    case 'body-fetched':
    case 'buffered':
    case 'complained':
      return event.sequence;
    case 'request-received':
      return keyOfDigest(event.requestDigest);
    case 'message-sent':
    case 'message-received':
      return keyOfMessage(event.message, turn);
    case 'refused':
      return turn;
    default:
      return undefined;
  }
}

/** Of the slot that it is about, or of its first request; else `turn`. */
export function keyOfMessage(message: Message, turn: number): number {
  switch (message.type) {
    case 'pre-prepare':
    case 'prepare':
    case 'commit':
    case 'reply':
    case 'batch':
    case 'complaint':
    case 'checkpoint':
      return message.sequence;
    case 'replies':
      return message.replies[0]?.sequence ?? turn;
    case 'requests': {
      const [first] = message.requests;
      return first === undefined ? turn : keyOfDigest(first.digest);
    }
    default:
      return turn;
  }
}

function keyOfDigest(digest: Digest): number {
  return Number.parseInt(digest.slice(0, 8), 16);
}
