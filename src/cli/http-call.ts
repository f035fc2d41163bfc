/** One HTTP call to a node, told as a value: what it answered, or how far the call came. */
import { request } from 'node:http';
import { request as secureRequest } from 'node:https';

export interface CallRequest {
  readonly method: 'GET' | 'POST';
  /** Origin and path. */
  readonly url: string;
  /** JSON text. */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/**
 * `answer`: `body` is the parsed JSON, or the text where it is none. `not-sent`: no connection, so nothing was asked.
 * `no-answer`: it was sent, or part of it, and what became of it is unknown.
 */
export type CallOutcome =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body: unknown;
      readonly headers: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'not-sent'; readonly reason: string }
  | { readonly kind: 'no-answer'; readonly reason: string };

const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** Never rejects; ends within `timeoutMs`. A bearer token comes from PBFT_TOKEN, never from the command line, where others could see it. */
export function callNode({ method, url, body, headers, timeoutMs }: CallRequest): Promise<CallOutcome> {
  return new Promise((resolve) => {
    const send = url.startsWith('https:') ? secureRequest : request;
    const token = process.env['PBFT_TOKEN'];
    const all = {
      accept: 'application/json',
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
      ...(token === undefined || token === '' ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    };
    const call = send(url, { method, headers: all, agent: false });
    let connected = false;
    const deadline = setTimeout(() => call.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    const end = (outcome: CallOutcome): void => {
      clearTimeout(deadline);
      resolve(outcome);
    };
    call.on('socket', (socket) => socket.once('connect', () => (connected = true)));
    call.on('error', (error: NodeJS.ErrnoException) => {
      end({ kind: connected ? 'no-answer' : 'not-sent', reason: describe(error) });
    });
    call.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_ANSWER_BYTES) response.destroy(new Error('the answer is larger than 16 MiB'));
        else chunks.push(chunk);
      });
      response.on('error', (error) => end({ kind: 'no-answer', reason: describe(error) }));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        end({ kind: 'answer', status: response.statusCode ?? 0, body: parseJson(text), headers: response.headers });
      });
    });
    call.end(body);
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function describe(error: NodeJS.ErrnoException): string {
  switch (error.code ?? '') {
    case 'ECONNREFUSED':
      return 'nothing listens there';
    case 'ECONNRESET':
      return 'the connection broke';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'no such host';
    default:
      return error.message;
  }
}

/** `{"error":{"code","message"}}` taken apart; undefined for anything else. */
export function errorOf(
  body: unknown,
): { readonly code: string; readonly message: string; readonly details: unknown } | undefined {
  const error = (body as { error?: { code?: unknown; message?: unknown; details?: unknown } } | null)?.error;
  if (typeof error?.code !== 'string') return undefined;
  return { code: error.code, message: typeof error.message === 'string' ? error.message : '', details: error.details };
}
