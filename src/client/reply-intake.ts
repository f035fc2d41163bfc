/** Replies at the door of the client: limits → decode → right kind → authentic. What fails is dropped and named. */
import type { Bytes } from '../base/bytes.ts';
import type { ClientId, ReplicaId } from '../base/ids.ts';
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { decodeFrame } from '../messages/index.ts';
import type { CodecContext, Reply } from '../messages/index.ts';
import type { AuthenticationMode } from '../protocol/config.ts';
import type { Authenticator, Party } from '../protocol/ports.ts';
import type { ReceiptVerifier } from '../protocol/receipts.ts';

/** Why a frame of a replica was dropped. */
export type ReplyRefusal = 'malformed' | 'not-a-reply' | 'wrong-replica' | 'wrong-client' | 'not-authentic';

export interface ReplyIntakeModules {
  readonly authenticator: Authenticator;
  readonly codec: CodecContext;
  readonly receipts: ReceiptVerifier;
}

export class ReplyIntake {
  readonly #mode: AuthenticationMode;
  readonly #client: ClientId;
  readonly #modules: ReplyIntakeModules;

  constructor(mode: AuthenticationMode, client: ClientId, modules: ReplyIntakeModules) {
    this.#mode = mode;
    this.#client = client;
    this.#modules = modules;
  }

  /**
   * The authentic replies in a frame that came over the link to `replica`; in signature mode as receipts, under one signature that is verified
   * once. Receipts under a MAC are not looked at. Never throws, whatever the bytes.
   */
  open(replica: ReplicaId, frame: Bytes): Result<readonly Reply[], ReplyRefusal> {
    const decoded = decodeFrame(frame, this.#modules.codec);
    if (!decoded.ok) return fail('malformed');
    const { message, proof, authenticated } = decoded.value;
    if (message.type !== 'replies') return fail('not-a-reply');
    if (message.replica !== replica) return fail('wrong-replica');
    if (message.client !== this.#client) return fail('wrong-client');
    const party: Party = { kind: 'replica', replica };
    const { authenticator, receipts } = this.#modules;
    if (this.#mode === 'mac') {
      const authentic = proof.kind === 'mac' && authenticator.verifyMac(party, authenticated, proof.mac);
      return authentic ? ok(message.replies) : fail('not-authentic');
    }
    const opened = proof.kind === 'tree' ? receipts.open(message.replies, proof.tree) : undefined;
    return opened === undefined ? fail('not-authentic') : ok(opened);
  }
}
