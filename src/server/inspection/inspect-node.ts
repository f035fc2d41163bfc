/** What lies in the folder of a node, for people: whose it is, how far its log says it was, and what its log consists of. It only reads. */
import { existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { asReplicaId, replicaName } from '../../base/ids.ts';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { inspectState, LOG_FORMAT } from '../../node/index.ts';
import type { Record as ReplicaRecord } from '../../protocol/record.ts';
import { loadNodeConfig, lockHolder, NODE_FILES } from '../config/index.ts';
import { readStoredLog } from './stored-log.ts';
import type { StoredLogContent, StoredSegment } from './stored-log.ts';

/** As `pbft inspect --json` prints it. */
export interface NodeInspection {
  readonly directory: string;
  readonly node_id: string | null;
  readonly cluster_id: string | null;
  /** The process that has the folder now. */
  readonly process: number | null;
  /** It was never started. */
  readonly new: boolean;
  readonly durability: string | null;
  readonly log: LogInspection | null;
  readonly state: StateContent | null;
}

/** The checkpoints whose states are on disk. */
export interface StateContent {
  readonly checkpoints: readonly { readonly sequence: number; readonly root: string }[];
  /** The checkpoint whose state is being fetched. */
  readonly fetching: number | null;
}

export interface LogInspection {
  readonly format: number;
  readonly view: number;
  readonly in_view_change: boolean;
  /** h: the last stable checkpoint. */
  readonly low_water_mark: number;
  /** The highest number for which a batch was accepted. */
  readonly highest_accepted: number;
  readonly bytes: number;
  readonly segments: readonly SegmentInspection[];
  readonly leftovers: readonly string[];
}

export interface SegmentInspection {
  readonly file: string;
  readonly kind: 'base' | 'continued';
  readonly bytes: number;
  /** How many of each kind; `unreadable` for those that are none. */
  readonly records: Readonly<Record<string, number>>;
  readonly torn_bytes: number;
  readonly damages: readonly { readonly offset: number; readonly what: string }[];
}

/** Of `directory`, the folder of a node or of its log; one line that says why not. */
export async function inspectNode(directory: string): Promise<Result<NodeInspection, string>> {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true)
    return fail(`there is no folder ${directory}`);
  const config = loadNodeConfig(directory);
  const folder = join(directory, NODE_FILES.log);
  const log = await readStoredLog(existsSync(folder) ? folder : directory, undefined);
  if (!log.ok) return fail(log.error.reason);
  const content = log.value;
  if (!config.ok && content === undefined)
    return fail(`${directory} is no folder of a node: it has neither a usable ${NODE_FILES.config} nor a log`);
  const state = await stateContent(join(directory, NODE_FILES.state));
  if (!state.ok) return state;
  const owner =
    content?.owner ?? (config.ok ? { clusterId: config.value.clusterId, replica: config.value.self } : undefined);
  return ok({
    directory,
    node_id: owner === undefined ? null : replicaName(asReplicaId(owner.replica)),
    cluster_id: owner?.clusterId ?? null,
    process: lockHolder(directory) ?? null,
    new: existsSync(join(directory, NODE_FILES.newMark)),
    durability: config.ok ? config.value.durability : null,
    log: content === undefined ? null : logInspection(content),
    state: state.value,
  });
}

async function stateContent(path: string): Promise<Result<StateContent | null, string>> {
  if (!existsSync(path)) return ok(null);
  const inspected = await inspectState(path);
  if (!inspected.ok) return fail(inspected.error.message);
  const { versions, assembling } = inspected.value;
  return ok({ checkpoints: versions, fetching: assembling?.sequence ?? null });
}

function logInspection({ segments, leftovers }: StoredLogContent): LogInspection {
  const records = segments.flatMap((segment) => decodedOf(segment));
  const { view, isEntered } = viewOf(records);
  const highest = (sequences: readonly number[]): number => Math.max(0, ...sequences);
  return {
    format: LOG_FORMAT,
    view,
    in_view_change: !isEntered,
    low_water_mark: highest(records.flatMap((record) => (record.kind === 'stable' ? [record.sequence] : []))),
    highest_accepted: highest(records.flatMap((record) => (record.kind === 'accepted' ? [record.sequence] : []))),
    bytes: segments.reduce((sum, { length }) => sum + length, 0),
    segments: segments.map(segmentInspection),
    leftovers,
  };
}

/** The highest view in the log, and whether its NEW-VIEW is there; view 0 needs none. */
function viewOf(records: readonly ReplicaRecord[]): { readonly view: number; readonly isEntered: boolean } {
  const left = Math.max(
    0,
    ...records.flatMap((each) => (each.kind === 'view-change' ? [each.viewChange.viewChange.view] : [])),
  );
  const entered = Math.max(
    0,
    ...records.flatMap((each) => (each.kind === 'new-view' ? [each.newView.newView.view] : [])),
  );
  return { view: Math.max(left, entered), isEntered: entered >= left };
}

function decodedOf({ records }: StoredSegment): readonly ReplicaRecord[] {
  return records.flatMap(({ decoded }) => (decoded.ok ? [decoded.value] : []));
}

function segmentInspection({ path, kind, length, records, tornBytes, damages }: StoredSegment): SegmentInspection {
  const counts: Record<string, number> = {};
  for (const { decoded } of records) {
    const name = decoded.ok ? decoded.value.kind : 'unreadable';
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return { file: basename(path), kind, bytes: length, records: counts, torn_bytes: tornBytes, damages };
}
