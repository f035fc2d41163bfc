/** The one record that says what the other tables hold: which versions there are, what is under way, which numbers are free. */
import { crc32 } from 'node:zlib';
import type { Digest, Sequence } from '../../base/ids.ts';
import type { Node, Sha256 } from '../../state/index.ts';
import type { StateDatabase } from './database.ts';
import { leafText, parseNode, stubText } from './page-codec.ts';
import { RecordDamaged, WriteFailed } from './state-fault.ts';

const FORMAT = 1;
const KEY = Buffer.from('meta');
const CRC_BYTES = 4;

/** The root of a stored tree; undefined for the tree without entries. */
export type StoredRoot = Node | undefined;

export interface StoredVersion {
  readonly sequence: Sequence;
  /** Which contents came before which: each version is made from the one with the epoch before. */
  readonly epoch: number;
  readonly root: Digest;
  readonly tree: StoredRoot;
}

export interface StoredAssembly {
  readonly sequence: Sequence;
  readonly root: Digest;
  readonly tree: StoredRoot;
  readonly takenBytes: number;
  /** Unfinished trees that were given up for this one. */
  readonly earlier: readonly StoredRoot[];
  /** What has this number or a higher one was written by assemblies. */
  readonly firstPage: number;
  readonly firstLeaf: number;
  /** Records had been found damaged when it began. */
  readonly isSuspect: boolean;
}

export interface StateMeta {
  readonly nextPage: number;
  readonly nextLeaf: number;
  /** Ascending by epoch and sequence. */
  readonly versions: readonly StoredVersion[];
  /**
   * The trees of which the table `entries` holds a mixture: one, or two and more while it is changed over from one to another. Undefined: it
   * may hold anything.
   */
  readonly entriesOf: readonly StoredRoot[] | undefined;
  /** The epochs of versions, present or gone, whose lists of dead records hold; other lists are left over from versions that never came. */
  readonly dead: readonly number[];
  readonly assembly: StoredAssembly | undefined;
}

export const NEW_META: StateMeta = {
  nextPage: 1,
  nextLeaf: 1,
  versions: [],
  entriesOf: [undefined],
  dead: [],
  assembly: undefined,
};

/** Reads the record; `NEW_META` for a new database. Throws `RecordDamaged`, and `WriteFailed` for a format of another program. */
export function readMeta(database: StateDatabase, sha256: Sha256): StateMeta {
  const value = database.meta.getBinary(KEY);
  if (value === undefined) return NEW_META;
  if (value.length < CRC_BYTES || value.readUInt32BE() !== crc32(value.subarray(CRC_BYTES))) {
    throw new RecordDamaged('meta', 'meta', 'its checksum differs');
  }
  const treeOf = (text: unknown): StoredRoot => (typeof text === 'string' ? parseNode(sha256, text) : undefined);
  const revived = (key: string, part: unknown): unknown => {
    if (key === 'tree') return treeOf(part);
    return (key === 'earlier' || key === 'entriesOf') && Array.isArray(part) ? part.map(treeOf) : part;
  };
  // The checksum says that this program wrote it, or another version of it: then `format` differs.
  const { format, ...meta } = JSON.parse(value.toString('utf8', CRC_BYTES), revived) as StateMeta & { format: number };
  if (format === FORMAT) return meta;
  const message = `the state database in ${database.path} has format ${format}, this program knows format ${FORMAT}. Use the version of the program that wrote it, or recover the state from the other replicas.`;
  throw new WriteFailed({ code: 'wrong_format', path: database.path, message });
}

/** Puts the record. */
export function putMeta(database: StateDatabase, meta: StateMeta): void {
  const text = Buffer.from(JSON.stringify({ format: FORMAT, ...meta }, replaced), 'utf8');
  const crc = Buffer.alloc(CRC_BYTES);
  crc.writeUInt32BE(crc32(text));
  database.put(database.meta, KEY, Buffer.concat([crc, text]));
}

/** A tree is written as the text of its root, the tree without entries as null. */
function replaced(key: string, value: unknown): unknown {
  if (key === 'tree') return treeText(value as StoredRoot);
  if ((key === 'earlier' || key === 'entriesOf') && Array.isArray(value)) return (value as StoredRoot[]).map(treeText);
  return value;
}

function treeText(tree: StoredRoot): string | null {
  if (tree === undefined || tree.kind === 'inner') return null;
  return tree.kind === 'leaf' ? leafText(tree) : stubText(tree);
}
