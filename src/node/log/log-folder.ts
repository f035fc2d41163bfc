/**
 * The folder of a log as it lies on disk: which segments there are, which of them count, and what is wrong with them. It only reads.
 *
 * The newest `base` segment stands for everything before it; with those that continue it, it is the chain that counts. Older ones were left
 * by a process that ended before it had deleted them.
 */
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { errorCode } from '../error-text.ts';
import { damageFault, foreignFault, otherFormatFault, systemFault } from './log-fault.ts';
import type { LogFault } from './log-fault.ts';
import {
  decodeSegmentHeader,
  endDamage,
  writtenEnd,
  LOG_FORMAT,
  scanRecords,
  SEGMENT_HEADER_BYTES,
} from './segment-format.ts';
import type { Damage, LogOwner, ScannedRecords, SegmentHeader } from './segment-format.ts';

const SEGMENT_NAME = /^(?<number>\d{10,15})\.seg$/;

/** Path of segment `number` of the log in `folder`. */
export function segmentPath(folder: string, number: number): string {
  return join(folder, `${String(number).padStart(10, '0')}.seg`);
}

/** Numbers of the segments that `folder` has, ascending. Throws what the system says, when there is no such folder too. */
export async function segmentNumbers(folder: string): Promise<readonly number[]> {
  const numbers = (await readdir(folder)).flatMap((name) => {
    const number = SEGMENT_NAME.exec(name)?.groups?.['number'];
    return number === undefined ? [] : [Number(number)];
  });
  return numbers.toSorted((left, right) => left - right);
}

/** One segment with all that is in it. */
export interface ReadSegment {
  readonly path: string;
  readonly header: SegmentHeader;
  readonly content: Buffer;
  readonly scan: ScannedRecords;
  /** Behind the last sound record, but for room: a write that was torn. */
  readonly tornBytes: number;
  /** What is wrong with it, by offset; a torn tail that may be there is not. */
  readonly damages: readonly Damage[];
}

/** The segments that count, oldest first, and the numbers of those that do not any more. */
export interface LogChain {
  readonly segments: readonly [ReadSegment, ...ReadSegment[]];
  readonly obsolete: readonly number[];
}

/**
 * Reads the chain that counts. A fault where it cannot even be told which segments those are; what is wrong inside them is in their
 * `damages`. `owner`: whose log it must be; undefined for whoever's it is. `numbers`: as {@link segmentNumbers}, at least one.
 */
export async function readChain(
  folder: string,
  numbers: readonly number[],
  owner: LogOwner | undefined,
): Promise<Result<LogChain, LogFault>> {
  const headers = await chainHeaders(folder, numbers, owner);
  if (!headers.ok) return headers;
  const segments: ReadSegment[] = [];
  for (const [index, header] of headers.value.entries()) {
    const path = segmentPath(folder, header.number);
    let content: Buffer;
    try {
      content = await readFile(path);
    } catch (error) {
      return fail(systemFault('unusable', path, 'read', error));
    }
    const scan = scanRecords(content, header.id);
    const tornBytes = writtenEnd(content, scan.end) - scan.end;
    const atEnd = endDamage(header, scan, { length: scan.end + tornBytes, next: headers.value[index + 1] });
    const damages = atEnd === undefined ? scan.damages : [...scan.damages, atEnd];
    segments.push({
      path,
      header,
      content,
      scan,
      tornBytes,
      damages: damages.toSorted((left, right) => left.offset - right.offset),
    });
  }
  const [first, ...more] = segments;
  if (first === undefined) throw new RangeError('a log has at least one segment');
  return ok({ segments: [first, ...more], obsolete: numbers.filter((number) => number < first.header.number) });
}

/** Headers of the newest base and of what continues it, oldest first. */
async function chainHeaders(
  folder: string,
  numbers: readonly number[],
  owner: LogOwner | undefined,
): Promise<Result<readonly SegmentHeader[], LogFault>> {
  const headers: SegmentHeader[] = [];
  for (let number = numbers.at(-1) ?? 0; ; number -= 1) {
    const path = segmentPath(folder, number);
    const next = headers[0];
    if (!numbers.includes(number)) {
      const what = `it goes on from segment ${number}, which is missing`;
      return fail(damageFault(segmentPath(folder, number + 1), 0, what));
    }
    const read = await readHeader(path, owner);
    if (!read.ok) return read;
    const header = read.value;
    if (header.number !== number)
      return fail(damageFault(path, 44, `its header says that it is segment ${header.number}`));
    if (next?.begin.kind === 'continued' && !Buffer.from(next.begin.previous.id).equals(header.id)) {
      return fail(damageFault(path, 52, `it is not the segment that segment ${next.number} goes on from`));
    }
    headers.unshift(header);
    if (header.begin.kind === 'base') return ok(headers);
  }
}

async function readHeader(path: string, owner: LogOwner | undefined): Promise<Result<SegmentHeader, LogFault>> {
  let start: Buffer;
  try {
    start = await readStart(path);
  } catch (error) {
    return fail(systemFault('unusable', path, 'read', error));
  }
  const header = decodeSegmentHeader(start);
  if ('code' in header) {
    return fail(
      header.code === 'damaged'
        ? damageFault(path, header.damage.offset, header.damage.what)
        : otherFormatFault(path, header, LOG_FORMAT),
    );
  }
  const is = header.owner;
  if (owner === undefined || (owner.clusterId === is.clusterId && owner.replica === is.replica)) return ok(header);
  return fail(foreignFault(path, ownerName(is), ownerName(owner)));
}

/** `node3 of cluster 0123…`. */
export function ownerName({ clusterId, replica }: LogOwner): string {
  return `node${replica + 1} of cluster ${clusterId}`;
}

async function readStart(path: string): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SEGMENT_HEADER_BYTES), 0, SEGMENT_HEADER_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** True when `error` says that a file or folder is not there. */
export function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '');
}
