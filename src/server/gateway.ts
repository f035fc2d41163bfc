/**
 * The node as a client of its own cluster: requests that come over HTTP are issued under the gateway's identity through the client library,
 * over TCP and nothing else, its own replica included. What it answers is what f+1 replicas said. Owns the requests under way.
 */
import type { ApiError, ExecutedBody, StartedBody } from '../api/index.ts';
import { apiError, MAX_WAIT_MS } from '../api/index.ts';
import { toBase64Url } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Digest } from '../base/ids.ts';
import { replicaName } from '../base/ids.ts';
import type { Result } from '../base/result.ts';
import { fail, ok } from '../base/result.ts';
import { decodeUtf8 } from '../base/utf8.ts';
import type { Outcome, ReadOutcome, SubmitOptions } from '../client/index.ts';
import type { ExecutedAnswer, ReadAnswer, Submission, SubmissionAnswer } from './http/service.ts';
import type { Placed, RequestRegistry } from './request-registry.ts';

/** What the gateway needs of the client library. */
export interface SubmittingClient {
  submit(operation: Bytes, options: SubmitOptions): Promise<Outcome>;
  read(operation: Bytes, options: Pick<SubmitOptions, 'timeoutMs'>): Promise<ReadOutcome>;
}

export interface GatewayOptions {
  readonly client: SubmittingClient;
  readonly registry: RequestRegistry;
  /** Requests under way at once; beyond it new ones are refused at the door, surely not submitted. */
  readonly pending: number;
  /** Why nothing can be submitted now; undefined when it can. */
  readonly obstacle: () => ApiError | undefined;
  readonly nowMs: () => number;
  readonly onFinished: (outcome: ReadOutcome['kind'], seconds: number) => void;
}

/** How long the answer to a request with a key waits for the outcome, which alone says whether it is a repeat, before it answers without. */
const KEYED_WAIT_MS = 2000;

type FirstNews =
  | { readonly kind: 'placed'; readonly placed: Placed }
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  | { readonly kind: 'late' };

/** One request on its way. */
interface Flight {
  /** Known as soon as the request has been issued. */
  digest: Digest | undefined;
  placed: Placed | undefined;
  readonly outcome: Promise<Outcome>;
  readonly whenPlaced: Promise<Placed>;
  abandon(): void;
}

export class Gateway {
  readonly #options: GatewayOptions;
  #pending = 0;

  constructor(options: GatewayOptions) {
    this.#options = options;
  }

  get pending(): number {
    return this.#pending;
  }

  /** Has the operation ordered; answers as the submission asks for. Every call ends, at the latest after its timeout. */
  async submit(submission: Submission): Promise<Result<SubmissionAnswer, ApiError>> {
    const hindrance = this.#hindrance();
    if (hindrance !== undefined) return fail(hindrance);
    const flight = this.#launch(submission);
    // Its caller may be gone before it fails.
    flight.outcome.catch(() => undefined);
    const answer = await this.#answer(flight, submission);
    flight.abandon();
    return answer;
  }

  /** Has a read-only operation answered by a quorum, or ordered where none does. Ends at the latest after its timeout. */
  async read({
    operation,
    timeoutMs,
  }: Pick<Submission, 'operation' | 'timeoutMs'>): Promise<Result<ReadAnswer, ApiError>> {
    const hindrance = this.#hindrance();
    if (hindrance !== undefined) return fail(hindrance);
    const { client, nowMs, onFinished } = this.#options;
    const startedMs = nowMs();
    this.#pending += 1;
    try {
      const outcome = await client.read(operation, { timeoutMs });
      onFinished(outcome.kind, (nowMs() - startedMs) / 1000);
      return outcome.kind === 'read' ? ok(describeRead(outcome)) : describeResult(outcome);
    } finally {
      this.#pending -= 1;
    }
  }

  #hindrance(): ApiError | undefined {
    const { pending, obstacle } = this.#options;
    return this.#pending >= pending ? apiError('not_submitted', undefined, {}, 1) : obstacle();
  }

  async #answer(
    flight: Flight,
    { wait, timeoutMs, idempotency }: Submission,
  ): Promise<Result<SubmissionAnswer, ApiError>> {
    const outcome = flight.outcome.then((value): FirstNews => ({ kind: 'outcome', outcome: value }));
    const placed = flight.whenPlaced.then((value): FirstNews => ({ kind: 'placed', placed: value }));
    const deadline = new Deadline(timeoutMs);
    try {
      let news = await Promise.race([outcome, deadline.passed, ...(wait ? [] : [placed])]);
      if (news.kind === 'placed' && idempotency !== undefined) {
        const patience = new Deadline(Math.min(KEYED_WAIT_MS, deadline.leftMs));
        news = await Promise.race([outcome, patience.passed]).finally(() => patience.clear());
      }
      return this.#describe(flight, news, wait);
    } finally {
      deadline.clear();
    }
  }

  #describe(flight: Flight, news: FirstNews, wait: boolean): Result<SubmissionAnswer, ApiError> {
    if (news.kind === 'outcome') return describeOutcome(news.outcome, wait);
    const placed = news.kind === 'placed' ? news.placed : flight.placed;
    if (!wait && placed !== undefined && flight.digest !== undefined) {
      return ok({ kind: 'started', body: startedBody(placed, flight.digest), replayed: false });
    }
    return fail(
      flight.digest === undefined ? apiError('not_submitted', undefined, {}, 1) : outcomeUnknown(flight.digest),
    );
  }

  /** Issues the request. It stays under way until it is decided or the longest wait is over, also when its caller is answered before. */
  #launch({ operation, idempotency }: Submission): Flight {
    const { client, registry, nowMs, onFinished } = this.#options;
    const startedMs = nowMs();
    const abort = new AbortController();
    let place: (placed: Placed) => void = () => undefined;
    const whenPlaced = new Promise<Placed>((resolve) => {
      place = resolve;
    });
    let forget: () => void = () => undefined;
    const onIssued = (digest: Digest): void => {
      forget();
      if (flight.digest !== undefined) registry.reissued(flight.digest, digest);
      flight.digest = digest;
      registry.submitted(digest);
      forget = registry.whenPlaced(digest, (placed) => {
        flight.placed = placed;
        place(placed);
      });
    };
    this.#pending += 1;
    const land = (): void => {
      this.#pending -= 1;
      forget();
    };
    const settle = (outcome: Outcome): Outcome => {
      if (outcome.kind === 'executed') registry.accepted(outcome.requestDigest, acceptedOf(outcome));
      onFinished(outcome.kind, (nowMs() - startedMs) / 1000);
      return outcome;
    };
    const flight: Flight = {
      digest: undefined,
      placed: undefined,
      whenPlaced,
      // Nobody waits any more and it was never issued: then it surely never will be.
      abandon: () => flight.digest === undefined && abort.abort(),
      outcome: Promise.resolve()
        .then(() => client.submit(operation, { idempotency, timeoutMs: MAX_WAIT_MS, signal: abort.signal, onIssued }))
        .finally(land)
        .then(settle),
    };
    return flight;
  }
}

type Executed = Extract<Outcome, { kind: 'executed' }>;

function acceptedOf(outcome: Executed): {
  readonly placed: Placed;
  readonly replies: Executed['replies'];
  readonly resultJson: string;
} {
  const { view, sequence, digest, replies } = outcome;
  return { placed: { view, sequence, digest }, replies, resultJson: jsonOf(outcome.result) };
}

function describeRead({
  requestDigest,
  result,
  sequence,
  replies,
}: Extract<ReadOutcome, { kind: 'read' }>): ReadAnswer {
  const body = {
    status: 'read',
    consensus: true,
    sequence,
    replies: replies.map(replicaName),
    request_digest: requestDigest,
    request_id: requestDigest,
  } as const;
  return { kind: 'read', body, resultJson: jsonOf(result) };
}

function describeOutcome(outcome: Outcome, wait: boolean): Result<SubmissionAnswer, ApiError> {
  if (wait || outcome.kind !== 'executed') return describeResult(outcome);
  const { requestDigest, replayed } = outcome;
  return ok({ kind: 'started', body: startedBody(acceptedOf(outcome).placed, requestDigest), replayed });
}

function describeResult(outcome: Outcome): Result<ExecutedAnswer, ApiError> {
  switch (outcome.kind) {
    case 'executed': {
      const { placed, replies, resultJson } = acceptedOf(outcome);
      const { requestDigest, replayed } = outcome;
      const body: Omit<ExecutedBody, 'result'> = {
        status: 'executed',
        consensus: true,
        ...placed,
        replies: replies.map(replicaName),
        request_digest: requestDigest,
        request_id: requestDigest,
      };
      return ok({ kind: 'executed', body, resultJson, replayed });
    }
    case 'rejected':
      return fail(rejection(outcome.code, outcome.message));
    case 'unknown':
      return fail(
        outcome.requestDigest === undefined
          ? apiError('not_submitted', undefined, {}, 1)
          : outcomeUnknown(outcome.requestDigest),
      );
  }
}

function rejection(code: string, message: string): ApiError {
  if (code === 'idempotency_key_reused') return apiError('idempotency_key_reused');
  if (code === 'not_submitted') return apiError('not_submitted', undefined, {}, 1);
  return apiError('request_refused', undefined, { reason: code, explanation: message });
}

function outcomeUnknown(digest: Digest): ApiError {
  return apiError('outcome_unknown', undefined, { request_id: digest });
}

function startedBody({ sequence, digest }: Placed, requestDigest: Digest): StartedBody {
  return { status: 'consensus_started', sequence, digest, request_digest: requestDigest, request_id: requestDigest };
}

/** JSON text for a result: the application's own where it is JSON, else its bytes in base64url. */
export function jsonOf(result: Bytes): string {
  const text = decodeUtf8(result);
  try {
    if (text === undefined) throw new SyntaxError('not UTF-8');
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify({ base64url: toBase64Url(result) });
  }
}

/** A timer as a promise. */
class Deadline {
  readonly passed: Promise<{ readonly kind: 'late' }>;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #endMs: number;

  constructor(delayMs: number) {
    this.#endMs = performance.now() + delayMs;
    let timer: NodeJS.Timeout | undefined;
    this.passed = new Promise((resolve) => {
      timer = setTimeout(() => resolve({ kind: 'late' }), delayMs);
    });
    this.#timer = timer;
  }

  get leftMs(): number {
    return Math.max(0, this.#endMs - performance.now());
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
