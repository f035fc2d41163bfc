/** Collects everything that is wrong with a value from outside while taking it apart. It never throws and never stops at the first problem. */
import { nearestName } from './nearest-name.ts';

/** One thing that is wrong with a configuration file. */
export interface FileProblem {
  /** Where: `http.port`, `replicas[2].signing`; empty for the file as a whole. */
  readonly path: string;
  /** What stands there; undefined when it is missing. */
  readonly value: unknown;
  /** What would be right. */
  readonly allowed: string;
  /** For an unknown name: the known one that was probably meant. */
  readonly nearest: string | undefined;
}

export type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Each method reads one value, notes a problem if it is not what it must be, and then returns undefined or the default. */
export class Checklist {
  readonly #problems: FileProblem[] = [];

  get problems(): readonly FileProblem[] {
    return this.#problems;
  }

  note(path: string, value: unknown, allowed: string, nearest?: string): undefined {
    this.#problems.push({ path, value, allowed, nearest });
    return undefined;
  }

  /** An object with no other fields than `known`; each unknown one is a problem of its own. */
  fields(path: string, value: unknown, known: readonly string[]): Fields | undefined {
    if (!isFields(value)) return this.note(path, value, 'an object in { }');
    for (const name of Object.keys(value)) {
      if (known.includes(name)) continue;
      this.note(
        join(path, name),
        value[name],
        `no such field; known are ${known.join(', ')}`,
        nearestName(name, known),
      );
    }
    return value;
  }

  list(
    path: string,
    value: unknown,
    bounds: { readonly min: number; readonly max: number },
  ): readonly unknown[] | undefined {
    const { min, max } = bounds;
    const allowed = `a list of ${min} to ${max} entries`;
    if (!Array.isArray(value)) return this.note(path, value, allowed);
    const list: readonly unknown[] = value;
    return list.length >= min && list.length <= max ? list : this.note(path, `${list.length} entries`, allowed);
  }

  integer(path: string, value: unknown, bounds: { readonly min: number; readonly max: number }): number | undefined {
    const { min, max } = bounds;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
    return this.note(path, value, `an integer from ${min} to ${max}`);
  }

  boolean(path: string, value: unknown): boolean | undefined {
    return typeof value === 'boolean' ? value : this.note(path, value, 'true or false');
  }

  /** Text that `holds` accepts. */
  text(path: string, value: unknown, allowed: string, holds: (text: string) => boolean): string | undefined {
    return typeof value === 'string' && holds(value) ? value : this.note(path, value, allowed);
  }

  choice<Choice extends string>(path: string, value: unknown, choices: readonly Choice[]): Choice | undefined {
    const chosen = choices.find((choice) => choice === value);
    if (chosen !== undefined) return chosen;
    const nearest = typeof value === 'string' ? nearestName(value, choices) : undefined;
    return this.note(path, value, choices.map((choice) => `"${choice}"`).join(' or '), nearest);
  }
}

/** `replicas[2]` and `host` → `replicas[2].host`. */
export function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
