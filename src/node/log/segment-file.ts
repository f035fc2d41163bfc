/**
 * One segment that is being written. A segment gets its name only when all it begins with is on disk, so that one that has its name and
 * does not begin well is damaged, and never just interrupted. It owns its file; nobody else writes to it.
 */
import { randomBytes } from 'node:crypto';
import { fdatasync, writeSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Bytes } from '../../base/bytes.ts';
import { encodeGroup, encodeSegmentHeader, SEGMENT_HEADER_BYTES, SEGMENT_ID_BYTES, seedOf } from './segment-format.ts';
import type { LogOwner, PreviousSegment, ScannedRecords, SegmentHeader } from './segment-format.ts';

const OWNER_ONLY = 0o600;

/** Bytes that are written without a thread. */
const WRITTEN_AT_ONCE = 65_536;

/**
 * Bytes of room ahead of what is written: zeros, on disk already. A sync of what goes into them need not also bring the length of the file to disk, which
 * is most of what a small one costs. A larger group is worth that anyway, and gets none.
 */
const ROOM_BYTES = 128 * 1024;
const SMALL_GROUP_BYTES = 8 * 1024;

/** What ends the name of a segment that is being made. */
export const UNFINISHED = '.new';

/** What a new segment begins with: a list that stands for all before it, or the segment that it goes on from. */
export type SegmentStart =
  | { readonly kind: 'base'; readonly records: readonly Bytes[] }
  | { readonly kind: 'continued'; readonly previous: PreviousSegment };

export interface SegmentOptions {
  readonly owner: LogOwner;
  /** 128 KiB unless given. */
  readonly roomBytes?: number;
  /** Without syncs there is no use for room. */
  readonly waitFor?: 'sync' | 'write';
}

function roomOf({ roomBytes = ROOM_BYTES, waitFor }: SegmentOptions): number {
  return waitFor === 'write' ? 0 : roomBytes;
}

interface SegmentPlace {
  readonly group: number;
  readonly end: number;
  readonly roomBytes: number;
}

export class SegmentFile {
  readonly path: string;
  readonly number: number;
  readonly #id: Bytes;
  readonly #handle: FileHandle;
  #group: number;
  /** Behind the last group that went well. */
  #end: number;
  /** Behind the room that is there for more; not before the end. */
  #roomEnd: number;
  #roomBytes: number;

  private constructor(path: string, header: SegmentHeader, handle: FileHandle, at: SegmentPlace) {
    this.path = path;
    this.number = header.number;
    this.#id = header.id;
    this.#handle = handle;
    this.#group = at.group;
    this.#end = at.end;
    this.#roomEnd = at.end;
    this.#roomBytes = at.roomBytes;
  }

  /** Makes segment `number` in `path`: written and synced beside it, renamed, its folder synced. Nothing is left of it on an error. */
  static async create(
    path: string,
    options: SegmentOptions,
    number: number,
    start: SegmentStart,
  ): Promise<SegmentFile> {
    const unfinished = `${path}${UNFINISHED}`;
    const records = start.kind === 'base' ? start.records : [];
    const begin = start.kind === 'base' ? ({ kind: 'base', records: records.length } as const) : start;
    const header: SegmentHeader = { owner: options.owner, number, id: randomBytes(SEGMENT_ID_BYTES), begin };
    let handle: FileHandle | undefined;
    try {
      handle = await open(unfinished, 'w', OWNER_ONLY);
      const segment = new SegmentFile(path, header, handle, {
        group: 0,
        end: SEGMENT_HEADER_BYTES,
        roomBytes: roomOf(options),
      });
      await writeAll(handle, encodeSegmentHeader(header), 0);
      await segment.#write(records);
      if (segment.#roomEnd === segment.#end) await segment.#makeRoom();
      await handle.sync();
      await rename(unfinished, path);
      await syncFolder(dirname(path));
      return segment;
    } catch (error) {
      await handle?.close().catch(() => undefined);
      for (const file of [unfinished, path]) await rm(file, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  /**
   * Opens a segment to write on behind what was found in it. Room and a torn tail are cut off; the last group is written once more, over itself, and
   * synced: the process that wrote it may have died before its sync, or after one that failed, when the system shows it and the disk does not
   * have it.
   */
  static async reopen(
    path: string,
    header: SegmentHeader,
    content: Buffer,
    { records, group, end }: ScannedRecords,
    options: SegmentOptions,
  ): Promise<SegmentFile> {
    const handle = await open(path, 'r+');
    try {
      if (content.length > end) await handle.truncate(end);
      const from = records.find((record) => record.group === group)?.offset ?? 0;
      await writeAll(handle, content.subarray(from, end), from);
      await handle.sync();
      await syncFolder(dirname(path));
      return new SegmentFile(path, header, handle, { group, end, roomBytes: roomOf(options) });
    } catch (error) {
      await handle.close().catch(() => undefined);
      throw error;
    }
  }

  /** What a segment that continues this one says of it. */
  get asPrevious(): PreviousSegment {
    return { id: this.#id, end: this.#end, group: this.#group };
  }

  /** Bytes. */
  get length(): number {
    return this.#end;
  }

  /** Appends one group, and waits until it is on disk or, with `write`, with the system. After an error nothing more may be appended. */
  async append(records: readonly Bytes[], waitFor: 'sync' | 'write'): Promise<void> {
    const before = this.asPrevious;
    try {
      await this.#write(records);
      if (waitFor === 'sync') await this.sync();
    } catch (error) {
      [this.#group, this.#end] = [before.group, before.end];
      // What is there now is left alone: only a disk that was full is to have it back.
      this.#roomEnd = this.#end;
      throw error;
    }
  }

  async #write(records: readonly Bytes[]): Promise<void> {
    if (records.length === 0) return;
    this.#group += 1;
    const start = this.#end;
    for (const part of encodeGroup(records, this.#group, seedOf(this.#id))) {
      await writeAll(this.#handle, part, this.#end);
      this.#end += part.length;
    }
    if (this.#end <= this.#roomEnd) return;
    this.#roomEnd = this.#end;
    if (this.#roomBytes > 0 && this.#end - start <= SMALL_GROUP_BYTES) await this.#makeRoom();
  }

  /** On disk with the next sync. It may fail, on a full disk say: then this segment has none, and takes nothing from others for it. */
  async #makeRoom(): Promise<void> {
    this.#roomEnd = this.#end;
    try {
      await writeAll(this.#handle, new Uint8Array(this.#roomBytes), this.#end);
      this.#roomEnd = this.#end + this.#roomBytes;
    } catch {
      this.#roomBytes = 0;
      await this.#handle.truncate(this.#end).catch(() => undefined);
    }
  }

  /** By callback: the promises of a FileHandle cost a tenth of what the call does. */
  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#handle.fd, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  /** Gives back the room, and that of a group that did not go well. */
  async cutTail(): Promise<void> {
    this.#roomEnd = this.#end;
    await this.#handle.truncate(this.#end);
  }

  /** Without room that nothing is written into any more, where the system takes it back; whoever reads does not mind it. */
  async close(): Promise<void> {
    if (this.#roomEnd > this.#end) await this.cutTail().catch(() => undefined);
    await this.#handle.close();
  }
}

/**
 * The system may write less than it was given. What is short is written at once: the system only copies it, in less time than it takes to wake a
 * thread for that.
 */
async function writeAll(handle: FileHandle, bytes: Bytes, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const rest = bytes.length - written;
    const bytesWritten =
      rest <= WRITTEN_AT_ONCE
        ? writeSync(handle.fd, bytes, written, rest, position + written)
        : (await handle.write(bytes, written, rest, position + written)).bytesWritten;
    if (bytesWritten === 0) throw new Error('the system wrote nothing and gave no reason');
    written += bytesWritten;
  }
}

/** Makes durable which files `folder` has. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
