/**
 * The index by which entries are read in the order of their keys: a table with the keys alone. What they hold is read from the tree, which finds
 * any key, so that nothing the index may say or leave out changes the value of a key.
 */
import type { Bytes } from '../../base/bytes.ts';
import type { Entry } from '../../base/key-value.ts';
import { MerkleTree, keyText } from '../../state/index.ts';
import type { KeyText, Leaf, Node, Sha256, Source } from '../../state/index.ts';
import type { StateDatabase } from './database.ts';
import type { PageStore } from './page-store.ts';

const ROW = Buffer.from([1]);

export function putRow(database: StateDatabase, key: Bytes): void {
  database.put(database.entries, Buffer.from(key), ROW);
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
  /** The row of the key is about to come or to go. */
  readonly isChanging: (key: KeyText) => boolean;
}

export class EntriesTable implements Source {
  readonly #parts: EntriesTableParts;

  constructor(parts: EntriesTableParts) {
    this.#parts = parts;
  }

  find(key: KeyText): Entry | undefined {
    const leaf = this.inTree(Buffer.from(key, 'latin1'));
    return leaf === undefined ? undefined : this.#parts.store.entry(leaf);
  }

  *scan(from: KeyText, to: KeyText | undefined): Generator<Entry, void, undefined> {
    const start = from === '' ? {} : { start: Buffer.from(from, 'latin1') };
    const end = to === undefined ? {} : { end: Buffer.from(to, 'latin1') };
    if (to === '' || (to !== undefined && to <= from)) return;
    for (const { key } of this.#parts.database.rows({ ...start, ...end })) {
      const leaf = this.checkedLeaf(key);
      if (leaf !== undefined) yield this.#parts.store.entry(leaf);
    }
  }

  /** The leaf of a key that has a row; undefined if that is being changed. Throws `RecordDamaged` if the tree has none. */
  checkedLeaf(key: Buffer): Leaf | undefined {
    const leaf = this.inTree(key);
    if (leaf !== undefined || this.isChanging(key)) return leaf;
    throw this.#parts.database.damage('entries', key.toString('hex'), 'the tree has no such key');
  }

  isChanging(key: Bytes): boolean {
    return this.#parts.isChanging(keyText(key));
  }

  /** The leaf that the tree has of a key. */
  inTree(key: Bytes): Leaf | undefined {
    const { sha256, store, tree } = this.#parts;
    return new MerkleTree({ sha256, store, onReplaced: () => undefined }, tree()).leaf(key);
  }
}
