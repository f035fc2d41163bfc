/**
 * What a replica writes down, as bytes of the write-ahead log and back. Records are made of the messages they stem from, in frames, so that
 * everything the message codec checks is checked here too. A record that does not decode is damage: the caller stops. Owns nothing.
 */
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { assert } from '../base/assert.ts';
import { concatBytes, fromBase64Url, toBase64Url } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { asReplicaId, asSequence, asView } from '../base/ids.ts';
import type { Entry, Snapshot } from '../base/key-value.ts';
import type { Result } from '../base/result.ts';
import { fail, ok } from '../base/result.ts';
import { decodeUtf8, encodeUtf8 } from '../base/utf8.ts';
import { decodeFrame, encodeFrame, encodeMessage, NO_PROOF } from '../messages/index.ts';
import type { CodecContext, DecodedFrame, Message, MessageType, Proof, SignedCheckpoint } from '../messages/index.ts';
import type { Record, StoredState } from '../protocol/record.ts';
import type { Suspicion, SuspicionKind } from '../protocol/suspicion.ts';

const KIND = { accepted: 1, prepared: 2, executed: 3, checkpoint: 4, stable: 5, suspicion: 6 } as const;
/** Stands in the messages where the record has no replica of its own. */
const NOBODY = asReplicaId(0);
const PAGE = 1024;

/** The bytes of a record. */
export function encodeRecord(record: Record): Bytes {
  switch (record.kind) {
    case 'accepted': {
      const { view, sequence, digest, batch, signature } = record;
      const proof: Proof = signature === undefined ? NO_PROOF : { kind: 'signature', signature };
      return tagged(KIND.accepted, [frameOf({ type: 'pre-prepare', view, sequence, digest, batch }, proof)]);
    }
    case 'prepared':
      return tagged(KIND.prepared, [slotFrame(record)]);
    case 'executed': {
      const { sequence, digest, batch } = record;
      const body = batch === undefined ? [] : [frameOf({ type: 'batch', replica: NOBODY, sequence, digest, batch })];
      return tagged(KIND.executed, [slotFrame(record), ...body]);
    }
    case 'checkpoint':
      return tagged(KIND.checkpoint, [
        checkpointFrame(record.checkpoint),
        ...entriesOf(record.state).flatMap(({ key, value }) => [key, value]),
      ]);
    case 'stable':
      return tagged(KIND.stable, record.proof.map(checkpointFrame));
    case 'suspicion':
      return tagged(KIND.suspicion, [encodeSuspicion(record.suspicion)]);
  }
}

/** The record of some bytes; else what is wrong with them. Never throws. */
export function decodeRecord(bytes: Bytes, context: CodecContext): Result<Record, string> {
  const parts = split(bytes);
  if (parts === undefined) return fail('its parts do not fill it');
  try {
    return ok(readRecord(bytes[0] ?? 0, parts, context));
  } catch (error) {
    if (error instanceof Damaged) return fail(error.message);
    throw error;
  }
}

/** What is read is not what was written. */
class Damaged extends Error {}

function readRecord(kind: number, parts: readonly Bytes[], context: CodecContext): Record {
  const [first, second] = parts;
  switch (kind) {
    case KIND.accepted: {
      const { message, proof } = readFrame(first, 'pre-prepare', context);
      const { view, sequence, digest, batch } = message;
      return {
        kind: 'accepted',
        view,
        sequence,
        digest,
        batch,
        signature: proof.kind === 'signature' ? proof.signature : undefined,
      };
    }
    case KIND.prepared: {
      const { view, sequence, digest } = readFrame(first, 'prepare', context).message;
      return { kind: 'prepared', view, sequence, digest };
    }
    case KIND.executed: {
      const { view, sequence, digest } = readFrame(first, 'prepare', context).message;
      const batch = second === undefined ? undefined : readFrame(second, 'batch', context).message.batch;
      return { kind: 'executed', view, sequence, digest, batch };
    }
    case KIND.checkpoint:
      return {
        kind: 'checkpoint',
        checkpoint: readCheckpoint(first, context),
        state: { kind: 'entries', entries: readEntries(parts.slice(1)) },
      };
    case KIND.stable: {
      const proof = parts.map((part) => readCheckpoint(part, context));
      const [one] = proof;
      if (one === undefined) throw new Damaged('a stable checkpoint without proof');
      return { kind: 'stable', sequence: one.checkpoint.sequence, root: one.checkpoint.root, proof };
    }
    case KIND.suspicion:
      return { kind: 'suspicion', suspicion: decodeSuspicion(first) };
    default:
      throw new Damaged(`a record of kind ${kind}, which this version does not know`);
  }
}

function frameOf(message: Message, proof: Proof = NO_PROOF): Bytes {
  return encodeFrame(encodeMessage(message), proof);
}

function slotFrame({ view, sequence, digest }: Extract<Record, { kind: 'prepared' | 'executed' }>): Bytes {
  return frameOf({ type: 'prepare', view, sequence, digest, replica: NOBODY });
}

function checkpointFrame({ checkpoint, signature }: SignedCheckpoint): Bytes {
  return frameOf(checkpoint, { kind: 'signature', signature });
}

type FrameOf<Type extends MessageType> = DecodedFrame & { readonly message: Extract<Message, { type: Type }> };

function isOfType<Type extends MessageType>(frame: DecodedFrame, type: Type): frame is FrameOf<Type> {
  return frame.message.type === type;
}

function readFrame<Type extends MessageType>(
  bytes: Bytes | undefined,
  type: Type,
  context: CodecContext,
): FrameOf<Type> {
  if (bytes === undefined) throw new Damaged(`a ${type} is missing`);
  const decoded = decodeFrame(bytes, context);
  if (!decoded.ok) throw new Damaged(`a ${type} that does not decode: ${decoded.error.code} at ${decoded.error.at}`);
  if (!isOfType(decoded.value, type)) throw new Damaged(`a ${decoded.value.message.type} in the place of a ${type}`);
  return decoded.value;
}

function readCheckpoint(bytes: Bytes | undefined, context: CodecContext): SignedCheckpoint {
  const { message, proof } = readFrame(bytes, 'checkpoint', context);
  if (proof.kind !== 'signature') throw new Damaged('a checkpoint without signature');
  return { checkpoint: message, signature: proof.signature };
}

function entriesOf(state: StoredState): readonly Entry[] {
  return state.kind === 'entries' ? state.entries : allEntries(state.snapshot);
}

function allEntries(snapshot: Snapshot): readonly Entry[] {
  const entries: Entry[] = [];
  let from: Bytes = Uint8Array.of(0);
  for (;;) {
    const page = snapshot.range(from, undefined, PAGE);
    entries.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return entries;
    from = concatBytes(last.key, Uint8Array.of(0));
  }
}

function readEntries(parts: readonly Bytes[]): readonly Entry[] {
  if (parts.length % 2 !== 0) throw new Damaged('a key without value');
  const entries: Entry[] = [];
  for (let i = 0; i < parts.length; i += 2) {
    const [key, value] = [parts[i], parts[i + 1]];
    if (key !== undefined && value !== undefined) entries.push({ key, value });
  }
  return entries;
}

function encodeSuspicion(suspicion: Suspicion): Bytes {
  const { evidence, ...rest } = suspicion;
  const json = JSON.stringify({ ...rest, summary: evidence.summary, frames: evidence.frames.map(toBase64Url) });
  const bytes = encodeUtf8(json);
  assert(bytes !== undefined, 'JSON.stringify escapes lone surrogates');
  return bytes;
}

function decodeSuspicion(bytes: Bytes | undefined): Suspicion {
  const text = bytes === undefined ? undefined : decodeUtf8(bytes);
  let fields: unknown;
  try {
    fields = JSON.parse(text ?? '');
  } catch {
    throw new Damaged('a suspicion that is no JSON');
  }
  if (!storedSuspicion.Check(fields)) throw new Damaged('a suspicion with missing or wrong fields');
  const { summary, frames, node, view, sequence, ...rest } = fields;
  const evidence = frames.map(fromBase64Url).filter((frame) => frame !== undefined);
  return {
    ...rest,
    node: asReplicaId(node),
    view: asView(view),
    sequence: asSequence(sequence),
    evidence: { summary, frames: evidence },
  };
}

const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

const storedSuspicion = Compile(
  Type.Object({
    node: Type.Integer({ minimum: 0, maximum: 255 }),
    kind: Type.Unsafe<SuspicionKind>(Type.String()),
    certainty: Type.Enum(['certain', 'uncertain']),
    view: count,
    sequence: count,
    firstSeenMs: count,
    lastSeenMs: count,
    count,
    summary: Type.String(),
    frames: Type.Array(Type.String()),
  }),
);

const LENGTH_BYTES = 4;

/** kind ‖ (length ‖ part)*, big-endian. */
function tagged(kind: number, parts: readonly Bytes[]): Bytes {
  let length = 1;
  for (const part of parts) length += LENGTH_BYTES + part.length;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  bytes[0] = kind;
  let at = 1;
  for (const part of parts) {
    view.setUint32(at, part.length);
    bytes.set(part, at + LENGTH_BYTES);
    at += LENGTH_BYTES + part.length;
  }
  return bytes;
}

function split(bytes: Bytes): readonly Bytes[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Bytes[] = [];
  let at = 1;
  while (at < bytes.length) {
    if (at + LENGTH_BYTES > bytes.length) return undefined;
    const length = view.getUint32(at);
    at += LENGTH_BYTES;
    if (at + length > bytes.length) return undefined;
    parts.push(bytes.slice(at, at + length));
    at += length;
  }
  return bytes.length === 0 ? undefined : parts;
}
