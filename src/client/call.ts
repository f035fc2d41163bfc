/** One call of a {@link PbftClient} from `submit` to its outcome: its deadline, its signal, and what became of its sendings. */
import type { Bytes } from '../base/bytes.ts';
import type { ReplicaId } from '../base/ids.ts';
import type { ClientOutput, ClientSession } from '../protocol/client-session.ts';
import type { Dispatch } from './outbox.ts';
import type { Outcome, SubmitOptions } from './outcome.ts';

/** So often a request that surely was not executed is issued anew under another session number. */
const MOST_ISSUES = 3;

export class Call {
  readonly operation: Bytes;
  readonly options: SubmitOptions;
  /** µs monotonic. */
  readonly deadline: number;
  readonly outcome: Promise<Outcome>;
  #resolve: (outcome: Outcome) => void = () => undefined;
  #session: ClientSession | undefined;
  #issues = 0;
  #wasSent = false;
  #missed: Map<ReplicaId, Dispatch> | undefined;
  #isOver = false;
  #stopListening: () => void = () => undefined;

  constructor(operation: Bytes, options: SubmitOptions, now: number, timeoutMs: number) {
    this.operation = operation;
    this.options = options;
    this.deadline = now + Math.max(1, timeoutMs) * 1000;
    this.outcome = new Promise((resolve) => {
      this.#resolve = resolve;
    });
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
    return this.#missed?.get(replica);
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
    const digest = session.progress?.requestDigest;
    if (digest !== undefined) this.options.onIssued?.(digest);
  }

  /** A sending, which notes for each receiver whether its link took it. */
  dispatch({ to, request, digest, asked, signed }: Extract<ClientOutput, { kind: 'send' }>): Dispatch {
    const dispatch: Dispatch = {
      to,
      request,
      digest,
      asked,
      signed,
      isOver: () => this.#isOver,
      onSent: (replica, taken) => {
        if (taken) {
          this.#wasSent = true;
          this.#missed?.delete(replica);
        } else (this.#missed ??= new Map<ReplicaId, Dispatch>()).set(replica, dispatch);
      },
    };
    return dispatch;
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
