/** JSON values, as `JSON.parse` returns them: what they may be, and how they are looked into without trusting them. */
import { refuse, within } from '../refusal.ts';

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
/** An object while it is being built; names come from schemas, never from input. */
export type JsonObject = { [name: string]: Json };

/** True for an object that is neither null nor an array. */
export function isJsonObject(value: unknown): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object; refuses anything else (`wrong-type`), and members whose names are not in `names` (`unknown-field`). */
export function openObject(value: unknown, names: ReadonlySet<string>): { readonly [name: string]: Json } {
  if (!isJsonObject(value)) return refuse('wrong-type');
  for (const name of Object.keys(value)) if (!names.has(name)) refuse('unknown-field', printable(name));
  return value;
}

/** The list; refuses anything else (`wrong-type`) and more than `max` items (`oversized`). */
export function openList(value: unknown, max: number): readonly Json[] {
  if (!Array.isArray(value)) return refuse('wrong-type');
  if (value.length > max) refuse('oversized');
  // A copy without holes: what is missing must be seen.
  return Array.from(value as readonly Json[]);
}

/** The member of that name, never an inherited one; undefined if absent. */
export function member(object: { readonly [name: string]: Json }, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Runs `read`, putting `step` in front of the path of what it refuses. */
export function at<T>(step: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    throw within(step, thrown);
  }
}

/**
 * True when `value` is JSON all the way down (no other types, no NaN or infinity) and nests at most `depth` levels. Cost O(size); never throws.
 */
export function isPlainJson(value: unknown, depth: number): value is Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || depth <= 0) return false;
  if (Array.isArray(value)) return value.every((item) => isPlainJson(item, depth - 1));
  return Object.values(value).every((item) => isPlainJson(item, depth - 1));
}

const MAX_NAME_IN_PATH = 64;

/** A name from outside, fit for a path in a log line. */
function printable(name: string): string {
  const short = name.length > MAX_NAME_IN_PATH ? `${name.slice(0, MAX_NAME_IN_PATH)}…` : name;
  return short.replaceAll(/[^ -~…]/g, '?');
}
