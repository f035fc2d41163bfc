/**
 * What the core needs from outside, as interfaces: cryptography, the application, the state. Time, disk and network are not here:
 * they come in as inputs and go out as outputs (input.ts, output.ts). Every call is synchronous and deterministic.
 */
import type { Bytes } from '../base/bytes.ts';
import type { ClientId, Digest, ReplicaId, Sequence } from '../base/ids.ts';
import type { AuthenticatedState, Reader, Transaction } from '../base/key-value.ts';

export type { AuthenticatedState, Reader, Transaction };

/** Whose key: a replica of the configuration, or a client. */
export type Party =
  | { readonly kind: 'replica'; readonly replica: ReplicaId }
  | { readonly kind: 'client'; readonly client: ClientId };

/**
 * Cryptography of one party. `own` keys never leave the implementation. Implementations: src/node (node:crypto), src/simulation (ideal: a
 * table of who issued what; src/cli/seeds puts that of src/node in its place). Ed25519 is deterministic, so signing again gives the same bytes. [PROTOCOL: TOCS §3.2]
 */
export interface Authenticator {
  /** SHA-256. */
  sha256(bytes: Bytes): Digest;
  /** The same, its 32 bytes written to `target` from `at` on: where that is quicker than a text. Must not keep any of the arrays. */
  sha256Into?(bytes: Bytes, target: Bytes, at: number): void;
  /** Signature by the own identity, 64 bytes. */
  sign(bytes: Bytes): Bytes;
  /** True when `signature` over `bytes` is by `party`; false also when its key is unknown. Never throws. */
  verifySignature(party: Party, bytes: Bytes, signature: Bytes): boolean;
  /** MAC for `receiver` alone, 32 bytes; undefined while no key is shared with it. */
  mac(receiver: Party, bytes: Bytes): Bytes | undefined;
  /** True when `mac` over `bytes` was made by `sender` for us. Constant time in the bytes. False when no key is shared. Never throws. */
  verifyMac(sender: Party, bytes: Bytes, mac: Bytes): boolean;
}

/** What an operation may know besides the state; the same on every replica. */
export interface ExecutionContext {
  readonly sequence: Sequence;
  /** Place of the operation in its batch, from 0: no two of a batch have one. */
  readonly index: number;
  /** Agreed time in µs since 1970; grows with every batch. */
  readonly timestamp: number;
  readonly client: ClientId;
}

/** The replicated application [OSDI'99 §2]: deterministic and total. What it throws becomes a deterministic error reply, its changes undone. */
export interface StateMachine {
  /** Fills the empty state at genesis. */
  initialize?(state: Transaction): void;
  execute(state: Transaction, operation: Bytes, context: ExecutionContext): Bytes;
  /** A read-only operation on a content that stands still. */
  query?(state: Reader, operation: Bytes): Bytes;
}
