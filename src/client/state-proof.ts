/** Checks a state proof with nothing but what every client knows of its cluster: no node is asked, and none is trusted. */
import { readStateProofText, verifyCertifiedValue } from '../api/index.ts';
import type { CertifiedValue, StateProofFault, StateProofFileFault } from '../api/index.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Digest, ReplicaId, Sequence } from '../base/ids.ts';
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { CodecContext } from '../messages/index.ts';
import { makeSignatureVerifier, sha256 } from '../node/index.ts';
import { makeQuorums } from '../protocol/quorum.ts';
import type { ClusterDescription } from './cluster-description.ts';

/** Of a {@link ClusterDescription}, what decides. */
export type PublicCluster = Pick<ClusterDescription, 'clusterId' | 'quorumRule' | 'replicas'>;

/** What is true of the cluster's state, unless more than f of its nodes lie. */
export interface ProvenValue {
  /** As the application knows it. */
  readonly key: Bytes;
  /** undefined: nothing was stored there. */
  readonly value: Bytes | undefined;
  /** After this batch; how old that is, a proof cannot say. */
  readonly sequence: Sequence;
  readonly root: Digest;
  /** Whose signatures carry it, at least a quorum. */
  readonly signers: readonly ReplicaId[];
}

/** What the text of a file, or of an answer of `GET /pbft/state/{key}?proof=true`, proves; or why it proves nothing. Never throws. */
export function verifyStateProofFile(
  cluster: PublicCluster,
  text: string,
): Result<ProvenValue, StateProofFault | StateProofFileFault> {
  const read = readStateProofText(text);
  if (!read.ok) return read;
  const fault = verifyCertifiedValue(rulesOf(cluster), read.value);
  return fault === undefined ? ok(provenValue(read.value)) : fail(fault);
}

function rulesOf({ clusterId, quorumRule, replicas }: PublicCluster): Parameters<typeof verifyCertifiedValue>[0] {
  return {
    quorums: makeQuorums(replicas.length, quorumRule),
    codec: new CodecContext(clusterId, sha256),
    keys: makeSignatureVerifier(replicas.map(({ identity }) => identity.signing)),
  };
}

function provenValue({ key, value, sequence, root, certificate }: CertifiedValue): ProvenValue {
  return { key, value, sequence, root, signers: certificate.map(({ checkpoint }) => checkpoint.replica) };
}
