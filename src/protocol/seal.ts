/** Outgoing: a message becomes one frame per receiver, encoded once, authenticated as the cluster's mode demands. The same code in server and simulator. */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { authenticatedBytes, encodeFrame, encodeFrameWithMac, encodeMessage } from '../messages/index.ts';
import type { CodecContext, Message } from '../messages/index.ts';
import { codecOf } from './codec-of.ts';
import type { ClusterConfig } from './config.ts';
import type { Authenticator, Party } from './ports.ts';
import { proofKind } from './proof-rule.ts';
import type { Letter } from './reply-outbox.ts';

export class Sealer {
  readonly #cluster: Pick<ClusterConfig, 'clusterId' | 'authentication'>;
  readonly #authenticator: Authenticator;
  readonly #codec: CodecContext;

  constructor(cluster: Pick<ClusterConfig, 'clusterId' | 'authentication'>, authenticator: Authenticator) {
    this.#cluster = cluster;
    this.#authenticator = authenticator;
    this.#codec = codecOf(cluster.clusterId, authenticator);
  }

  /**
   * One frame per receiver, in order; undefined where no key is shared with it yet. A given `signature` is attached: it goes with what was
   * signed before, one's own or another's. Requires: given for CHECKPOINT, VIEW-CHANGE and NEW-VIEW, which are always signed; no REPLIES in
   * signature mode: see {@link sealReplies}.
   */
  seal(message: Message, to: readonly Party[], signature: Bytes | undefined): readonly (Bytes | undefined)[] {
    const encoded = encodeMessage(message);
    if (signature !== undefined) return repeat(encodeFrame(encoded, { kind: 'signature', signature }), to.length);
    const kind = proofKind(message.type, this.#cluster.authentication);
    assert(kind !== 'tree', 'replies bring the signature of their tree');
    if (kind === 'none') return repeat(encodeFrame(encoded, { kind: 'none' }), to.length);
    const bytes = authenticatedBytes(this.#codec, encoded);
    if (kind === 'signature') {
      assert(proofKind(message.type, 'mac') !== 'signature', 'what is always signed brings its signature');
      return repeat(encodeFrame(encoded, { kind: 'signature', signature: this.#authenticator.sign(bytes) }), to.length);
    }
    return to.map((receiver) => {
      const mac = this.#authenticator.mac(receiver, bytes);
      return mac === undefined ? undefined : encodeFrame(encoded, { kind: 'mac', mac });
    });
  }

  /** The frame for the client that the replies are for; undefined where no key is shared with it yet. */
  sealReplies({ message, tree }: Letter): Bytes | undefined {
    if (tree !== undefined) return encodeFrame(encodeMessage(message), { kind: 'tree', tree });
    assert(this.#cluster.authentication === 'mac', 'replies bring the signature of their tree');
    const receiver: Party = { kind: 'client', client: message.client };
    return encodeFrameWithMac(this.#codec, message, (bytes) => this.#authenticator.mac(receiver, bytes));
  }
}

function repeat(frame: Bytes, count: number): readonly Bytes[] {
  const frames: Bytes[] = [];
  while (frames.length < count) frames.push(frame);
  return frames;
}
