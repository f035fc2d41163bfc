/**
 * How the nodes of the state's tree are written. A page holds one inner node and what of the tree below it fits, in preorder; what does not fit
 * is a page of its own, named by its number and hash. Written as hexadecimal text: a part that has not changed is the same text wherever it stands.
 *
 *     inner:    01  bit 1   hash 32   left …   right …
 *     leaf:     02  id 6    hash 32   key digest 32
 *     entry:    06          hash 32   lengths of key and value 2, 2   key   value
 *     page:     03  id 6    hash 32   entries below 5       04 instead of 03: something below is missing (an assembly under way)
 *     missing:  05          hash 32
 */
import { EMPTY } from '../../base/bytes.ts';
import type { Bytes } from '../../base/bytes.ts';
import type { Digest } from '../../base/ids.ts';
import type { Entry } from '../../base/key-value.ts';
import { makeInner, makeMissing } from '../../state/index.ts';
import type { Inner, Leaf, Node, Sha256, Stub } from '../../state/index.ts';

/** At most so many characters of text in a page: three such pages of 1,300 bytes fill one of 4,096 in the database. */
export const MAX_PAGE_TEXT = 2 * 1300;

const HASH = 64;
const ID = 12;
const SIZE = 10;
const INNER_HEAD = 4 + HASH;
const ENTRY_HEAD = 2 + HASH + 8;
/** Entries of at most so many bytes stand in their pages. */
export const MAX_PAGE_ENTRY = 256;

/** How many characters an inner node takes over those of its two sides. */
export const INNER_TEXT = INNER_HEAD;
function hex(value: number, length: number): string {
  return value.toString(16).padStart(length, '0');
}

export function innerText(bit: number, hash: Digest, left: string, right: string): string {
  return `01${hex(bit, 2)}${hash}${left}${right}`;
}

/** A leaf that has a record of its own, or, if it is short, the leaf with its entry. Requires: it has one or the other. */
export function leafText(leaf: Leaf): string {
  if (leaf instanceof PageLeaf) return leaf.text;
  if (leaf.id !== undefined) return `02${hex(leaf.id, ID)}${leaf.hash}${leaf.keyDigest}`;
  const { key, value } = leaf.entry ?? { key: EMPTY, value: EMPTY };
  return `06${leaf.hash}${hex(key.length, 4)}${hex(value.length, 4)}${hexOf(key)}${hexOf(value)}`;
}

/** An entry that stands in its page: its text, taken apart when it is needed. */
export class PageLeaf implements Leaf {
  readonly kind = 'leaf';
  readonly hash: Digest;
  readonly entry = undefined;
  readonly id = undefined;
  readonly text: string;
  readonly #sha256: Sha256;
  #keyDigest: Digest | undefined;

  constructor(sha256: Sha256, hash: Digest, text: string) {
    this.#sha256 = sha256;
    this.hash = hash;
    this.text = text;
  }

  get keyDigest(): Digest {
    this.#keyDigest ??= this.#sha256(this.read().key);
    return this.#keyDigest;
  }

  /** The entry, not checked. */
  read(): Entry {
    const keyEnd = ENTRY_HEAD + 2 * Number.parseInt(this.text.slice(2 + HASH, 6 + HASH), 16);
    return { key: bytesOf(this.text.slice(ENTRY_HEAD, keyEnd)), value: bytesOf(this.text.slice(keyEnd)) };
  }
}

function hexOf(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

function bytesOf(text: string): Bytes {
  const bytes = new Uint8Array(text.length / 2);
  bytes.set(Buffer.from(text, 'hex'));
  return bytes;
}

export function stubText(stub: Stub): string {
  if (stub.id === undefined) return `05${stub.hash}`;
  return `${stub.complete ? '03' : '04'}${hex(stub.id, ID)}${stub.hash}${hex(stub.size, SIZE)}`;
}

/** The node that `text` is, whole and nothing else; undefined if it is none. */
export function parseNode(sha256: Sha256, text: string): Node | undefined {
  const parser = new Parser(sha256, text);
  const node = parser.node(-1);
  return parser.isAtEnd ? node : undefined;
}

class Parser {
  readonly #sha256: Sha256;
  readonly #text: string;
  #at = 0;

  constructor(sha256: Sha256, text: string) {
    this.#sha256 = sha256;
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
    if (kind === '06') {
      const hash = this.#digest();
      this.#take(2 * (this.#number(4) + this.#number(4)));
      return new PageLeaf(this.#sha256, hash, this.#text.slice(start, this.#at));
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
