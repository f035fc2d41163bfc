/**
 * Receipts: replies that prove themselves to anyone with the public keys. A replica signs many of its replies at once, by the root of a tree of them
 * (src/messages/reply-tree.ts); what it signs says nothing but that each of them is its own, so it is of no account which stand together. The
 * same code in server, simulator and client.
 */
import { ReplyTree, replyTreeBytes } from '../messages/index.ts';
import type { CodecContext, Reply, TreeSignature } from '../messages/index.ts';
import type { Authenticator, Party } from './ports.ts';

/** Replies of one replica under one signature. */
export interface SignedReplies {
  /** For so many of them in a row, from `first` on. */
  signatureOf(first: number, count: number): TreeSignature;
}

/** Signs 1 to `LIMITS.repliesPerTree` replies of the replica whose key the authenticator holds. */
export function signReplies(
  codec: CodecContext,
  authenticator: Pick<Authenticator, 'sign'>,
  replies: readonly Reply[],
): SignedReplies {
  const tree = ReplyTree.over(codec, replies);
  const signature = authenticator.sign(replyTreeBytes(codec, tree.leaves, tree.root));
  return {
    signatureOf: (position, count) => ({
      leaves: tree.leaves,
      position,
      siblings: tree.siblings(position, count),
      signature,
    }),
  };
}

/** Signs them, and makes each a receipt. */
export function makeReceipts(
  codec: CodecContext,
  authenticator: Pick<Authenticator, 'sign'>,
  replies: readonly Reply[],
): readonly Reply[] {
  const signed = signReplies(codec, authenticator, replies);
  return replies.map((reply, index) => ({ ...reply, receipt: signed.signatureOf(index, 1) }));
}

/** Verifies receipts for one client. Remembers which it has verified, for as long as somebody holds them. */
export class ReceiptVerifier {
  readonly #codec: CodecContext;
  readonly #authenticator: Pick<Authenticator, 'verifySignature'>;
  /** Made here, for the reply that each comes with. */
  readonly #verified = new WeakSet<TreeSignature>();

  constructor(codec: CodecContext, authenticator: Pick<Authenticator, 'verifySignature'>) {
    this.#codec = codec;
    this.#authenticator = authenticator;
  }

  /**
   * The replies of one replica that stand in a row in a tree, each as a receipt; undefined unless all of them are what that replica signed. One
   * signature is verified, however many they are. Requires: all name the same replica.
   */
  open(replies: readonly Reply[], { signature, ...place }: TreeSignature): readonly Reply[] | undefined {
    const [first] = replies;
    const tree = first === undefined ? undefined : ReplyTree.around(this.#codec, replies, place);
    if (first === undefined || tree === undefined || !this.#isSigned(first, tree, signature)) return undefined;
    return replies.map((reply, index) => {
      const position = place.position + index;
      const siblings = replies.length === 1 ? place.siblings : tree.siblings(position, 1);
      const receipt = { leaves: tree.leaves, position, siblings, signature };
      this.#verified.add(receipt);
      return { ...reply, receipt };
    });
  }

  /** Is there a receipt, and does it prove this reply? */
  isValid(reply: Reply): boolean {
    const { receipt } = reply;
    if (receipt === undefined) return false;
    if (this.#verified.has(receipt)) return true;
    const tree = ReplyTree.around(this.#codec, [reply], receipt);
    return tree !== undefined && this.#isSigned(reply, tree, receipt.signature);
  }

  #isSigned({ replica }: Reply, tree: ReplyTree, signature: TreeSignature['signature']): boolean {
    const party: Party = { kind: 'replica', replica };
    const signed = replyTreeBytes(this.#codec, tree.leaves, tree.root);
    return this.#authenticator.verifySignature(party, signed, signature);
  }
}
