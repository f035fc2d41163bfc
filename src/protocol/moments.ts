/**
 * When what last moved here: for `explain`, which tells for how long something has been missing. It hears every event and decides nothing.
 * Bounded: slots and checkpoints go with the next stable checkpoint. Times: monotonic µs.
 */
import { ChurningMap } from '../base/churning.ts';
import type { Sequence } from '../base/ids.ts';
import type { Event } from './event.ts';

export class Moments {
  readonly #slots = new ChurningMap<Sequence, number>();
  readonly #checkpoints = new Map<Sequence, number>();
  /** The view was entered, or the replica started: whatever waits has waited since then at most. */
  #viewEnteredAt = 0;
  #transferStartedAt: number | undefined;
  #divergedAt: number | undefined;
  #recoveryAt: number | undefined;

  /** The first message about a number came. */
  onOpened(sequence: Sequence, now: number): void {
    this.#slots.set(sequence, now);
  }

  onEvent(event: Event, now: number): void {
    switch (event.kind) {
      case 'view-entered':
        this.#viewEnteredAt = now;
        return;
      case 'pre-prepared':
      case 'prepared':
      case 'committed':
      case 'decided':
        this.#slots.set(event.sequence, now);
        return;
      case 'checkpoint-taken':
        this.#checkpoints.set(event.sequence, now);
        return;
      case 'checkpoint-stable':
        for (const moments of [this.#slots, this.#checkpoints])
          for (const sequence of moments.keys()) if (sequence <= event.sequence) moments.delete(sequence);
        return;
      case 'transfer-started':
        this.#transferStartedAt ??= now;
        return;
      case 'transferred':
        this.#transferStartedAt = undefined;
        this.#divergedAt = undefined;
        return;
      case 'recovery-started':
      case 'recovery-estimated':
        this.#recoveryAt = now;
        return;
      case 'diverged':
        this.#divergedAt = now;
        return;
      default:
    }
  }

  ofSlot(sequence: Sequence): number {
    return this.#since(this.#slots.get(sequence));
  }

  ofCheckpoint(sequence: Sequence): number {
    return this.#since(this.#checkpoints.get(sequence));
  }

  get ofTransfer(): number {
    return this.#since(this.#transferStartedAt);
  }

  get ofDivergence(): number {
    return this.#since(this.#divergedAt);
  }

  /** When the recovery of this replica last came further by itself. */
  get ofRecovery(): number {
    return this.#recoveryAt ?? 0;
  }

  get ofView(): number {
    return this.#viewEnteredAt;
  }

  #since(moment: number | undefined): number {
    return Math.max(moment ?? 0, this.#viewEnteredAt);
  }
}
