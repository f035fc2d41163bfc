/** REQUEST: what a client wants executed. `[TOCS §4.1]`, with a session, so that one client has many requests under way. */
import type { Digest } from '../base/ids.ts';
import { DOMAINS } from './codec-context.ts';
import type { CodecContext } from './codec-context.ts';
import { LIMITS } from './limits.ts';
import { object, option } from './schema/composites.ts';
import { readableBytes } from './schema/readable-bytes.ts';
import { client, count, flags, replica, silent, text } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';
import { Writer } from './schema/writer.ts';

/** Executed at once on the last committed state, never ordered. */
export const REQUEST_READ_ONLY = 1;
/** Every REPLY is to be signed, so that the client can show them to others. */
export const REQUEST_RECEIPT = 2;
/** The operation is a list of operations (compound.ts). */
export const REQUEST_COMPOUND = 4;

const kind = silent('request');
const number = count();
const FLAG_NAMES = ['read-only', 'receipt', 'compound'] as const;
/** Its flags; `end`: one more than the largest value. */
export const requestFlags = { ...flags(FLAG_NAMES), end: 1 << FLAG_NAMES.length };
export const idempotencyKey = option(
  object({ scope: text(0, LIMITS.idempotencyScopeLength), key: text(1, LIMITS.idempotencyKeyLength) }),
);
const operation = readableBytes(LIMITS.operationBytes);

/** The request without its authentication. What its digest covers comes first, in one piece; `replier` after it. */
export const request = object(
  {
    type: kind,
    client,
    /** Chosen by the client when it opened the session: its clock in µs. */
    session: number,
    /** 1, 2, 3 … within the session. */
    timestamp: number,
    /** {@link REQUEST_READ_ONLY} | {@link REQUEST_RECEIPT} | {@link REQUEST_COMPOUND}. */
    flags: requestFlags,
    idempotency: idempotencyKey,
    operation,
    /** The replica that is to return the full result; the others return its digest. Another one in a retry, hence outside the digest. */
    replier: replica,
  },
  {
    quick: {
      read: (reader) => ({
        type: kind.read(reader),
        client: client.read(reader),
        session: number.read(reader),
        timestamp: number.read(reader),
        flags: requestFlags.read(reader),
        idempotency: idempotencyKey.read(reader),
        operation: operation.read(reader),
        replier: replica.read(reader),
      }),
      write(writer, value) {
        kind.write(writer, value.type);
        client.write(writer, value.client);
        number.write(writer, value.session);
        number.write(writer, value.timestamp);
        requestFlags.write(writer, value.flags);
        idempotencyKey.write(writer, value.idempotency);
        operation.write(writer, value.operation);
        replica.write(writer, value.replier);
      },
    },
  },
);

/** REQUEST. */
export type Request = ValueOf<typeof request>;

// Of digests alone: no encoding is under way in it when another begins.
const scratch = new Writer(request.maxBytes);

/** Bytes at the end of an encoded request that its digest does not cover: the replier. */
export const REQUEST_UNCOVERED_BYTES = 1;

/** Bytes of the encoded request. */
export function requestSize(value: Request): number {
  const key = value.idempotency;
  return request.minBytes + value.operation.length + (key === undefined ? 0 : 2 + key.scope.length + key.key.length);
}

/** Identity of a request: SHA-256, in its own domain, over the encoding of everything but `replier`. Throws InvariantViolation if it breaks the schema. */
export function requestDigest(context: CodecContext, value: Request): Digest {
  scratch.restart();
  request.write(scratch, value);
  return scratch.digest(context, DOMAINS.requestDigest, REQUEST_UNCOVERED_BYTES);
}
