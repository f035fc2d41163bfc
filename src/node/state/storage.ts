/** What all work on a state database shares: its tables, what is committed, and which numbers are free. */
import { StateDamaged } from '../../base/key-value.ts';
import { MerkleTree, treeDifference } from '../../state/index.ts';
import type { Node, Sha256 } from '../../state/index.ts';
import { idKey, numberKey } from './database.ts';
import type { StateDatabase } from './database.ts';
import { epochOf } from './dead-list.ts';
import type { DeadRecord } from './dead-list.ts';
import { putRow, removeRow } from './entries-table.ts';
import type { PageStore } from './page-store.ts';
import type { Slices } from './slices.ts';
import { putMeta } from './state-meta.ts';
import type { StateMeta, StoredRoot, StoredVersion } from './state-meta.ts';
import { TreeWriter } from './tree-writer.ts';
import type { Numbers } from './tree-writer.ts';

/** So much is put before its commit is awaited. */
const MAX_PENDING_BYTES = 4 * 1024 * 1024;
/** So many records are removed before that. */
const MAX_REMOVALS = 5000;

export interface StorageParts {
  readonly sha256: Sha256;
  readonly database: StateDatabase;
  readonly store: PageStore;
  readonly slices: Slices;
  readonly meta: StateMeta;
}

export class Storage {
  readonly sha256: Sha256;
  readonly database: StateDatabase;
  readonly store: PageStore;
  readonly slices: Slices;
  /** The next numbers to be given; those of uncommitted records are given again after a failure. */
  readonly numbers: Numbers;
  #meta: StateMeta;
  /** What is being committed. */
  #upcoming: StateMeta | undefined;
  #lastEpoch: number;

  constructor({ sha256, database, store, slices, meta }: StorageParts) {
    this.sha256 = sha256;
    this.database = database;
    this.store = store;
    this.slices = slices;
    this.#meta = meta;
    this.numbers = { page: meta.nextPage, leaf: meta.nextLeaf };
    this.#lastEpoch = Math.max(0, ...meta.dead, ...meta.versions.map(({ epoch }) => epoch));
  }

  /** What is committed. */
  get meta(): StateMeta {
    return this.#meta;
  }

  /** The version that was made last, or is being committed. */
  get latest(): StoredVersion | undefined {
    return (this.#upcoming ?? this.#meta).versions.at(-1);
  }

  /** An epoch that no version and no list of dead records has had since the database was opened. */
  nextEpoch(): number {
    this.#lastEpoch += 1;
    return this.#lastEpoch;
  }

  tree(node: Node | undefined, onReplaced: (record: Node) => void = () => undefined): MerkleTree {
    return new MerkleTree({ sha256: this.sha256, store: this.store, onReplaced }, node);
  }

  writer(): TreeWriter {
    const { sha256, database, store, numbers, slices } = this;
    return new TreeWriter({ sha256, database, store, numbers, slices });
  }

  /** Everything put so far is committed. */
  async commit(): Promise<void> {
    await this.slices.waitFor(this.database.committed());
    this.store.forgetWritten();
  }

  /** As `commit`, with the record that makes what was written count; what `work` puts and removes is committed with it, as a whole. */
  async commitMeta(changes: Partial<StateMeta>, work: () => void = () => undefined): Promise<void> {
    const meta = { ...this.#meta, nextPage: this.numbers.page, nextLeaf: this.numbers.leaf, ...changes };
    this.database.atomically(() => {
      work();
      putMeta(this.database, meta);
    });
    this.#upcoming = meta;
    // Not `waitFor`: work that is given up meanwhile has been committed all the same.
    this.slices.end();
    try {
      await this.database.committed();
      this.#meta = meta;
    } finally {
      this.#upcoming = undefined;
      this.slices.start();
    }
    this.store.forgetWritten();
  }

  /** After a failure, or work that was given up: what is not committed does not count, and its numbers are free again. */
  forgetUncommitted(): void {
    this.numbers.page = this.#meta.nextPage;
    this.numbers.leaf = this.#meta.nextLeaf;
    this.store.clear();
  }

  remove({ table, id }: DeadRecord): void {
    this.database.remove(this.database[table], numberKey(id));
  }

  /** Lets others have their turn when it is time, and awaits the commit of what was put when that is much. */
  async pace(): Promise<void> {
    if (this.database.pendingBytes > MAX_PENDING_BYTES) await this.commit();
    else if (this.slices.isOver) await this.slices.pause();
  }

  /** Removes what a process left behind that was stopped before it committed it. */
  async removeUncommitted(): Promise<void> {
    const { database, numbers } = this;
    for (const [table, first] of [
      [database.pages, numbers.page],
      [database.leaves, numbers.leaf],
    ] as const) {
      for (let keys = [idKey(0)]; keys.length > 0;) {
        keys = [...table.getKeys({ start: idKey(first), limit: MAX_REMOVALS })];
        for (const key of keys) database.remove(table, key);
        await this.commit();
      }
    }
    const valid = new Set(this.#meta.dead);
    for (let after = Buffer.alloc(1); ;) {
      const keys: Buffer[] = [...database.dead.getKeys({ start: after, limit: MAX_REMOVALS })];
      const last = keys.at(-1);
      if (last === undefined) return;
      for (const key of keys) if (!valid.has(epochOf(key))) database.remove(database.dead, key);
      await this.commit();
      after = Buffer.concat([last, Buffer.alloc(1)]);
    }
  }

  /** Makes the table of entries the index of `target`, whatever it was left as. */
  async bringEntries(target: StoredRoot): Promise<void> {
    const trees = this.#meta.entriesOf;
    try {
      if (trees !== undefined) {
        for (const tree of trees) if (!isSameTree(tree, target)) await this.#changeEntries(tree, target);
        await this.commitMeta({ entriesOf: [target] });
        return;
      }
    } catch (error) {
      if (!(error instanceof StateDamaged)) throw error;
    }
    await this.rebuildEntries(target);
  }

  /** Fills the table of entries from the tree alone. */
  async rebuildEntries(target: StoredRoot): Promise<void> {
    const { database, store } = this;
    await this.commitMeta({ entriesOf: undefined });
    database.clear(database.entries);
    await this.commit();
    const compared = { store, before: undefined, after: target, isSame: isSameRecord };
    for (const { node } of treeDifference(compared)) {
      if (node.kind === 'leaf') putRow(database, store.entry(node).key);
      await this.pace();
    }
    await this.commitMeta({ entriesOf: [target] });
  }

  async #changeEntries(before: StoredRoot, after: StoredRoot): Promise<void> {
    const { database, store } = this;
    for (const { side, node } of treeDifference({ store, before, after, isSame: isSameRecord })) {
      if (node.kind !== 'leaf') continue;
      const { key } = store.entry(node);
      if (side === 'gone') removeRow(database, key);
      else putRow(database, key);
      await this.pace();
    }
  }
}

/** Both are the same record of the database, so that all below them is the same too; or the same entry, where it has no record of its own. */
export function isSameRecord(before: Node, after: Node): boolean {
  if (before.kind === 'leaf' && after.kind === 'leaf' && before.id === undefined) return before.hash === after.hash;
  return before.id !== undefined && before.id === after.id && (before.kind === 'leaf') === (after.kind === 'leaf');
}

export function isSameTree(one: StoredRoot, other: StoredRoot): boolean {
  return one === undefined || other === undefined ? one === other : isSameRecord(one, other);
}
