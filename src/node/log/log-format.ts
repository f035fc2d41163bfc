/**
 * The bytes of the durable log: a file header with a random id, then records of 24 bytes of header and a payload. Every record names its
 * group (what one sync made durable) and its place in it, and all checksums start from the file's id, so that neither bytes of an older
 * file in a reused disk block nor what a client wrote into an operation can pass for a record. Pure: no files here.
 *
 *   file    "PBFTLOG" version:u8 | id:16 | checksum:u32
 *   record  "PREC" | length:u32 | group:u32 | place:u32 (top bit: last of its group) | payload checksum:u32 | header checksum:u32 | payload
 *
 * Numbers are big-endian, checksums CRC-32.
 */
import { crc32 } from 'node:zlib';
import type { Bytes } from '../../base/bytes.ts';

export const FILE_HEADER_BYTES = 28;
export const RECORD_HEADER_BYTES = 24;
/** The longest record: above any state a plain log should hold, below what one Buffer can. */
export const MAX_RECORD_BYTES = 1024 * 1024 * 1024;
export const FILE_ID_BYTES = 16;

const FILE_MAGIC = Buffer.from('PBFTLOG\u0001', 'latin1');
const RECORD_MAGIC = Buffer.from('PREC', 'latin1');
const LAST_OF_GROUP = 0x80000000;

/** The first bytes of a file with this random id, 16 bytes. */
export function encodeFileHeader(id: Bytes): Buffer {
  const header = Buffer.alloc(FILE_HEADER_BYTES);
  header.set(FILE_MAGIC);
  header.set(id, FILE_MAGIC.length);
  header.writeUInt32BE(crc32(header.subarray(0, FILE_HEADER_BYTES - 4)), FILE_HEADER_BYTES - 4);
  return header;
}

/** What all checksums of a file start from. */
export function seedOf(id: Bytes): number {
  return crc32(id);
}

/** Where in the log the next record goes. */
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

/** What a file holds. */
export interface ScannedLog {
  readonly records: readonly Bytes[];
  readonly seed: number;
  /** The highest group number, 0 when there is none. */
  readonly group: number;
  /** Where the next record goes; shorter than the file when its tail was torn. */
  readonly end: number;
}

/** What is wrong with a file, and at which byte. */
export interface Damage {
  readonly offset: number;
  readonly what: string;
}

interface ScannedRecord extends Place {
  readonly payload: Bytes;
  readonly end: number;
}

/**
 * The records of a whole file. A bad record in the last group is a torn write that was never acknowledged: the log ends before it. A bad
 * record with a later group behind it is damage to something acknowledged, and nothing is returned.
 */
export function scanLog(file: Buffer): ScannedLog | Damage {
  const id = readFileHeader(file);
  if (id === undefined) return { offset: 0, what: 'it does not begin as a pbft log does' };
  const seed = seedOf(id);
  const records: Bytes[] = [];
  let last: Place = { group: 0, place: 0, isLast: true };
  let offset = FILE_HEADER_BYTES;
  while (offset < file.length) {
    const record = readRecord(file, offset, seed);
    if (record === undefined || !follows(record, last)) {
      const damagedGroup = last.isLast ? last.group + 1 : last.group;
      const later = findLaterGroup(file, offset + 1, { seed, group: damagedGroup });
      if (later === undefined) break;
      return {
        offset,
        what: `a record of group ${damagedGroup} is damaged, and group ${later.group} stands behind it at ${later.offset}`,
      };
    }
    records.push(record.payload);
    last = record;
    offset = record.end;
  }
  return { records, seed, group: last.group, end: offset };
}

function readFileHeader(file: Buffer): Bytes | undefined {
  if (file.length < FILE_HEADER_BYTES) return undefined;
  const id = file.subarray(FILE_MAGIC.length, FILE_MAGIC.length + FILE_ID_BYTES);
  return file.subarray(0, FILE_HEADER_BYTES).equals(encodeFileHeader(id)) ? id : undefined;
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
  return { payload, end, group: header.readUInt32BE(8), place: isLast ? place - LAST_OF_GROUP : place, isLast };
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
): { readonly offset: number; readonly group: number } | undefined {
  for (let at = file.indexOf(RECORD_MAGIC, from); at !== -1; at = file.indexOf(RECORD_MAGIC, at + 1)) {
    const record = readRecord(file, at, seed);
    if (record !== undefined && record.group > group) return { offset: at, group: record.group };
  }
  return undefined;
}
