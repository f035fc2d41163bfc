/**
 * The bytes of one segment of the log: a header that says whose log it is and which segments it stands for or follows, then records of 24
 * bytes of header and a payload. Every record names its group (what one sync made durable) and its place in it, and all its checksums start
 * from the segment's random id, so that neither bytes of an older file in a reused disk block nor what a client wrote into an operation can
 * pass for a record. Pure: no files here.
 *
 *   segment  "PBFTLOG" version:u8 | cluster:32 | replica:u32 | number:u48 | kind:u8 0:u8 | id:16 | first:u32
 *            | previous id:16 | previous end:u48 | previous group:u32 | 0:u16 | checksum:u32
 *   record   "PREC" | length:u32 | group:u32 | place:u32 (top bit: last of its group) | payload checksum:u32 | header checksum:u32 | payload
 *
 * Numbers are big-endian, checksums CRC-32.
 */
import { crc32 } from 'node:zlib';
import type { Bytes } from '../../base/bytes.ts';
import { asDigest } from '../../base/ids.ts';
import type { Digest } from '../../base/ids.ts';

/** Of the segments that this code writes, and the highest that it reads. */
export const LOG_FORMAT = 3;
export const SEGMENT_HEADER_BYTES = 104;
export const RECORD_HEADER_BYTES = 24;
/** The longest record: above any state a plain log should hold, below what one Buffer can. */
export const MAX_RECORD_BYTES = 1024 * 1024 * 1024;
export const SEGMENT_ID_BYTES = 16;

const SEGMENT_MAGIC = Buffer.from('PBFTLOG', 'latin1');
const RECORD_MAGIC = Buffer.from('PREC', 'latin1');
const LAST_OF_GROUP = 0x80000000;
const BASE = 1;
const CONTINUED = 2;
const CHECKSUM_AT = SEGMENT_HEADER_BYTES - 4;

/** Whose log it is. */
export interface LogOwner {
  readonly clusterId: Digest;
  /** From 0. */
  readonly replica: number;
}

/** The segment before a continued one, as it was when it was left. */
export interface PreviousSegment {
  readonly id: Bytes;
  /** Its length in bytes. */
  readonly end: number;
  /** Its highest group. */
  readonly group: number;
}

/** What a segment begins with. */
export interface SegmentHeader {
  readonly owner: LogOwner;
  /** From 1, one more for each segment; never used again. */
  readonly number: number;
  /** 16 random bytes. */
  readonly id: Bytes;
  /** `base`: its first group, of so many records, stands for all segments before it. `continued`: it goes on where `previous` ended. */
  readonly begin:
    | { readonly kind: 'base'; readonly records: number }
    | { readonly kind: 'continued'; readonly previous: PreviousSegment };
}

const NO_PREVIOUS: PreviousSegment = { id: new Uint8Array(SEGMENT_ID_BYTES), end: 0, group: 0 };

/** The first {@link SEGMENT_HEADER_BYTES} of a segment. */
export function encodeSegmentHeader({ owner, number, id, begin }: SegmentHeader): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  const previous = begin.kind === 'continued' ? begin.previous : NO_PREVIOUS;
  header.set(SEGMENT_MAGIC);
  header.writeUInt8(LOG_FORMAT, 7);
  header.set(Buffer.from(owner.clusterId, 'hex'), 8);
  header.writeUInt32BE(owner.replica, 40);
  header.writeUIntBE(number, 44, 6);
  header.writeUInt8(begin.kind === 'base' ? BASE : CONTINUED, 50);
  header.set(id, 52);
  header.writeUInt32BE(begin.kind === 'base' ? begin.records : 0, 68);
  header.set(previous.id, 72);
  header.writeUIntBE(previous.end, 88, 6);
  header.writeUInt32BE(previous.group, 94);
  header.writeUInt32BE(crc32(header.subarray(0, CHECKSUM_AT)), CHECKSUM_AT);
  return header;
}

/** What is wrong with a segment, and at which byte. */
export interface Damage {
  readonly offset: number;
  readonly what: string;
}

export type HeaderFault =
  | { readonly code: 'damaged'; readonly damage: Damage }
  /** It was written by a newer version of this program. */
  | { readonly code: 'newer-format'; readonly format: number }
  /** By an older one, and it is whole. */
  | { readonly code: 'older-format'; readonly format: number };

/** Is its checksum that of the header? */
function isSealed(file: Buffer, header: Buffer): boolean {
  return (
    file.length >= SEGMENT_HEADER_BYTES && crc32(header.subarray(0, CHECKSUM_AT)) === header.readUInt32BE(CHECKSUM_AT)
  );
}

/** The header at the beginning of `file`, which may be the segment or its first bytes. */
export function decodeSegmentHeader(file: Buffer): SegmentHeader | HeaderFault {
  const isLog = file.length > SEGMENT_MAGIC.length && file.subarray(0, SEGMENT_MAGIC.length).equals(SEGMENT_MAGIC);
  if (!isLog) return headerDamage('it does not begin as a segment of a log does');
  const format = file.readUInt8(7);
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  file.copy(header, 0, 0, SEGMENT_HEADER_BYTES);
  if (format < LOG_FORMAT && isSealed(file, header)) return { code: 'older-format', format };
  header.writeUInt8(LOG_FORMAT, 7);
  const isWhole = isSealed(file, header);
  // Where all else fits this format, it is the number of the format that is damaged.
  if (format > LOG_FORMAT && !isWhole) return { code: 'newer-format', format };
  if (format !== LOG_FORMAT || !isWhole) return headerDamage('its header is damaged');
  const kind = header.readUInt8(50);
  if (kind !== BASE && kind !== CONTINUED) return headerDamage('its header has an unknown kind');
  const previous = {
    id: bytesOf(header, 72, SEGMENT_ID_BYTES),
    end: header.readUIntBE(88, 6),
    group: header.readUInt32BE(94),
  };
  return {
    owner: { clusterId: asDigest(header.toString('hex', 8, 40)), replica: header.readUInt32BE(40) },
    number: header.readUIntBE(44, 6),
    id: bytesOf(header, 52, SEGMENT_ID_BYTES),
    begin: kind === BASE ? { kind: 'base', records: header.readUInt32BE(68) } : { kind: 'continued', previous },
  };
}

function headerDamage(what: string): HeaderFault {
  return { code: 'damaged', damage: { offset: 0, what } };
}

function bytesOf(buffer: Buffer, start: number, length: number): Bytes {
  return new Uint8Array(buffer.subarray(start, start + length));
}

/** What all checksums of a segment's records start from. */
export function seedOf(id: Bytes): number {
  return crc32(id);
}

/** Where in the segment the next record goes. */
export interface Place {
  /** From 1. */
  readonly group: number;
  /** From 0. */
  readonly place: number;
  readonly isLast: boolean;
}

/** The 24 bytes before a payload. */
export function encodeRecordHeader(payload: Bytes, { group, place, isLast }: Place, seed: number): Buffer {
  const header = Buffer.alloc(RECORD_HEADER_BYTES);
  header.set(RECORD_MAGIC);
  header.writeUInt32BE(payload.length, 4);
  header.writeUInt32BE(group, 8);
  header.writeUInt32BE(isLast ? place + LAST_OF_GROUP : place, 12);
  header.writeUInt32BE(crc32(payload, seed), 16);
  header.writeUInt32BE(crc32(header.subarray(0, 20), seed), 20);
  return header;
}

/** One group as buffers to be written one after the other; payloads of at least 64 KiB are not copied. */
export function encodeGroup(records: readonly Bytes[], group: number, seed: number): readonly Bytes[] {
  const parts: Bytes[] = [];
  let small: Bytes[] = [];
  for (const [place, payload] of records.entries()) {
    small.push(encodeRecordHeader(payload, { group, place, isLast: place === records.length - 1 }, seed));
    if (payload.length < 65_536) {
      small.push(payload);
    } else {
      parts.push(Buffer.concat(small), payload);
      small = [];
    }
  }
  if (small.length > 0) parts.push(Buffer.concat(small));
  return parts;
}

/** Bytes that these records take in a segment. */
export function groupBytes(records: readonly Bytes[]): number {
  return records.reduce((sum, { length }) => sum + RECORD_HEADER_BYTES + length, 0);
}

export interface ScannedRecord extends Place {
  /** Where its header begins in the segment, and where its payload ends. */
  readonly offset: number;
  readonly end: number;
  readonly payload: Bytes;
}

/** The sound records of a segment, and every damage between them. */
export interface ScannedRecords {
  readonly records: readonly ScannedRecord[];
  /** Damage with a later group behind it: to something that was durable. In order; what is behind it was found again by its checksums. */
  readonly damages: readonly Damage[];
  /** The highest group number, 0 when there is none. */
  readonly group: number;
  /** Where the next record goes; before the end of the file when its tail is torn. */
  readonly end: number;
}

/**
 * The records of a whole segment. A bad record with no later group behind it ends the scan: it may be a torn write, which was never
 * acknowledged, and only the caller knows whether this segment may have one.
 */
export function scanRecords(file: Buffer, id: Bytes): ScannedRecords {
  const seed = seedOf(id);
  const records: ScannedRecord[] = [];
  const damages: Damage[] = [];
  let last: Place = { group: 0, place: 0, isLast: true };
  let offset = SEGMENT_HEADER_BYTES;
  while (offset < file.length) {
    let record = readRecord(file, offset, seed);
    if (record === undefined || !follows(record, last)) {
      const damagedGroup = last.isLast ? last.group + 1 : last.group;
      record = findLaterGroup(file, offset + 1, { seed, group: damagedGroup });
      if (record === undefined) break;
      const what = `a record of group ${damagedGroup} is damaged, and group ${record.group} stands behind it at ${record.offset}`;
      damages.push({ offset, what });
    }
    records.push(record);
    last = record;
    offset = record.end;
  }
  return { records, damages, group: last.group, end: offset };
}

function readRecord(file: Buffer, offset: number, seed: number): ScannedRecord | undefined {
  const start = offset + RECORD_HEADER_BYTES;
  if (start > file.length) return undefined;
  const header = file.subarray(offset, start);
  if (!header.subarray(0, 4).equals(RECORD_MAGIC) || crc32(header.subarray(0, 20), seed) !== header.readUInt32BE(20))
    return undefined;
  const end = start + header.readUInt32BE(4);
  if (end > file.length) return undefined;
  const payload = new Uint8Array(file.subarray(start, end));
  if (crc32(payload, seed) !== header.readUInt32BE(16)) return undefined;
  const place = header.readUInt32BE(12);
  const isLast = place >= LAST_OF_GROUP;
  const group = header.readUInt32BE(8);
  return { offset, end, payload, group, place: isLast ? place - LAST_OF_GROUP : place, isLast };
}

/** A group that was cut off has no last record: the next group may follow any record. */
function follows(record: Place, previous: Place): boolean {
  if (record.group === previous.group) return !previous.isLast && record.place === previous.place + 1;
  return record.group === previous.group + 1 && record.place === 0;
}

function findLaterGroup(
  file: Buffer,
  from: number,
  { seed, group }: { readonly seed: number; readonly group: number },
): ScannedRecord | undefined {
  for (let at = file.indexOf(RECORD_MAGIC, from); at !== -1; at = file.indexOf(RECORD_MAGIC, at + 1)) {
    const record = readRecord(file, at, seed);
    if (record !== undefined && record.group > group) return record;
  }
  return undefined;
}

/** Where the room of a file begins, the zeros at its end; not before `start`. */
export function writtenEnd(file: Buffer, start: number): number {
  let end = file.length;
  while (end > start && file[end - 1] === 0) end -= 1;
  return end;
}

/**
 * What is wrong with the end of a segment; undefined when it ends as it may. `length`: of the file, without room; `next`: the header of the segment that
 * continues it. Only where none does may the last group be torn, and never the one with which a base begins.
 */
export function endDamage(
  { begin }: SegmentHeader,
  { records, group, end }: ScannedRecords,
  { length, next }: { readonly length: number; readonly next: SegmentHeader | undefined },
): Damage | undefined {
  if (begin.kind === 'base') {
    const first = records.filter((record) => record.group === 1).length;
    if (first < begin.records) {
      const what = `of the ${begin.records} records that it begins with, number ${first + 1} is damaged or missing`;
      return { offset: records[first - 1]?.end ?? SEGMENT_HEADER_BYTES, what };
    }
  }
  if (next?.begin.kind !== 'continued') return undefined;
  const left = next.begin.previous;
  if (end === length && end === left.end && group === left.group) return undefined;
  const what = `it had ${left.end} bytes and ${left.group} groups when segment ${next.number} went on from it, and ${end} bytes and ${group} groups of it are sound`;
  return { offset: Math.min(end, left.end), what };
}
