/**
 * Incoming, before the core: limits → decode → well-formed → authentic, in this order. What fails is refused with a reason and counts against
 * the link it came in on, never against the author it names. The same code in server and simulator; it holds no state.
 */
import type { Bytes } from '../base/bytes.ts';
import { asReplicaId } from '../base/ids.ts';
import type { ClientId, ReplicaId } from '../base/ids.ts';
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { LIMITS, decodeFrame, fromJson } from '../messages/index.ts';
import type {
  AuthenticatedRequest,
  CodecContext,
  DecodedFrame,
  DecodeRefusal,
  SimulateByzantine,
} from '../messages/index.ts';
import { verifyRequestProofs } from './client-authentication.ts';
import { codecOf } from './codec-of.ts';
import type { ClusterConfig } from './config.ts';
import type { Input, ReplicaMessage, RequestVerification } from './input.ts';
import type { Authenticator, Party } from './ports.ts';
import { proofKind } from './proof-rule.ts';
import type { IntakeRefusalCode, Refusal } from './refusal.ts';

/** A replica asks this one to misbehave or to stop doing so; obeyed in lab mode only. */
export interface LabCommand {
  readonly kind: 'lab';
  readonly command: SimulateByzantine;
}

export class Intake {
  readonly #cluster: ClusterConfig;
  readonly #self: ReplicaId;
  readonly #authenticator: Authenticator;
  readonly #codec: CodecContext;

  constructor(cluster: ClusterConfig, self: ReplicaId, authenticator: Authenticator) {
    this.#cluster = cluster;
    this.#self = self;
    this.#authenticator = authenticator;
    this.#codec = codecOf(cluster.clusterId, authenticator);
  }

  /** A frame from an authenticated link. Never throws, whatever the bytes. */
  open(frame: Bytes, link: Party): Result<Input | LabCommand, Refusal> {
    if (frame.length > LIMITS.frameBytes)
      return refuse('oversized', `a frame of ${frame.length} bytes; at most ${LIMITS.frameBytes} are allowed`);
    const decoded = decodeFrame(frame, this.#codec);
    return decoded.ok ? this.#authenticate(decoded.value, link) : refuseDecoding(decoded.error);
  }

  /** SEED.md's JSON, from whoever: no link, so the proof in it decides. */
  openJson(value: unknown): Result<Input, Refusal> {
    const decoded = fromJson(value, this.#codec);
    if (!decoded.ok) return refuseDecoding(decoded.error);
    const opened = this.#authenticate(decoded.value, undefined);
    if (!opened.ok) return opened;
    return opened.value.kind === 'lab'
      ? refuse('not-allowed-here', 'simulate-byzantine is asked for over its own endpoint')
      : ok(opened.value);
  }

  #authenticate(frame: DecodedFrame, link: Party | undefined): Result<Input | LabCommand, Refusal> {
    const { message, proof } = frame;
    if (message.type === 'reply' || message.type === 'replies')
      return refuse('not-allowed-here', `a replica takes no ${message.type.toUpperCase()}`);
    const expected = proofKind(message.type, this.#cluster.authentication);
    if (proof.kind !== expected)
      return refuse(
        'wrong-proof',
        `a ${message.type} must bear ${expected === 'none' ? 'no proof of its own' : `a ${expected}`}, not ${proof.kind === 'none' ? 'none' : `a ${proof.kind}`}`,
      );
    if (message.type === 'requests') return this.#openRequests(message.requests, link);
    const author =
      message.type === 'pre-prepare' || message.type === 'new-view'
        ? asReplicaId(message.view % this.#cluster.replicaCount)
        : message.replica;
    if (author >= this.#cluster.replicaCount || author === this.#self)
      return refuse('unknown-author', 'its author is not another replica of this cluster');
    if (link?.kind === 'client') return refuse('not-allowed-here', `a client may not send a ${message.type}`);
    if (!this.#isAuthentic(frame, author))
      return refuse(
        'not-authentic',
        `the ${proof.kind} of this ${message.type} is not its author's for this node and cluster`,
      );
    if (message.type === 'simulate-byzantine') return ok({ kind: 'lab', command: message });
    return ok({
      kind: 'message',
      message,
      author,
      signature: proof.kind === 'signature' ? proof.signature : undefined,
      requests: this.#verifyBatch(message),
    });
  }

  #isAuthentic({ proof, authenticated }: DecodedFrame, replica: ReplicaId): boolean {
    const author: Party = { kind: 'replica', replica };
    switch (proof.kind) {
      case 'none':
      case 'tree':
        return false;
      case 'mac':
        return this.#authenticator.verifyMac(author, authenticated, proof.mac);
      case 'signature':
        return this.#authenticator.verifySignature(author, authenticated, proof.signature);
    }
  }

  /** A BATCH fetched by digest needs no proof of its requests: its digest was decided or vouched for. */
  #verifyBatch(message: ReplicaMessage): readonly RequestVerification[] {
    if (message.type !== 'pre-prepare' || message.batch === undefined) return [];
    return this.#verifyAll(message.batch.requests);
  }

  #verifyAll(requests: readonly AuthenticatedRequest[]): readonly RequestVerification[] {
    return verifyRequestProofs(this.#authenticator, this.#self, this.#codec, requests);
  }

  #openRequests(requests: readonly AuthenticatedRequest[], link: Party | undefined): Result<Input, Refusal> {
    const [first] = requests;
    if (first === undefined) return refuse('malformed', 'a REQUESTS frame without a request');
    const from: ClientId | ReplicaId =
      link === undefined ? first.request.client : link.kind === 'client' ? link.client : link.replica;
    if (typeof from === 'string' && requests.some(({ request }) => request.client !== from)) {
      return refuse('not-allowed-here', 'a client sends its own requests only');
    }
    const verified = this.#verifyAll(requests);
    if (typeof from === 'string' && verified.includes('unverified'))
      return refuse(
        'not-authentic',
        "a request whose authenticator or signature is not its client's for this node and cluster",
      );
    const received = requests.map((request, index) => ({
      request,
      verified: verified[index] ?? ('unverified' as const),
    }));
    return ok({ kind: 'requests', from, requests: received });
  }
}

function refuse(code: IntakeRefusalCode, reason: string): { readonly ok: false; readonly error: Refusal } {
  return fail({ code, reason, decode: undefined });
}

function refuseDecoding(decode: DecodeRefusal): { readonly ok: false; readonly error: Refusal } {
  const code = decode.code === 'oversized' ? 'oversized' : 'malformed';
  return fail({ code, reason: `${decode.code} at ${decode.at === '' ? 'the start' : decode.at}`, decode });
}
