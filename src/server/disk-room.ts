/**
 * A full disk under the log: waits for room and then has the log go on in a new segment with all that the replica must not forget. Owns the
 * retries and what people are told meanwhile; the log itself keeps back everything that is not durable, so nothing is voted.
 */
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Bytes } from '../base/bytes.ts';
import { groupBytes } from '../node/index.ts';
import type { DiskFull, FullCode } from '../node/index.ts';

/** What people need to know to make room. */
export interface FullDisk {
  readonly code: FullCode;
  /** What could not be written. */
  readonly path: string;
  /** As the file system says; undefined when it does not. A quota may leave less. */
  readonly freeBytes: number | undefined;
  /** So many bytes must be free before it goes on. */
  readonly neededBytes: number;
}

export interface DiskRoomOptions {
  /** From `records` on, the log goes on. */
  readonly resume: (records: readonly Bytes[]) => void;
  /** All that the replica must not forget, as of now. */
  readonly records: () => readonly Bytes[];
  /** The disk became full, or (undefined) there is room again. Not called while only the numbers change. */
  readonly onChange: (full: FullDisk | undefined) => void;
}

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5000;
/** What must be free beyond the records: so that it does not stand still again at once. */
const RESERVE_BYTES = 1024 * 1024;

export class DiskRoom {
  readonly #options: DiskRoomOptions;
  #full: FullDisk | undefined;
  #retryMs = FIRST_RETRY_MS;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: DiskRoomOptions) {
    this.#options = options;
  }

  /** What the log waits for; undefined while there is room. */
  get full(): FullDisk | undefined {
    return this.#full;
  }

  /** The log found no room. */
  onFull({ code, file, neededBytes }: DiskFull): void {
    const isNew = this.#full === undefined;
    this.#full = { code, path: file, freeBytes: this.#full?.freeBytes, neededBytes: neededBytes + RESERVE_BYTES };
    if (isNew) this.#options.onChange(this.#full);
    this.#plan(isNew ? 0 : this.#nextDelayMs());
  }

  /** The log goes on. */
  onRoom(): void {
    this.#full = undefined;
    this.#retryMs = FIRST_RETRY_MS;
    this.#options.onChange(undefined);
  }

  /** No further attempt. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #nextDelayMs(): number {
    const delay = this.#retryMs;
    this.#retryMs = Math.min(LONGEST_RETRY_MS, 2 * delay);
    return delay;
  }

  #plan(delayMs: number): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), delayMs);
  }

  /** Resumes, unless there is surely too little room: an attempt in vain takes the last bytes from others on that disk for a moment. */
  async #look(): Promise<void> {
    const freeBytes = await freeBytesAt(this.#full?.path);
    if (this.#stopped || this.#full === undefined) return;
    const records = this.#options.records();
    this.#full = { ...this.#full, freeBytes, neededBytes: groupBytes(records) + RESERVE_BYTES };
    if (!hasRoom(this.#full)) return this.#plan(this.#nextDelayMs());
    this.#options.resume(records);
  }
}

/** Only of ENOSPC does the file system's own number say that there surely is none. */
function hasRoom({ code, freeBytes, neededBytes }: FullDisk): boolean {
  return code !== 'ENOSPC' || freeBytes === undefined || freeBytes >= neededBytes;
}

async function freeBytesAt(path: string | undefined): Promise<number | undefined> {
  if (path === undefined) return undefined;
  try {
    const { bavail, bsize } = await statfs(dirname(path));
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

/** `full` as a sentence for people. */
export function describeFullDisk({ code, path, freeBytes, neededBytes }: FullDisk): string {
  const room = freeBytes === undefined ? '' : `${freeBytes} bytes are free and `;
  return `room on disk (${code} at ${path}): ${room}${neededBytes} are needed; ${ADVICE[code]}, and this node goes on by itself`;
}

const ADVICE: Readonly<Record<FullCode, string>> = {
  ENOSPC: 'free some space on that disk',
  EDQUOT: 'raise the disk quota of its user',
  EFBIG: 'raise the limit of the size of files of its process (prlimit --fsize)',
};
