/** One who reads the event stream of a node, as the command line does, and keeps all that came. */
import type { StreamEvent, StreamEventKind } from '../../src/api/index.ts';
import { readEventStream } from '../../src/cli/event-stream.ts';
import type { StreamEnd } from '../../src/cli/event-stream.ts';
import { eventually } from './nodes.ts';

export type EventOf<Kind extends StreamEventKind> = Extract<StreamEvent, { readonly kind: Kind }>;

export class EventReader {
  readonly events: StreamEvent[] = [];
  readonly ended: Promise<StreamEnd>;
  readonly #stop = new AbortController();

  /** `url`: origin of the node. */
  constructor(url: string, wish: { readonly kinds?: readonly string[]; readonly lastEventId?: string } = {}) {
    this.ended = readEventStream({
      url,
      kinds: wish.kinds,
      lastEventId: wish.lastEventId,
      onEvent: (event) => void this.events.push(event),
      signal: this.#stop.signal,
    });
  }

  /** The same, once the stream is open. */
  static async open(url: string, wish: { readonly kinds?: readonly string[]; readonly lastEventId?: string } = {}) {
    const reader = new EventReader(url, wish);
    await eventually(`the stream of ${url} opens`, () => reader.events.length > 0);
    return reader;
  }

  of<Kind extends StreamEventKind>(kind: Kind): readonly EventOf<Kind>[] {
    return this.events.filter((event): event is EventOf<Kind> => event.kind === kind);
  }

  get lastId(): string {
    return this.events.at(-1)?.id ?? '';
  }

  close(): void {
    this.#stop.abort();
  }
}
