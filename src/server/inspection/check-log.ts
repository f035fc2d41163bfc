/** Checks the log of a node: every checksum of every segment, every record, and that all of them together make a replica. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { LogFault, LogOwner } from '../../node/index.ts';
import { Replica } from '../../protocol/replica.ts';
import type { Record as ReplicaRecord } from '../../protocol/record.ts';
import { UnusableRecords } from '../../protocol/recovery.ts';
import { MemoryState } from '../../state/index.ts';
import { NODE_FILES, toReplicaConfig } from '../config/index.ts';
import { cryptography } from '../cryptography.ts';
import type { Prepared } from '../preparation.ts';
import type { CheckedNode, CheckedState, Finding, PartReport } from './part-report.ts';
import { readStoredLog } from './stored-log.ts';
import type { StoredLogContent, StoredSegment } from './stored-log.ts';

export async function checkLog({ directory, prepared, state }: CheckedNode): Promise<PartReport> {
  const folder = join(directory, NODE_FILES.log);
  const { config } = prepared;
  const owner: LogOwner = { clusterId: config.clusterId, replica: config.self };
  const log = await readStoredLog(folder, owner);
  if (!log.ok) return report([findingOf(log.error)], []);
  if (log.value === undefined) return withoutLog(directory, folder, config.durability);
  const findings = log.value.segments.flatMap(segmentFindings);
  const notes = notesOn(log.value);
  if (findings.length > 0) return report(findings, notes);
  if (state.kind === 'unusable')
    return report([], [...notes, 'whether the records make this replica cannot be told without its state']);
  return report(replicaFindings(folder, { prepared, state }, log.value), notes);
}

function report(findings: readonly Finding[], notes: readonly string[]): PartReport {
  return { part: 'log', findings, notes };
}

function findingOf({ file, offset, reason }: LogFault): Finding {
  return { file, offset, what: reason };
}

function withoutLog(directory: string, folder: string, durability: string): PartReport {
  if (existsSync(join(directory, NODE_FILES.newMark))) return report([], ['there is none yet: this node is new']);
  if (durability === 'memory') return report([], ['there is none: durability is "memory"']);
  const what = 'it holds no log, and this node is not new: bring it back with `pbft recover`';
  return report([{ file: folder, offset: undefined, what }], []);
}

function segmentFindings({ path, damages, records }: StoredSegment): readonly Finding[] {
  const undecoded = records.flatMap(({ offset, decoded }) => {
    if (decoded.ok) return [];
    const { code, at } = decoded.error;
    return [{ file: path, offset, what: `its checksum is right, and it is no record: ${code} at "${at}"` }];
  });
  return [...damages.map((damage) => ({ file: path, ...damage })), ...undecoded].toSorted(
    (left, right) => left.offset - right.offset,
  );
}

function notesOn({ segments, leftovers }: StoredLogContent): readonly string[] {
  const count = segments.reduce((sum, { records }) => sum + records.length, 0);
  const bytes = segments.reduce((sum, { length }) => sum + length, 0);
  const torn = segments.filter(({ tornBytes }) => tornBytes > 0);
  return [
    `${count} records in ${segments.length} segment${segments.length === 1 ? '' : 's'}, ${bytes} bytes`,
    ...torn.map(
      ({ path, soundBytes, tornBytes }) =>
        `${basename(path)} ends in a torn write of ${tornBytes} bytes at byte ${soundBytes}: it was never acknowledged, and the next start cuts it off`,
    ),
    ...leftovers.map((name) => `${name} does not count any more: the next start deletes it`),
  ];
}

/** What keeps records and state from making this replica. Nothing is written. Requires: every record is sound. */
function replicaFindings(
  folder: string,
  {
    prepared,
    state: stored,
  }: { readonly prepared: Prepared; readonly state: Exclude<CheckedState, { kind: 'unusable' }> },
  { segments }: StoredLogContent,
): readonly Finding[] {
  const { authenticator } = cryptography(prepared);
  const records = segments.flatMap((segment) =>
    segment.records.flatMap(({ decoded }): ReplicaRecord[] => (decoded.ok ? [decoded.value] : [])),
  );
  const state = stored.kind === 'open' ? stored.database : new MemoryState((bytes) => authenticator.sha256(bytes));
  try {
    const replica = new Replica(
      toReplicaConfig(prepared.config),
      { authenticator, application: prepared.application, state },
      records,
    );
    const { diverged, lowWaterMark } = replica.status();
    if (!diverged) return [];
    const what = `the own state at ${lowWaterMark} contradicts the stable checkpoint there: this replica had diverged`;
    return [{ file: folder, offset: undefined, what }];
  } catch (error) {
    if (!(error instanceof UnusableRecords)) throw error;
    return [{ file: folder, offset: undefined, what: error.message }];
  }
}
