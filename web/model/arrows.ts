/**
 * Messages as arrows: what one party sent and another received, matched by the message's id and the pair. Either end may be unknown: a client has no
 * stream, a node may be down, and a message may never arrive.
 */
import { trimList } from './bounded.ts';
import { phaseOf } from './language.ts';
import type { Phase } from './language.ts';
import type { MessageSummary, StreamEvent } from './stream-event.ts';

export const MAX_ARROWS = 3000;

export interface Arrow {
  /** Ascending in the order in which arrows became known; names an arrow for as long as it is kept. */
  readonly key: number;
  readonly from: string;
  readonly to: string;
  readonly phase: Phase;
  readonly message: MessageSummary;
  /** µs; undefined while no end of it is known. At least one of both is. */
  sentUs: number | undefined;
  receivedUs: number | undefined;
  /** It will not arrive, and that is known: in the lab it was dropped. */
  lost: boolean;
  /** The receiver would not act on it; why. */
  refused: string | undefined;
}

/** How an arrow ends, as far as is known. `unseen`: nobody tells what the receiver got. */
export type Fate = 'received' | 'in-flight' | 'lost' | 'unseen';

/** So long a message may be under way before it counts as lost, in µs. */
const MAX_FLIGHT_US = 1_500_000;

/**
 * `nowUs`: the newest time that is known. `isSeen`: whether the events of a party come in. Requires nothing of their clocks: a message that came
 * before it was sent is one that was received.
 */
export function fateOf(arrow: Arrow, nowUs: number, isSeen: (party: string) => boolean): Fate {
  if (arrow.receivedUs !== undefined) return 'received';
  if (arrow.lost) return 'lost';
  if (!isSeen(arrow.to)) return 'unseen';
  return nowUs - (arrow.sentUs ?? nowUs) > MAX_FLIGHT_US ? 'lost' : 'in-flight';
}

/** When an arrow begins and ends on the page, in µs: an unknown end is `guessUs` away from the known one. */
export function spanOf(arrow: Arrow, guessUs: number): { readonly fromUs: number; readonly toUs: number } {
  const { sentUs, receivedUs } = arrow;
  if (sentUs !== undefined && receivedUs !== undefined) return { fromUs: sentUs, toUs: Math.max(sentUs, receivedUs) };
  if (sentUs !== undefined) return { fromUs: sentUs, toUs: sentUs + guessUs };
  const endUs = receivedUs ?? 0;
  return { fromUs: endUs - guessUs, toUs: endUs };
}

type MessageEvent = Extract<StreamEvent, { kind: 'message-sent' | 'message-received' }>;

/** All arrows that are kept, oldest first. */
export class Arrows {
  readonly list: Arrow[] = [];
  /** Arrows of which one end is known, by message and pair, oldest first. */
  readonly #open = new Map<string, Arrow[]>();
  #nextKey = 1;

  /** Takes one end of a message in; the arrow that it belongs to. */
  apply(event: MessageEvent): Arrow {
    const isSent = event.kind === 'message-sent';
    const from = isSent ? event.node : event.from;
    const to = isSent ? event.to : event.node;
    const name = nameOf(event.message.id, from, to);
    const waiting = this.#open.get(name);
    const match = waiting?.find((arrow) => (isSent ? arrow.sentUs : arrow.receivedUs) === undefined);
    if (match !== undefined && waiting !== undefined) {
      if (isSent) match.sentUs = event.at_us;
      else match.receivedUs = event.at_us;
      waiting.splice(waiting.indexOf(match), 1);
      if (waiting.length === 0) this.#open.delete(name);
      return match;
    }
    const arrow: Arrow = {
      key: this.#nextKey,
      from,
      to,
      phase: phaseOf(event.message.type),
      message: event.message,
      sentUs: isSent ? event.at_us : undefined,
      receivedUs: isSent ? undefined : event.at_us,
      lost: false,
      refused: undefined,
    };
    this.#nextKey += 1;
    this.list.push(arrow);
    if (waiting === undefined) this.#open.set(name, [arrow]);
    else waiting.push(arrow);
    this.#trim();
    return arrow;
  }

  /** A message that is known never to arrive; nothing happens where none is under way. */
  drop(id: string, from: string, to: string): void {
    const waiting = this.#open.get(nameOf(id, from, to));
    const match = waiting?.find((arrow) => arrow.receivedUs === undefined && !arrow.lost);
    if (match !== undefined) match.lost = true;
  }

  /** The newest arrow that reached `node` from `from` with this type. */
  lastReceived(node: string, from: string, type: string): Arrow | undefined {
    return this.list.findLast(
      (arrow) =>
        arrow.to === node && arrow.from === from && arrow.message.type === type && arrow.receivedUs !== undefined,
    );
  }

  /** Forgets the oldest, and with them what is still open of theirs. */
  #trim(): void {
    const before = this.list[0]?.key;
    trimList(this.list, MAX_ARROWS);
    const oldest = this.list[0]?.key;
    if (oldest === undefined || oldest === before) return;
    for (const [name, arrows] of this.#open) {
      const kept = arrows.filter(({ key }) => key >= oldest);
      if (kept.length === 0) this.#open.delete(name);
      else if (kept.length < arrows.length) this.#open.set(name, kept);
    }
  }
}

function nameOf(id: string, from: string, to: string): string {
  return `${id} ${from} ${to}`;
}
