/** Whether a stable checkpoint is proven: q distinct replicas signed it. Genesis is stable without. Changes nothing. */
import { GENESIS } from '../base/ids.ts';
import type { Digest, ReplicaId, Sequence } from '../base/ids.ts';
import { checkpointBytes } from '../messages/index.ts';
import type { SignedCheckpoint } from '../messages/index.ts';
import type { Core } from './core.ts';

/** What a VIEW-CHANGE says of its h. That its proof is about this h and root is part of its form. */
interface ProvenClaim {
  readonly lowWaterMark: Sequence;
  readonly root: Digest;
  readonly stableProof: readonly SignedCheckpoint[];
}

/** Numbers first, signatures last. A proof that was checked before, the own one say, costs nothing. */
export function isProvenStable(core: Core, { lowWaterMark, root, stableProof }: ProvenClaim): boolean {
  if (lowWaterMark === GENESIS) return true;
  if (lowWaterMark === core.stable.sequence && root === core.stable.root) return true;
  const { replicaCount, quorum } = core.quorums;
  const signers = new Set<ReplicaId>();
  for (const { checkpoint } of stableProof) if (checkpoint.replica < replicaCount) signers.add(checkpoint.replica);
  if (signers.size < quorum || stableProof.length > replicaCount) return false;
  return stableProof.every((signed) => isSigned(core, signed));
}

function isSigned(core: Core, { checkpoint, signature }: SignedCheckpoint): boolean {
  const { replica } = checkpoint;
  if (replica >= core.quorums.replicaCount) return false;
  const bytes = checkpointBytes(core.codec, checkpoint);
  return core.authenticator.verifySignature({ kind: 'replica', replica }, bytes, signature);
}
