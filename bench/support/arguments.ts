/** The arguments of a benchmark of one part: values in their order, each with what it usually is, and flags. Whatever does not fit is told, with what would. */
import { fail, ok } from '../../src/base/result.ts';
import type { Result } from '../../src/base/result.ts';

/** What may stand at one place of the command line. */
export interface Place<Value> {
  /** As the usage shows it. */
  readonly shown: string;
  /** Where nothing stands there. */
  readonly usual: Value;
  /** What it has to be, in words. */
  readonly expected: string;
  /** undefined: the word is no such value. */
  readonly read: (word: string) => Value | undefined;
}

type ValuesOf<Places extends readonly Place<unknown>[]> = {
  readonly [Index in keyof Places]: Places[Index] extends Place<infer Value> ? Value : never;
};

export interface Arguments<Values> {
  readonly values: Values;
  readonly flags: ReadonlySet<string>;
}

/** A whole number from `least` on. */
export function whole(shown: string, usual: number, least = 1): Place<number> {
  return {
    shown,
    usual,
    expected: `a whole number from ${least} on`,
    read: (word) => {
      const value = /^\d+$/.test(word) ? Number(word) : Number.NaN;
      return Number.isSafeInteger(value) && value >= least ? value : undefined;
    },
  };
}

/** One of these words, usually the first. */
export function oneOf<const Word extends string>(words: readonly [Word, ...Word[]]): Place<Word> {
  const shown = words.join('|');
  return { shown, usual: words[0], expected: shown, read: (word) => words.find((each) => each === word) };
}

/** The values and flags in `words`; or what is wrong with them, and how they are to be, in two lines. */
export function parseArguments<const Places extends readonly Place<unknown>[]>(
  script: string,
  words: readonly string[],
  { places, flags = [] }: { readonly places: Places; readonly flags?: readonly string[] },
): Result<Arguments<ValuesOf<Places>>, string> {
  const usage = [
    'usage: node bench/',
    script,
    ...[...places.map(({ shown }) => shown), ...flags].map((part) => ` [${part}]`),
  ];
  const refuse = (problem: string): { readonly ok: false; readonly error: string } =>
    fail(`${problem}\n${usage.join('')}`);
  const given = words.filter((word) => !word.startsWith('-'));
  const unknown = words.find((word) => word.startsWith('-') && !flags.includes(word));
  if (unknown !== undefined) return refuse(`"${unknown}" is no option of ${script}`);
  if (given.length > places.length) return refuse(`"${given[places.length]}" is one argument too many`);
  const values: unknown[] = [];
  for (const [index, place] of places.entries()) {
    const word = given[index];
    const value = word === undefined ? place.usual : place.read(word);
    if (value === undefined) return refuse(`${place.shown} is "${word}"; it has to be ${place.expected}`);
    values.push(value);
  }
  return ok({
    values: values as unknown as ValuesOf<Places>,
    flags: new Set(words.filter((word) => flags.includes(word))),
  });
}

/** Those that this process was started with. Ends it with exit code 2, and says why, where they do not fit. */
export function argumentsOf<const Places extends readonly Place<unknown>[]>(
  script: string,
  spec: { readonly places: Places; readonly flags?: readonly string[] },
): Arguments<ValuesOf<Places>> {
  const parsed = parseArguments(script, process.argv.slice(2), spec);
  if (parsed.ok) return parsed.value;
  console.error(parsed.error);
  process.exit(2);
}
