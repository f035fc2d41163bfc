/**
 * The disk of one node: records in order, some of them not yet synced. A crash keeps what was synced and, of the rest, as many from the
 * front as the caller says: a disk may have written more than it was asked to guarantee, never something later without the earlier.
 */
import { assert } from '../base/assert.ts';
import type { Record } from '../protocol/record.ts';

type Operation =
  | { readonly kind: 'append'; readonly record: Record }
  | { readonly kind: 'rewrite'; readonly records: readonly Record[] };

/** Owns the stored records. Positions count operations since the disk was made. */
export class Disk {
  #durable: Record[] = [];
  #pending: Operation[] = [];
  #synced = 0;

  /** Number of operations given to it so far. */
  get written(): number {
    return this.#synced + this.#pending.length;
  }

  /** Number of operations that no crash can undo. */
  get synced(): number {
    return this.#synced;
  }

  append(record: Record): void {
    this.#pending.push({ kind: 'append', record });
  }

  rewrite(records: readonly Record[]): void {
    this.#pending.push({ kind: 'rewrite', records });
  }

  /** Makes the first `position` operations durable; returns the records that became so by it. */
  sync(position: number): readonly Record[] {
    assert(position <= this.written, 'only what was written can be synced');
    const fresh: Record[] = [];
    for (const operation of this.#pending.splice(0, Math.max(0, position - this.#synced))) {
      if (operation.kind === 'append') {
        this.#durable.push(operation.record);
        fresh.push(operation.record);
      } else {
        this.#durable = [...operation.records];
      }
      this.#synced += 1;
    }
    return fresh;
  }

  /** Power is lost: of the unsynced operations the first `survivors` are kept. Returns the records that so became durable. */
  crash(survivors: number): readonly Record[] {
    const fresh = this.sync(Math.min(this.written, this.#synced + survivors));
    this.#pending = [];
    return fresh;
  }

  /** The medium is gone, and a new one in its place. */
  lose(): void {
    this.#synced += this.#pending.length;
    this.#pending = [];
    this.#durable = [];
  }

  /** What a node finds when it starts. */
  load(): readonly Record[] {
    return this.#durable;
  }

  get recordCount(): number {
    return this.#durable.length + this.#pending.length;
  }
}
