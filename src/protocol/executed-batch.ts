/** What came of the requests of a batch, as execution notes it: made for every batch, read request by request hardly ever. */
import type { Digest, Sequence, View } from '../base/ids.ts';
import type { Batch, DigestList } from '../messages/index.ts';
import type { ExecutedEvent, ExecutedRequest, Outcome } from './event.ts';

/** The outcomes of a batch's requests, as they come. */
export class Outcomes {
  #common: Outcome | undefined;
  /** Of each, as soon as they differ. */
  #each: Outcome[] | undefined;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(outcome: Outcome): void {
    if (this.#each !== undefined) {
      this.#each.push(outcome);
    } else if (this.#count > 0 && outcome !== this.#common) {
      this.#each = Array.from({ length: this.#count }, () => this.#common as Outcome);
      this.#each.push(outcome);
    } else {
      this.#common = outcome;
    }
    this.#count += 1;
  }

  /** Of each in order, or of all of them. */
  get list(): Outcome | readonly Outcome[] {
    return this.#each ?? this.#common ?? [];
  }
}

/** The event of its execution. */
export class ExecutedBatch implements ExecutedEvent {
  readonly kind = 'executed';
  readonly view: View;
  readonly sequence: Sequence;
  readonly digest: Digest;
  readonly timestamp: number;
  readonly count: number;
  readonly operations: number;
  readonly outcomes: Outcome | readonly Outcome[];
  readonly digests: DigestList;
  /** Until its requests have been told one by one. */
  #batch: Batch | undefined;
  #requests: readonly ExecutedRequest[] | undefined;

  constructor(
    place: Pick<ExecutedEvent, 'view' | 'sequence' | 'digest' | 'timestamp' | 'operations' | 'digests'>,
    batch: Batch | undefined,
    outcomes: Outcomes,
  ) {
    this.view = place.view;
    this.sequence = place.sequence;
    this.digest = place.digest;
    this.timestamp = place.timestamp;
    this.operations = place.operations;
    this.digests = place.digests;
    this.count = outcomes.count;
    this.outcomes = outcomes.list;
    this.#batch = batch;
  }

  /** Made when somebody asks. */
  get requests(): readonly ExecutedRequest[] {
    if (this.#requests === undefined) {
      this.#requests = this.#batch === undefined ? [] : this.#each(this.#batch);
      this.#batch = undefined;
    }
    return this.#requests;
  }

  #each({ requests }: Batch): readonly ExecutedRequest[] {
    return requests.map(({ request, digest }, index) => {
      const { client, session, timestamp } = request;
      return { client, session, timestamp, requestDigest: digest, outcome: outcomeOf(this, index) };
    });
  }
}

/** Of the request at `index`. */
export function outcomeOf({ outcomes }: Pick<ExecutedEvent, 'outcomes'>, index: number): Outcome {
  return typeof outcomes === 'string' ? outcomes : (outcomes[index] as Outcome);
}
