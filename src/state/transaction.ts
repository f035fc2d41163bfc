/** Transactions that nest and can be undone: each is a version of the changes made so far, handed to its parent or forgotten. */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Entry, OpenTransaction } from '../base/key-value.ts';
import { OverlayReader, changed, deleted } from './overlay.ts';
import type { Changes, Source } from './overlay.ts';
import { StateUsageError } from './usage-error.ts';

/** Takes over what a transaction changed, or learns that it was rolled back (undefined). Called once. */
export type OnEnd = (changes: Changes | undefined) => void;

type Phase = 'open' | 'covered' | 'ended';

/**
 * A transaction over `base`, starting from the changes of its parent. Reading or changing it after its end, or while an inner one is open,
 * throws `StateUsageError` (an application that kept it did so); beginning or ending it then is a bug of ours and an `InvariantViolation`.
 */
export class OverlayTransaction implements OpenTransaction {
  readonly #base: Source;
  readonly #onEnd: OnEnd;
  #changes: Changes;
  #phase: Phase = 'open';

  constructor(base: Source, changes: Changes, onEnd: OnEnd) {
    this.#base = base;
    this.#changes = changes;
    this.#onEnd = onEnd;
  }

  get(key: Bytes): Bytes | undefined {
    this.#checkUsable();
    return new OverlayReader(this.#base, this.#changes).get(key);
  }

  range(from: Bytes, to: Bytes | undefined, limit: number): readonly Entry[] {
    this.#checkUsable();
    return new OverlayReader(this.#base, this.#changes).range(from, to, limit);
  }

  put(key: Bytes, value: Bytes): void {
    this.#checkUsable();
    this.#changes = changed(this.#changes, key, value);
  }

  delete(key: Bytes): void {
    this.#checkUsable();
    this.#changes = deleted(this.#changes, key);
  }

  begin(): OpenTransaction {
    assert(this.#phase === 'open', 'a transaction begins another only while open itself, one at a time');
    this.#phase = 'covered';
    return new OverlayTransaction(this.#base, this.#changes, (changes) => {
      this.#phase = 'open';
      if (changes !== undefined) this.#changes = changes;
    });
  }

  commit(): void {
    this.#end(this.#changes);
  }

  rollback(): void {
    this.#end(undefined);
  }

  #end(changes: Changes | undefined): void {
    assert(this.#phase === 'open', 'a transaction ends once, and after its inner one');
    this.#phase = 'ended';
    this.#onEnd(changes);
  }

  #checkUsable(): void {
    if (this.#phase !== 'open') {
      throw new StateUsageError('transaction_ended', 'the transaction has ended, or an inner one is open');
    }
  }
}
