/** One call of a {@link PbftClient} from `submit` to its outcome: its deadline, its signal, and what became of its sendings. */
import type { Bytes } from '../base/bytes.ts';
import type { Digest, ReplicaId } from '../base/ids.ts';
import { LIMITS } from '../messages/index.ts';
import type { ReplicaSet, Request, RequestProof } from '../messages/index.ts';
import type { ClientOutput, ClientSession } from '../protocol/client-session.ts';
import type { Dispatch } from './outbox.ts';
import type { Outcome, SubmitOptions } from './outcome.ts';

/** So often a request that surely was not executed is issued anew under another session number. */
const MOST_ISSUES = 3;

/** Larger operations go out alone: what several of them share is little beside them. */
const JOINABLE_BYTES = LIMITS.operationBytes / 16;

export class Call {
  readonly options: SubmitOptions;
  readonly timeoutMs: number;
  /** µs monotonic. */
  readonly deadline: number;
  readonly outcome: Promise<Outcome>;
  readonly #resolve: (outcome: Outcome) => void;
  #session: ClientSession | undefined;
  #issues = 0;
  #sendings = 0;
  #wasSent = false;
  #missed: Map<ReplicaId, Sending> | undefined;
  #isOver = false;
  #operation: Bytes;
  #isAlone = false;
  #stopListening = nothing;

  constructor(operation: Bytes, options: SubmitOptions, now: number, timeoutMs: number) {
    this.#operation = operation;
    this.options = options;
    this.timeoutMs = timeoutMs;
    this.deadline = now + Math.max(1, timeoutMs) * 1000;
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.outcome = promise;
    this.#resolve = resolve;
  }

  get operation(): Bytes {
    return this.#operation;
  }

  /** Calls that end with it. */
  get size(): number {
    return 1;
  }

  get isCompound(): boolean {
    return false;
  }

  /** May it go out with others as one request? It asks for nothing but its result, and is small. */
  get isJoinable(): boolean {
    const { idempotency, receipt, signal, onIssued, onProgress } = this.options;
    const isPlain =
      idempotency === undefined &&
      receipt !== true &&
      signal === undefined &&
      onIssued === undefined &&
      onProgress === undefined;
    return isPlain && !this.#isAlone && this.#operation.length <= JOINABLE_BYTES;
  }

  /** From now on it goes out alone. `operation`: the same, in an array of its own. */
  standAlone(operation: Bytes): void {
    this.#operation = operation;
    this.#isAlone = true;
  }

  /** The session that it is under way in. */
  get session(): ClientSession | undefined {
    return this.#session;
  }

  /** True when some link took its request, so that a replica may have it. */
  get wasSent(): boolean {
    return this.#wasSent;
  }

  /** What the link to `replica` did not take, to be sent when it stands. */
  missedBy(replica: ReplicaId): Dispatch | undefined {
    const missed = this.#missed?.get(replica);
    return missed && new Sending(this, missed, [replica], true);
  }

  /** `giveUp` is called when the caller aborts. */
  listen(giveUp: () => void): void {
    const { signal } = this.options;
    if (signal === undefined) return;
    signal.addEventListener('abort', giveUp, { once: true });
    this.#stopListening = () => signal.removeEventListener('abort', giveUp);
  }

  /** Issued: from now on the session watches the time. */
  issued(session: ClientSession): void {
    this.#session = session;
    this.#issues += 1;
    this.#missed = undefined;
    const { onIssued } = this.options;
    const digest = onIssued && session.progress?.requestDigest;
    if (digest !== undefined) onIssued?.(digest);
  }

  /** A sending, which notes for each receiver whether its link took it. */
  dispatch(output: Extract<ClientOutput, { kind: 'send' }>): Dispatch {
    this.#sendings += 1;
    return new Sending(this, output, output.to, this.#sendings > 1);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** A link took `sending`, or did not. */
  noteSent(sending: Sending, replica: ReplicaId, taken: boolean): void {
    if (taken) {
      this.#wasSent = true;
      this.#missed?.delete(replica);
    } else (this.#missed ??= new Map<ReplicaId, Sending>()).set(replica, sending);
  }

  /** The number of its session was refused for good, so that it may have another one: nothing can come of the first. */
  mayBeIssuedAgain(outcome: Outcome): boolean {
    return outcome.kind === 'rejected' && outcome.code === 'session_refused' && this.#issues < MOST_ISSUES;
  }

  end(outcome: Outcome): void {
    this.#isOver = true;
    this.#stopListening();
    this.#resolve(outcome);
  }
}

function nothing(): void {
  // Until there is something to do.
}

/** A class, since there is one for each request: an object of closures costs several times as much. */
class Sending implements Dispatch {
  readonly to: readonly ReplicaId[];
  readonly request: Request;
  readonly digest: Digest;
  readonly asked: ReplicaSet;
  readonly signed: boolean;
  readonly isRepeat: boolean;
  proof: RequestProof | undefined;
  readonly #call: Call;

  constructor(
    call: Call,
    { request, digest, asked, signed }: Pick<Dispatch, 'request' | 'digest' | 'asked' | 'signed'>,
    to: readonly ReplicaId[],
    isRepeat: boolean,
  ) {
    this.to = to;
    this.request = request;
    this.digest = digest;
    this.asked = asked;
    this.signed = signed;
    this.isRepeat = isRepeat;
    this.#call = call;
  }

  isOver(): boolean {
    return this.#call.isOver;
  }

  onSent(replica: ReplicaId, taken: boolean): void {
    this.#call.noteSent(this, replica, taken);
  }
}
