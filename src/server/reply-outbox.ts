/** Replies that are ready, gathered per client until the end of the turn: one REPLIES frame under one MAC instead of many. Owns only these. */
import type { ClientId, ReplicaId } from '../base/ids.ts';
import { LIMITS, replySize } from '../messages/index.ts';
import type { Replies, Reply } from '../messages/index.ts';

/** Room for what stands in a REPLIES beside its replies. */
const HEAD_BYTES = 1024;

export class ReplyOutbox {
  readonly #self: ReplicaId;
  #waiting = new Map<ClientId, Reply[]>();

  constructor(self: ReplicaId) {
    this.#self = self;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  add(reply: Reply): void {
    const waiting = this.#waiting.get(reply.client);
    if (waiting === undefined) this.#waiting.set(reply.client, [reply]);
    else waiting.push(reply);
  }

  /** Everything that waited, as messages within their limits; nothing waits afterwards. */
  drain(): readonly Replies[] {
    const waiting = this.#waiting;
    this.#waiting = new Map();
    return [...waiting].flatMap(([client, replies]) =>
      portions(replies).map((portion) => ({ type: 'replies' as const, replica: this.#self, client, replies: portion })),
    );
  }
}

function portions(replies: readonly Reply[]): readonly (readonly Reply[])[] {
  const all: Reply[][] = [];
  let portion: Reply[] = [];
  let bytes = HEAD_BYTES;
  for (const reply of replies) {
    const size = replySize(reply);
    if (portion.length > 0 && (portion.length >= LIMITS.requestsPerBatch || bytes + size > LIMITS.batchBytes)) {
      all.push(portion);
      portion = [];
      bytes = HEAD_BYTES;
    }
    portion.push(reply);
    bytes += size;
  }
  if (portion.length > 0) all.push(portion);
  return all;
}
