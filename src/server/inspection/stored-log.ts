/** Reads the log of a node as it lies on disk, without a key and without a change, of a node that runs too. */
import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Bytes } from '../../base/bytes.ts';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { CodecContext } from '../../messages/index.ts';
import type { DecodeRefusal } from '../../messages/index.ts';
import { readChain, segmentNumbers, sha256 } from '../../node/index.ts';
import type { LogFault, LogOwner, ReadSegment } from '../../node/index.ts';
import { decodeRecord } from '../../protocol/record-codec.ts';
import type { Record as ReplicaRecord } from '../../protocol/record.ts';

/** One record where it lies. */
export interface StoredRecord {
  /** Byte in the segment. */
  readonly offset: number;
  readonly bytes: Bytes;
  /** Its digests are verified, its signatures are not. */
  readonly decoded: Result<ReplicaRecord, DecodeRefusal>;
}

export interface StoredSegment {
  readonly path: string;
  readonly number: number;
  /** `base`: what it begins with stands for everything before it; `continued`: it goes on from the one before. */
  readonly kind: 'base' | 'continued';
  /** Of the file, bytes. */
  readonly length: number;
  readonly records: readonly StoredRecord[];
  /** What is wrong, by offset, with what stands there for people. */
  readonly damages: readonly { readonly offset: number; readonly what: string }[];
  /** Up to behind the last sound record. */
  readonly soundBytes: number;
  /** Bytes behind the last sound record where they may be: a write that was torn, or is under way. */
  readonly tornBytes: number;
}

export interface StoredLogContent {
  readonly owner: LogOwner;
  /** Those that count, oldest first. */
  readonly segments: readonly [StoredSegment, ...StoredSegment[]];
  /** Names of files that the next start deletes. */
  readonly leftovers: readonly string[];
}

/** A running node may begin new segments and delete old ones while they are read. */
const ATTEMPTS = 5;

/** Undefined when `folder` holds no segment. `owner`: whose log it must be; undefined for whoever's it is. */
export async function readStoredLog(
  folder: string,
  owner: LogOwner | undefined,
): Promise<Result<StoredLogContent | undefined, LogFault>> {
  for (let attempt = 1; ; attempt += 1) {
    const numbers = await numbersOf(folder);
    if (numbers.length === 0) return ok(undefined);
    const chain = await readChain(folder, numbers, owner);
    const isMoving = String(await numbersOf(folder)) !== String(numbers);
    if (!chain.ok) {
      if (isMoving && attempt < ATTEMPTS) continue;
      return fail(chain.error);
    }
    const { segments } = chain.value;
    const [first, ...more] = segments;
    const isLast = (segment: ReadSegment): boolean => segment === segments.at(-1);
    const codec = new CodecContext(first.header.owner.clusterId, sha256);
    const counting = segments.map(({ path }) => basename(path));
    const names = await readdir(folder);
    return ok({
      owner: first.header.owner,
      segments: [stored(first, codec, isLast(first)), ...more.map((each) => stored(each, codec, isLast(each)))],
      leftovers: names.filter((name) => /\.seg(?:\.new)?$/.test(name) && !counting.includes(name)),
    });
  }
}

async function numbersOf(folder: string): Promise<readonly number[]> {
  try {
    return await segmentNumbers(folder);
  } catch {
    return [];
  }
}

function stored(
  { path, header, content, scan, tornBytes, damages }: ReadSegment,
  codec: CodecContext,
  isLast: boolean,
): StoredSegment {
  return {
    path,
    number: header.number,
    kind: header.begin.kind,
    length: content.length,
    soundBytes: scan.end,
    records: scan.records.map(({ offset, payload }) => ({
      offset,
      bytes: payload,
      decoded: decodeRecord(payload, codec),
    })),
    damages,
    tornBytes: isLast ? tornBytes : 0,
  };
}
