/** One connection to the event stream of a node: what comes, and how it ended. Owns the connection, and starts no second one. */
import { request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as secureRequest } from 'node:https';
import { EventTextReader } from '../api/index.ts';
import type { StreamEvent } from '../api/index.ts';
import { errorOf } from './http-call.ts';

export interface StreamWish {
  /** Origin of the node. */
  readonly url: string;
  /** Only these kinds; undefined: all. */
  readonly kinds: readonly string[] | undefined;
  /** Id of the last event that was got; undefined: only what is new. */
  readonly lastEventId: string | undefined;
  readonly onEvent: (event: StreamEvent) => void;
  /** Ends the connection. */
  readonly signal: AbortSignal;
}

/** `refused`: the node answered, and says no. `ended`: there was no stream, or it is over; another try may do. */
export type StreamEnd =
  | { readonly kind: 'refused'; readonly status: number; readonly code: string; readonly message: string }
  | { readonly kind: 'ended'; readonly reason: string };

/** A node says something every 15 seconds, and be it that nothing happened. */
const SILENCE_MS = 40_000;
const MAX_REFUSAL_BYTES = 64 * 1024;

/** Never rejects; resolves when the stream is over. A bearer token comes from PBFT_TOKEN. */
export async function readEventStream(wish: StreamWish): Promise<StreamEnd> {
  return new Promise((resolve) => {
    let call: ClientRequest;
    try {
      call = makeCall(wish);
    } catch (error) {
      resolve({ kind: 'ended', reason: describe(error) });
      return;
    }
    call.setTimeout(SILENCE_MS, () => call.destroy(new Error(`it said nothing for ${SILENCE_MS / 1000} seconds`)));
    call.on('error', (error) => resolve({ kind: 'ended', reason: describe(error) }));
    call.on('response', (response) => {
      response.setEncoding('utf8');
      response.on('error', (error) => resolve({ kind: 'ended', reason: describe(error) }));
      if (response.statusCode === 200) follow(response, wish.onEvent, resolve);
      else gatherRefusal(response, resolve);
    });
    call.end();
  });
}

/** Throws where an address or a header cannot be sent. */
function makeCall({ url, kinds, lastEventId, signal }: StreamWish): ClientRequest {
  const send = url.startsWith('https:') ? secureRequest : request;
  const token = process.env['PBFT_TOKEN'];
  const headers = {
    accept: 'text/event-stream',
    ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    ...(token === undefined || token === '' ? {} : { authorization: `Bearer ${token}` }),
  };
  const query = kinds === undefined ? '' : `?kinds=${kinds.join(',')}`;
  return send(`${url}/pbft/events${query}`, { headers, agent: false, signal });
}

function follow(response: IncomingMessage, onEvent: StreamWish['onEvent'], resolve: (end: StreamEnd) => void): void {
  const reader = new EventTextReader();
  response.on('data', (text: string) => {
    try {
      for (const { data } of reader.read(text)) onEvent(JSON.parse(data) as StreamEvent);
    } catch (error) {
      resolve({ kind: 'ended', reason: `what it sent is no event stream: ${describe(error)}` });
      response.destroy();
    }
  });
  response.on('end', () => resolve({ kind: 'ended', reason: 'the node ended the stream' }));
}

function gatherRefusal(response: IncomingMessage, resolve: (end: StreamEnd) => void): void {
  let body = '';
  response.on('data', (text: string) => {
    body = (body + text).slice(0, MAX_REFUSAL_BYTES);
  });
  response.on('end', () => {
    const status = response.statusCode ?? 0;
    const { code = 'unknown', message = `it answered with HTTP ${status}` } = errorOf(parse(body)) ?? {};
    resolve({ kind: 'refused', status, code, message });
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ECONNREFUSED') return 'nothing listens there';
  return code === 'ECONNRESET' ? 'the connection broke' : error.message;
}
