/** Floor 2: the authenticated key-value state. The root's definition is in merkle-hash.ts, the reasons in docs/adr/0004-state-tree.md. */
export { MemoryState } from './memory-state.ts';
export type { MemoryStateOptions } from './memory-state.ts';
export { emptyRoot, leafHash, nodeHash } from './merkle-hash.ts';
export type { Sha256 } from './merkle-hash.ts';
export { verifyStateProof } from './proof.ts';
export type { ProofProblem } from './proof.ts';
export { MAX_KEY_BYTES, MAX_VALUE_BYTES, StateUsageError } from './usage-error.ts';
export type { StateUsageCode } from './usage-error.ts';
