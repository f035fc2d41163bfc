/** Transactions that nest and can be undone, one within the other over the same changes. */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Entry, OpenTransaction, Reader } from '../base/key-value.ts';
import type { Changes } from './changes.ts';
import { StateUsageError } from './usage-error.ts';

type Phase = 'open' | 'covered' | 'ended';

/**
 * A transaction that changes `changes`. Reading or changing it after its end, or while an inner one is open,
 * throws `StateUsageError` (an application that kept it did so); beginning or ending it then is a bug of ours and an `InvariantViolation`.
 */
export class OverlayTransaction implements OpenTransaction {
  readonly #changes: Changes;
  /** What it reads: its changes over what they lie over. */
  readonly #reader: Reader;
  readonly #parent: OverlayTransaction | (() => void);
  #phase: Phase = 'open';

  /** `parent`: the transaction that this one is in; or, for the outermost, what is called once when it has been committed or rolled back. */
  constructor(changes: Changes, reader: Reader, parent: OverlayTransaction | (() => void)) {
    this.#changes = changes;
    this.#reader = reader;
    this.#parent = parent;
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
    return new OverlayTransaction(this.#changes, this.#reader, this);
  }

  commit(): void {
    this.#checkOpen();
    this.#changes.commit();
    this.#end();
  }

  rollback(): void {
    this.#checkOpen();
    this.#changes.rollback();
    this.#end();
  }

  #checkOpen(): void {
    assert(this.#phase === 'open', 'a transaction ends once, and after its inner one');
  }

  #end(): void {
    this.#phase = 'ended';
    if (typeof this.#parent === 'function') this.#parent();
    else this.#parent.#phase = 'open';
  }

  #checkUsable(): void {
    if (this.#phase !== 'open') {
      throw new StateUsageError('transaction_ended', 'the transaction has ended, or an inner one is open');
    }
  }
}
