/**
 * The event stream of one node, for as long as the page is open: it connects, resumes after the last event it has seen, and waits longer after each
 * failure. `fetch` and not EventSource: that one can carry no token, and does not tell why it was refused.
 */
import { EventTextReader } from '../../src/api/event-text.ts';
import { EventOrder } from '../model/event-order.ts';
import type { StreamEvent } from '../model/stream-event.ts';
import { failureOf } from './api-client.ts';
import type { ApiFailure, Token } from './api-client.ts';

export type StreamState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open' }
  | { readonly kind: 'down'; readonly why: ApiFailure };

export interface NodeStreamOptions {
  /** Whose stream it is: it speaks for nobody else. */
  readonly node: string;
  /** Origin of the node; '' is the one that served the page. */
  readonly url: string;
  readonly token: Token;
  readonly onEvents: (events: readonly StreamEvent[]) => void;
  readonly onState: (state: StreamState) => void;
}

const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 3000;
/** A node says something at least every 15 s; one that does not for so long is taken for dead. */
const SILENCE_MS = 40_000;
/** A node that takes the connection and does not answer for so long is not there. */
const ANSWER_MS = 10_000;

export class NodeStream {
  readonly #options: NodeStreamOptions;
  readonly #order = new EventOrder();
  #waitMs = FIRST_WAIT_MS;
  #timer: number | undefined;
  #abort: AbortController | undefined;
  #isEnded = false;

  constructor(options: NodeStreamOptions) {
    this.#options = options;
  }

  start(): void {
    this.#options.onState({ kind: 'connecting' });
    void this.#run();
  }

  /** Tries at once where it waits: there is a token now, or the node was started. */
  retry(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    void this.#run();
  }

  end(): void {
    this.#isEnded = true;
    clearTimeout(this.#timer);
    this.#abort?.abort();
  }

  async #run(): Promise<void> {
    const why = await this.#read();
    if (this.#isEnded) return;
    this.#options.onState({ kind: 'down', why });
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#run();
    }, this.#waitMs);
    this.#waitMs = Math.min(LONGEST_WAIT_MS, this.#waitMs * 1.6);
  }

  /** Reads until the stream ends; why it did. */
  async #read(): Promise<ApiFailure> {
    const { url, token, onState } = this.#options;
    const abort = new AbortController();
    this.#abort = abort;
    const { lastId } = this.#order;
    const patience = setTimeout(() => abort.abort(), ANSWER_MS);
    try {
      const response = await fetch(`${url}/pbft/events`, {
        headers: { ...token.headers, ...(lastId === undefined ? {} : { 'last-event-id': lastId }) },
        signal: abort.signal,
        cache: 'no-store',
      });
      clearTimeout(patience);
      if (!response.ok || response.body === null) {
        const answer: unknown = await response.json().catch(() => undefined);
        return failureOf(response.status, answer);
      }
      onState({ kind: 'open' });
      this.#waitMs = FIRST_WAIT_MS;
      await this.#consume(response.body, abort);
      return { status: 0, code: 'stream_ended', message: 'The node ended its stream.' };
    } catch {
      return { status: 0, code: 'unreachable', message: 'The node cannot be reached.' };
    } finally {
      clearTimeout(patience);
      abort.abort();
    }
  }

  async #consume(body: ReadableStream<Uint8Array<ArrayBuffer>>, abort: AbortController): Promise<void> {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    const text = new EventTextReader();
    for (;;) {
      const silence = setTimeout(() => abort.abort(), SILENCE_MS);
      const { value, done } = await reader.read();
      clearTimeout(silence);
      if (done) return;
      const events = text
        .read(value)
        .map(({ data }) => JSON.parse(data) as StreamEvent)
        .filter((event) => event.node === this.#options.node && this.#order.isNew(event));
      if (events.length > 0) this.#options.onEvents(events);
    }
  }
}
