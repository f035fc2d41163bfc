/**
 * What is ready in one turn goes out together: all requests for one destination in one REQUESTS message under one authenticator, so that the cost
 * of client authentication is shared (the unit is the bundle, not the request). Signed ones go out each under its own signature.
 */
import type { Bytes } from '../base/bytes.ts';
import type { ReplicaId } from '../base/ids.ts';
import { LIMITS } from '../messages/index.ts';
import type { AuthenticatedRequest, CodecContext } from '../messages/index.ts';
import { authenticateRequests, signRequest } from '../protocol/client-authentication.ts';
import type { UnprovenRequest } from '../protocol/client-authentication.ts';
import type { Authenticator } from '../protocol/ports.ts';
import type { Sealer } from '../protocol/seal.ts';

export interface Dispatch extends UnprovenRequest {
  readonly to: readonly ReplicaId[];
  readonly signed: boolean;
  /** True: its call has ended, and was told that nothing more goes out. */
  readonly isOver: () => boolean;
  /** Once per receiver: whether its link took it. */
  readonly onSent: (replica: ReplicaId, taken: boolean) => void;
}

export interface OutboxModules {
  readonly authenticator: Authenticator;
  readonly codec: CodecContext;
  readonly sealer: Sealer;
  readonly replicaCount: number;
  readonly send: (replica: ReplicaId, frame: Bytes) => boolean;
  /** What was put in goes out: the turn is over. */
  readonly onTurn?: () => void;
}

/** Room for proofs beside the operations of one frame. */
const FRAME_OPERATION_BYTES = LIMITS.batchBytes / 4;

export class Outbox {
  readonly #modules: OutboxModules;
  #waiting: Dispatch[] = [];
  #flush: NodeJS.Immediate | undefined;

  constructor(modules: OutboxModules) {
    this.#modules = modules;
  }

  /** Goes out at the end of this turn of the event loop. Bound: what is put in is a session's one request, so one entry per session. */
  put(dispatch: Dispatch): void {
    this.#waiting.push(dispatch);
    this.#flush ??= setImmediate(() => this.#send());
  }

  /** Forgets what was not sent yet. */
  close(): void {
    clearImmediate(this.#flush);
    this.#flush = undefined;
    this.#waiting = [];
  }

  #send(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#flush = undefined;
    this.#modules.onTurn?.();
    const groups = new Map<string, Dispatch[]>();
    for (const dispatch of waiting) {
      if (dispatch.isOver()) continue;
      const name = `${dispatch.signed ? 'signed' : 'mac'} ${dispatch.asked} ${dispatch.to.join()}`;
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [dispatch]);
      else group.push(dispatch);
    }
    for (const group of groups.values()) for (const frame of framesOf(group)) this.#sendFrame(frame);
  }

  /** Requires: one destination, one kind of proof and the same asked for all. */
  #sendFrame(dispatches: readonly Dispatch[]): void {
    const [first] = dispatches;
    if (first === undefined) return;
    const { authenticator, codec, sealer, replicaCount, send } = this.#modules;
    const requests: readonly AuthenticatedRequest[] = first.signed
      ? dispatches.map((dispatch) => signRequest(authenticator, codec, dispatch))
      : authenticateRequests(authenticator, codec, replicaCount, dispatches);
    const parties = first.to.map((replica) => ({ kind: 'replica', replica }) as const);
    const frames = sealer.seal({ type: 'requests', requests }, parties, undefined);
    for (const [index, replica] of first.to.entries()) {
      const frame = frames[index];
      const taken = frame !== undefined && send(replica, frame);
      for (const { onSent } of dispatches) onSent(replica, taken);
    }
  }
}

/** In the order given, so that each part fits one bundle and one frame; a request twice in one turn (a repeat) goes into another part. */
function framesOf(dispatches: readonly Dispatch[]): readonly (readonly Dispatch[])[] {
  const frames: Dispatch[][] = [];
  let digests = new Set<string>();
  let bytes = 0;
  for (const dispatch of dispatches) {
    const frame = frames.at(-1);
    const size = dispatch.request.operation.length;
    const fits = bytes + size <= FRAME_OPERATION_BYTES && !digests.has(dispatch.digest);
    if (frame === undefined || frame.length >= LIMITS.requestsPerBundle || !fits) {
      frames.push([dispatch]);
      digests = new Set([dispatch.digest]);
      bytes = size;
    } else {
      frame.push(dispatch);
      digests.add(dispatch.digest);
      bytes += size;
    }
  }
  return frames;
}
