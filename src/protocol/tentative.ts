/** What a prepared batch comes to, if it is committed (tentative-execution.ts): the values, and how they come to be or are forgotten. */
import type { Bytes } from '../base/bytes.ts';
import type { Digest, Sequence } from '../base/ids.ts';
import type { Entry } from '../base/key-value.ts';
import type { Batch } from '../messages/index.ts';
import type { Core } from './core.ts';
import type { Slot } from './slot.ts';

/** A change that an operation makes; without a value it deletes. */
export interface TentativeChange extends Pick<Entry, 'key'> {
  readonly value: Bytes | undefined;
}

/** What one request of the batch comes to. */
export interface TentativeResult {
  readonly result: Bytes;
  readonly changes: readonly TentativeChange[];
  /** This replica has told its client. */
  isTold: boolean;
}

/** The batch of which this replica knows what it comes to, and which is not committed here. */
export interface Tentative {
  readonly sequence: Sequence;
  readonly digest: Digest;
  /** In order of its requests. */
  readonly results: readonly TentativeResult[];
}

/** Agreed time once the batch is executed. */
export function agreedTimeAfter(core: Core, batch: Batch): number {
  return Math.max(core.agreedTime + 1, batch.timestamp * 1000);
}

/** What is known of the batch that is executed now; it is tentative no more. Undefined for another one than was prepared. */
export function takeTentative(core: Core, slot: Slot, digest: Digest): Tentative | undefined {
  const { tentative } = core;
  core.tentative = undefined;
  return tentative?.sequence === slot.sequence && tentative.digest === digest ? tentative : undefined;
}

/** The view ends, or the state is replaced: what was only tentative is not. No COMMIT of the view may leave any more. */
export function forgetTentative(core: Core): void {
  core.tentative = undefined;
  core.unsentCommits = [];
  core.timers.clear('commit');
}
