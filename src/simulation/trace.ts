/**
 * What happened in a run: a hash over all of it, so that two runs can be told apart; the last lines, for a failure; every line, when somebody
 * listens. Lines are written only when they are read.
 */
import type { Bytes } from '../base/bytes.ts';

interface Line {
  readonly time: number;
  readonly text: () => string;
}

/** How many lines a failure shows. */
const KEPT = 120;

/** A fast 32-bit mix of some bytes; no security in it. */
export function checksum(bytes: Bytes): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i += 1) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
  return hash >>> 0;
}

/** Owns the hash and the ring of last lines. */
export class Trace {
  readonly #listener: ((line: string) => void) | undefined;
  readonly #ring: (Line | undefined)[] = Array.from({ length: KEPT }, () => undefined);
  #count = 0;
  #low = 0x9dc5;
  #high = 0x811c;

  constructor(listener?: (line: string) => void) {
    this.#listener = listener;
  }

  /** Number of things that happened. */
  get count(): number {
    return this.#count;
  }

  /** 16 hexadecimal characters over everything so far. */
  get hash(): string {
    return (this.#high >>> 0).toString(16).padStart(8, '0') + (this.#low >>> 0).toString(16).padStart(8, '0');
  }

  /** `what` tells apart what may happen at one time: numbers of parties, a checksum. `text` is called when somebody reads it, or never. */
  add(time: number, what: readonly number[], text: () => string): void {
    this.#mix(time >>> 0);
    this.#mix(Math.floor(time / 0x100000000));
    for (const number of what) this.#mix(number);
    this.#ring[this.#count % KEPT] = { time, text };
    this.#count += 1;
    this.#listener?.(format({ time, text }));
  }

  /** The last lines, oldest first. */
  tail(): readonly string[] {
    const lines: string[] = [];
    for (let at = Math.max(0, this.#count - KEPT); at < this.#count; at += 1) {
      const line = this.#ring[at % KEPT];
      if (line !== undefined) lines.push(format(line));
    }
    return lines;
  }

  #mix(number: number): void {
    this.#low = Math.imul(this.#low ^ number, 0x01000193) ^ (this.#low >>> 13);
    this.#high = Math.imul(this.#high + number, 0x27d4eb2f) ^ (this.#high >>> 15);
  }
}

/** Virtual milliseconds, then what happened. */
function format({ time, text }: Line): string {
  return `${(time / 1000).toFixed(3).padStart(11)}  ${text()}`;
}
