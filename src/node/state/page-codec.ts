/**
 * How the nodes of the state's tree are written. A page holds one inner node and what of the tree below it fits, in preorder; what does not fit
 * is a page of its own, named by its number and hash. Written as hexadecimal text: a part that has not changed is the same text wherever it stands.
 *
 *     inner:    01  bit 1   hash 32   left …   right …
 *     leaf:     02  id 6    hash 32   key digest 32
 *     page:     03  id 6    hash 32   entries below 5       04 instead of 03: something below is missing (an assembly under way)
 *     missing:  05          hash 32
 */
import type { Digest } from '../../base/ids.ts';
import { makeInner, makeMissing } from '../../state/index.ts';
import type { Inner, Leaf, Node, Stub } from '../../state/index.ts';

/** At most so many characters of text in a page: three such pages of 1,300 bytes fill one of 4,096 in the database. */
export const MAX_PAGE_TEXT = 2 * 1300;

const HASH = 64;
const ID = 12;
const SIZE = 10;
const INNER_HEAD = 4 + HASH;

/** How many characters an inner node takes over those of its two sides. */
export const INNER_TEXT = INNER_HEAD;
function hex(value: number, length: number): string {
  return value.toString(16).padStart(length, '0');
}

export function innerText(bit: number, hash: Digest, left: string, right: string): string {
  return `01${hex(bit, 2)}${hash}${left}${right}`;
}

/** Requires: the leaf is stored. */
export function leafText(leaf: Leaf): string {
  return `02${hex(leaf.id ?? 0, ID)}${leaf.hash}${leaf.keyDigest}`;
}

export function stubText(stub: Stub): string {
  if (stub.id === undefined) return `05${stub.hash}`;
  return `${stub.complete ? '03' : '04'}${hex(stub.id, ID)}${stub.hash}${hex(stub.size, SIZE)}`;
}

/** The node that `text` is, whole and nothing else; undefined if it is none. */
export function parseNode(text: string): Node | undefined {
  const parser = new Parser(text);
  const node = parser.node(-1);
  return parser.isAtEnd ? node : undefined;
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  /** `above`: the bit of the node above; the nodes below one another have rising bits, which bounds the recursion. */
  node(above: number): Node | undefined {
    const start = this.#at;
    const kind = this.#take(2);
    if (kind === '01') return this.#inner(start, above);
    if (kind === '02') {
      const id = this.#number(ID);
      const hash = this.#digest();
      return { kind: 'leaf', keyDigest: this.#digest(), hash, entry: undefined, id };
    }
    if (kind === '03' || kind === '04') {
      const id = this.#number(ID);
      const hash = this.#digest();
      return { kind: 'stub', hash, id, size: this.#number(SIZE), complete: kind === '03' };
    }
    return kind === '05' ? makeMissing(this.#digest()) : undefined;
  }

  #inner(start: number, above: number): Inner | undefined {
    const bit = this.#number(2);
    const hash = this.#digest();
    if (bit <= above) return undefined;
    const left = this.node(bit);
    const right = left === undefined ? undefined : this.node(bit);
    if (left === undefined || right === undefined) return undefined;
    const inner = makeInner(bit, left, right);
    inner.hash = hash;
    inner.encoded = this.#text.slice(start, this.#at);
    return inner;
  }

  #take(length: number): string {
    const taken = this.#text.slice(this.#at, this.#at + length);
    this.#at += length;
    return taken;
  }

  #number(length: number): number {
    return Number.parseInt(this.#take(length), 16);
  }

  #digest(): Digest {
    return this.#take(HASH) as Digest;
  }
}
