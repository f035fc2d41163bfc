/** The events of one node, through all breaks of the connection to it. Owns one connection at a time, and what it knows of its place in the stream. */
import { isEventId } from '../api/index.ts';
import type { StreamEvent } from '../api/index.ts';
import { readEventStream } from './event-stream.ts';
import type { StreamEnd } from './event-stream.ts';
import type { KnownNode } from './find-cluster.ts';

export interface NodeWatchOptions {
  readonly node: KnownNode;
  /** Only these kinds; undefined: all. */
  readonly kinds: readonly string[] | undefined;
  readonly onEvent: (event: StreamEvent) => void;
  /** Something about the stream, for people: not yet safe to print. */
  readonly onNews: (text: string) => void;
  /** Ends it. */
  readonly signal: AbortSignal;
}

const RETRY_MS = 1000;

/** Follows from its making on. */
export class NodeWatch {
  /** How the first connection ended that came to nothing; undefined when one came to something. */
  readonly firstTry: Promise<StreamEnd | undefined>;
  readonly ended: Promise<void>;
  readonly #options: NodeWatchOptions;
  #lastEventId: string | undefined;
  #isOpen = false;
  #said = '';
  /** It told of another node in that one's name, and this was said. */
  #hasTakenName = false;
  #tried: (end: StreamEnd | undefined) => void = () => undefined;

  constructor(options: NodeWatchOptions) {
    this.#options = options;
    this.firstTry = new Promise((resolve) => {
      this.#tried = resolve;
    });
    this.ended = this.#follow();
  }

  async #follow(): Promise<void> {
    const { node, kinds, signal } = this.#options;
    while (!signal.aborted) {
      this.#isOpen = false;
      const end = await readEventStream({
        url: node.url,
        kinds,
        lastEventId: this.#lastEventId,
        onEvent: (event) => this.#onEvent(event),
        signal,
      });
      this.#tried(this.#isOpen ? undefined : end);
      if (signal.aborted) return;
      this.#explain(end);
      if (end.kind === 'refused' && end.status < 500 && end.code !== 'rate_limited') return;
      await pause(RETRY_MS, signal);
    }
  }

  #onEvent(event: StreamEvent): void {
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.#said = '';
      this.#tried(undefined);
    }
    const { name } = this.#options.node;
    if (name !== undefined && event.node !== name) {
      this.#onForeign(name, event.node);
      return;
    }
    if (isEventId(event.id)) this.#lastEventId = event.id;
    this.#options.onEvent(event);
  }

  /** A node speaks for itself alone. */
  #onForeign(name: string, other: string): void {
    if (this.#hasTakenName) return;
    this.#hasTakenName = true;
    this.#options.onNews(`${name}: it tells of ${other} as if it were that node; such events are left out`);
  }

  /** Once for each cause, however often it is tried again. */
  #explain(end: StreamEnd): void {
    const reason = end.kind === 'refused' ? `${end.code}: ${end.message}` : end.reason;
    if (reason === this.#said) return;
    this.#said = reason;
    const { node, onNews } = this.#options;
    onNews(`${node.name ?? node.url}: ${reason}`);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
