/** The tables of a state database, in LMDB: binary keys and values, read one by one, written in batches that are counted. */
import { closeSync, existsSync, mkdirSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import type { Database, RootDatabase } from 'lmdb';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { RecordDamaged, WriteFailed, faultOf } from './state-fault.ts';
import type { StateFault, TableName } from './state-fault.ts';

export type Table = Database<Buffer, Buffer>;

export interface DatabaseOptions {
  readonly path: string;
  /** `sync`: a commit is on disk when it is told. `async`: the system writes it when it likes; a crash of the machine may lose or damage it. */
  readonly durability: 'sync' | 'async';
  readonly readOnly?: boolean;
}

export interface Row {
  readonly key: Buffer;
  readonly value: Buffer;
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

const NUMBER_KEY = Buffer.alloc(ID_BYTES);

/** As `idKey`, for use before the next call: the array is always the same one. */
export function numberKey(id: number): Buffer {
  NUMBER_KEY.writeUIntBE(id, 0, ID_BYTES);
  return NUMBER_KEY;
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
  /** The commits that are awaited; most puts that one transaction commits share one. */
  #commits: Promise<unknown>[] = [];
  /** Those of appended records: false if a record with a higher key is there. */
  #appends: Promise<boolean>[] = [];
  #pendingBytes = 0;
  #isSuspect = false;
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
      checkFile(join(path, 'data.mdb'));
      const noSync = durability === 'async';
      // With batching by turns of the event loop lmdb makes promises that it gives to nobody: one that is rejected would end the process.
      const batching = { eventTurnBatching: false, overlappingSync: false };
      // lmdb takes a path with a dot in its last name for a file, unless it is told.
      const root = open<Buffer, Buffer>({ path, ...BINARY, ...batching, maxDbs: 8, noSync, readOnly, noSubdir: false });
      return ok(new StateDatabase(options, root));
    } catch (error) {
      return fail(faultOf(error, path));
    }
  }

  /** Some record was found damaged since the database was opened. */
  get isSuspect(): boolean {
    return this.#isSuspect;
  }

  /** What is thrown for a damaged record: from here on, what is stored is not taken for right without reading it. */
  damage(table: TableName, id: number | string, problem: string): RecordDamaged {
    this.#isSuspect = true;
    return new RecordDamaged(table, id, problem);
  }

  /** Everything has been read and is right. */
  trust(): void {
    this.#isSuspect = false;
  }

  /** Bytes of keys and values that were written and not yet committed. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Bytes of keys and values written since the database was opened. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** The value of a record with a number, to be used before the next read: it is not a copy. Throws `RecordDamaged`. */
  read(table: 'pages' | 'leaves', id: number): Buffer | undefined {
    try {
      return this[table].getBinaryFast(numberKey(id));
    } catch (error) {
      throw this.damage(table, id, textOf(error));
    }
  }

  /** A row of the table of entries. Throws `RecordDamaged`. */
  row(key: Buffer): Buffer | undefined {
    try {
      return this.entries.getBinary(key);
    } catch (error) {
      throw this.damage('entries', key.toString('hex'), textOf(error));
    }
  }

  /** The rows of the table of entries in the order of their keys, as they are asked for. Throws `RecordDamaged`. */
  *rows(range: { readonly start?: Buffer; readonly end?: Buffer }): Generator<Row, void, undefined> {
    try {
      yield* this.entries.getRange(range);
    } catch (error) {
      if (error instanceof RecordDamaged) throw error;
      throw this.damage('entries', range.start?.toString('hex') ?? '', textOf(error));
    }
  }

  put(table: Table, key: Buffer, value: Buffer): void {
    this.#await(table.put(key, value), key.length + value.length);
  }

  /** Puts a record with a number, most quickly and densely if the number is above all others. */
  putNumbered(table: 'pages' | 'leaves', id: number, value: Buffer): void {
    const isLast = id >= this.#appendable[table];
    const target: Appending = this[table];
    const committed = target.put(numberKey(id), value, { append: isLast });
    if (isLast) {
      this.#appendable[table] = id + 1;
      this.#appends.push(committed);
    }
    this.#await(committed, ID_BYTES + value.length);
  }

  remove(table: Table, key: Buffer): void {
    // What a removal costs in memory is not the key alone.
    this.#await(table.remove(key), key.length + REMOVAL_BYTES);
  }

  /** What `work` puts and removes is committed as a whole. */
  atomically(work: () => void): void {
    this.#await(this.meta.batch(work), 0);
  }

  /** Removes all records of a table. */
  clear(table: Table): void {
    this.#await(table.clearAsync(), 0);
  }

  /** All that was written so far is committed, and on disk if the durability says so. Throws `WriteFailed`; then none of it may be relied on. */
  async committed(): Promise<void> {
    const [commits, appends] = [this.#commits, this.#appends];
    [this.#commits, this.#appends, this.#pendingBytes] = [[], [], 0];
    try {
      await Promise.all(commits);
    } catch (error) {
      throw new WriteFailed(faultOf(await causeOf(error), this.path));
    }
    if ((await Promise.all(appends)).includes(false)) {
      throw new WriteFailed(faultOf(new Error('a record stands where none should be'), this.path));
    }
  }

  /** Copies the database as it is now, without its unused space, while it is in use. */
  async backup(path: string): Promise<void> {
    mkdirSync(path, { recursive: true });
    await this.#root.backup(path, true);
  }

  async close(): Promise<void> {
    await this.#root.close();
  }

  #await(committed: Promise<unknown>, bytes: number): void {
    this.#pendingBytes += bytes;
    this.#writtenBytes += bytes;
    if (committed === this.#commits.at(-1)) return;
    // Whoever awaits `committed` hears of a failure; until then it must not count as one that nobody handles.
    committed.catch((error: unknown) => void causeOf(error));
    this.#commits.push(committed);
  }
}

const BINARY = { encoding: 'binary', keyEncoding: 'binary' } as const;

/** So long the cause of a failed commit is waited for, in ms. */
const CAUSE_WITHIN_MS = 200;

/** LMDB tells the cause of a failed commit by a second promise; not always: it may have told it before it made the promise, which then stays open for ever. */
export async function causeOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { readonly commitError?: Promise<unknown> };
  if (commitError === undefined) return error;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve(error), CAUSE_WITHIN_MS);
  });
  try {
    await Promise.race([commitError, late]);
    return error;
  } catch (cause) {
    return cause;
  } finally {
    clearTimeout(timer);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** LMDB's mark at the beginning of each of its first two pages, and its version; the length of a page in the first. */
const MARK = { at: 24, bytes: Buffer.from('dec0efbe02000000', 'hex') };
const PAGE_LENGTH_AT = 48;

/** Throws `RecordDamaged` if the file is there and does not begin as LMDB's do: LMDB itself does not survive that. */
function checkFile(file: string): void {
  if (!existsSync(file) || statSync(file).size === 0) return;
  const handle = openSync(file, 'r');
  try {
    const head = Buffer.alloc(PAGE_LENGTH_AT + 4);
    readSync(handle, head, 0, head.length, 0);
    const pageLength = head.readUInt32LE(PAGE_LENGTH_AT);
    const isMarked = [0, pageLength].every((start) => {
      const mark = Buffer.alloc(MARK.bytes.length);
      readSync(handle, mark, 0, mark.length, start + MARK.at);
      return mark.equals(MARK.bytes);
    });
    if (!isMarked || pageLength < 512) throw new RecordDamaged('meta', file, 'it does not begin as a database does');
  } finally {
    closeSync(handle);
  }
}
