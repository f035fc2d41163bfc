/**
 * Records as bytes of the log, and back: a tag, then the fields by their schemas, so that every limit and rule of the messages holds for what
 * is stored of them too. A record that does not decode is damage, and whoever reads it stops. Owns nothing; needs no clock, disk or Node.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { NULL_DIGEST } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import type { Result } from '../base/result.ts';
import { fail, ok } from '../base/result.ts';
import { decodeUtf8, encodeUtf8 } from '../base/utf8.ts';
import {
  batchDigest,
  decodeValue,
  encodeValue,
  LIMITS,
  batch as batchSchema,
  signedCheckpoint,
  signedNewView,
  signedViewChange,
} from '../messages/index.ts';
import type { Batch, CodecContext, DecodeRefusal, Schema } from '../messages/index.ts';
import { list, object, option } from '../messages/schema/composites.ts';
import type { Fault } from '../messages/schema/composites.ts';
import { bytes, constant, count, digest, flag, oneOf, replica, sequence, view } from '../messages/schema/scalars.ts';
import type { ValueOf } from '../messages/schema/schema.ts';
import { signature } from '../messages/schema/signed-text.ts';
import { Writer } from '../messages/schema/writer.ts';
import { refuse } from '../messages/refusal.ts';
import type { Record } from './record.ts';
import { SUSPICION_KINDS } from './suspicion.ts';
import type { SuspicionKind } from './suspicion.ts';

/** First byte of a record; a number is never used for another kind again (4 was a checkpoint with its state). */
const TAGS = {
  accepted: 1,
  prepared: 2,
  executed: 3,
  stable: 5,
  suspicion: 6,
  'view-change': 7,
  'new-view': 8,
  recovery: 9,
  proposes: 10,
} as const;
type Kind = keyof typeof TAGS;

/** The longest record, in bytes: a suspicion with all of its statements. Far above a frame, far below what one array can be. */
export const MAX_RECORD_BYTES: number = 512 * 1024 * 1024;
/** Text and signed statements of a suspicion. */
const MAX_SUMMARY_BYTES = 64 * 1024;
const MAX_STATEMENTS = 256;

/** The tag, standing for the record's kind. */
function kind<const Word extends Kind>(word: Word): Schema<Word> {
  return {
    ...constant(word),
    minBytes: 1,
    maxBytes: 1,
    write: (writer) => writer.u8(TAGS[word]),
    read: (reader) => (reader.u8() === TAGS[word] ? word : refuse('unknown-type')),
  };
}

const accepted = object(
  { kind: kind('accepted'), view, sequence, digest, batch: option(batchSchema), signature: option(signature) },
  {
    rule: (value) =>
      value.batch === undefined || value.digest !== NULL_DIGEST ? undefined : { code: 'inconsistent', at: 'batch' },
    verify: verifyBody,
  },
);

const proposes = object({ kind: kind('proposes'), view });

const prepared = object({ kind: kind('prepared'), view, sequence, digest });

const executed = object(
  { kind: kind('executed'), view, sequence, digest, batch: option(batchSchema) },
  { verify: verifyBody },
);

const stable = object(
  { kind: kind('stable'), sequence, root: digest, proof: list(signedCheckpoint, LIMITS.replicas), hasState: flag },
  {
    rule: (value) => {
      const isProof = value.proof.every(
        ({ checkpoint: each }) => each.sequence === value.sequence && each.root === value.root,
      );
      return isProof ? undefined : { code: 'inconsistent', at: 'proof' };
    },
  },
);

const viewChange = object({ kind: kind('view-change'), viewChange: signedViewChange });

const newView = object({ kind: kind('new-view'), newView: signedNewView });

const recovery = object({
  kind: kind('recovery'),
  nonce: digest,
  mark: option(sequence),
  session: option(count()),
  barred: option(view),
});

type UnlistedKind = Exclude<SuspicionKind, (typeof SUSPICION_KINDS)[number]>;
/** Does not compile while a kind is missing in the list. */
const ALL_KINDS_LISTED: [UnlistedKind] extends [never] ? true : UnlistedKind = true;
assert(ALL_KINDS_LISTED, 'every kind of suspicion has its number');

const suspicion = object({
  kind: kind('suspicion'),
  node: replica,
  what: oneOf(SUSPICION_KINDS),
  certainty: oneOf(['certain', 'uncertain']),
  view,
  sequence,
  firstSeenMs: count(),
  lastSeenMs: count(),
  count: count(),
  /** UTF-8. */
  summary: bytes(0, MAX_SUMMARY_BYTES),
  statements: list(bytes(0, LIMITS.frameBytes), MAX_STATEMENTS),
});

const SUSPICION_FIXED_BYTES = suspicion.minBytes;
const STATEMENT_HEAD_BYTES = 4;

/** The bytes of a record. Throws InvariantViolation when the record breaks its schema. */
export function encodeRecord(record: Record): Bytes {
  switch (record.kind) {
    case 'accepted':
      return encodeValue(accepted, record);
    case 'prepared':
      return encodeValue(prepared, record);
    case 'executed':
      return encodeValue(executed, record);
    case 'stable':
      return encodeValue(stable, record);
    case 'view-change':
      return encodeValue(viewChange, record);
    case 'new-view':
      return encodeValue(newView, record);
    case 'recovery':
      return encodeValue(recovery, record);
    case 'proposes':
      return encodeValue(proposes, record);
    case 'suspicion':
      return encodeSuspicion(record);
  }
}

/** The record of these bytes, or why they are none. Never throws. Signatures are not verified. */
export function decodeRecord(stored: Bytes, context: CodecContext): Result<Record, DecodeRefusal> {
  if (stored.length > MAX_RECORD_BYTES) return fail({ code: 'oversized', at: '' });
  switch (stored[0]) {
    case TAGS.accepted:
      return decodeValue(accepted, stored, context);
    case TAGS.prepared:
      return decodeValue(prepared, stored, context);
    case TAGS.executed:
      return decodeValue(executed, stored, context);
    case TAGS.stable:
      return decodeValue(stable, stored, context);
    case TAGS['view-change']:
      return decodeValue(viewChange, stored, context);
    case TAGS['new-view']:
      return decodeValue(newView, stored, context);
    case TAGS.recovery:
      return decodeValue(recovery, stored, context);
    case TAGS.proposes:
      return decodeValue(proposes, stored, context);
    case TAGS.suspicion: {
      const decoded = decodeValue(suspicion, stored, context);
      return decoded.ok ? suspicionRecord(decoded.value) : decoded;
    }
    default:
      return fail({ code: stored.length === 0 ? 'truncated' : 'unknown-type', at: 'kind' });
  }
}

/** What a stored body must be of. */
interface WithBody {
  readonly batch: Batch | undefined;
  readonly digest: Digest;
}

function verifyBody({ batch, digest: expected }: WithBody, context: CodecContext): Fault | undefined {
  if (batch === undefined || batchDigest(context, batch) === expected) return undefined;
  return { code: 'digest-mismatch', at: 'batch' };
}

/** What does not fit the buffer of frames gets one of its own, of exactly its size. */
function encodeLarge<T>(schema: Schema<T>, value: T, size: number): Bytes {
  assert(size <= MAX_RECORD_BYTES, 'a record has at most 512 MiB');
  const writer = new Writer(size);
  schema.write(writer, value);
  return writer.finish();
}

function encodeSuspicion({ suspicion: said }: Extract<Record, { kind: 'suspicion' }>): Bytes {
  const { evidence, kind: what, ...fields } = said;
  const summary = encodeUtf8(evidence.summary);
  assert(summary !== undefined, 'the summary of a suspicion is text');
  const size = evidence.frames.reduce(
    (sum, { length }) => sum + STATEMENT_HEAD_BYTES + length,
    SUSPICION_FIXED_BYTES + summary.length,
  );
  return encodeLarge(suspicion, { ...fields, kind: 'suspicion', what, summary, statements: evidence.frames }, size);
}

function suspicionRecord({
  what,
  summary,
  statements,
  ...fields
}: ValueOf<typeof suspicion>): Result<Record, DecodeRefusal> {
  const text = decodeUtf8(summary);
  if (text === undefined) return fail({ code: 'out-of-range', at: 'summary' });
  return ok({
    kind: 'suspicion',
    suspicion: { ...fields, kind: what, evidence: { summary: text, frames: statements } },
  });
}
