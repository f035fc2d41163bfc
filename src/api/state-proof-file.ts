/** Reads state proofs that come from outside, file or answer: bounded, strict, never throwing. Says nothing about whether they are true. */
import { fromBase64Url } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { asDigest, asSequence, replicaOfName } from '../base/ids.ts';
import type { Digest, Sequence } from '../base/ids.ts';
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import { SIGNATURE_BYTES } from '../messages/index.ts';
import type { SignedCheckpoint } from '../messages/index.ts';
import { MAX_REPLICAS } from '../protocol/quorum.ts';
import { APPLICATION_KEY_BYTES, APPLICATION_VALUE_BYTES } from '../protocol/state-layout.ts';
import type { ProofStep, StateProof } from '../base/key-value.ts';
import { STATE_PROOF_FORMAT } from './state-proof.ts';
import type { CertifiedValue } from './state-proof.ts';

/** Longest file, in UTF-16 units of its text: the longest value may take six for a byte, and all else fits into the rest. */
export const MAX_STATE_PROOF_CHARACTERS = 8 * 1024 * 1024;
/** One per bit of a key's digest. */
const MAX_PATH = 256;

/** Why a file cannot be judged. */
export type StateProofFileFault =
  | { readonly code: 'too-large'; readonly max: number }
  | { readonly code: 'not-json'; readonly reason: string }
  | { readonly code: 'not-an-object' }
  /** Another `format` than the one this version reads. */
  | { readonly code: 'unknown-format' }
  /** `field` is where, such as `proof.path[3].bit`; `allowed` says what may stand there. */
  | { readonly code: 'bad-field'; readonly field: string; readonly allowed: string };

/** The state proof in the text of a file. Further members than the format has are not looked at. */
export function readStateProofText(text: string): Result<CertifiedValue, StateProofFileFault> {
  if (text.length > MAX_STATE_PROOF_CHARACTERS) return fail({ code: 'too-large', max: MAX_STATE_PROOF_CHARACTERS });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return fail({ code: 'not-json', reason: error instanceof Error ? error.message : String(error) });
  }
  return readStateProof(json);
}

/** True when it says that it is a state proof, of whichever version: then {@link readStateProof} tells what is wrong with it. */
export function claimsToBeStateProof(json: unknown): boolean {
  return isObject(json) && typeof json['format'] === 'string' && json['format'].startsWith('pbft-state-proof/');
}

/** The same of an answer that was parsed. */
export function readStateProof(json: unknown): Result<CertifiedValue, StateProofFileFault> {
  if (!isObject(json)) return fail({ code: 'not-an-object' });
  if (json['format'] !== STATE_PROOF_FORMAT) return fail({ code: 'unknown-format' });
  try {
    return ok(readFields(json));
  } catch (thrown) {
    if (thrown instanceof BadField) return fail({ code: 'bad-field', field: thrown.field, allowed: thrown.allowed });
    throw thrown;
  }
}

/** The signal within this file; nothing of it gets past the doors above. */
class BadField extends Error {
  readonly field: string;
  readonly allowed: string;

  constructor(field: string, allowed: string) {
    super(field);
    this.field = field;
    this.allowed = allowed;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readFields(json: Fields): CertifiedValue {
  return {
    clusterId: digestAt('cluster_id', json['cluster_id']),
    key: bytesAt('key', json['key'], { min: 1, max: APPLICATION_KEY_BYTES }),
    value: valueAt(json['value']),
    sequence: sequenceAt('as_of_sequence', json['as_of_sequence']),
    root: digestAt('root', json['root']),
    proof: proofAt(json['proof']),
    certificate: listAt('certificate', json['certificate'], MAX_REPLICAS).map((entry, index) =>
      checkpointAt(`certificate[${index}]`, entry),
    ),
  };
}

function objectAt(field: string, value: unknown): Fields {
  if (!isObject(value)) throw new BadField(field, 'a JSON object');
  return value;
}

function listAt(field: string, value: unknown, max: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > max) throw new BadField(field, `a list of at most ${max} items`);
  return value;
}

function digestAt(field: string, value: unknown): Digest {
  if (typeof value !== 'string' || !/^[0-9a-f]{64}$/.test(value))
    throw new BadField(field, '64 lowercase hexadecimal characters');
  return asDigest(value);
}

function sequenceAt(field: string, value: unknown): Sequence {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new BadField(field, 'an integer from 0');
  return asSequence(value);
}

function valueAt(value: unknown): Bytes | undefined {
  if (value === undefined) throw new BadField('value', 'null where nothing is stored, else bytes');
  return value === null ? undefined : bytesAt('value', value, { min: 0, max: APPLICATION_VALUE_BYTES });
}

/** `{"utf8"}` or `{"base64url"}`, and nothing besides: two forms at once could say two things. */
function bytesAt(field: string, value: unknown, { min, max }: { readonly min: number; readonly max: number }): Bytes {
  const fields = isObject(value) ? Object.entries(value) : [];
  const [[name, text] = []] = fields;
  if (fields.length !== 1 || typeof text !== 'string' || (name !== 'utf8' && name !== 'base64url'))
    throw new BadField(field, '{"utf8": text} or {"base64url": text}');
  const bytes = name === 'utf8' ? encodeUtf8(text) : fromBase64Url(text);
  const form = name === 'utf8' ? 'text without lone surrogates' : 'canonical base64url without padding';
  if (bytes === undefined) throw new BadField(`${field}.${name}`, form);
  if (bytes.length < min || bytes.length > max) throw new BadField(`${field}.${name}`, `${min} to ${max} bytes`);
  return bytes;
}

function proofAt(value: unknown): StateProof {
  const fields = objectAt('proof', value);
  const { kind, other } = fields;
  if (kind !== 'present' && kind !== 'absent') throw new BadField('proof.kind', 'present or absent');
  const path = listAt('proof.path', fields['path'], MAX_PATH).map((step, index) =>
    stepAt(`proof.path[${index}]`, step),
  );
  if (kind === 'present') return { kind, path };
  if (other === null) return { kind, path, other: undefined };
  const leaf = objectAt('proof.other', other);
  return {
    kind,
    path,
    other: {
      keyDigest: digestAt('proof.other.key_digest', leaf['key_digest']),
      valueDigest: digestAt('proof.other.value_digest', leaf['value_digest']),
    },
  };
}

function stepAt(field: string, value: unknown): ProofStep {
  const { bit, sibling } = objectAt(field, value);
  if (typeof bit !== 'number' || !Number.isInteger(bit) || bit < 0 || bit >= MAX_PATH)
    throw new BadField(`${field}.bit`, `an integer from 0 to ${MAX_PATH - 1}`);
  return { bit, sibling: digestAt(`${field}.sibling`, sibling) };
}

function checkpointAt(field: string, value: unknown): SignedCheckpoint {
  const { type, sequence, root, node_id: node, signature } = objectAt(field, value);
  if (type !== 'checkpoint') throw new BadField(`${field}.type`, 'checkpoint');
  const replica = typeof node === 'string' ? replicaOfName(node) : undefined;
  if (replica === undefined) throw new BadField(`${field}.node_id`, 'node1, node2 …');
  const bytes =
    typeof signature === 'string' && signature.startsWith('ed25519:')
      ? fromBase64Url(signature.slice('ed25519:'.length))
      : undefined;
  if (bytes?.length !== SIGNATURE_BYTES)
    throw new BadField(`${field}.signature`, `ed25519: and ${SIGNATURE_BYTES} bytes of base64url`);
  return {
    checkpoint: {
      type,
      sequence: sequenceAt(`${field}.sequence`, sequence),
      root: digestAt(`${field}.root`, root),
      replica,
    },
    signature: bytes,
  };
}
