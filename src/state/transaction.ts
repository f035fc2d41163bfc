/** Transactions that nest and can be undone, one within the other over the same changes. */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Entry, OpenTransaction } from '../base/key-value.ts';
import type { Changes } from './changes.ts';
import { OverlayReader } from './overlay.ts';
import type { Source } from './overlay.ts';
import { StateUsageError } from './usage-error.ts';

type Phase = 'open' | 'covered' | 'ended';

/**
 * A transaction that changes `changes`, which lie over `base`. Reading or changing it after its end, or while an inner one is open,
 * throws `StateUsageError` (an application that kept it did so); beginning or ending it then is a bug of ours and an `InvariantViolation`.
 */
export class OverlayTransaction implements OpenTransaction {
  readonly #base: Source;
  readonly #changes: Changes;
  readonly #reader: OverlayReader;
  readonly #onEnd: () => void;
  #phase: Phase = 'open';

  /** `onEnd`: called once, when it has been committed or rolled back. */
  constructor(base: Source, changes: Changes, onEnd: () => void) {
    this.#base = base;
    this.#changes = changes;
    this.#reader = new OverlayReader(base, changes);
    this.#onEnd = onEnd;
    changes.begin();
  }

  get(key: Bytes): Bytes | undefined {
    this.#checkUsable();
    return this.#reader.get(key);
  }

  range(from: Bytes, to: Bytes | undefined, limit: number): readonly Entry[] {
    this.#checkUsable();
    return this.#reader.range(from, to, limit);
  }

  put(key: Bytes, value: Bytes): void {
    this.#checkUsable();
    this.#changes.put(key, value);
  }

  delete(key: Bytes): void {
    this.#checkUsable();
    this.#changes.delete(key);
  }

  begin(): OpenTransaction {
    assert(this.#phase === 'open', 'a transaction begins another only while open itself, one at a time');
    this.#phase = 'covered';
    return new OverlayTransaction(this.#base, this.#changes, () => {
      this.#phase = 'open';
    });
  }

  commit(): void {
    this.#end();
    this.#changes.commit();
    this.#onEnd();
  }

  rollback(): void {
    this.#end();
    this.#changes.rollback();
    this.#onEnd();
  }

  #end(): void {
    assert(this.#phase === 'open', 'a transaction ends once, and after its inner one');
    this.#phase = 'ended';
  }

  #checkUsable(): void {
    if (this.#phase !== 'open') {
      throw new StateUsageError('transaction_ended', 'the transaction has ended, or an inner one is open');
    }
  }
}
