/**
 * Guards of plain data that comes from a file: each says of a value whether it is what it should be, and notes every problem with its path. Own
 * nothing. They only look: what is accepted is the value itself.
 */

/** Something that a file holds and must not, or lacks. */
export interface DataProblem {
  /** `liars[0].behaviour`; empty for the whole. */
  readonly path: string;
  readonly value: unknown;
  readonly allowed: string;
}

/** Where a guard looks, and who is told. */
export interface Place {
  readonly path: string;
  /** All problems so far; guards append to it. */
  readonly problems: DataProblem[];
}

/** True if `value` is one; otherwise a problem has been noted. */
export type Guard<Value> = (value: unknown, place: Place) => value is Value;
/** The same for a value that may be left out. */
export type OptionalGuard<Value> = (value: unknown, place: Place) => value is Value | undefined;

type GuardOf<Value> = undefined extends Value ? OptionalGuard<Exclude<Value, undefined>> : Guard<Value>;
/** A guard for every field: the compiler holds the list to the type. */
export type FieldGuards<Shape> = { readonly [Field in keyof Shape]-?: GuardOf<Shape[Field]> };

function refuse(value: unknown, { path, problems }: Place, allowed: string): false {
  problems.push({ path, value, allowed });
  return false;
}

/** An object with fields of any kind; no array. */
export function isFields(value: unknown): value is { readonly [field: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object with exactly these fields. */
export function shape<Shape extends object>(fields: FieldGuards<Shape>): Guard<Shape> {
  const guards: readonly (readonly [string, (value: unknown, place: Place) => boolean])[] = Object.entries(fields);
  const names = guards.map(([name]) => name);
  return (value, place): value is Shape => {
    if (!isFields(value)) return refuse(value, place, 'an object');
    const within = (name: string): Place => ({ ...place, path: place.path === '' ? name : `${place.path}.${name}` });
    let isGood = true;
    for (const name of Object.keys(value)) {
      if (!names.includes(name)) isGood = refuse(value[name], within(name), `no such field, but ${names.join(', ')}`);
    }
    for (const [name, guard] of guards) {
      if (!guard(Object.hasOwn(value, name) ? value[name] : undefined, within(name))) isGood = false;
    }
    return isGood;
  };
}

/** An array of what `guard` accepts. */
export function list<Element>(guard: Guard<Element>, longest: number): Guard<readonly Element[]> {
  return (value, place): value is readonly Element[] => {
    if (!Array.isArray(value) || value.length > longest) return refuse(value, place, `a list of at most ${longest}`);
    let isGood = true;
    for (const [index, element] of value.entries()) {
      if (!guard(element, { ...place, path: `${place.path}[${index}]` })) isGood = false;
    }
    return isGood;
  };
}

/** An integer between two bounds, both included. */
export function integer(low: number, high: number = Number.MAX_SAFE_INTEGER): Guard<number> {
  const bounds = high === Number.MAX_SAFE_INTEGER ? `an integer from ${low}` : `an integer from ${low} to ${high}`;
  return (value, place): value is number =>
    (typeof value === 'number' && Number.isSafeInteger(value) && value >= low && value <= high) ||
    refuse(value, place, bounds);
}

/** A probability. */
export const fraction: Guard<number> = (value, place): value is number =>
  (typeof value === 'number' && value >= 0 && value <= 1) || refuse(value, place, 'a number from 0 to 1');

export const flag: Guard<boolean> = (value, place): value is boolean =>
  typeof value === 'boolean' || refuse(value, place, 'true or false');

/** One of these texts. */
export function oneOf<Name extends string>(names: readonly Name[]): Guard<Name> {
  return (value, place): value is Name =>
    names.some((name) => name === value) || refuse(value, place, names.map((name) => `"${name}"`).join(', '));
}

/** What `guard` accepts, or nothing. */
export function optional<Value>(guard: Guard<Value>): OptionalGuard<Value> {
  return (value, place): value is Value | undefined => value === undefined || guard(value, place);
}

/** Which guard an object is for is said by its `kind`. */
export function byKind<Value extends { readonly kind: string }>(guards: {
  readonly [Kind in Value['kind']]: Guard<Extract<Value, { readonly kind: Kind }>>;
}): Guard<Value> {
  const table: ReadonlyMap<unknown, (value: unknown, place: Place) => boolean> = new Map(Object.entries(guards));
  const kinds = [...table.keys()].map((kind) => JSON.stringify(kind)).join(', ');
  return (value, place): value is Value => {
    if (!isFields(value)) return refuse(value, place, 'an object');
    const guard = table.get(value['kind']);
    if (guard === undefined) return refuse(value['kind'], { ...place, path: `${place.path}.kind` }, kinds);
    return guard(value, place);
  };
}

/** A problem in one line. */
export function describeProblem({ path, value, allowed }: DataProblem): string {
  const text = value === undefined ? 'missing' : JSON.stringify(value);
  const shown = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
  return `${path === '' ? 'all of it' : path}: ${shown}; allowed: ${allowed}`;
}

const LONGEST_SHOWN = 60;
