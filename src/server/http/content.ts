/** Bodies: what is read of them, and what is refused before anybody looks inside. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ApiError } from '../../api/index.ts';
import { apiError } from '../../api/index.ts';
import type { Bytes } from '../../base/bytes.ts';
import type { Result } from '../../base/result.ts';
import { fail, ok } from '../../base/result.ts';
import { decodeUtf8 } from '../../base/utf8.ts';
import { Refused } from './refused.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The body exactly as it came; undefined where there was none. */
    rawBody: Bytes | undefined;
  }
}

/** Parses a body; the value is only looked at, what is ordered are the bytes. */
export function parseJson(bytes: Bytes): Result<unknown, ApiError> {
  const text = decodeUtf8(bytes);
  if (text === undefined) return fail(apiError('malformed_json', 'The body is not well-formed UTF-8.'));
  try {
    const value: unknown = JSON.parse(text);
    return ok(value);
  } catch (error) {
    // The parser's own words would repeat what was sent.
    const position = /at position (?<at>[0-9]+)/.exec(error instanceof Error ? error.message : '')?.groups?.['at'];
    const details = position === undefined ? {} : { position: Number(position) };
    return fail(apiError('malformed_json', 'The body is not JSON: send one JSON document.', details));
  }
}

const [SPACE, TAB, NEWLINE, RETURN, QUOTE, BACKSLASH] = [0x20, 0x09, 0x0a, 0x0d, 0x22, 0x5c];

/**
 * The same JSON without the white space between its tokens; every token as it was spelled, doubled keys too. So how somebody indents makes
 * no other operation (idempotency keys compare bytes), and what the application judges is exactly what was sent. Requires: valid JSON.
 */
export function compactJson(json: Bytes): Bytes {
  const compact = new Uint8Array(json.length);
  let length = 0;
  let isInString = false;
  let isEscaped = false;
  for (const byte of json) {
    const isSpace = byte === SPACE || byte === TAB || byte === NEWLINE || byte === RETURN;
    if (isSpace && !isInString) continue;
    compact[length] = byte;
    length += 1;
    if (isEscaped) isEscaped = false;
    else if (byte === BACKSLASH) isEscaped = true;
    else if (byte === QUOTE) isInString = !isInString;
  }
  return compact.slice(0, length);
}

/** True for `application/json`, alone or with `charset=utf-8`. */
export function isJsonContentType(header: string | undefined): boolean {
  return /^application\/json *(?:; *charset *= *"?utf-8"?)? *$/i.test(header ?? '');
}

/** Makes JSON the only content type, keeps the bytes, and refuses everything else with a name. */
export function acceptJsonOnly(server: FastifyInstance): void {
  server.decorateRequest('rawBody', undefined);
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (request: FastifyRequest, body: Buffer, done) => {
    request.rawBody = new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
    const parsed = parseJson(request.rawBody);
    if (parsed.ok) done(null, parsed.value);
    else done(new Refused(parsed.error));
  });
  server.addHook('onRequest', (request, _, done) => {
    const isRefused = request.method === 'POST' && !isJsonContentType(request.headers['content-type']);
    done(isRefused ? new Refused(apiError('unsupported_content_type')) : undefined);
  });
}
