/**
 * The answer of `GET /pbft/state/{key}?proof=true`, and the file that it makes: one key of the application, what is stored there or that
 * nothing is, and what proves it to whoever trusts no single node. docs/state-proofs.md describes it. Reading is in state-proof-file.ts.
 */
import Type from 'typebox';
import type { Static } from 'typebox';
import { toBase64Url } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { replicaName } from '../base/ids.ts';
import type { Digest, Sequence } from '../base/ids.ts';
import { decodeUtf8 } from '../base/utf8.ts';
import type { SignedCheckpoint } from '../messages/index.ts';
import type { StateProof } from '../base/key-value.ts';
import { DigestText, NodeName, SequenceNumber } from './common.ts';

export const STATE_PROOF_FORMAT = 'pbft-state-proof/1';

/** Every byte counts in a proof, so bytes are never shown as what they may mean: text where they are UTF-8, else base64url. */
export const ExactBytes = Type.Union(
  [
    Type.Object(
      { utf8: Type.String({ description: 'the bytes as text, where they are UTF-8' }) },
      { additionalProperties: false },
    ),
    Type.Object(
      { base64url: Type.String({ description: 'any other bytes, without padding' }) },
      { additionalProperties: false },
    ),
  ],
  { description: 'bytes, exactly' },
);
export type ExactBytes = Static<typeof ExactBytes>;

const Path = Type.Array(
  Type.Object(
    {
      bit: Type.Integer({ minimum: 0, maximum: 255, description: 'at which bit of the key digest the node parts' }),
      sibling: DigestText,
    },
    { additionalProperties: false },
  ),
  { maxItems: 256, description: 'inner nodes of the Merkle tree, from the root down' },
);

const MerkleProof = Type.Union([
  Type.Object({ kind: Type.Literal('present'), path: Path }, { additionalProperties: false }),
  Type.Object(
    {
      kind: Type.Literal('absent'),
      path: Path,
      other: Type.Union(
        [
          Type.Object({ key_digest: DigestText, value_digest: DigestText }, { additionalProperties: false }),
          Type.Null(),
        ],
        { description: 'the leaf where the key would have to be; null in an empty state' },
      ),
    },
    { additionalProperties: false },
  ),
]);

/** A CHECKPOINT with its signature, in the JSON form of all messages. */
const CheckpointMessage = Type.Object(
  {
    type: Type.Literal('checkpoint'),
    sequence: SequenceNumber,
    root: DigestText,
    node_id: NodeName,
    signature: Type.String({ pattern: '^ed25519:[A-Za-z0-9_-]{86}$', description: 'Ed25519, base64url' }),
  },
  { additionalProperties: false },
);

/** Saved to a file, `pbft verify` checks it offline. */
export const StateProofBody = Type.Object(
  {
    format: Type.Literal(STATE_PROOF_FORMAT),
    cluster_id: DigestText,
    key: ExactBytes,
    value: Type.Union([ExactBytes, Type.Null()], { description: 'what is stored there; null: nothing' }),
    as_of_sequence: Type.Integer({ minimum: 0, description: 'the state after this batch; a stable checkpoint' }),
    root: DigestText,
    proof: MerkleProof,
    certificate: Type.Array(CheckpointMessage, {
      maxItems: 31,
      description: 'CHECKPOINTs of a quorum of distinct nodes for this sequence number and root',
    }),
  },
  { $id: 'StateProof', additionalProperties: false },
);
export type StateProofBody = Static<typeof StateProofBody>;

/** What was read of one snapshot. `key` as the application knows it, without the prefix under which the state keeps it. */
export interface CertifiedValue {
  readonly clusterId: Digest;
  readonly key: Bytes;
  readonly value: Bytes | undefined;
  /** Of the key as the state keeps it: `applicationKey(key)`. */
  readonly proof: StateProof;
  readonly sequence: Sequence;
  readonly root: Digest;
  /** The certificate that made this checkpoint stable: one CHECKPOINT of each of q replicas. Genesis has none, and nothing proves it. */
  readonly certificate: readonly SignedCheckpoint[];
}

/** The answer about one value. Requires: all of it belongs to one stable checkpoint. */
export function stateProofBody(certified: CertifiedValue): StateProofBody {
  const { clusterId, key, value, proof, sequence, root, certificate } = certified;
  return {
    format: STATE_PROOF_FORMAT,
    cluster_id: clusterId,
    key: exactBytes(key),
    value: value === undefined ? null : exactBytes(value),
    as_of_sequence: sequence,
    root,
    proof: merkleProof(proof),
    certificate: certificate.map(({ checkpoint, signature }) => ({
      type: checkpoint.type,
      sequence: checkpoint.sequence,
      root: checkpoint.root,
      node_id: replicaName(checkpoint.replica),
      signature: `ed25519:${toBase64Url(signature)}`,
    })),
  };
}

/** Bytes as {@link ExactBytes}: the one form of each. */
export function exactBytes(bytes: Bytes): ExactBytes {
  const utf8 = decodeUtf8(bytes);
  return utf8 === undefined ? { base64url: toBase64Url(bytes) } : { utf8 };
}

function merkleProof(proof: StateProof): StateProofBody['proof'] {
  const path = proof.path.map(({ bit, sibling }) => ({ bit, sibling }));
  if (proof.kind === 'present') return { kind: 'present', path };
  const { other } = proof;
  return {
    kind: 'absent',
    path,
    other: other === undefined ? null : { key_digest: other.keyDigest, value_digest: other.valueDigest },
  };
}
