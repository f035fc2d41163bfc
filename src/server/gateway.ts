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

interface FlightState {
  /** Known as soon as the request has been issued. */
  digest: Digest | undefined;
  placed: Placed | undefined;
  accepted: AcceptedAnswer | undefined;
  /** Set by whoever waits to hear of its place. */
  onPlaced: ((placed: Placed) => void) | undefined;
  abandon(): void;
}

/** One request on its way. */
interface Flight extends FlightState {
  readonly outcome: Promise<Outcome>;
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
    const news = await firstNews(flight, submission);
    flight.abandon();
    return this.#describe(flight, news, submission.wait);
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

  #describe(flight: Flight, news: FirstNews, wait: boolean): Result<SubmissionAnswer, ApiError> {
    if (news.kind === 'outcome') return describeOutcome(news.outcome, flight.accepted, wait);
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
    let forget: () => void = () => undefined;
    const onIssued = (digest: Digest): void => {
      forget();
      if (flight.digest !== undefined) registry.reissued(flight.digest, digest);
      flight.digest = digest;
      registry.submitted(digest);
      forget = registry.whenPlaced(digest, (placed) => {
        flight.placed = placed;
        flight.onPlaced?.(placed);
      });
    };
    const fly = async (): Promise<Outcome> => {
      try {
        const options = { idempotency, timeoutMs: MAX_WAIT_MS, signal: abort.signal, onIssued };
        const outcome = await client.submit(operation, options);
        if (outcome.kind === 'executed') {
          flight.accepted = acceptedOf(outcome);
          registry.accepted(outcome.requestDigest, flight.accepted);
        }
        onFinished(outcome.kind, (nowMs() - startedMs) / 1000);
        return outcome;
      } finally {
        this.#pending -= 1;
        forget();
      }
    };
    this.#pending += 1;
    const flight: FlightState = {
      digest: undefined,
      placed: undefined,
      accepted: undefined,
      onPlaced: undefined,
      // Nobody waits any more and it was never issued: then it surely never will be.
      abandon: () => {
        if (flight.digest === undefined) abort.abort();
      },
    };
    return Object.assign(flight, { outcome: fly() });
  }
}

/** What the answer waits for: the outcome, or the place where that is enough, or the time that the caller gives. */
function firstNews(
  flight: Flight,
  { wait, timeoutMs, idempotency }: Pick<Submission, 'wait' | 'timeoutMs' | 'idempotency'>,
): Promise<FirstNews> {
  const endMs = performance.now() + timeoutMs;
  return new Promise((resolve, reject) => {
    const late = (): void => resolve({ kind: 'late' });
    let timer = setTimeout(late, timeoutMs);
    flight.outcome.then(
      (outcome) => {
        clearTimeout(timer);
        resolve({ kind: 'outcome', outcome });
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
    if (wait) return;
    const onPlaced = (placed: Placed): void => {
      // Another place, after a reissue, is no news.
      flight.onPlaced = undefined;
      clearTimeout(timer);
      if (idempotency === undefined) resolve({ kind: 'placed', placed });
      else timer = setTimeout(late, Math.max(0, Math.min(KEYED_WAIT_MS, endMs - performance.now())));
    };
    if (flight.placed === undefined) flight.onPlaced = onPlaced;
    else onPlaced(flight.placed);
  });
}

type Executed = Extract<Outcome, { kind: 'executed' }>;

/** What was executed, as it is answered and remembered. */
interface AcceptedAnswer {
  readonly placed: Placed;
  readonly replies: Executed['replies'];
  readonly isTentative: boolean;
  readonly resultJson: string;
}

function acceptedOf(outcome: Executed): AcceptedAnswer {
  const { view, sequence, digest, replies, isTentative } = outcome;
  return { placed: { view, sequence, digest }, replies, isTentative, resultJson: jsonOf(outcome.result) };
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

function describeOutcome(
  outcome: Outcome,
  accepted: AcceptedAnswer | undefined,
  wait: boolean,
): Result<SubmissionAnswer, ApiError> {
  if (wait || outcome.kind !== 'executed') return describeResult(outcome, accepted);
  const { placed } = accepted ?? acceptedOf(outcome);
  const { requestDigest, replayed } = outcome;
  return ok({ kind: 'started', body: startedBody(placed, requestDigest), replayed });
}

/** `accepted`: where it was made of the outcome before. */
function describeResult(outcome: Outcome, accepted?: AcceptedAnswer): Result<ExecutedAnswer, ApiError> {
  switch (outcome.kind) {
    case 'executed': {
      const { placed, replies, resultJson } = accepted ?? acceptedOf(outcome);
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
