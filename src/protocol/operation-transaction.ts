/**
 * The state as one operation of an application sees it: its own part of the keys, within the limits. What the operation changes is undone or kept as a
 * whole. Remembers what it changed, and damage that it met: an application may catch what reading throws, and go on. One object for each request that
 * is executed, hence all of this in one; a transaction of its own is begun for the first change, since many operations make none.
 */
import type { Bytes } from '../base/bytes.ts';
import { StateDamaged, StateUsageError } from '../base/key-value.ts';
import type { Entry, OpenTransaction, Transaction } from '../base/key-value.ts';
import { applicationKey, applicationRange, checkApplicationValue } from './state-layout.ts';

const NOTHING: readonly Bytes[] = [];

export class OperationTransaction implements Transaction {
  /** What the operation is part of; undefined once it is over: an application that kept this object does nothing with it. */
  #batch: OpenTransaction | undefined;
  /** Its own, as soon as it changes anything. */
  #own: OpenTransaction | undefined;
  readonly #notesChanges: boolean;
  #changed: Bytes[] | undefined;
  #damage: StateDamaged | undefined;

  /** `notesChanges`: somebody will ask for {@link changed}. */
  constructor(batch: OpenTransaction, notesChanges: boolean) {
    this.#batch = batch;
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
      return this.#reading().get(full);
    } catch (error) {
      throw this.#met(error);
    }
  }

  range(from: Bytes, to: Bytes | undefined, limit: number): readonly Entry[] {
    try {
      return applicationRange(this.#reading(), { from, to }, limit);
    } catch (error) {
      throw this.#met(error);
    }
  }

  put(key: Bytes, value: Bytes): void {
    checkApplicationValue(value);
    const full = applicationKey(key);
    try {
      this.#changing().put(full, value);
    } catch (error) {
      throw this.#met(error);
    }
    this.#note(full);
  }

  delete(key: Bytes): void {
    const full = applicationKey(key);
    try {
      this.#changing().delete(full);
    } catch (error) {
      throw this.#met(error);
    }
    this.#note(full);
  }

  /** The operation is over, and what it changed is part of its batch. Once, or {@link rollback}. */
  commit(): void {
    this.#batch = undefined;
    this.#own?.commit();
  }

  /** The operation is over, and has changed nothing. */
  rollback(): void {
    this.#batch = undefined;
    this.#own?.rollback();
    this.#changed = undefined;
  }

  #reading(): Transaction {
    return this.#own ?? this.#open();
  }

  #changing(): Transaction {
    this.#own ??= this.#open().begin();
    return this.#own;
  }

  #open(): OpenTransaction {
    if (this.#batch === undefined) throw new StateUsageError('transaction_ended', 'the operation is over');
    return this.#batch;
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
