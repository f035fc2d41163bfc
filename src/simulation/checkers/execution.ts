/**
 * Validity, exactly-once, contents and results. The batches that correct replicas execute are executed once more by a model: the same
 * application on a plain content. What clients observed and the content at checkpoints must agree with it.
 */
import { toHex } from '../../base/bytes.ts';
import type { Bytes } from '../../base/bytes.ts';
import { asSequence, replicaName } from '../../base/ids.ts';
import { StateDamaged } from '../../base/key-value.ts';
import { REQUEST_COMPOUND } from '../../messages/index.ts';
import type { AuthenticatedRequest } from '../../messages/index.ts';
import type { Event, ExecutedRequest } from '../../protocol/event.ts';
import type { Output } from '../../protocol/output.ts';
import type { ExecutionContext, StateMachine } from '../../protocol/ports.ts';
import { replicaOfClient } from '../../protocol/replica-client.ts';
import { applicationReader } from '../../protocol/state-layout.ts';
import { Demand, demand } from '../observer.ts';
import type { Acknowledgement, Checker, NodeView } from '../observer.ts';
import { fingerprintOf, PlainContent } from './content.ts';
import { listOfResults, operationsIn } from './compound-reading.ts';
import type { Fingerprint } from './content.ts';

type Executed = Extract<Event, { kind: 'executed' }>;

/** Undefined for a state that cannot be read. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof StateDamaged) return undefined;
    throw error;
  }
}

function nameOfKey({ scope, key }: { readonly scope: string; readonly key: string }): string {
  return `${scope}\n${key}`;
}

const SAME = (left: Fingerprint, right: Fingerprint): boolean =>
  left.sum === right.sum && left.mix === right.mix && left.count === right.count;

/** What the model says of one executed request. */
interface Outcome {
  /** undefined where only the core knows: the application threw. */
  readonly result: Bytes | undefined;
  /** Where it was executed, or what it repeats was. */
  readonly sequence: number;
  readonly replayed: boolean;
}

/** The first outcome under an idempotency key. */
interface KeyedOutcome {
  readonly operation: string;
  readonly outcome: Outcome;
}

export class ExecutionChecker implements Checker {
  readonly judges = [
    'execution in order',
    'validity',
    'exactly once',
    'idempotency',
    'what clients observed',
    'content as the model',
    'application invariant',
  ];
  /** There are two histories, and the model executes one; or it stopped at a request, and has not executed what follows. */
  readonly isLostBy = ['agreement', 'execution in order', 'validity', 'exactly once', 'idempotency'];
  readonly #asTheModel = new Demand('content as the model');
  readonly #application: StateMachine;
  readonly #content = new PlainContent();
  /** What always holds of the content; a sentence when it does not. */
  readonly #invariant: (content: PlainContent) => string | undefined;
  #modelSequence = 0;
  readonly #contents = new Map<number, Fingerprint>();
  readonly #issued = new Map<string, AuthenticatedRequest>();
  /** (client, session) → the last timestamp executed. */
  readonly #sessions = new Map<string, number>();
  readonly #results = new Map<string, Outcome>();
  readonly #digests = new Map<number, string>();
  /** Scope and key → the first outcome, oldest first, at most as many as the cluster keeps. */
  readonly #idempotent = new Map<string, KeyedOutcome>();
  readonly #idempotencyKeys: number;
  /** By sequence number: what clients were told before any correct replica had executed it. */
  readonly #early = new Map<number, Acknowledgement[]>();

  constructor(
    application: StateMachine,
    idempotencyKeys: number,
    invariant: (content: PlainContent) => string | undefined,
  ) {
    this.#application = application;
    this.#invariant = invariant;
    this.#idempotencyKeys = idempotencyKeys;
    application.initialize?.(this.#content);
    this.#contents.set(0, this.#content.fingerprint);
  }

  /** How many batches the model has executed. */
  get sequence(): number {
    return this.#modelSequence;
  }

  issued(request: AuthenticatedRequest): void {
    this.#issued.set(request.digest, request);
  }

  /** What a replica has ordered under its own name comes from nobody else. */
  #noteOwn(node: NodeView, output: Output): void {
    if (output.kind !== 'send' || output.message.type !== 'requests') return;
    for (const request of output.message.requests)
      if (replicaOfClient(request.request.client) === node.id) this.issued(request);
  }

  released(node: NodeView, output: Output): void {
    this.#noteOwn(node, output);
    if (!node.isCorrect || output.kind !== 'event') return;
    const { event } = output;
    switch (event.kind) {
      case 'executed':
        return this.#onExecuted(event);
      case 'pre-prepared':
        for (const digest of event.requests.toArray()) this.#demandIssued(node, event.sequence, digest);
        return;
      case 'checkpoint-taken':
      case 'transferred':
        return this.compareContent(node);
      default:
    }
  }

  /** A correct replica votes only for what clients issued: it verified each request, or f+1 others vouch for it. */
  #demandIssued(node: NodeView, sequence: number, digest: string): void {
    demand(
      this.#issued.has(digest),
      'validity',
      () => `${replicaName(node.id)} accepted ${digest} at ${sequence}, but no client issued it`,
    );
  }

  /** The replica's application content is the model's at the same sequence number. */
  compareContent(node: NodeView): void {
    const { lastExecuted, mayExecute } = node.status;
    if (!mayExecute) return;
    const expected = this.#contents.get(lastExecuted);
    if (expected === undefined) return;
    const actual = readable(() => fingerprintOf(applicationReader(node.replica.reader)));
    if (actual === undefined) return;
    this.#asTheModel.check(SAME(expected, actual), () => {
      return `${replicaName(node.id)} after ${lastExecuted}: ${actual.count} entries, the model has ${expected.count}, or other values`;
    });
  }

  #onExecuted(event: Executed): void {
    if (event.sequence <= this.#modelSequence) {
      demand(this.#digests.get(event.sequence) === event.digest, 'agreement', () => {
        return `${event.digest} is executed at ${event.sequence}, and was not before`;
      });
      return;
    }
    demand(event.sequence === this.#modelSequence + 1, 'execution in order', () => {
      return `${event.sequence} is executed before ${this.#modelSequence + 1} was, anywhere`;
    });
    this.#modelSequence = event.sequence;
    this.#digests.set(event.sequence, event.digest);
    let index = 0;
    for (const request of event.requests) {
      this.#onRequest(event, index, request);
      index += this.#places(request.requestDigest);
    }
    this.#contents.set(event.sequence, this.#content.fingerprint);
    for (const acknowledgement of this.#early.get(event.sequence) ?? []) this.#demandTrue(acknowledgement);
    this.#early.delete(event.sequence);
    const broken = this.#invariant(this.#content);
    demand(broken === undefined, 'application invariant', () => `after ${event.sequence}: ${broken ?? ''}`);
  }

  #onRequest(event: Executed, index: number, executed: ExecutedRequest): void {
    const { client, session, timestamp, requestDigest, outcome } = executed;
    const name = `${client.slice(0, 8)}/${session}/${timestamp}`;
    const issued = this.#issued.get(requestDigest);
    demand(
      issued !== undefined,
      'validity',
      () => `${name} was executed at ${event.sequence}, but no client issued it`,
    );
    // No operation: it is in a table of its own.
    if (replicaOfClient(client) !== undefined) return;
    const key = `${client}/${session}`;
    const last = this.#sessions.get(key) ?? 0;
    const keyed = this.#keyedOutcome(issued);
    const isConflict = keyed !== undefined && keyed.operation !== toHex(issued.request.operation);
    if (outcome === 'repeated') {
      demand(timestamp === last, 'exactly once', () => `${name} repeated at ${event.sequence}, last is ${last}`);
    } else if (outcome === 'executed' || outcome === 'replayed') {
      demand(
        timestamp === last + 1,
        'exactly once',
        () => `${name} ${outcome} at ${event.sequence} after timestamp ${last}`,
      );
      this.#sessions.set(key, timestamp);
      const isReplay = keyed !== undefined && !isConflict;
      demand(isReplay === (outcome === 'replayed') && !isConflict, 'idempotency', () => {
        return `${name} is ${outcome} at ${event.sequence}; its key was ${keyed === undefined ? 'new' : 'used before'}`;
      });
      this.#results.set(
        requestDigest,
        keyed === undefined ? this.#execute(event, index, issued) : { ...keyed.outcome, replayed: true },
      );
    } else if (outcome === 'table-error' && isConflict && timestamp === last + 1) {
      this.#sessions.set(key, timestamp);
    }
  }

  #keyedOutcome({ request }: AuthenticatedRequest): KeyedOutcome | undefined {
    return request.idempotency === undefined ? undefined : this.#idempotent.get(nameOfKey(request.idempotency));
  }

  /** How many places it takes in its batch: what is no list takes as many as it says that it has. */
  #places(digest: string): number {
    const request = this.#issued.get(digest)?.request;
    if (request === undefined || (request.flags & REQUEST_COMPOUND) === 0) return 1;
    const [high = 0, low = 0] = request.operation;
    return Math.max(1, Math.min(256, 256 * high + low));
  }

  /** Of a request that was issued, in order; none of what is no list. */
  #operations(digest: string): readonly Bytes[] {
    const request = this.#issued.get(digest)?.request;
    if (request === undefined) return [];
    return (request.flags & REQUEST_COMPOUND) === 0 ? [request.operation] : (operationsIn(request.operation) ?? []);
  }

  /** undefined, and nothing is changed, where the application throws. */
  #run(operation: Bytes, context: ExecutionContext): Bytes | undefined {
    this.#content.mark();
    try {
      return this.#application.execute(this.#content, operation, context);
    } catch {
      this.#content.undo();
      return undefined;
    }
  }

  #execute(event: Executed, index: number, { request, digest }: AuthenticatedRequest): Outcome {
    const { idempotency, operation, client } = request;
    const results = this.#operations(digest).map((each, place) => {
      return this.#run(each, {
        sequence: asSequence(event.sequence),
        index: index + place,
        timestamp: event.timestamp,
        client,
      });
    });
    // The application threw, or there is nothing to run in it: what its client is told then only the core knows.
    const isKnown = results.length > 0 && results.every((result) => result !== undefined);
    const isCompound = (request.flags & REQUEST_COMPOUND) !== 0;
    const result = isCompound && isKnown ? listOfResults(results) : results[0];
    const outcome = { result: isKnown ? result : undefined, sequence: event.sequence, replayed: false };
    if (idempotency !== undefined) {
      this.#idempotent.set(nameOfKey(idempotency), { operation: toHex(operation), outcome });
      const [oldest] = this.#idempotent.keys();
      if (this.#idempotent.size > this.#idempotencyKeys && oldest !== undefined) this.#idempotent.delete(oldest);
    }
    return outcome;
  }

  /** Where clients are told tentatively, nothing may be executed yet: it has to be later. */
  acknowledged(acknowledgement: Acknowledgement): void {
    const { sequence, isTentative } = acknowledgement;
    if (!isTentative || sequence <= this.#modelSequence) return this.#demandTrue(acknowledgement);
    const early = this.#early.get(sequence) ?? [];
    this.#early.set(sequence, [...early, acknowledgement]);
  }

  /** Everybody has executed what there is to execute. */
  end(): void {
    for (const [sequence, acknowledgements] of this.#early)
      demand(false, 'what clients observed', () => {
        return `${acknowledgements[0]?.request.digest ?? ''} was acknowledged at ${sequence}, which no correct replica has executed`;
      });
  }

  #demandTrue({ request, result, sequence, digest, replayed }: Acknowledgement): void {
    const expected = this.#results.get(request.digest);
    demand(expected !== undefined, 'what clients observed', () => {
      return `${request.digest} was acknowledged, but no correct replica has executed it`;
    });
    const isPlace =
      expected.sequence === sequence && expected.replayed === replayed && this.#digests.get(sequence) === digest;
    demand(isPlace, 'what clients observed', () => {
      return `${request.digest} was answered as ${replayed ? 'a replay of' : 'executed at'} ${sequence} in ${digest}, the model says ${expected.sequence}`;
    });
    const told = toHex(result);
    demand(expected.result === undefined || told === toHex(expected.result), 'what clients observed', () => {
      return `${request.digest} was answered ${told}, its execution gave ${toHex(expected.result ?? result)}`;
    });
  }
}
