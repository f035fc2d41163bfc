/** Frames: an encoded message and its proof, one after the other. The doors of the codec. */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { ClientId, Digest } from '../base/ids.ts';
import type { Result } from '../base/result.ts';
import { fail, ok } from '../base/result.ts';
import type { Bundle } from './bundle.ts';
import type { Checkpoint } from './checkpoint.ts';
import { DOMAINS } from './codec-context.ts';
import type { CodecContext } from './codec-context.ts';
import { packBundle } from './digest-list.ts';
import { LIMITS } from './limits.ts';
import type { Proof } from './proof.ts';
import { MAC, proof as proofSchema } from './proof.ts';
import type { DecodeRefusal } from './refusal.ts';
import { Refused, refuse, within } from './refusal.ts';
import type { Message, MessageType } from './registry.ts';
import { schemaOfTag, schemaOfType } from './registry.ts';
import type { NewView } from './new-view.ts';
import { copyBytes } from './schema/copy-bytes.ts';
import { EVERYBODY, replicaSet } from './replica-set.ts';
import { Reader } from './schema/reader.ts';
import { client as clientSchema, digest as digestSchema } from './schema/scalars.ts';
import type { Schema } from './schema/schema.ts';
import { encodedSlab } from './schema/slab.ts';
import { Writer } from './schema/writer.ts';
import type { ViewChange } from './view-change.ts';

/** A message encoded once, for any number of receivers. */
export interface EncodedMessage {
  readonly type: MessageType;
  /** Tag, content, attached fields. */
  readonly bytes: Bytes;
  /** Where the content ends, tag included; attached fields follow. */
  readonly contentEnd: number;
}

/** What a frame says, and the bytes that its proof must cover. */
export interface DecodedFrame {
  readonly message: Message;
  readonly proof: Proof;
  readonly authenticated: Bytes;
}

const TAG_BYTES = 1;

// The one buffer of all encodings. Its pages cost nothing until an encoding has touched them.
const scratch = new Writer(LIMITS.frameBytes);

/** The canonical bytes of a message. Throws InvariantViolation if it breaks its schema. */
export function encodeMessage(message: Message): EncodedMessage {
  writeMessage(message);
  return { type: message.type, bytes: scratch.copy(), contentEnd: scratch.contentEnd };
}

function writeMessage(message: Message): void {
  const schema = schemaOfType(message.type);
  assert(schema !== undefined, 'a message that is registered');
  scratch.restart();
  scratch.u8(schema.tag);
  schema.write(scratch, message);
}

/**
 * The frame of a message for one receiver, with one array for all that is made on the way; undefined where `mac` gives none. `mac`: of bytes that it
 * does not keep; it encodes nothing itself.
 */
export function encodeFrameWithMac(
  context: CodecContext,
  message: Message,
  mac: (bytes: Bytes) => Bytes | undefined,
): Bytes | undefined {
  writeMessage(message);
  const made = mac(scratch.boundForNow(context, message.type, TAG_BYTES, scratch.contentEnd));
  if (made === undefined) return undefined;
  proofSchema.write(scratch, { kind: 'mac', mac: made });
  return scratch.copy();
}

/** A frame for one receiver: cheap, so that one encoded message goes out under many MACs. */
export function encodeFrame(encoded: EncodedMessage, proof: Proof): Bytes {
  if (proof.kind === 'mac') return frameWithMac(encoded.bytes, proof.mac);
  scratch.restart();
  scratch.bytes(encoded.bytes);
  proofSchema.write(scratch, proof);
  return scratch.copy();
}

/** As the schema of proofs writes it, spelled out: most frames are votes, and differ in nothing but this. */
function frameWithMac(message: Bytes, mac: Bytes): Bytes {
  assert(mac.length >= LIMITS.macMinBytes && mac.length <= LIMITS.macMaxBytes, 'a number of bytes within its limits');
  const frame = encodedSlab.allocate(message.length + 2 + mac.length);
  assert(frame.length <= LIMITS.frameBytes, 'an encoding fits into a frame');
  copyBytes(message, 0, frame, 0, message.length);
  frame[message.length] = MAC;
  frame[message.length + 1] = mac.length;
  copyBytes(mac, 0, frame, message.length + 2, mac.length);
  return frame;
}

/** The bytes that are MAC'd or signed for a message: domain of its type, cluster id, content. */
export function authenticatedBytes(context: CodecContext, encoded: EncodedMessage): Bytes {
  return context.bound(encoded.type, encoded.bytes, TAG_BYTES, encoded.contentEnd);
}

/**
 * The message, its proof (not verified) and the bytes that the proof must cover; or why the bytes are no frame. Never throws, whatever the
 * bytes. Digests of requests are computed, attached fields checked against the digests in the content. Shares no memory with `frame`.
 */
export function decodeFrame(frame: Bytes, context: CodecContext): Result<DecodedFrame, DecodeRefusal> {
  if (frame.length > LIMITS.frameBytes) return fail({ code: 'oversized', at: '' });
  return attempt(() => {
    const reader = new Reader(frame, context);
    const schema = schemaOfTag(reader.u8()) ?? refuse('unknown-type', 'type');
    const message = schema.read(reader);
    const { contentEnd } = reader;
    const proof = readProof(reader);
    if (reader.remaining > 0) refuse('trailing-bytes');
    return { message, proof, authenticated: context.bound(schema.type, frame, TAG_BYTES, contentEnd) };
  });
}

function readProof(reader: Reader): Proof {
  try {
    return proofSchema.read(reader);
  } catch (thrown) {
    throw within('proof', thrown);
  }
}

/** Runs one decoding: its value, or what it refused. */
export function attempt<T>(decode: () => T): Result<T, DecodeRefusal> {
  try {
    return ok(decode());
  } catch (thrown) {
    if (thrown instanceof Refused) return fail({ code: thrown.code, at: thrown.at });
    throw thrown;
  }
}

/** The canonical bytes of any value with a schema: for records, certificates and the like. Throws InvariantViolation if it breaks the schema. */
export function encodeValue<T>(schema: Schema<T>, value: T): Bytes {
  scratch.restart();
  schema.write(scratch, value);
  return scratch.copy();
}

/** The value of canonical bytes, or why they are none. Never throws. */
export function decodeValue<T>(schema: Schema<T>, bytes: Bytes, context: CodecContext): Result<T, DecodeRefusal> {
  return attempt(() => {
    const reader = new Reader(bytes, context);
    const value = schema.read(reader);
    if (reader.remaining > 0) refuse('trailing-bytes');
    return value;
  });
}

/** What a client signs for one request: its digest, and behind it who is asked to reply where that is not everybody. */
export function requestSigningBytes(context: CodecContext, requestDigest: Digest, asked = EVERYBODY): Bytes {
  scratch.restart();
  digestSchema.write(scratch, requestDigest);
  if (asked !== EVERYBODY) replicaSet.write(scratch, asked);
  return context.bound(DOMAINS.requestSignature, scratch.copy());
}

/** What the MACs of a bundle cover: the client, who is asked to reply, and the digests of the requests, in order. */
export function bundleBytes(context: CodecContext, client: ClientId, bundle: Pick<Bundle, 'asked' | 'digests'>): Bytes {
  scratch.restart();
  clientSchema.write(scratch, client);
  replicaSet.write(scratch, bundle.asked);
  scratch.bytes(packBundle(bundle));
  return context.bound(DOMAINS.bundle, scratch.copy());
}

/** What the signature of a CHECKPOINT covers. */
export function checkpointBytes(context: CodecContext, checkpoint: Checkpoint): Bytes {
  return authenticatedBytes(context, encodeMessage(checkpoint));
}

/** What the signature of a VIEW-CHANGE covers. */
export function viewChangeBytes(context: CodecContext, viewChange: ViewChange): Bytes {
  return authenticatedBytes(context, encodeMessage(viewChange));
}

/** What the signature of a NEW-VIEW covers. */
export function newViewBytes(context: CodecContext, newView: NewView): Bytes {
  return authenticatedBytes(context, encodeMessage(newView));
}
