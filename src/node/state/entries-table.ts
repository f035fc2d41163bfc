/**
 * The table by which entries are found by their keys and read in the order of them: key → number and hash of the leaf. It is an index of the
 * tree, so each of its rows is checked with the leaf, and that a key is absent with the tree.
 */
import type { Bytes } from '../../base/bytes.ts';
import type { Digest } from '../../base/ids.ts';
import type { Entry } from '../../base/key-value.ts';
import { MerkleTree } from '../../state/index.ts';
import type { KeyText, Leaf, Node, Sha256, Source } from '../../state/index.ts';
import type { StateDatabase } from './database.ts';
import type { PageStore } from './page-store.ts';

const ID_BYTES = 6;
const ROW_BYTES = ID_BYTES + 32;

/** Puts the row of a stored leaf. */
export function putRow(database: StateDatabase, key: Bytes, leaf: Leaf): void {
  const row = Buffer.allocUnsafe(ROW_BYTES);
  row.writeUIntBE(leaf.id ?? 0, 0, ID_BYTES);
  row.write(leaf.hash, ID_BYTES, 'hex');
  database.put(database.entries, Buffer.from(key), row);
}

export function removeRow(database: StateDatabase, key: Bytes): void {
  database.remove(database.entries, Buffer.from(key));
}

export interface EntriesTableParts {
  readonly sha256: Sha256;
  readonly database: StateDatabase;
  readonly store: PageStore;
  /** The root of the tree whose index the table is, but for keys that are being changed. */
  readonly tree: () => Node | undefined;
}

export class EntriesTable implements Source {
  readonly #parts: EntriesTableParts;

  constructor(parts: EntriesTableParts) {
    this.#parts = parts;
  }

  find(keyText: KeyText): Entry | undefined {
    const key = Buffer.from(keyText, 'latin1');
    if (key.length === 0) return undefined;
    const row = this.#parts.database.row(key);
    if (row !== undefined) return this.#parts.store.entry(this.leafOf(key, row));
    if (this.inTree(key) !== undefined)
      throw this.#parts.database.damage('entries', key.toString('hex'), 'it is not there');
    return undefined;
  }

  *scan(from: KeyText, to: KeyText | undefined): Generator<Entry, void, undefined> {
    const start = from === '' ? {} : { start: Buffer.from(from, 'latin1') };
    const end = to === undefined ? {} : { end: Buffer.from(to, 'latin1') };
    if (to === '' || (to !== undefined && to <= from)) return;
    for (const { key, value } of this.#parts.database.rows({ ...start, ...end })) {
      yield this.#parts.store.entry(this.leafOf(key, value));
    }
  }

  /** The leaf that a row names. */
  leafOf(key: Buffer, row: Buffer): Leaf {
    if (row.length !== ROW_BYTES)
      throw this.#parts.database.damage('entries', key.toString('hex'), 'it has not the form of a row');
    const keyDigest = this.#parts.sha256(key);
    const hash = row.toString('hex', ID_BYTES) as Digest;
    return { kind: 'leaf', keyDigest, hash, entry: undefined, id: row.readUIntBE(0, ID_BYTES) };
  }

  /** Throws `RecordDamaged` if a row is not of the leaf that the tree has of its key. */
  checkRow(key: Buffer, row: Buffer, leaf: Leaf | undefined): void {
    const { id, hash } = this.leafOf(key, row);
    if (id === leaf?.id && hash === leaf?.hash) return;
    throw this.#parts.database.damage('entries', key.toString('hex'), 'it is of another leaf than the tree has');
  }

  /** The leaf that the tree has of a key. */
  inTree(key: Bytes): Leaf | undefined {
    const { sha256, store, tree } = this.#parts;
    return new MerkleTree({ sha256, store, onReplaced: () => undefined }, tree()).leaf(key);
  }
}
