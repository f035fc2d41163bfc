/** Some of the replicas, as a value that a message can name. */
import { assert } from '../base/assert.ts';
import { asReplicaId, replicaName, replicaOfName } from '../base/ids.ts';
import type { ReplicaId } from '../base/ids.ts';
import { LIMITS } from './limits.ts';
import { refuse } from './refusal.ts';
import { openList } from './schema/json-value.ts';
import type { Schema } from './schema/schema.ts';

/** Bit i is replica i; no bit at all stands for everybody, {@link EVERYBODY}. */
export type ReplicaSet = number;

export const EVERYBODY: ReplicaSet = 0;

const END = 2 ** LIMITS.replicas;

assert(LIMITS.replicas <= 31, 'a set of replicas is a positive integer of 32 bits');

/** The set of these, at least one of them. */
export function replicaSetOf(replicas: readonly ReplicaId[]): ReplicaSet {
  let set = 0;
  for (const replica of replicas) set |= 1 << replica;
  return set;
}

export function isInSet(set: ReplicaSet, replica: ReplicaId): boolean {
  return set === EVERYBODY || (set & (1 << replica)) !== 0;
}

/** Everybody with anybody is everybody. */
export function unionOf(left: ReplicaSet, right: ReplicaSet): ReplicaSet {
  return left === EVERYBODY || right === EVERYBODY ? EVERYBODY : left | right;
}

/** How many of `replicaCount` replicas are in it. */
export function sizeOfSet(set: ReplicaSet, replicaCount: number): number {
  if (set === EVERYBODY) return replicaCount;
  let size = 0;
  for (let rest = set; rest !== 0; rest &= rest - 1) size += 1;
  return size;
}

/** 4 bytes; in JSON the names of the replicas in ascending order, and no member for everybody. */
export const replicaSet: Schema<ReplicaSet> = {
  minBytes: 4,
  maxBytes: 4,
  write(writer, value) {
    assert(value < END, 'a set of replicas');
    writer.u32(value);
  },
  read(reader) {
    const value = reader.u32();
    if (value >= END) refuse('out-of-range');
    return value;
  },
  json: {
    kind: 'value',
    absent: { value: EVERYBODY },
    to: (value) => (value === EVERYBODY ? undefined : namesOf(value)),
    from(json) {
      let set = 0;
      for (const name of openList(json, LIMITS.replicas)) {
        const replica = typeof name === 'string' ? replicaOfName(name) : refuse('wrong-type');
        // Ascending, so that no set has two forms.
        if (replica === undefined || replica >= LIMITS.replicas || set >= 2 ** replica) refuse('out-of-range');
        else set |= 1 << replica;
      }
      return set === 0 ? refuse('out-of-range') : set;
    },
  },
};

function namesOf(set: ReplicaSet): string[] {
  const names: string[] = [];
  for (let index = 0; index < LIMITS.replicas; index += 1)
    if ((set & (1 << index)) !== 0) names.push(replicaName(asReplicaId(index)));
  return names;
}
