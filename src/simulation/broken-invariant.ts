/** What breaks in a run, as plain data: to report it, and to tell whether two runs break alike. Owns nothing. */
import { InvariantViolation } from '../base/assert.ts';
import { Violation } from './observer.ts';

/** An invariant that does not hold, and how it was seen. */
export interface BrokenInvariant {
  /** `agreement`, `durability`, …; `assertion` when a replica stopped itself, `exception` for anything that should not be thrown. */
  readonly invariant: string;
  readonly message: string;
}

/** The broken invariant that was thrown, by a checker or by a replica's own assertion; undefined for any other error. */
export function brokenBy(error: unknown): BrokenInvariant | undefined {
  if (error instanceof Violation) return { invariant: error.invariant, message: error.message };
  if (error instanceof InvariantViolation) return { invariant: 'assertion', message: error.stack ?? error.message };
  return undefined;
}

/** In one line: what was thrown has its stack below. */
export function describeBroken({ invariant, message }: BrokenInvariant): string {
  return `${invariant}: ${firstLine(message)}`;
}

/** The same invariant; of an assertion or an exception, the same text as well: it says what broke. */
export function isSameFailure(left: BrokenInvariant, right: BrokenInvariant): boolean {
  if (left.invariant !== right.invariant) return false;
  const isThrown = left.invariant === 'assertion' || left.invariant === 'exception';
  return !isThrown || firstLine(left.message) === firstLine(right.message);
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
