/**
 * The records that a version no longer needs and its predecessors do: they are removed once no version before it is left. A list is written in
 * parts, each of bounded size, under the epoch of the version; one whose version never came is stale.
 */
import { crc32 } from 'node:zlib';
import type { Leaf, Inner } from '../../state/index.ts';
import { idKey, idOfKey } from './database.ts';
import type { StateDatabase } from './database.ts';
import { RecordDamaged } from './state-fault.ts';

const CRC_BYTES = 4;
const ID_BYTES = 6;
/** Records named in one part; their removal is one slice of work. */
const PART_LENGTH = 1000;

export interface DeadRecord {
  readonly table: 'pages' | 'leaves';
  readonly id: number;
}

/** The record of a node of the tree that has one of its own; undefined for a node inside a page. */
export function recordOf({ kind, id }: Leaf | Inner): DeadRecord | undefined {
  return id === undefined ? undefined : { table: kind === 'leaf' ? 'leaves' : 'pages', id };
}

/** Writes the list of one version. */
export class DeadList {
  readonly #database: StateDatabase;
  readonly #epoch: number;
  #part = 0;
  #records: DeadRecord[] = [];

  constructor(database: StateDatabase, epoch: number) {
    this.#database = database;
    this.#epoch = epoch;
  }

  add(record: DeadRecord): void {
    this.#records.push(record);
    if (this.#records.length === PART_LENGTH) this.write();
  }

  /** What was added so far is put. */
  write(): void {
    if (this.#records.length === 0) return;
    const body = Buffer.alloc(this.#records.length * (1 + ID_BYTES));
    for (const [i, { table, id }] of this.#records.entries()) {
      body[i * (1 + ID_BYTES)] = table === 'pages' ? 0 : 1;
      body.writeUIntBE(id, i * (1 + ID_BYTES) + 1, ID_BYTES);
    }
    const key = Buffer.concat([idKey(this.#epoch), idKey(this.#part)]);
    const crc = Buffer.alloc(CRC_BYTES);
    crc.writeUInt32BE(crc32(body, crc32(key)));
    this.#database.put(this.#database.dead, key, Buffer.concat([crc, body]));
    this.#part += 1;
    this.#records = [];
  }
}

/** The keys of all parts of the lists of these epochs. */
export function partsOf(database: StateDatabase, epochs: readonly number[]): readonly Buffer[] {
  return epochs.flatMap((epoch) => [...database.dead.getKeys({ start: idKey(epoch), end: idKey(epoch + 1) })]);
}

/** The epoch of the version to which a part of a list belongs. */
export function epochOf(key: Buffer): number {
  return idOfKey(key);
}

/** What a part names. Throws `RecordDamaged`. */
export function recordsOf(database: StateDatabase, key: Buffer): readonly DeadRecord[] {
  const value = database.dead.getBinary(key);
  const isIntact =
    value !== undefined &&
    (value.length - CRC_BYTES) % (1 + ID_BYTES) === 0 &&
    value.readUInt32BE() === crc32(value.subarray(CRC_BYTES), crc32(key));
  if (!isIntact) throw new RecordDamaged('dead', key.toString('hex'), 'its checksum differs');
  const records: DeadRecord[] = [];
  for (let at = CRC_BYTES; at < value.length; at += 1 + ID_BYTES) {
    records.push({ table: value[at] === 0 ? 'pages' : 'leaves', id: value.readUIntBE(at + 1, ID_BYTES) });
  }
  return records;
}
