/** The protocol's numbers and names, branded so that the compiler keeps them apart. The `as…` constructors are the only casts. */
import { assert } from './assert.ts';
import type { Bytes } from './bytes.ts';
import { toHex } from './bytes.ts';

declare const brand: unique symbol;
type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };

/** View number v, 0 … 2^53−1. */
export type View = Brand<number, 'View'>;
/** Sequence number n of a batch; 0 is genesis, the first batch has 1. */
export type Sequence = Brand<number, 'Sequence'>;
/** Index of a replica, 0 … n−1; its name is `node<index+1>`. */
export type ReplicaId = Brand<number, 'ReplicaId'>;
/** A client: its Ed25519 public key, 64 lowercase hexadecimal characters. */
export type ClientId = Brand<string, 'ClientId'>;
/** A SHA-256, 64 lowercase hexadecimal characters. */
export type Digest = Brand<string, 'Digest'>;

export const MAX_NUMBER: number = Number.MAX_SAFE_INTEGER;

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

export function asView(value: number): View {
  assert(isCount(value), 'a view is an integer from 0');
  return value as View;
}

export function asSequence(value: number): Sequence {
  assert(isCount(value), 'a sequence number is an integer from 0');
  return value as Sequence;
}

export function asReplicaId(value: number): ReplicaId {
  assert(isCount(value) && value < 256, 'a replica id is an integer from 0 to 255');
  return value as ReplicaId;
}

const HEX_32_BYTES = /^[0-9a-f]{64}$/;

export function asDigest(value: string): Digest {
  assert(HEX_32_BYTES.test(value), 'a digest is 64 lowercase hexadecimal characters');
  return value as Digest;
}

export function asClientId(value: string): ClientId {
  assert(HEX_32_BYTES.test(value), 'a client id is 64 lowercase hexadecimal characters');
  return value as ClientId;
}

/** A digest from its 32 bytes. */
export function digestOf(bytes: Bytes): Digest {
  return asDigest(toHex(bytes));
}

export const GENESIS: Sequence = asSequence(0);
export const VIEW_ZERO: View = asView(0);
/** The digest of the null batch: 32 zero bytes, the hash of nothing that anyone can find. */
export const NULL_DIGEST: Digest = asDigest('0'.repeat(64));

/** `node1` for index 0: the name people see, in JSON, logs and configuration. */
export function replicaName(replica: ReplicaId): string {
  return `node${replica + 1}`;
}

/** The index behind a name `node1 … node256`; undefined for anything else. */
export function replicaOfName(name: string): ReplicaId | undefined {
  const match = /^node([1-9][0-9]{0,2})$/.exec(name);
  const index = Number(match?.[1]) - 1;
  return match !== null && index < 256 ? asReplicaId(index) : undefined;
}
