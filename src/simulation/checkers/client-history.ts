/**
 * Linearizability of what clients observed [PROTOCOL: invariant 4]. Records every request that any client made, and what correct clients were told;
 * at the end the whole history is judged. Replicas are heard for one thing only: the order in which they executed is tried first.
 */
import type { Bytes } from '../../base/bytes.ts';
import { REQUEST_COMPOUND, REQUEST_READ_ONLY } from '../../messages/index.ts';
import type { AuthenticatedRequest, Request } from '../../messages/index.ts';
import type { ClientOutcome } from '../../protocol/client-session.ts';
import type { Output } from '../../protocol/output.ts';
import type { Coverage } from '../coverage.ts';
import { Violation } from '../observer.ts';
import type { Checker, NodeView } from '../observer.ts';
import { ApplicationModel, footprintOf, KEY_CONFLICT, operationsOf, tellAll, tellSeen } from './application-model.ts';
import type { ModelOptions, RequestedOperation } from './application-model.ts';
import { operationsIn, resultsIn } from './compound-reading.ts';
import { findContradiction, tellContradiction } from './contradiction.ts';
import { partition } from './footprint.ts';
import { findOrder } from './linearizability.ts';
import type { Answer, Call } from './linearizability.ts';
import { textOf } from './observed-application.ts';
import type { ObservedApplication } from './observed-application.ts';

/** Operations carried out to judge one part of a history. A correct one takes one per call, in the order of the hints. */
const BUDGET = 50_000;

/** One request and what is known of it. */
interface Recorded {
  readonly request: AuthenticatedRequest;
  readonly invokedAt: number;
  readonly answer: Answer | undefined;
  /** It was never executed and never will be: that was promised. */
  readonly isRejected: boolean;
}

export interface LinearizabilityParts {
  readonly application: ObservedApplication;
  /** The cluster remembers so many. */
  readonly idempotencyKeys: number;
  readonly coverage: Coverage;
  /** Virtual time in µs, to tell people when. */
  readonly now: () => number;
}

export class LinearizabilityChecker implements Checker {
  readonly #parts: LinearizabilityParts;
  readonly #recorded = new Map<string, Recorded>();
  /** Digest of a request → its place in the order of execution, as correct replicas told it first. */
  readonly #hints = new Map<string, number>();
  readonly #refusals = new Map<string, number>();
  #executions = 0;
  /** Since it was judged last, nobody has asked for anything or was told anything. */
  #isJudged = false;
  /** Virtual times of the places in the order of everything that happened. */
  readonly #times: number[] = [];

  constructor(parts: LinearizabilityParts) {
    this.#parts = parts;
  }

  /** Nothing before {@link check}, and nothing any more when the history has grown since. */
  get judges(): readonly string[] {
    return this.#isJudged ? ['linearizability'] : [];
  }

  issued(request: AuthenticatedRequest): void {
    if (this.#recorded.has(request.digest)) return;
    this.#isJudged = false;
    this.#recorded.set(request.digest, { request, invokedAt: this.#tick(), answer: undefined, isRejected: false });
  }

  concluded(request: AuthenticatedRequest, outcome: ClientOutcome): void {
    const recorded = this.#recorded.get(request.digest);
    if (recorded === undefined || recorded.answer !== undefined || outcome.kind === 'unknown') return;
    this.#isJudged = false;
    const answer = this.#answerOf(request, outcome);
    this.#recorded.set(request.digest, { ...recorded, answer, isRejected: answer === undefined });
  }

  readAnswered(request: AuthenticatedRequest, result: Bytes): void {
    const recorded = this.#recorded.get(request.digest);
    if (recorded === undefined || recorded.answer !== undefined) return;
    this.#isJudged = false;
    const { application } = this.#parts;
    const { operation } = request.request;
    const seen = tellSeen(false, application.seen(operation, result));
    this.#recorded.set(request.digest, { ...recorded, answer: { at: this.#tick(), seen, isRead: true } });
  }

  released(node: NodeView, output: Output): void {
    if (!node.isCorrect || output.kind !== 'event' || output.event.kind !== 'executed') return;
    for (const { requestDigest, outcome } of output.event.requests) {
      // A request that was refused may be executed later. If not, it is where it was refused that its idempotency key was in use.
      const hints = outcome === 'table-error' ? this.#refusals : this.#hints;
      if (!hints.has(requestDigest)) hints.set(requestDigest, this.#executions);
      this.#executions += 1;
    }
  }

  /** Throws Violation when no order explains what clients were told. */
  check(): void {
    const { coverage } = this.#parts;
    const options = this.#modelOptions();
    const calls = this.#calls();
    let isJudged = true;
    for (const { answer } of calls) coverage.count('linearizability', kindOf(answer?.seen));
    for (const part of partition(calls, ({ operation }) => footprintOf(operation, options))) {
      const verdict = findOrder(part, new ApplicationModel(options), { budget: BUDGET });
      coverage.count('linearizability', verdict.kind);
      if (verdict.kind === 'undecided') isJudged = false;
      if (verdict.kind === 'impossible') throw new Violation('linearizability', this.#explain(part, options));
    }
    this.#isJudged = isJudged;
  }

  /** The history so far. Without what was rejected, and without read-only requests that nobody answered: they leave no trace. */
  #calls(): readonly Call<RequestedOperation>[] {
    return [...this.#recorded.values()].flatMap(({ request: { request, digest }, invokedAt, answer, isRejected }) => {
      if (isRejected || (answer === undefined && (request.flags & REQUEST_READ_ONLY) !== 0)) return [];
      const { client, session, timestamp, operation, idempotency } = request;
      const requested = { client, operation, isCompound: isCompound(request), idempotency };
      const key = idempotency === undefined ? '' : ` under key ${JSON.stringify(idempotency)}`;
      return {
        operation: requested,
        text: operationsOf(requested).map(textOf).join(' and ') + key,
        name: `${client.slice(0, 8)}/${session}/${timestamp}`,
        invokedAt,
        answer,
        hint: this.#hints.get(digest) ?? (answer === undefined ? undefined : this.#refusals.get(digest)),
      };
    });
  }

  #modelOptions(): ModelOptions {
    const { application, idempotencyKeys } = this.#parts;
    const keys = new Set<string>();
    for (const { request } of this.#recorded.values()) {
      if (request.request.idempotency !== undefined) keys.add(JSON.stringify(request.request.idempotency));
    }
    return { application, keyLimit: keys.size > idempotencyKeys ? idempotencyKeys : undefined };
  }

  /** What the client was told of the state; undefined when it was promised that there is nothing to tell. */
  #answerOf(
    { request }: AuthenticatedRequest,
    outcome: Exclude<ClientOutcome, { kind: 'unknown' }>,
  ): Answer | undefined {
    const at = this.#tick();
    if (outcome.kind === 'rejected') {
      return outcome.code === 'idempotency_key_reused' ? { at, seen: KEY_CONFLICT, isRead: true } : undefined;
    }
    const { replayed, result } = outcome;
    if (isCompound(request)) return this.#answerOfAll(at, request, result);
    const { application } = this.#parts;
    const { operation, idempotency } = request;
    // The first outcome of a key is remembered, so that is no read.
    const isRead = idempotency === undefined ? application.isRead(operation, result) : replayed;
    return { at, seen: tellSeen(replayed, application.seen(operation, result)), isRead };
  }

  /** Of a compound request. */
  #answerOfAll(at: number, { operation }: Request, result: Bytes): Answer {
    const { application } = this.#parts;
    const results = resultsIn(result) ?? [];
    const each = (operationsIn(operation) ?? []).map((one, index) => ({ one, result: results[index] ?? result }));
    const seen = tellAll(each.map(({ one, result: own }) => application.seen(one, own)));
    return {
      at,
      seen: tellSeen(false, seen),
      isRead: each.every(({ one, result: own }) => application.isRead(one, own)),
    };
  }

  #explain(part: readonly Call<RequestedOperation>[], options: ModelOptions): string {
    const contradiction = findContradiction(part, () => new ApplicationModel(options), BUDGET);
    const timeOf = (at: number): string => `${((this.#times[at] ?? 0) / 1000).toFixed(1)} ms`;
    return contradiction === undefined ? 'no order explains it' : tellContradiction(contradiction, timeOf);
  }

  #tick(): number {
    return this.#times.push(this.#parts.now()) - 1;
  }
}

function isCompound({ flags }: Request): boolean {
  return (flags & REQUEST_COMPOUND) !== 0;
}

function kindOf(seen: string | undefined): string {
  if (seen === undefined) return 'call of unknown outcome';
  return seen === KEY_CONFLICT ? 'call with a key in use' : `call ${seen.slice(0, seen.indexOf(' '))}`;
}
