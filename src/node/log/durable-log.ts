/**
 * The write-ahead log: a folder of numbered segments with group commit. What is appended while a write is under way goes out with the next
 * one, in one write and one sync off the event loop. It owns its folder and the lock in it.
 *
 * After an error nobody knows what is on disk of the file that was written to, so nothing is ever written to it again: where there was no
 * room, the log waits until its owner gives it all that counts for a new segment; after any other error it is finished.
 * [docs/adr/0014-segmented-log.md]
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { assert } from '../../base/assert.ts';
import type { Bytes } from '../../base/bytes.ts';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { lockFile } from './file-lock.ts';
import type { FileLock } from './file-lock.ts';
import { isAbsent, readChain, segmentNumbers, segmentPath } from './log-folder.ts';
import { damageFault, DurabilityLost, fullCode, inUseFault, missingFault, systemFault } from './log-fault.ts';
import type { DiskFull, FullCode, LogFault } from './log-fault.ts';
import { SegmentFile, syncFolder, UNFINISHED } from './segment-file.ts';
import type { SegmentStart } from './segment-file.ts';
import { groupBytes, MAX_RECORD_BYTES, SEGMENT_HEADER_BYTES } from './segment-format.ts';
import type { LogOwner } from './segment-format.ts';

export interface DurableLogOptions {
  readonly owner: LogOwner;
  /** Where the folder holds no log: make one, or refuse with `missing`. Whoever says `make` knows that this node has told nobody anything. */
  readonly absent: 'make' | 'refuse';
  /** `write` calls a record durable when the system has it: it survives the end of the process, not that of the machine. `sync` unless given. */
  readonly waitFor?: 'sync' | 'write';
  /** A segment of at least so many bytes is followed by another one. */
  readonly segmentBytes?: number;
  /** Zeros ahead of what is written; 128 KiB unless given. */
  readonly roomBytes?: number;
  /** Called once, when something could not be made durable and never will be. The owner stops voting. */
  readonly onFault?: (fault: LogFault) => void;
  /** There is no room. Nothing becomes durable until the owner calls {@link DurableLog.resume}; called again when that found no room either. */
  readonly onFull?: (full: DiskFull) => void;
  /** A resumption has succeeded. */
  readonly onRoom?: () => void;
}

/** An opened log and what it held. */
export interface OpenedLog {
  readonly log: DurableLog;
  readonly records: readonly Bytes[];
  /** True when it was made just now. */
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

function noWork(waiting: Work['waiting'] = []): Work {
  return { rewrite: undefined, appends: [], bytes: 0, waiting };
}

/** Far above what lies between two checkpoints: only a cluster whose checkpoints do not become stable comes here. */
const SEGMENT_BYTES = 64 * 1024 * 1024;
const LOCK_FILE = 'lock';
/** What nobody waits for is written with the next that somebody does, or after so long: a sync of its own would hold up what comes next. */
const UNAWAITED_MS = 50;

export class DurableLog {
  readonly #folder: string;
  readonly #lock: FileLock;
  readonly #options: DurableLogOptions;
  #segment: SegmentFile;
  #nextNumber: number;
  /** Segments before the current one, which a rewrite makes superfluous. */
  #older: string[];
  #next: Work = noWork();
  #current: Work | undefined;
  #running = false;
  #unawaited: NodeJS.Timeout | undefined;
  #isLate = false;
  #full: DiskFull | undefined;
  #isResuming = false;
  #fault: LogFault | undefined;
  #closed = false;
  readonly #idle: (() => void)[] = [];

  private constructor(folder: string, lock: FileLock, opened: LockedLog, options: DurableLogOptions) {
    this.#folder = folder;
    this.#lock = lock;
    this.#options = options;
    this.#segment = opened.segment;
    this.#nextNumber = opened.segment.number + 1;
    this.#older = [...opened.older];
  }

  /**
   * Opens or makes the log in `folder` and locks it. A torn last write is cut off. Faults: see LogFaultCode, all but `write-failed`.
   * What is returned is on disk, also when the last process died without a sync.
   */
  static async open(folder: string, options: DurableLogOptions): Promise<Result<OpenedLog, LogFault>> {
    const lockPath = join(folder, LOCK_FILE);
    let lock: FileLock | undefined;
    try {
      if (options.absent === 'refuse' && (await hasNoSegment(folder))) return fail(missingFault(folder));
      await mkdir(folder, { recursive: true, mode: 0o700 });
      lock = lockFile(lockPath);
    } catch (error) {
      return fail(systemFault('unusable', lockPath, 'lock', error));
    }
    if (lock === undefined) return fail(inUseFault(folder, lockPath));
    const opened = await openLocked(folder, options);
    if (!opened.ok) {
      lock.release();
      return opened;
    }
    const { records, isNew, cutBytes } = opened.value;
    return ok({ log: new DurableLog(folder, lock, opened.value, options), records, isNew, cutBytes });
  }

  /** Bytes appended and not durable yet. Bounded by what the owner has under way (its window), not here. */
  get pendingBytes(): number {
    return this.#next.bytes + (this.#current?.bytes ?? 0);
  }

  /**
   * On disk with the next {@link durable}, or soon. Requires: not closed; at most 1 GiB; the record is not changed afterwards. After a fault, and while there is no
   * room, it does nothing.
   */
  append(record: Bytes): void {
    assert(!this.#closed, 'nothing is appended to a closed log');
    assert(record.length <= MAX_RECORD_BYTES, 'a record has at most 1 GiB');
    if (this.#fault !== undefined || this.#full !== undefined) return;
    this.#next.appends.push(record);
    this.#next.bytes += record.length;
    this.#plan();
  }

  /** Replaces everything appended so far by `records`, in order with all appends. Requires: as `append`; `records` cover what they replace. */
  rewrite(records: readonly Bytes[]): void {
    assert(!this.#closed, 'a closed log is not rewritten');
    assert(
      records.every(({ length }) => length <= MAX_RECORD_BYTES),
      'a record has at most 1 GiB',
    );
    if (this.#fault !== undefined || this.#full !== undefined) return;
    this.#next.rewrite = records;
    this.#next.appends = [];
    this.#next.bytes = records.reduce((sum, { length }) => sum + length, 0);
    this.#schedule();
  }

  /**
   * Goes on after {@link DurableLogOptions.onFull}, in a new segment that begins with `records`. Requires: as `rewrite`; there was no room;
   * `records` cover everything that was ever appended, while there was no room too.
   */
  resume(records: readonly Bytes[]): void {
    assert(this.#full !== undefined, 'a log goes on after it had to wait');
    this.#full = undefined;
    this.#isResuming = true;
    this.rewrite(records);
  }

  /** Resolves when all that was appended before this call is on disk; rejects with {@link DurabilityLost} when it never will be. */
  durable(): Promise<void> {
    if (this.#fault !== undefined) return Promise.reject(new DurabilityLost(this.#fault));
    const isWaiting = this.#full !== undefined || !isEmpty(this.#next);
    const work = isWaiting ? this.#next : this.#current;
    if (work === undefined) return Promise.resolve();
    return new Promise((resolve, reject) => {
      work.waiting.push({ resolve, reject });
      if (this.#isDue) this.#schedule();
    });
  }

  /** Writes what is pending (unless there is no room), then closes the file and releases the lock. Never rejects: a fault was told to its handler. */
  async close(): Promise<void> {
    const wasClosed = this.#closed;
    this.#closed = true;
    clearTimeout(this.#unawaited);
    if (this.#isDue) this.#schedule();
    if (this.#running) await new Promise<void>((resolve) => this.#idle.push(resolve));
    if (wasClosed) return;
    const reason = `${this.#folder} was closed before there was room`;
    const lost = new DurabilityLost({ code: 'write-failed', file: this.#folder, offset: undefined, reason });
    for (const { reject } of this.#next.waiting.splice(0)) reject(lost);
    await this.#segment.close().catch(() => undefined);
    this.#lock.release();
  }

  /** Is there something to be written now? */
  get #isDue(): boolean {
    const { rewrite, waiting } = this.#next;
    const isWanted = rewrite !== undefined || waiting.length > 0 || this.#isLate || this.#closed;
    return isWanted && !isEmpty(this.#next);
  }

  /** What nobody waits for is not left lying. */
  #plan(): void {
    this.#unawaited ??= setTimeout(() => {
      this.#unawaited = undefined;
      this.#isLate = true;
      if (this.#isDue) this.#schedule();
      else this.#isLate = false;
    }, UNAWAITED_MS).unref();
  }

  /** One turn of the event loop collects; then writes run until nothing is left that is wanted. */
  #schedule(): void {
    if (this.#running) return;
    this.#running = true;
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (this.#isDue) {
      const work = this.#next;
      this.#current = work;
      this.#next = noWork();
      this.#isLate = false;
      try {
        if (work.rewrite === undefined) await this.#extend(work.appends);
        else await this.#begin([...work.rewrite, ...work.appends]);
        this.#current = undefined;
        this.#tellRoom();
        for (const { resolve } of work.waiting.splice(0)) resolve();
        if (work.rewrite !== undefined) await this.#deleteOlder();
      } catch (error) {
        await this.#onError(work, error);
      }
    }
    this.#running = false;
    if (!isEmpty(this.#next)) this.#plan();
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** One more group in the current segment, or in the next one when this is long. */
  async #extend(appends: readonly Bytes[]): Promise<void> {
    if (this.#segment.length >= (this.#options.segmentBytes ?? SEGMENT_BYTES)) {
      // Only the last segment may have a torn tail.
      if (this.#options.waitFor === 'write') await this.#segment.sync();
      await this.#enter({ kind: 'continued', previous: this.#segment.asPrevious });
    }
    await this.#segment.append(appends, this.#options.waitFor ?? 'sync');
  }

  /** A new segment that stands for all before it. */
  async #begin(records: readonly Bytes[]): Promise<void> {
    await this.#enter({ kind: 'base', records });
  }

  async #enter(start: SegmentStart): Promise<void> {
    const number = this.#nextNumber;
    this.#nextNumber += 1;
    const left = this.#segment;
    this.#segment = await SegmentFile.create(segmentPath(this.#folder, number), this.#options, number, start);
    this.#older.push(left.path);
    await left.close().catch(() => undefined);
  }

  #tellRoom(): void {
    if (!this.#isResuming) return;
    this.#isResuming = false;
    this.#options.onRoom?.();
  }

  async #deleteOlder(): Promise<void> {
    while (this.#older[0] !== undefined) {
      await rm(this.#older[0], { force: true });
      this.#older.shift();
    }
  }

  async #onError(work: Work, error: unknown): Promise<void> {
    const code = fullCode(error);
    if (code !== undefined) return this.#wait(work, code);
    const fault = systemFault(
      'write-failed',
      this.#segment.path,
      work.rewrite === undefined ? 'write' : 'rewrite',
      error,
    );
    this.#fault = fault;
    const waiting = [...work.waiting, ...this.#next.waiting];
    this.#next = noWork();
    this.#current = undefined;
    for (const { reject } of waiting) reject(new DurabilityLost(fault));
    this.#options.onFault?.(fault);
  }

  /** What was to be written is dropped: the owner brings all that counts when it resumes. Those who wait go on waiting. */
  async #wait(work: Work, code: FullCode): Promise<void> {
    // The current segment is only read from now on, by a restart; its last whole group is where it ends.
    await this.#segment.cutTail().catch(() => undefined);
    const records = [...(work.rewrite ?? []), ...work.appends];
    const full = { code, file: this.#segment.path, neededBytes: SEGMENT_HEADER_BYTES + groupBytes(records) };
    this.#full = full;
    this.#next = noWork([...work.waiting, ...this.#next.waiting]);
    this.#current = undefined;
    this.#options.onFull?.(full);
  }
}

function isEmpty({ rewrite, appends }: Work): boolean {
  return rewrite === undefined && appends.length === 0;
}

async function hasNoSegment(folder: string): Promise<boolean> {
  try {
    return (await segmentNumbers(folder)).length === 0;
  } catch (error) {
    if (isAbsent(error)) return true;
    throw error;
  }
}

interface LockedLog {
  readonly segment: SegmentFile;
  readonly older: readonly string[];
  readonly records: readonly Bytes[];
  readonly isNew: boolean;
  readonly cutBytes: number;
}

async function openLocked(folder: string, options: DurableLogOptions): Promise<Result<LockedLog, LogFault>> {
  try {
    // Left by a process that ended before it had made them: what they stand for is still there.
    const unfinished = (await readdir(folder)).filter((name) => name.endsWith(UNFINISHED));
    for (const name of unfinished) await rm(join(folder, name), { force: true });
    const numbers = await segmentNumbers(folder);
    if (numbers.length > 0) return await openChain(folder, numbers, options);
    if (options.absent === 'refuse') return fail(missingFault(folder));
    const segment = await SegmentFile.create(segmentPath(folder, 1), options, 1, { kind: 'base', records: [] });
    await syncFolder(dirname(folder));
    return ok({ segment, older: [], records: [], isNew: true, cutBytes: 0 });
  } catch (error) {
    return fail(systemFault('unusable', folder, 'open', error));
  }
}

async function openChain(
  folder: string,
  numbers: readonly number[],
  options: DurableLogOptions,
): Promise<Result<LockedLog, LogFault>> {
  const chain = await readChain(folder, numbers, options.owner);
  if (!chain.ok) return chain;
  const { segments, obsolete } = chain.value;
  for (const { path, damages } of segments)
    for (const { offset, what } of damages) return fail(damageFault(path, offset, what));
  const last = segments.at(-1) ?? segments[0];
  const segment = await SegmentFile.reopen(last.path, last.header, last.content, last.scan, options);
  // Only now: the newer ones are whole, and surely on disk.
  for (const number of obsolete) await rm(segmentPath(folder, number), { force: true });
  return ok({
    segment,
    older: segments.slice(0, -1).map(({ path }) => path),
    records: segments.flatMap(({ scan }) => scan.records.map(({ payload }) => payload)),
    isNew: false,
    cutBytes: last.tornBytes,
  });
}
