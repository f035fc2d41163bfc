/** Conditions on what happens, as data: where the words of a told scenario belong, and what a challenge asks for. Pure. */
import type { Happening, LabEvent, LabEventKind } from './lab-event.ts';

/** An event fits when every field named here is as it says; `message.type` is the field of a field. */
export interface Pattern {
  readonly kind: LabEventKind;
  readonly where?: { readonly [path: string]: string | number | boolean | null };
  /** The field at this path is at least so much. */
  readonly atLeast?: { readonly [path: string]: number };
}

export function fits(event: LabEvent, { kind, where = {}, atLeast = {} }: Pattern): boolean {
  if (event.kind !== kind) return false;
  if (!Object.entries(where).every(([path, value]) => fieldAt(event, path) === value)) return false;
  return Object.entries(atLeast).every(([path, least]) => {
    const value = fieldAt(event, path);
    return typeof value === 'number' && value >= least;
  });
}

function fieldAt(event: unknown, path: string): unknown {
  let value = event;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = new Map<string, unknown>(Object.entries(value)).get(name);
  }
  return value;
}

/** Where the first event from `from` on is that fits; -1: none. */
export function findFitting(happenings: readonly Happening[], pattern: Pattern, from = 0): number {
  return happenings.findIndex(({ event }, index) => index >= from && fits(event, pattern));
}

/** Where each of the patterns is found, one after another: the next one from behind the one before. Undefined from the first that is not there. */
export function findInOrder(
  happenings: readonly Happening[],
  patterns: readonly Pattern[],
): readonly (number | undefined)[] {
  let from = 0;
  return patterns.map((pattern) => {
    const at = from < 0 ? -1 : findFitting(happenings, pattern, from);
    from = at < 0 ? -1 : at + 1;
    return at < 0 ? undefined : at;
  });
}
