/** The tables of a state database, in LMDB: binary keys and values, read one by one, written in batches that are counted. */
import { mkdirSync } from 'node:fs';
import { open } from 'lmdb';
import type { Database, RootDatabase } from 'lmdb';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { WriteFailed, faultOf } from './state-fault.ts';
import type { StateFault } from './state-fault.ts';

export type Table = Database<Buffer, Buffer>;

export interface DatabaseOptions {
  readonly path: string;
  /** `sync`: a commit is on disk when it is told. `async`: the system writes it when it likes; a crash of the machine may lose or damage it. */
  readonly durability: 'sync' | 'async';
  readonly readOnly?: boolean;
}

/** What lmdb's type of a table leaves out: a key above all others is put without a search, and fills its pages. */
interface Appending {
  put(key: Buffer, value: Buffer, options: { readonly append: boolean }): Promise<boolean>;
}

/** How many records `ids` may name: 2^48. */
const ID_BYTES = 6;

export function idKey(id: number): Buffer {
  const key = Buffer.allocUnsafe(ID_BYTES);
  key.writeUIntBE(id, 0, ID_BYTES);
  return key;
}

export function idOfKey(key: Buffer): number {
  return key.readUIntBE(0, ID_BYTES);
}

const REMOVAL_BYTES = 300;

export class StateDatabase {
  readonly path: string;
  readonly pages: Table;
  readonly leaves: Table;
  readonly entries: Table;
  readonly dead: Table;
  readonly meta: Table;
  readonly #root: RootDatabase<Buffer, Buffer>;
  /** The commits that are awaited; all puts of one turn of the event loop share one. */
  readonly #commits = new Set<Promise<boolean>>();
  #pendingBytes = 0;
  #writtenBytes = 0;
  /** Above every number written to pages and to leaves: only beyond it is a record appended. */
  #appendable = { pages: 0, leaves: 0 };

  private constructor(options: DatabaseOptions, root: RootDatabase<Buffer, Buffer>) {
    this.path = options.path;
    this.#root = root;
    const table = (name: string): Table => root.openDB<Buffer, Buffer>({ name, ...BINARY });
    this.pages = table('pages');
    this.leaves = table('leaves');
    this.entries = table('entries');
    this.dead = table('dead');
    this.meta = table('meta');
  }

  static open(options: DatabaseOptions): Result<StateDatabase, StateFault> {
    const { path, durability, readOnly = false } = options;
    try {
      if (!readOnly) mkdirSync(path, { recursive: true });
      const noSync = durability === 'async';
      const root = open<Buffer, Buffer>({ path, ...BINARY, maxDbs: 8, overlappingSync: false, noSync, readOnly });
      return ok(new StateDatabase(options, root));
    } catch (error) {
      return fail(faultOf(error, path));
    }
  }

  /** Bytes of keys and values that were written and not yet committed. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Bytes of keys and values written since the database was opened. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  put(table: Table, key: Buffer, value: Buffer): void {
    this.#count(table.put(key, value), key.length + value.length);
  }

  /** Puts a record with a number, most quickly and densely if the number is above all others. */
  putNumbered(table: 'pages' | 'leaves', id: number, value: Buffer): void {
    const isLast = id >= this.#appendable[table];
    const target: Appending = this[table];
    const committed = target.put(idKey(id), value, { append: isLast });
    if (isLast) this.#appendable[table] = id + 1;
    this.#count(committed, ID_BYTES + value.length);
  }

  remove(table: Table, key: Buffer): void {
    // What a removal costs in memory is not the key alone.
    this.#count(
      table.remove(key).then(() => true),
      key.length + REMOVAL_BYTES,
    );
  }

  /** Removes all records of a table. */
  clear(table: Table): void {
    this.#count(
      table.clearAsync().then(() => true),
      0,
    );
  }

  /** All that was written so far is committed, and on disk if the durability says so. Throws `WriteFailed`; then none of it may be relied on. */
  async committed(): Promise<void> {
    const commits = [...this.#commits];
    this.#commits.clear();
    this.#pendingBytes = 0;
    const results = await Promise.allSettled(commits);
    for (const result of results) {
      if (result.status === 'rejected') throw new WriteFailed(faultOf(await causeOf(result.reason), this.path));
      if (!result.value) throw new WriteFailed(faultOf(new Error('a record stands where none should be'), this.path));
    }
  }

  /** Copies the database as it is now, without its unused space, while it is in use. */
  async backup(path: string): Promise<void> {
    await this.#root.backup(path, true);
  }

  async close(): Promise<void> {
    await this.#root.close();
  }

  #count(committed: Promise<boolean>, bytes: number): void {
    // Whoever awaits `committed` hears of a failure; until then it must not count as one that nobody handles.
    committed.catch(() => undefined);
    this.#commits.add(committed);
    this.#pendingBytes += bytes;
    this.#writtenBytes += bytes;
  }
}

const BINARY = { encoding: 'binary', keyEncoding: 'binary' } as const;

/** LMDB tells the cause of a failed commit by a second promise. */
async function causeOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { readonly commitError?: Promise<unknown> };
  if (commitError === undefined) return error;
  try {
    await commitError;
    return error;
  } catch (cause) {
    return cause;
  }
}
