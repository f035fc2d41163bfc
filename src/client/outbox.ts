/**
 * What is ready in one turn goes out together: all requests for one destination in one REQUESTS message, and under one authenticator, so that the cost
 * of client authentication is shared (the unit is the bundle, not the request). Signed ones stand beside them, each under its own signature: in a
 * message of their own they would become a batch of their own.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { ReplicaId } from '../base/ids.ts';
import { LIMITS, isInSet, replicaSetOf } from '../messages/index.ts';
import type { AuthenticatedRequest, CodecContext, ReplicaSet, RequestProof } from '../messages/index.ts';
import { proveBySignature, proveRequests } from '../protocol/client-authentication.ts';
import type { UnprovenRequest } from '../protocol/client-authentication.ts';
import type { Authenticator } from '../protocol/ports.ts';
import type { Sealer } from '../protocol/seal.ts';

export interface Dispatch extends UnprovenRequest {
  readonly to: readonly ReplicaId[];
  readonly signed: boolean;
  /** The same request may be in this turn a second time; where it is not said of either, it is not. */
  readonly isRepeat: boolean;
  /** Set here when it goes out, once: with it, it is what the frame holds. */
  proof: RequestProof | undefined;
  /** True: its call has ended, and was told that nothing more goes out. */
  isOver(): boolean;
  /** Once per receiver: whether its link took it. */
  onSent(replica: ReplicaId, taken: boolean): void;
}

export interface OutboxModules {
  readonly authenticator: Authenticator;
  readonly codec: CodecContext;
  readonly sealer: Sealer;
  readonly replicaCount: number;
  readonly send: (replica: ReplicaId, frame: Bytes) => boolean;
  /** The turn is over: what was put in, and what is now, goes out. */
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
    this.plan();
  }

  /** This turn has an end at which something may go out. */
  plan(): void {
    this.#flush ??= setImmediate(() => this.#send());
  }

  /** Forgets what was not sent yet. */
  close(): void {
    clearImmediate(this.#flush);
    this.#flush = undefined;
    this.#waiting = [];
  }

  #send(): void {
    this.#modules.onTurn?.();
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#flush = undefined;
    const dispatches = waiting.filter(isUnderWay);
    this.#prove(dispatches);
    for (const { to, list } of byReceivers(dispatches)) for (const part of partsOf(list)) this.#sendFrame(to, part);
  }

  /** Gives each its proof: those that ask the same stand under as few authenticators as they need, others each under a signature. */
  #prove(dispatches: readonly Dispatch[]): void {
    const { authenticator, codec, replicaCount } = this.#modules;
    const unsigned = new Groups();
    for (const dispatch of dispatches) {
      if (dispatch.signed) dispatch.proof = proveBySignature(authenticator, codec, dispatch);
      else unsigned.add(dispatch.asked, dispatch);
    }
    for (const group of unsigned.byKey.values()) {
      for (const part of partsOf(group)) {
        const proofs = proveRequests(authenticator, codec, replicaCount, part);
        for (let index = 0; index < part.length; index += 1) (part[index] as Dispatch).proof = proofs[index];
      }
    }
  }

  #sendFrame(to: readonly ReplicaId[], dispatches: readonly Dispatch[]): void {
    const { sealer, send } = this.#modules;
    assert(dispatches.every(isProven), 'what goes out has its proof');
    const parties = to.map((replica) => ({ kind: 'replica', replica }) as const);
    const frames = sealer.seal({ type: 'requests', requests: dispatches }, parties, undefined);
    for (const [index, replica] of to.entries()) {
      const frame = frames[index];
      const taken = frame !== undefined && send(replica, frame);
      for (const dispatch of dispatches) dispatch.onSent(replica, taken);
    }
  }
}

function isUnderWay(dispatch: Dispatch): boolean {
  return !dispatch.isOver();
}

function isProven(dispatch: Dispatch): dispatch is Dispatch & AuthenticatedRequest {
  return dispatch.proof !== undefined;
}

/** Dispatches by what they have in common, in order of first use. The next one mostly has it in common with the last. */
class Groups {
  readonly byKey = new Map<ReplicaSet, Dispatch[]>();
  #key: ReplicaSet | undefined;
  #group: Dispatch[] = [];

  add(key: ReplicaSet, dispatch: Dispatch): void {
    if (key !== this.#key) {
      this.#key = key;
      this.#group = this.byKey.get(key) ?? [];
      this.byKey.set(key, this.#group);
    }
    this.#group.push(dispatch);
  }
}

/** Who gets what: everything for one receiver together, and receivers of the same together, so that it is encoded once. */
function byReceivers(
  dispatches: readonly Dispatch[],
): readonly { readonly to: readonly ReplicaId[]; readonly list: readonly Dispatch[] }[] {
  const sets = new Groups();
  for (const dispatch of dispatches) sets.add(replicaSetOf(dispatch.to), dispatch);
  const groups = sets.byKey;
  const receivers = new Map<string, { readonly to: ReplicaId[]; readonly lists: readonly (readonly Dispatch[])[] }>();
  for (const replica of new Set([...groups.values()].flatMap(([first]) => first?.to ?? []))) {
    const own = [...groups.keys()].filter((set) => isInSet(set, replica));
    const name = own.join();
    const known = receivers.get(name);
    if (known === undefined) receivers.set(name, { to: [replica], lists: own.map((set) => groups.get(set) ?? []) });
    else known.to.push(replica);
  }
  return [...receivers.values()].map(({ to, lists }) => ({
    to,
    list: lists.length === 1 ? (lists[0] ?? []) : lists.flat(),
  }));
}

/** In the order given, so that each part fits one bundle and one frame; a request twice in one turn (a repeat) goes into another part. */
function partsOf(dispatches: readonly Dispatch[]): readonly (readonly Dispatch[])[] {
  if (isOnePart(dispatches)) return [dispatches];
  const frames: Dispatch[][] = [];
  const digests = new Set<string>();
  let frame: Dispatch[] | undefined;
  let bytes = 0;
  for (const dispatch of dispatches) {
    const size = dispatch.request.operation.length;
    const fits = bytes + size <= FRAME_OPERATION_BYTES && !digests.has(dispatch.digest);
    if (frame === undefined || frame.length >= LIMITS.requestsPerBundle || !fits) {
      frame = [];
      frames.push(frame);
      digests.clear();
      bytes = 0;
    }
    frame.push(dispatch);
    digests.add(dispatch.digest);
    bytes += size;
  }
  return frames;
}

/** As it mostly is: none to be looked for twice, and all of them fit. */
function isOnePart(dispatches: readonly Dispatch[]): boolean {
  let bytes = 0;
  for (const { isRepeat, request } of dispatches) {
    if (isRepeat) return false;
    bytes += request.operation.length;
  }
  return dispatches.length > 0 && dispatches.length <= LIMITS.requestsPerBundle && bytes <= FRAME_OPERATION_BYTES;
}
