/**
 * An append-only file of records with group commit: what is appended while a write is under way goes out with the next one, in one write and
 * one sync off the event loop. It owns its file, the lock beside it, and `<file>.new` while rewriting. Once something could not be written
 * it never tries again: after a failed sync nobody knows what is on disk. [docs/adr/0006-plain-durable-log.md]
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { assert } from '../../base/assert.ts';
import type { Bytes } from '../../base/bytes.ts';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { errorCode } from '../error-text.ts';
import { lockFile } from './file-lock.ts';
import type { FileLock } from './file-lock.ts';
import {
  encodeFileHeader,
  encodeGroup,
  FILE_HEADER_BYTES,
  FILE_ID_BYTES,
  MAX_RECORD_BYTES,
  scanLog,
  seedOf,
} from './log-format.ts';
import { damageFault, DurabilityLost, systemFault } from './log-fault.ts';
import type { LogFault } from './log-fault.ts';

export interface DurableLogOptions {
  /** Called once, when something could not be made durable. The owner stops voting. */
  readonly onFault?: (fault: LogFault) => void;
}

/** An opened log and what it held. */
export interface OpenedLog {
  readonly log: DurableLog;
  readonly records: readonly Bytes[];
  /** True when there was no file: a first start, or a lost disk. */
  readonly isNew: boolean;
  /** Bytes of a torn last write that were cut off; they were never acknowledged. */
  readonly cutBytes: number;
}

/** What the next write makes durable: first the rewrite, which covers all before it, then the appended records. */
interface Work {
  rewrite: readonly Bytes[] | undefined;
  appends: Bytes[];
  bytes: number;
  readonly waiting: { readonly resolve: () => void; readonly reject: (error: DurabilityLost) => void }[];
}

function noWork(): Work {
  return { rewrite: undefined, appends: [], bytes: 0, waiting: [] };
}

/** The file as it is between two writes. */
interface OpenFile {
  readonly handle: FileHandle;
  readonly seed: number;
  group: number;
  end: number;
}

const OWNER_ONLY = 0o600;

export class DurableLog {
  readonly #file: string;
  readonly #lock: FileLock;
  readonly #onFault: (fault: LogFault) => void;
  #open: OpenFile;
  #next: Work = noWork();
  #current: Work | undefined;
  #running = false;
  #fault: LogFault | undefined;
  #closed = false;
  readonly #idle: (() => void)[] = [];

  private constructor(file: string, lock: FileLock, opened: OpenFile, options: DurableLogOptions) {
    this.#file = file;
    this.#lock = lock;
    this.#open = opened;
    this.#onFault = options.onFault ?? (() => undefined);
  }

  /**
   * Opens or makes the log in `file` and locks it. A torn last write is cut off. Faults: `in-use` by another process; `damaged` anywhere
   * else; `unusable` for whatever the system says. What is returned is on disk, also when the last process died without a sync.
   */
  static async open(file: string, options: DurableLogOptions = {}): Promise<Result<OpenedLog, LogFault>> {
    let lock: FileLock | undefined;
    try {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      lock = lockFile(file);
    } catch (error) {
      return fail(systemFault('unusable', `${file}.lock`, 'lock', error));
    }
    if (lock === undefined) return fail(inUse(file));
    const opened = await openLocked(file);
    if (!opened.ok) {
      lock.release();
      return opened;
    }
    const { records, isNew, cutBytes } = opened.value;
    return ok({ log: new DurableLog(file, lock, opened.value.file, options), records, isNew, cutBytes });
  }

  /** Bytes appended and not durable yet. Bounded by what the owner has under way (its window), not here. */
  get pendingBytes(): number {
    return this.#next.bytes + (this.#current?.bytes ?? 0);
  }

  /** Requires: not closed; at most 1 GiB; the record is not changed afterwards. After a fault it does nothing. */
  append(record: Bytes): void {
    assert(!this.#closed, 'nothing is appended to a closed log');
    assert(record.length <= MAX_RECORD_BYTES, 'a record has at most 1 GiB');
    if (this.#fault !== undefined) return;
    this.#next.appends.push(record);
    this.#next.bytes += record.length;
    this.#schedule();
  }

  /** Replaces everything appended so far by `records`, in order with all appends. Requires: as `append`; `records` cover what they replace. */
  rewrite(records: readonly Bytes[]): void {
    assert(!this.#closed, 'a closed log is not rewritten');
    assert(
      records.every(({ length }) => length <= MAX_RECORD_BYTES),
      'a record has at most 1 GiB',
    );
    if (this.#fault !== undefined) return;
    this.#next.rewrite = records;
    this.#next.appends = [];
    this.#next.bytes = records.reduce((sum, { length }) => sum + length, 0);
    this.#schedule();
  }

  /** Resolves when all that was appended before this call is on disk; rejects with {@link DurabilityLost} when it never will be. */
  durable(): Promise<void> {
    if (this.#fault !== undefined) return Promise.reject(new DurabilityLost(this.#fault));
    const work = isEmpty(this.#next) ? this.#current : this.#next;
    if (work === undefined) return Promise.resolve();
    return new Promise((resolve, reject) => work.waiting.push({ resolve, reject }));
  }

  /** Writes what is pending, then closes the file and releases the lock. Never rejects: a fault was told to its handler. */
  async close(): Promise<void> {
    const wasClosed = this.#closed;
    this.#closed = true;
    if (this.#current !== undefined || !isEmpty(this.#next))
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    if (wasClosed) return;
    await this.#open.handle.close().catch(() => undefined);
    this.#lock.release();
  }

  /** One turn of the event loop collects; then writes run until nothing is left. */
  #schedule(): void {
    if (this.#running) return;
    this.#running = true;
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (!isEmpty(this.#next)) {
      const work = this.#next;
      this.#current = work;
      this.#next = noWork();
      try {
        if (work.rewrite === undefined) await writeGroup(this.#open, work.appends);
        else await this.#replace(work.rewrite, work.appends);
      } catch (error) {
        this.#fail(
          work,
          systemFault('write-failed', this.#file, work.rewrite === undefined ? 'write' : 'rewrite', error),
        );
        break;
      }
      this.#current = undefined;
      for (const { resolve } of work.waiting) resolve();
    }
    this.#running = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #replace(records: readonly Bytes[], appends: readonly Bytes[]): Promise<void> {
    const replaced = this.#open.handle;
    this.#open = await writeFile(this.#file, [records, appends]);
    await replaced.close();
  }

  #fail(work: Work, fault: LogFault): void {
    this.#fault = fault;
    const waiting = [...work.waiting, ...this.#next.waiting];
    this.#next = noWork();
    this.#current = undefined;
    for (const { reject } of waiting) reject(new DurabilityLost(fault));
    this.#onFault(fault);
  }
}

function isEmpty({ rewrite, appends }: Work): boolean {
  return rewrite === undefined && appends.length === 0;
}

function inUse(file: string): LogFault {
  const reason = `${file} is in use by another process (it holds ${file}.lock): stop that node first, or give this one a folder of its own`;
  return { code: 'in-use', file, offset: undefined, reason };
}

interface LockedLog {
  readonly file: OpenFile;
  readonly records: readonly Bytes[];
  readonly isNew: boolean;
  readonly cutBytes: number;
}

async function openLocked(file: string): Promise<Result<LockedLog, LogFault>> {
  try {
    // Left by a rewrite that did not come to its end: the log itself is whole.
    await rm(temporaryName(file), { force: true });
    let content: Buffer;
    try {
      content = await readFile(file);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      return ok({ file: await writeFile(file, []), records: [], isNew: true, cutBytes: 0 });
    }
    const scanned = scanLog(content);
    if ('what' in scanned) return fail(damageFault(file, scanned.offset, scanned.what));
    const { records, seed, group, end } = scanned;
    const handle = await open(file, 'r+');
    const cutBytes = content.length - end;
    if (cutBytes > 0) await handle.truncate(end);
    // The last process may have died between write and sync: what is believed from now on must be on disk.
    await handle.sync();
    return ok({ file: { handle, seed, group, end }, records, isNew: false, cutBytes });
  } catch (error) {
    return fail(systemFault('unusable', file, 'open', error));
  }
}

function temporaryName(file: string): string {
  return `${file}.new`;
}

/** A new file with these groups takes the place of `file`: written and synced beside it, renamed, the folder synced. */
async function writeFile(file: string, groups: readonly (readonly Bytes[])[]): Promise<OpenFile> {
  const temporary = temporaryName(file);
  const id = randomBytes(FILE_ID_BYTES);
  const handle = await open(temporary, 'w', OWNER_ONLY);
  try {
    const opened: OpenFile = { handle, seed: seedOf(id), group: 0, end: FILE_HEADER_BYTES };
    await writeAll(handle, encodeFileHeader(id), 0);
    for (const records of groups) await writeParts(opened, records);
    await handle.sync();
    await rename(temporary, file);
    await syncFolder(dirname(file));
    return opened;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function writeGroup(file: OpenFile, records: readonly Bytes[]): Promise<void> {
  await writeParts(file, records);
  await file.handle.datasync();
}

async function writeParts(file: OpenFile, records: readonly Bytes[]): Promise<void> {
  if (records.length === 0) return;
  file.group += 1;
  for (const part of encodeGroup(records, file.group, file.seed)) {
    await writeAll(file.handle, part, file.end);
    file.end += part.length;
  }
}

/** The system may write less than it was given. */
async function writeAll(handle: FileHandle, bytes: Bytes, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written);
    if (bytesWritten === 0) throw new Error('the system wrote nothing and gave no reason');
    written += bytesWritten;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
