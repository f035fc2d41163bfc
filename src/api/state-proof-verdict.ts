/**
 * Whether a state proof shows what it says, to a third party who has nothing but the cluster's public keys: a quorum of distinct replicas
 * signed that the state after a batch has this root [TOCS §4.3.4], and the Merkle path leads from the key to it. Pure and strict: a
 * certificate may be larger than a quorum, but everything in it must be good.
 */
import { replicaName } from '../base/ids.ts';
import type { ReplicaId } from '../base/ids.ts';
import { checkpointBytes } from '../messages/index.ts';
import type { CodecContext } from '../messages/index.ts';
import type { Authenticator } from '../protocol/ports.ts';
import type { Quorums } from '../protocol/quorum.ts';
import { applicationKey } from '../protocol/state-layout.ts';
import { verifyStateProof } from '../state/index.ts';
import type { ProofProblem } from '../state/index.ts';
import type { CertifiedValue } from './state-proof.ts';
import type { StateProofFileFault } from './state-proof-file.ts';

/** What a third party knows of the cluster. */
export interface StateProofRules {
  readonly quorums: Quorums;
  /** Bound to the cluster's id. */
  readonly codec: CodecContext;
  readonly keys: Pick<Authenticator, 'verifySignature'>;
}

/** `index`: of the CHECKPOINT at fault, from 0. */
export type StateProofFault =
  /** About another cluster than the one of the public keys. */
  | { readonly code: 'foreign-cluster' }
  /** A CHECKPOINT for another sequence number or root than the proof's. */
  | { readonly code: 'other-checkpoint'; readonly index: number; readonly what: 'sequence' | 'root' }
  /** Names a sender that the cluster does not have. */
  | { readonly code: 'unknown-signer'; readonly index: number; readonly node: string }
  /** A second CHECKPOINT of one replica. */
  | { readonly code: 'repeated-signer'; readonly index: number; readonly node: string }
  | { readonly code: 'bad-signature'; readonly index: number; readonly node: string }
  | { readonly code: 'too-few-signers'; readonly have: number; readonly needed: number }
  /** The root is proven, and the path does not show that it holds this at this key. */
  | { readonly code: 'wrong-path'; readonly problem: ProofProblem };

/**
 * Why the proof does not hold; undefined when it does. In order: this cluster; every CHECKPOINT is for this number and root, by a replica of
 * the cluster, by one that signed none before; they are q; signatures; the path. Signatures come late: they cost most. Requires:
 * what {@link readStateProof} gives.
 */
export function verifyCertifiedValue(rules: StateProofRules, certified: CertifiedValue): StateProofFault | undefined {
  const { codec } = rules;
  const { key, value, proof, root } = certified;
  if (certified.clusterId !== codec.clusterId) return { code: 'foreign-cluster' };
  const fault = certificateFault(rules, certified);
  if (fault !== undefined) return fault;
  const problem = verifyStateProof((bytes) => codec.sha256(bytes), root, { key: applicationKey(key), value }, proof);
  return problem === undefined ? undefined : { code: 'wrong-path', problem };
}

function certificateFault(
  { quorums, codec, keys }: StateProofRules,
  { sequence, root, certificate }: CertifiedValue,
): StateProofFault | undefined {
  const signers = new Set<ReplicaId>();
  for (const [index, { checkpoint }] of certificate.entries()) {
    const { replica } = checkpoint;
    const node = replicaName(replica);
    if (checkpoint.sequence !== sequence) return { code: 'other-checkpoint', index, what: 'sequence' };
    if (checkpoint.root !== root) return { code: 'other-checkpoint', index, what: 'root' };
    if (replica >= quorums.replicaCount) return { code: 'unknown-signer', index, node };
    if (signers.has(replica)) return { code: 'repeated-signer', index, node };
    signers.add(replica);
  }
  if (signers.size < quorums.quorum) return { code: 'too-few-signers', have: signers.size, needed: quorums.quorum };
  for (const [index, { checkpoint, signature }] of certificate.entries()) {
    const { replica } = checkpoint;
    const isSigned = keys.verifySignature({ kind: 'replica', replica }, checkpointBytes(codec, checkpoint), signature);
    if (!isSigned) return { code: 'bad-signature', index, node: replicaName(replica) };
  }
  return undefined;
}

/** In one sentence, for people. */
export function describeStateProofFault(fault: StateProofFault | StateProofFileFault): string {
  switch (fault.code) {
    case 'too-large':
      return `it has more than ${fault.max} characters`;
    case 'not-json':
      return `it is not JSON: ${fault.reason}`;
    case 'not-an-object':
      return 'it is no JSON object';
    case 'unknown-format':
      return 'another `format` than pbft-state-proof/1, the only one this version reads';
    case 'bad-field':
      return `${fault.field} must be ${fault.allowed}`;
    case 'foreign-cluster':
      return 'it is about another cluster than the one of the public keys';
    case 'other-checkpoint':
      return `CHECKPOINT ${fault.index + 1} is for another ${fault.what === 'root' ? 'root' : 'sequence number'} than the proof`;
    case 'unknown-signer':
      return `CHECKPOINT ${fault.index + 1} is by ${fault.node}, which the cluster does not have`;
    case 'repeated-signer':
      return `CHECKPOINT ${fault.index + 1} is another one by ${fault.node}: each node counts once`;
    case 'bad-signature':
      return `the signature of CHECKPOINT ${fault.index + 1} is not by ${fault.node}`;
    case 'too-few-signers':
      return `${fault.have} nodes signed the checkpoint, and it takes ${fault.needed}`;
    case 'wrong-path':
      return describePath(fault.problem);
  }
}

function describePath(problem: ProofProblem): string {
  switch (problem) {
    case 'malformed':
      return 'the Merkle path is none: its bits do not rise, or a path without a neighbour is not empty';
    case 'other-claim':
      return 'the Merkle path is about the opposite: that there is a value, or that there is none';
    case 'same-key':
      return 'the neighbour that is to show that nothing is at the key is the key itself';
    case 'wrong-root':
      return 'the Merkle path does not lead to the root that was signed: another key, another value, or an altered path';
  }
}
