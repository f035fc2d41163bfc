/** Reading pages and leaves: each record is checked before it is used, and kept for a while within a bound of bytes. */
import { crc32 } from 'node:zlib';
import type { Bytes } from '../../base/bytes.ts';
import type { Digest } from '../../base/ids.ts';
import type { Entry } from '../../base/key-value.ts';
import { leafHash, nodeHash } from '../../state/index.ts';
import type { Inner, Leaf, Node, NodeStore, Sha256, Stub } from '../../state/index.ts';
import { numberKey } from './database.ts';
import type { StateDatabase } from './database.ts';
import { PageLeaf, parseNode } from './page-codec.ts';
import { RecordCache } from './record-cache.ts';

const CRC_BYTES = 4;
/** Pages with fewer entries below them are not kept: they are most of all, and each is seldom read again. */
const MIN_CACHED_SIZE = 48;

/** The value of a page: a checksum over its number and what it holds, then what it holds. */
export function pageValue(id: number, text: string): Buffer {
  const value = Buffer.allocUnsafe(CRC_BYTES + text.length / 2);
  value.write(text, CRC_BYTES, 'hex');
  value.writeUInt32BE(crc32(value.subarray(CRC_BYTES), crc32(numberKey(id))));
  return value;
}

/** The value of a leaf: the length of the key in 2 bytes, the key, the value of the entry. */
export function leafValue({ key, value }: Entry): Buffer {
  const record = Buffer.allocUnsafe(2 + key.length + value.length);
  record.writeUInt16BE(key.length);
  record.set(key, 2);
  record.set(value, 2 + key.length);
  return record;
}

interface KnownLeaf {
  readonly entry: Entry;
  readonly hash: Digest;
}

export interface PageStoreOptions {
  readonly sha256: Sha256;
  readonly database: StateDatabase;
  readonly pageCacheBytes: number;
  readonly leafCacheBytes: number;
}

export class PageStore implements NodeStore {
  readonly #sha256: Sha256;
  readonly #database: StateDatabase;
  readonly #pages: RecordCache<Inner>;
  readonly #leaves: RecordCache<KnownLeaf>;
  /** The values of pages that were written and are not yet to be read from the database. */
  readonly #uncommitted = new Map<number, Buffer>();

  constructor({ sha256, database, pageCacheBytes, leafCacheBytes }: PageStoreOptions) {
    this.#sha256 = sha256;
    this.#database = database;
    this.#pages = new RecordCache(pageCacheBytes);
    this.#leaves = new RecordCache(leafCacheBytes);
  }

  node(stub: Stub): Inner {
    const id = stub.id ?? 0;
    const known = this.#pages.get(id, pageBytes);
    if (known !== undefined) return this.#checked(id, known, stub);
    const page = this.readPage(stub);
    if (page.size >= MIN_CACHED_SIZE) this.#pages.set(id, page, pageBytes(page));
    return page;
  }

  entry(leaf: Leaf): Entry {
    const { id } = leaf;
    if (id === undefined) return this.readLeaf(leaf);
    const known = this.#leaves.get(id, leafBytes);
    if (known?.hash === leaf.hash) return known.entry;
    const entry = this.readLeaf(leaf);
    const read = { entry, hash: leaf.hash };
    this.#leaves.set(id, read, leafBytes(read));
    return entry;
  }

  /** The entry of a leaf as the database has it, checked. */
  readLeaf(leaf: Leaf): Entry {
    const entry = leaf instanceof PageLeaf ? leaf.read() : this.#readRecord(leaf.id ?? 0);
    const keyDigest = this.#sha256(entry.key);
    const isRight =
      keyDigest === leaf.keyDigest && leafHash(this.#sha256, keyDigest, this.#sha256(entry.value)) === leaf.hash;
    if (isRight) return entry;
    if (leaf.id !== undefined) throw this.#database.damage('leaves', leaf.id, 'its hash differs from that in the tree');
    throw this.#database.damage('pages', Buffer.from(entry.key).toString('hex'), 'an entry differs from its hash');
  }

  #readRecord(id: number): Entry {
    const record = this.#database.read('leaves', id);
    if (record === undefined) throw this.#database.damage('leaves', id, 'it is not there');
    const keyEnd = record.length < 2 ? 0 : 2 + record.readUInt16BE();
    if (keyEnd < 3 || keyEnd > record.length)
      throw this.#database.damage('leaves', id, 'it has not the form of a leaf');
    return { key: copied(record, 2, keyEnd), value: copied(record, keyEnd, record.length) };
  }

  /** The page as the database has it, checked but for the hashes in it. */
  readPage(stub: Stub): Inner {
    const id = stub.id ?? 0;
    const text = this.#pageText(id, this.#uncommitted.get(id) ?? this.#database.read('pages', id));
    const page = parseNode(this.#sha256, text);
    if (page?.kind !== 'inner') throw this.#database.damage('pages', id, 'it has not the form of a page');
    page.id = id;
    return this.#checked(id, page, stub);
  }

  /** As `readPage`, and all hashes in it are checked. */
  readWholePage(stub: Stub): Inner {
    const page = this.readPage(stub);
    const hashed = (node: Node): Digest =>
      node.kind === 'inner' ? nodeHash(this.#sha256, node.bit, hashed(node.left), hashed(node.right)) : node.hash;
    if (hashed(page) === stub.hash) return page;
    throw this.#database.damage('pages', stub.id ?? 0, 'its hashes do not give that of the page');
  }

  #checked(id: number, page: Inner, stub: Stub): Inner {
    if (page.hash !== stub.hash || page.size !== stub.size || page.complete !== stub.complete) {
      throw this.#database.damage('pages', id, 'it is another part of the tree than was asked for');
    }
    return page;
  }

  /** What the value of a page says, its checksum checked. */
  #pageText(id: number, value: Buffer | undefined): string {
    if (value === undefined) throw this.#database.damage('pages', id, 'it is not there');
    const isIntact =
      value.length > CRC_BYTES &&
      value.readUInt32BE() === crc32(value.subarray(CRC_BYTES, value.length), crc32(numberKey(id)));
    if (!isIntact) throw this.#database.damage('pages', id, 'its checksum differs');
    return value.toString('hex', CRC_BYTES, value.length);
  }

  /** A page that has just been written: it is read from here until `forgetWritten`. */
  addWritten(id: number, value: Buffer): void {
    this.#uncommitted.set(id, value);
  }

  /** The pages written so far are committed. */
  forgetWritten(): void {
    this.#uncommitted.clear();
  }

  /** Forgets everything: numbers of pages and leaves will be given again. */
  clear(): void {
    this.#uncommitted.clear();
    this.#pages.clear();
    this.#leaves.clear();
  }
}

/** What a page takes in memory: its text, and its nodes with what they hold. */
function pageBytes(page: Inner): number {
  return 300 + 3 * (page.encoded?.length ?? 0);
}

function leafBytes({ entry }: KnownLeaf): number {
  return 500 + entry.key.length + entry.value.length;
}

/** Small arrays of their own take little memory; parts of a larger one would keep all of it. */
function copied(record: Buffer, from: number, to: number): Bytes {
  const bytes = new Uint8Array(to - from);
  bytes.set(record.subarray(from, to));
  return bytes;
}
