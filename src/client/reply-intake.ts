/** Replies at the door of the client: limits → decode → right kind → authentic. What fails is dropped and named. */
import type { Bytes } from '../base/bytes.ts';
import type { ClientId, ReplicaId } from '../base/ids.ts';
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { decodeFrame, replyBytes } from '../messages/index.ts';
import type { CodecContext, Reply } from '../messages/index.ts';
import type { AuthenticationMode } from '../protocol/config.ts';
import type { Authenticator, Party } from '../protocol/ports.ts';

/** Why a frame of a replica was dropped. */
export type ReplyRefusal = 'malformed' | 'not-a-reply' | 'wrong-replica' | 'wrong-client' | 'not-authentic';

export interface ReplyIntakeModules {
  readonly authenticator: Authenticator;
  readonly codec: CodecContext;
}

export class ReplyIntake {
  readonly #mode: AuthenticationMode;
  readonly #client: ClientId;
  readonly #modules: ReplyIntakeModules;
  /** Signatures of replies that were let in: their sessions ask for the same check once more. */
  readonly #verified = new WeakSet<Bytes>();

  constructor(mode: AuthenticationMode, client: ClientId, modules: ReplyIntakeModules) {
    this.#mode = mode;
    this.#client = client;
    this.#modules = modules;
  }

  /** The authentic replies in a frame that came over the link to `replica`. Never throws, whatever the bytes. */
  open(replica: ReplicaId, frame: Bytes): Result<readonly Reply[], ReplyRefusal> {
    const decoded = decodeFrame(frame, this.#modules.codec);
    if (!decoded.ok) return fail('malformed');
    const { message, proof, authenticated } = decoded.value;
    if (message.type !== 'replies') return fail('not-a-reply');
    if (message.replica !== replica) return fail('wrong-replica');
    if (message.client !== this.#client) return fail('wrong-client');
    const party: Party = { kind: 'replica', replica };
    const { authenticator, codec } = this.#modules;
    if (this.#mode === 'mac') {
      const authentic = proof.kind === 'mac' && authenticator.verifyMac(party, authenticated, proof.mac);
      return authentic ? ok(message.replies) : fail('not-authentic');
    }
    const signed = message.replies.filter((reply) => {
      const { signature } = reply;
      if (signature === undefined || !authenticator.verifySignature(party, replyBytes(codec, reply), signature))
        return false;
      this.#verified.add(signature);
      return true;
    });
    // One bad signature spoils that reply alone: the others prove themselves.
    return signed.length > 0 ? ok(signed) : fail('not-authentic');
  }
  /** What a session asks: a signature that it got from here needs no second check, for it comes with the reply it was checked on. */
  verifySignature(party: Party, bytes: Bytes, signature: Bytes): boolean {
    return this.#verified.has(signature) || this.#modules.authenticator.verifySignature(party, bytes, signature);
  }
}
