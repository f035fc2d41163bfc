/** The batch: requests that are ordered together, under one sequence number. */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Digest } from '../base/ids.ts';
import type { AuthenticatedRequest } from './bundle.ts';
import { authenticatedRequests, authenticatedRequestsSize } from './authenticated-requests.ts';
import { DOMAINS } from './codec-context.ts';
import type { CodecContext } from './codec-context.ts';
import { packRequests } from './digest-list.ts';
import { LIMITS } from './limits.ts';
import { refuse } from './refusal.ts';
import type { Fault } from './schema/composites.ts';
import { object } from './schema/composites.ts';
import type { ObjectSchema } from './schema/composites.ts';
import { HEX_BYTES } from './schema/hex.ts';
import { Reader } from './schema/reader.ts';
import { count, flags, wholeNumber } from './schema/scalars.ts';
import type { Schema, ValueOf } from './schema/schema.ts';
import { Writer } from './schema/writer.ts';

/** After this batch every replica takes a checkpoint. */
export const BATCH_CHECKPOINT = 1;

const batchFlags = flags(['checkpoint']);

/** Milliseconds since 1970; in JSON seconds with at most three decimals. */
const timestamp: Schema<number> = {
  ...count(LIMITS.timestampMs),
  json: {
    kind: 'value',
    to: (milliseconds) => milliseconds / 1000,
    from(json) {
      if (typeof json !== 'number') return refuse('wrong-type');
      const milliseconds = wholeNumber(Math.round(json * 1000), LIMITS.timestampMs);
      return milliseconds / 1000 === json ? milliseconds : refuse('out-of-range');
    },
  },
};

const fields = object(
  {
    /** The primary's clock, ms since 1970. */
    timestamp,
    /** {@link BATCH_CHECKPOINT}. */
    flags: batchFlags,
    requests: authenticatedRequests,
  },
  {
    quick: {
      read: (reader) => ({
        timestamp: timestamp.read(reader),
        flags: batchFlags.read(reader),
        requests: authenticatedRequests.read(reader),
      }),
      write(writer, value) {
        timestamp.write(writer, value.timestamp);
        batchFlags.write(writer, value.flags);
        authenticatedRequests.write(writer, value.requests);
      },
    },
    rule: ({ requests, flags: set }) =>
      requests.length > 0 || set !== 0 ? undefined : { code: 'inconsistent', at: 'requests' },
  },
);

/** At least one request, or a flag. A value that never changes: another batch is another object. */
export type Batch = ValueOf<typeof fields>;

/** Batches that were encoded or decoded, as their bytes: a batch is written down, sent and handed on several times. */
const encodings = new WeakMap<Batch, Bytes>();

/** A batch as it travels: in its JSON the requests are members as `authenticated-requests-json.ts` describes them. */
export const batch: ObjectSchema<Batch> = {
  ...fields,
  write(writer, value) {
    const known = encodings.get(value);
    if (known !== undefined) {
      writer.bytes(known);
      return;
    }
    const start = writer.length;
    fields.write(writer, value);
    encodings.set(value, writer.copy(start));
  },
  read(reader) {
    const start = reader.at;
    const value = fields.read(reader);
    encodings.set(value, reader.bytes.slice(start, reader.at));
    return value;
  },
};

/**
 * The same batch in the least memory: its bytes. Its requests are decoded anew each time somebody looks at them, so whoever does takes them once.
 * What a window of executed batches holds is then one array each, and no graph of objects that the collector has to follow.
 */
export function compactBatch(context: CodecContext, value: Batch): Batch {
  const bytes = encodings.get(value) ?? encoded(value);
  const compact: Batch = {
    timestamp: value.timestamp,
    flags: value.flags,
    get requests(): readonly AuthenticatedRequest[] {
      const reader = new Reader(bytes, context);
      const { requests } = fields.read(reader);
      assert(reader.remaining === 0, 'an encoded batch is nothing else');
      return requests;
    },
  };
  encodings.set(compact, bytes);
  return compact;
}

function encoded(value: Batch): Bytes {
  const writer = new Writer(fields.minBytes + authenticatedRequestsSize(value.requests));
  batch.write(writer, value);
  return writer.copy();
}

/**
 * Identity of a batch: SHA-256, in its own domain, over timestamp, flags and the digests of its requests in order. View and sequence number
 * are not part of it: the same batch can be proposed again.
 */
export function batchDigest(context: CodecContext, value: Batch): Digest {
  const { requests } = value;
  const writer = new Writer(timestamp.maxBytes + batchFlags.maxBytes + HEX_BYTES * requests.length);
  timestamp.write(writer, value.timestamp);
  batchFlags.write(writer, value.flags);
  writer.bytes(packRequests(requests));
  return context.digest(DOMAINS.batchDigest, writer.finish());
}

/** What a body that belongs to another digest is refused with. */
export function verifyBody(context: CodecContext, expected: Digest, body: Batch | undefined): Fault | undefined {
  if (body === undefined || batchDigest(context, body) === expected) return undefined;
  return { code: 'digest-mismatch', at: 'batch' };
}
