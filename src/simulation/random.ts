/** Randomness of the simulator alone: xoshiro128** in named streams, so that drawing more in one place moves nothing elsewhere. */
import { assert } from '../base/assert.ts';

/** FNV-1a over a text, 32 bits: parts the streams of one seed. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** One stream. Owns its four words of state; the same seed and name give the same numbers on every machine. */
export class Random {
  readonly #seed: number;
  readonly #name: string;
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** `seed`: an integer from 0 to 2^53−1. */
  constructor(seed: number, name: string) {
    assert(Number.isSafeInteger(seed) && seed >= 0, 'a seed is an integer from 0');
    this.#seed = seed;
    this.#name = name;
    // splitmix32 spreads neighbouring seeds over the whole state.
    let word = (hashText(name) ^ seed ^ Math.imul(Math.floor(seed / 0x100000000), 0x9e3779b1)) >>> 0;
    const next = (): number => {
      word = (word + 0x9e3779b9) >>> 0;
      let mixed = word;
      mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
      return (mixed ^ (mixed >>> 15)) >>> 0;
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next() | 1;
  }

  /** An independent stream of the same seed. */
  fork(name: string): Random {
    return new Random(this.#seed, `${this.#name}/${name}`);
  }

  /** 32 random bits. */
  next(): number {
    const scaled = Math.imul(this.#b, 5);
    const result = Math.imul((scaled << 7) | (scaled >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** A number from 0 up to, not including, 1. */
  fraction(): number {
    return this.next() / 0x100000000;
  }

  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return probability > 0 && this.fraction() < probability;
  }

  /** One of `choices`. Requires: not empty. */
  pick<Choice>(choices: readonly Choice[]): Choice {
    const [choice] = choices.slice(this.between(0, choices.length - 1));
    assert(choice !== undefined, 'there is something to pick from');
    return choice;
  }

  /** The same elements in another order. */
  shuffle<Element>(elements: readonly Element[]): Element[] {
    const rest = [...elements];
    const shuffled: Element[] = [];
    while (rest.length > 0) shuffled.push(...rest.splice(this.between(0, rest.length - 1), 1));
    return shuffled;
  }
}
