/** The batch: requests that are ordered together, under one sequence number. */
import type { Digest } from '../base/ids.ts';
import { authenticatedRequests } from './authenticated-requests.ts';
import { DOMAINS } from './codec-context.ts';
import type { CodecContext } from './codec-context.ts';
import { LIMITS } from './limits.ts';
import { refuse } from './refusal.ts';
import type { Fault } from './schema/composites.ts';
import { object } from './schema/composites.ts';
import { HEX_BYTES } from './schema/hex.ts';
import { count, digest, flags, wholeNumber } from './schema/scalars.ts';
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

/** A batch as it travels: in its JSON the requests are members as `authenticated-requests-json.ts` describes them. */
export const batch = object(
  {
    /** The primary's clock, ms since 1970. */
    timestamp,
    /** {@link BATCH_CHECKPOINT}. */
    flags: batchFlags,
    requests: authenticatedRequests,
  },
  {
    rule: ({ requests, flags: set }) =>
      requests.length > 0 || set !== 0 ? undefined : { code: 'inconsistent', at: 'requests' },
  },
);

/** At least one request, or a flag. */
export type Batch = ValueOf<typeof batch>;

/**
 * Identity of a batch: SHA-256, in its own domain, over timestamp, flags and the digests of its requests in order. View and sequence number
 * are not part of it: the same batch can be proposed again.
 */
export function batchDigest(context: CodecContext, value: Batch): Digest {
  const writer = new Writer(timestamp.maxBytes + batchFlags.maxBytes + HEX_BYTES * value.requests.length);
  timestamp.write(writer, value.timestamp);
  batchFlags.write(writer, value.flags);
  for (const entry of value.requests) digest.write(writer, entry.digest);
  return context.digest(DOMAINS.batchDigest, writer.finish());
}

/** What a body that belongs to another digest is refused with. */
export function verifyBody(context: CodecContext, expected: Digest, body: Batch | undefined): Fault | undefined {
  if (body === undefined || batchDigest(context, body) === expected) return undefined;
  return { code: 'digest-mismatch', at: 'batch' };
}
