/** Checking proofs that a root holds a value at a key, or nothing there, with the root and SHA-256 alone. Made by merkle-tree.ts. */
import type { Bytes } from '../base/bytes.ts';
import type { Digest } from '../base/ids.ts';
import type { StateProof } from '../base/key-value.ts';
import { PATH_BITS, bitOf, emptyRoot, leafHash, nodeHash } from './merkle-hash.ts';
import type { Sha256 } from './merkle-hash.ts';

/** Why a proof does not show what is claimed. */
export type ProofProblem = 'malformed' | 'other-claim' | 'same-key' | 'wrong-root';

/**
 * What is wrong with `proof` of the claim that under `root` the key has this value (undefined: is absent); undefined when it holds.
 * Conditions in order: steps well-formed, bits rising, digests digests; kind of proof is kind of claim; an absent key's neighbour is
 * another key; the hashes lead to `root`. Requires: `root` is that of a real state, as a checkpoint certificate says.
 */
export function verifyStateProof(
  sha256: Sha256,
  root: Digest,
  claim: { readonly key: Bytes; readonly value: Bytes | undefined },
  proof: StateProof,
): ProofProblem | undefined {
  if (!isWellFormed(proof)) return 'malformed';
  if ((proof.kind === 'present') !== (claim.value !== undefined)) return 'other-claim';
  const keyDigest = sha256(claim.key);
  if (proof.kind === 'absent' && proof.other?.keyDigest === keyDigest) return 'same-key';
  let hash = endOfPath(sha256, keyDigest, claim.value, proof);
  for (const step of proof.path.toReversed()) {
    hash =
      bitOf(keyDigest, step.bit) === 0
        ? nodeHash(sha256, step.bit, hash, step.sibling)
        : nodeHash(sha256, step.bit, step.sibling, hash);
  }
  return hash === root ? undefined : 'wrong-root';
}

function endOfPath(sha256: Sha256, keyDigest: Digest, value: Bytes | undefined, proof: StateProof): Digest {
  if (value !== undefined) return leafHash(sha256, keyDigest, sha256(value));
  const other = proof.kind === 'absent' ? proof.other : undefined;
  return other === undefined ? emptyRoot(sha256) : leafHash(sha256, other.keyDigest, other.valueDigest);
}

const DIGEST = /^[0-9a-f]{64}$/;

function isWellFormed(proof: StateProof): boolean {
  let lastBit = -1;
  for (const { bit, sibling } of proof.path) {
    if (!Number.isInteger(bit) || bit <= lastBit || bit >= PATH_BITS || !DIGEST.test(sibling)) return false;
    lastBit = bit;
  }
  if (proof.kind === 'present') return true;
  if (proof.other === undefined) return proof.path.length === 0;
  return DIGEST.test(proof.other.keyDigest) && DIGEST.test(proof.other.valueDigest);
}
