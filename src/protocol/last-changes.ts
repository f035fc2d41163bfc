/**
 * When keys of the application were last changed: exactly for what has changed since the last checkpoint, and for all others that they have not since.
 * Only ever too late, never too early. Owns the keys that changed since then, as many as the state itself holds changed; beyond a bound it forgets which they were.
 */
import { ChurningMap } from '../base/churning.ts';
import type { Bytes } from '../base/bytes.ts';
import { GENESIS } from '../base/ids.ts';
import type { Sequence } from '../base/ids.ts';

/** Keys remembered one by one. */
const KEYS_KEPT = 65_536;
/** Keys looked through for a range: what a client can make a read cost. */
const KEYS_SEARCHED = 1024;

export class LastChanges {
  /** What is not listed has not changed after it. */
  #others: Sequence = GENESIS;
  /** Of anything. */
  #latest: Sequence = GENESIS;
  readonly #changed = new ChurningMap<string, Sequence>();

  /** `key` was changed by the batch at `sequence`. Requires: `sequence` never falls. */
  note(key: Bytes, sequence: Sequence): void {
    if (this.#changed.size >= KEYS_KEPT) this.forget(sequence);
    this.#changed.set(textOf(key), sequence);
    this.#latest = sequence;
  }

  /** Everything may have changed up to `sequence`, and nothing has after it. */
  forget(sequence: Sequence): void {
    this.#changed.clear();
    this.#others = sequence;
    this.#latest = sequence;
  }

  /** `key` has not changed after this. */
  of(key: Bytes): Sequence {
    return this.#changed.get(textOf(key)) ?? this.#others;
  }

  /** Nothing with `from` ≤ key < `to` has changed after this; `to` undefined: to the end. Where many keys are remembered, not after anything. */
  ofRange(from: Bytes, to: Bytes | undefined): Sequence {
    if (this.#changed.size > KEYS_SEARCHED) return this.#latest;
    const first = textOf(from);
    const end = to === undefined ? undefined : textOf(to);
    let latest = this.#others;
    for (const [key, sequence] of this.#changed) {
      if (sequence > latest && key >= first && (end === undefined || key < end)) latest = sequence;
    }
    return latest;
  }
}

/** One character for each byte: the order of the texts is that of the keys. */
function textOf(key: Bytes): string {
  let text = '';
  for (const byte of key) text += String.fromCharCode(byte);
  return text;
}
