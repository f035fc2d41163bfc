/**
 * The state as one operation of an application sees it: its own part of the keys, within the limits. Remembers what it changed, and damage that it met: an
 * application may catch what reading throws, and go on. One object for each request that is executed, hence all of this in one.
 */
import type { Bytes } from '../base/bytes.ts';
import { StateDamaged } from '../base/key-value.ts';
import type { Entry, Transaction } from '../base/key-value.ts';
import { applicationKey, applicationRange, checkApplicationValue } from './state-layout.ts';

const NOTHING: readonly Bytes[] = [];

export class OperationTransaction implements Transaction {
  readonly #transaction: Transaction;
  readonly #notesChanges: boolean;
  #changed: Bytes[] | undefined;
  #damage: StateDamaged | undefined;

  /** `notesChanges`: somebody will ask for {@link changed}. */
  constructor(transaction: Transaction, notesChanges: boolean) {
    this.#transaction = transaction;
    this.#notesChanges = notesChanges;
  }

  /** Keys of the state that were put or deleted, in order. */
  get changed(): readonly Bytes[] {
    return this.#changed ?? NOTHING;
  }

  /** What was met last. */
  get damage(): StateDamaged | undefined {
    return this.#damage;
  }

  get(key: Bytes): Bytes | undefined {
    const full = applicationKey(key);
    try {
      return this.#transaction.get(full);
    } catch (error) {
      throw this.#met(error);
    }
  }

  range(from: Bytes, to: Bytes | undefined, limit: number): readonly Entry[] {
    try {
      return applicationRange(this.#transaction, { from, to }, limit);
    } catch (error) {
      throw this.#met(error);
    }
  }

  put(key: Bytes, value: Bytes): void {
    checkApplicationValue(value);
    const full = applicationKey(key);
    try {
      this.#transaction.put(full, value);
    } catch (error) {
      throw this.#met(error);
    }
    this.#note(full);
  }

  delete(key: Bytes): void {
    const full = applicationKey(key);
    try {
      this.#transaction.delete(full);
    } catch (error) {
      throw this.#met(error);
    }
    this.#note(full);
  }

  #met(error: unknown): unknown {
    if (error instanceof StateDamaged) this.#damage = error;
    return error;
  }

  #note(key: Bytes): void {
    if (!this.#notesChanges) return;
    if (this.#changed === undefined) this.#changed = [key];
    else this.#changed.push(key);
  }
}
