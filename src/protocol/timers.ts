/** The deadlines of one replica: a table from name to monotonic µs. Owns no clock. */
import { ChurningMap } from '../base/churning.ts';

export type TimerName =
  /** STATUS goes out. */
  | 'status'
  /** A request or an accepted slot has waited for T: the primary fails it. */
  | 'request'
  /** The view change under way has lasted too long, or nothing was executed in the view it led to: on to the next. */
  | 'view-change'
  /** The primary orders a checkpoint of an idle cluster. */
  | 'idle-checkpoint'
  /** Requests have waited long enough for more of them to fill a batch with. */
  | 'propose'
  /** A pending PRE-PREPARE may have become acceptable (its timestamp, its spacing). */
  | 'pending'
  /** The source of a state transfer has not answered. */
  | 'transfer'
  /** A peer that was sent as much as it may be has allowance again. */
  | 'serve'
  /** What a replica that lost its log asks goes out again. */
  | 'recovery'
  /** A COMMIT has waited long enough for a vote to leave with. */
  | 'commit'
  /** A replica has stood alone in the next view for long. */
  | 'stray'
  /** Complaints about unverified requests go out again. */
  | 'complaint';

export class Timers {
  readonly #deadlines = new ChurningMap<TimerName, number>();
  /** No deadline is earlier: every step asks for each, and mostly none has come. */
  #earliest = Infinity;
  /** The deadline that was the earliest is gone. */
  #isEarliestGone = false;

  set(name: TimerName, at: number): void {
    const before = this.#deadlines.get(name);
    this.#deadlines.set(name, at);
    if (at <= this.#earliest) {
      this.#earliest = at;
      this.#isEarliestGone = false;
    } else if (before === this.#earliest) this.#isEarliestGone = true;
  }

  /** Sets it unless an earlier deadline stands. */
  setNoLaterThan(name: TimerName, at: number): void {
    const standing = this.#deadlines.get(name);
    if (standing === undefined || standing > at) this.set(name, at);
  }

  clear(name: TimerName): void {
    const at = this.#deadlines.get(name);
    if (at === undefined) return;
    this.#deadlines.delete(name);
    if (at === this.#earliest) this.#isEarliestGone = true;
  }

  clearAll(): void {
    this.#deadlines.clear();
    this.#earliest = Infinity;
    this.#isEarliestGone = false;
  }

  /** When it fires; undefined while it is not set. */
  at(name: TimerName): number | undefined {
    return this.#deadlines.get(name);
  }

  /** All that are set. */
  all(): readonly { readonly name: TimerName; readonly atUs: number }[] {
    return [...this.#deadlines].map(([name, atUs]) => ({ name, atUs }));
  }

  isSet(name: TimerName): boolean {
    return this.#deadlines.has(name);
  }

  /** True once when the deadline has come; it is then cleared. */
  fires(name: TimerName, now: number): boolean {
    if (this.#earliest > now) return false;
    const at = this.#deadlines.get(name);
    if (at === undefined || at > now) return false;
    this.clear(name);
    return true;
  }

  /** The earliest deadline, or undefined. */
  next(): number | undefined {
    if (this.#isEarliestGone) {
      this.#earliest = Infinity;
      for (const at of this.#deadlines.values()) this.#earliest = Math.min(this.#earliest, at);
      this.#isEarliestGone = false;
    }
    return this.#earliest === Infinity ? undefined : this.#earliest;
  }
}
