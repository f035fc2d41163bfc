/**
 * A state that cannot be read as it was written. Keeps invariant 8: nothing is executed on it, and no checkpoint of it is announced, until a transfer
 * has brought what differs from the certified root. Votes on the order of batches do not look at the state, and go on.
 */
import { StateDamaged } from '../base/key-value.ts';
import type { Core } from './core.ts';

/** Runs `read`. Damage that it meets is noted. */
export function whileReadable(core: Core, read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof StateDamaged)) throw error;
    noteDamage(core, error.message);
  }
}

/** Remembers the damage that an application meets: it may catch what reading throws, and go on. */
export class DamageWatch {
  /** What was met last. */
  damage: StateDamaged | undefined;

  /** What `use` gives, or throws. */
  over<Result>(use: () => Result): Result {
    try {
      return use();
    } catch (error) {
      if (error instanceof StateDamaged) this.damage = error;
      throw error;
    }
  }
}

/** From here on nothing is executed until the state is repaired. */
export function noteDamage(core: Core, reason: string): void {
  if (core.damage !== undefined) return;
  core.tentative = undefined;
  core.damage = { reason, sinceUs: core.now.monotonic };
  core.emit({ kind: 'state-damaged', reason });
}
