/** Opens what a replica has stored: its log, by the durability that was chosen, with every record decoded. Decides whether this node is new. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bytes } from '../base/bytes.ts';
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import type { CodecContext } from '../messages/index.ts';
import { DurableLog, MemoryLog, syncFolder } from '../node/index.ts';
import type { DiskFull, LogFault } from '../node/index.ts';
import type { Record } from '../protocol/record.ts';
import { decodeRecord } from '../protocol/record-codec.ts';
import { NODE_FILES } from './config/index.ts';
import type { NodeConfig } from './config/index.ts';
import type { NodeLog } from './node-options.ts';
import { refuse } from './preparation.ts';
import type { StartFault, StartFaultCode } from './preparation.ts';

/** The log found no room, or (undefined) found some again. */
export type FullListener = (full: DiskFull | undefined) => void;

export interface StoredLog {
  readonly log: NodeLog;
  readonly records: readonly Record[];
  /** Goes on after the log found no room; does nothing for one that never does. */
  readonly resume: (records: readonly Bytes[]) => void;
  /** Who is told; at most one at a time, and nothing was to be told before. */
  readonly listen: (listener: FullListener) => void;
}

/**
 * Opens the log of the node in `directory`. Where there is none it is made only if the mark of a new node is there, which then goes before
 * the replica says its first word: a node that has lost its log must not take itself for a new one. `isLost`: it is known to be gone, and the replica recovers.
 */
export async function openStoredLog(
  directory: string,
  config: NodeConfig,
  codec: CodecContext,
  isLost = false,
): Promise<Result<StoredLog, StartFault>> {
  const folder = join(directory, NODE_FILES.log);
  const mark = join(directory, NODE_FILES.newMark);
  const isMarked = existsSync(mark);
  const mayMake = isMarked || isLost;
  const stored = config.durability === 'memory' ? keepNothing(folder) : await openKept(folder, config, codec, mayMake);
  if (!stored.ok || !isMarked) return stored;
  try {
    await rm(mark, { force: true });
    await syncFolder(directory);
    return stored;
  } catch (error) {
    await stored.value.log.close();
    return refuse(
      'directory-unwritable',
      `cannot remove ${mark}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function keepNothing(folder: string): Result<StoredLog, StartFault> {
  if (existsSync(folder)) {
    return refuse(
      'log-unusable',
      `durability is "memory", and ${folder} holds a log, which would be out of date from now on: set durability to "sync", or delete that folder (after that, only \`pbft recover\` leads back to "sync")`,
    );
  }
  return ok({ log: new MemoryLog(), records: [], resume: () => undefined, listen: () => undefined });
}

async function openKept(
  folder: string,
  config: NodeConfig,
  codec: CodecContext,
  mayMake: boolean,
): Promise<Result<StoredLog, StartFault>> {
  let tell: FullListener = () => undefined;
  const opened = await DurableLog.open(folder, {
    owner: { clusterId: config.clusterId, replica: config.self },
    absent: mayMake ? 'make' : 'refuse',
    waitFor: config.durability === 'async' ? 'write' : 'sync',
    onFull: (full) => tell(full),
    onRoom: () => tell(undefined),
  });
  if (!opened.ok) return refuse(START_CODES[opened.error.code], opened.error.reason);
  const { log } = opened.value;
  const records = decodeRecords(folder, opened.value.records, codec);
  if (!records.ok) {
    await log.close();
    return records;
  }
  return ok({
    log,
    records: records.value,
    resume: (list) => log.resume(list),
    listen: (listener) => {
      tell = listener;
    },
  });
}

const START_CODES: Readonly<globalThis.Record<LogFault['code'], StartFaultCode>> = {
  'in-use': 'directory-in-use',
  missing: 'log-missing',
  foreign: 'log-foreign',
  'newer-format': 'log-unusable',
  'older-format': 'log-unusable',
  damaged: 'log-damaged',
  unusable: 'log-unusable',
  'write-failed': 'log-unusable',
};

function decodeRecords(
  folder: string,
  stored: readonly Bytes[],
  codec: CodecContext,
): Result<readonly Record[], StartFault> {
  const records: Record[] = [];
  for (const [index, bytes] of stored.entries()) {
    const decoded = decodeRecord(bytes, codec);
    if (!decoded.ok) {
      const { code, at } = decoded.error;
      return fail({
        code: 'log-unusable',
        message: `${folder}, record ${index + 1} of ${stored.length}: ${code} at "${at}". It is damaged or of a newer version: start the version that wrote it; \`pbft check\` says more, and \`pbft recover\` brings the node back if its log is lost.`,
      });
    }
    records.push(decoded.value);
  }
  return ok(records);
}
