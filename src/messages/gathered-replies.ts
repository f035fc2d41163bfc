/** A REPLIES as the replica that says it has it: of some of the replies in it only what they do not share. They are spelled out for who looks at them. */
import type { ClientId, ReplicaId } from '../base/ids.ts';
import { BatchReplies } from './batch-replies.ts';
import { replySize } from './reply.ts';
import type { Reply } from './reply.ts';

/** One reply; or some that stand in a row. */
export type RepliesPart = Reply | BatchReplies;

/** Requires: all are of `replica` to `client`. */
export class GatheredReplies {
  readonly type = 'replies';
  readonly replica: ReplicaId;
  readonly client: ClientId;
  readonly parts: readonly RepliesPart[];
  #replies: readonly Reply[] | undefined;

  constructor(replica: ReplicaId, client: ClientId, parts: readonly RepliesPart[]) {
    this.replica = replica;
    this.client = client;
    this.parts = parts;
  }

  get replies(): readonly Reply[] {
    this.#replies ??= spelledOutParts(this.parts);
    return this.#replies;
  }
}

/** All replies in them, one by one. */
export function spelledOutParts(parts: readonly RepliesPart[]): readonly Reply[] {
  return parts.flatMap((part) => (part instanceof BatchReplies ? part.spelledOut() : [part]));
}

/** How many replies there are in them. */
export function countParts(parts: readonly RepliesPart[]): number {
  let count = 0;
  for (const part of parts) count += part instanceof BatchReplies ? part.length : 1;
  return count;
}

/** Bytes of the replies in them, each whole. */
export function partsSize(parts: readonly RepliesPart[]): number {
  let size = 0;
  for (const part of parts) size += part instanceof BatchReplies ? part.sizeBytes : replySize(part);
  return size;
}
