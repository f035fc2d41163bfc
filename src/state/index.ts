/**
 * Floor 2: the authenticated key-value state. The root's definition is in merkle-hash.ts, the reasons in docs/adr/0004-state-tree.md. What is
 * exported besides `MemoryState` and the check of proofs is for implementations of the state in a database.
 */
export { Changes } from './changes.ts';
export type { Change } from './changes.ts';
export { MemoryState } from './memory-state.ts';
export type { MemoryStateOptions } from './memory-state.ts';
export { bitOf, emptyRoot, leafHash, nodeHash } from './merkle-hash.ts';
export type { Sha256 } from './merkle-hash.ts';
export { hashOf, isComplete, loaded, makeInner, makeMissing, sizeOf } from './merkle-node.ts';
export type { Inner, Leaf, Node, NodeStore, Stub } from './merkle-node.ts';
export { MerkleTree } from './merkle-tree.ts';
export type { TreeParts } from './merkle-tree.ts';
export { keyText } from './ordered-map.ts';
export type { KeyText } from './ordered-map.ts';
export { OverlayReader } from './overlay.ts';
export type { Source } from './overlay.ts';
export { verifyStateProof } from './proof.ts';
export type { ProofProblem } from './proof.ts';
export { OverlayTransaction } from './transaction.ts';
export { TreeAssembly, addressOf } from './tree-assembly.ts';
export type { AssemblyParts, Fork } from './tree-assembly.ts';
export { treeDifference } from './tree-difference.ts';
export type { Difference } from './tree-difference.ts';
export { MAX_KEY_BYTES, MAX_VALUE_BYTES, StateUsageError } from './usage-error.ts';
export type { StateUsageCode } from './usage-error.ts';
