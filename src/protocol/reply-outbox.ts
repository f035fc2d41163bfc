/**
 * Replies that are ready to leave, gathered until the end of the turn: one REPLIES frame per client instead of many, and one signature for all that
 * are to be signed, whatever client and batch they are for. Nothing comes here before what it depends on is durable. Owns only these. The same
 * code in server and simulator.
 */
import type { ClientId, ReplicaId } from '../base/ids.ts';
import {
  CodecContext,
  GatheredReplies,
  LIMITS,
  countParts,
  partsSize,
  replySize,
  spelledOutParts,
} from '../messages/index.ts';
import type { BatchReplies, Replies, RepliesPart, Reply, TreeSignature } from '../messages/index.ts';
import type { ClusterConfig } from './config.ts';
import type { Authenticator } from './ports.ts';
import { makeReceipts, signReplies } from './receipts.ts';

/** Room for what stands in a REPLIES beside its replies. */
const HEAD_BYTES = 1024;

/** Replies to one client, and the signature that proves them where no MAC is to do it. */
export interface Letter {
  readonly message: Replies;
  readonly tree: TreeSignature | undefined;
}

export class ReplyOutbox {
  readonly #self: ReplicaId;
  readonly #cluster: Pick<ClusterConfig, 'clusterId' | 'authentication'>;
  readonly #authenticator: Authenticator;
  readonly #codec: CodecContext;
  #waiting = new Map<ClientId, RepliesPart[]>();
  /** Those of them that are to be receipts although MACs prove the frame. */
  #asked = new Set<Reply>();

  constructor(
    self: ReplicaId,
    cluster: Pick<ClusterConfig, 'clusterId' | 'authentication'>,
    authenticator: Authenticator,
  ) {
    this.#self = self;
    this.#cluster = cluster;
    this.#authenticator = authenticator;
    this.#codec = new CodecContext(cluster.clusterId, (bytes) => authenticator.sha256(bytes));
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** `isSigned`: it is to leave as a receipt; in signature mode all do. */
  add(reply: Reply, isSigned: boolean): void {
    this.#put(reply.client, reply);
    if (isSigned && this.#cluster.authentication === 'mac') this.#asked.add(reply);
  }

  /** Replies of one batch, none of which is to be signed unless all are. Nothing is added to them any more. */
  addBatch(replies: BatchReplies): void {
    const { client } = replies;
    if (client !== undefined) return this.#put(client, replies);
    for (const reply of replies.spelledOut()) this.#put(reply.client, reply);
  }

  #put(client: ClientId, part: RepliesPart): void {
    const waiting = this.#waiting.get(client);
    if (waiting === undefined) this.#waiting.set(client, [part]);
    else waiting.push(part);
  }

  /** Everything that waited, as messages within their limits; nothing waits afterwards. */
  drain(): readonly Letter[] {
    const receipts = this.#takeReceipts();
    const messages: Replies[] = [];
    for (const [client, waiting] of this.#waiting) {
      const parts = receipts === undefined ? waiting : waiting.map((part) => receipts.get(part) ?? part);
      if (isOnePortion(parts)) messages.push(this.#message(client, parts));
      else for (const portion of portions(spelledOutParts(parts))) messages.push(this.#message(client, portion));
    }
    this.#waiting = new Map();
    return this.#cluster.authentication === 'signature'
      ? this.#signed(messages)
      : messages.map((message) => ({ message, tree: undefined }));
  }

  #message(client: ClientId, parts: readonly RepliesPart[]): Replies {
    return new GatheredReplies(this.#self, client, parts);
  }

  /** What was asked for, as receipts, by what it was before; undefined where nothing was. */
  #takeReceipts(): ReadonlyMap<RepliesPart, Reply> | undefined {
    if (this.#asked.size === 0) return undefined;
    const asked = [...this.#asked];
    this.#asked = new Set();
    const receipts = new Map<RepliesPart, Reply>();
    for (let at = 0; at < asked.length; at += LIMITS.repliesPerTree) {
      const some = asked.slice(at, at + LIMITS.repliesPerTree);
      const made = makeReceipts(this.#codec, this.#authenticator, some);
      for (const [index, reply] of some.entries()) receipts.set(reply, made[index] ?? reply);
    }
    return receipts;
  }

  /** In order under as few signatures as they need: the replies of each message stand in a row in one tree. */
  #signed(messages: readonly Replies[]): readonly Letter[] {
    const letters: Letter[] = [];
    for (let at = 0; at < messages.length;) {
      const group: Replies[] = [];
      let leaves = 0;
      for (let message = messages[at]; message !== undefined; message = messages[at]) {
        if (leaves + message.replies.length > LIMITS.repliesPerTree) break;
        group.push(message);
        leaves += message.replies.length;
        at += 1;
      }
      letters.push(...this.#signedTogether(group));
    }
    return letters;
  }

  #signedTogether(messages: readonly Replies[]): readonly Letter[] {
    const signed = signReplies(
      this.#codec,
      this.#authenticator,
      messages.flatMap(({ replies }) => replies),
    );
    let position = 0;
    return messages.map((message) => {
      const tree = signed.signatureOf(position, message.replies.length);
      position += message.replies.length;
      return { message, tree };
    });
  }
}

/** Do they all go into one message? {@link portions} says what that can hold. */
function isOnePortion(parts: readonly RepliesPart[]): boolean {
  return countParts(parts) <= LIMITS.requestsPerBatch && HEAD_BYTES + partsSize(parts) <= LIMITS.batchBytes;
}

/** Each counts as much as if it stood alone: what replies share is written once, so a frame has at most that. */
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
