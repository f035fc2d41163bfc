/**
 * Puts a backup in place of what a node has lost. One node of a cluster that goes on: its state as a start, its votes by `pbft recover`, since they are in
 * no backup. A whole cluster: the state of the backup as the genesis of a new one, the same on every node.
 */
import { existsSync } from 'node:fs';
import { cp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { replicaName } from '../../base/ids.ts';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { inspectState, syncFolder } from '../../node/index.ts';
import { describeConfigFault, loadNodeConfig, lockDirectory, NODE_FILES } from '../config/index.ts';
import type { NodeConfig } from '../config/index.ts';
import { BACKUP_FILES, readBackup } from './backup-file.ts';
import type { BackupAbout } from './backup-file.ts';
import { makeGenesis } from './genesis-import.ts';

export interface RestoreOptions {
  /** The folder of the node: configuration and keys are there, log and state are not. */
  readonly directory: string;
  readonly backup: string;
  /** Its state becomes the genesis of a new cluster. */
  readonly asGenesis: boolean;
  /** The operator says that no replica of the cluster with this id will ever run again. */
  readonly oldReplicasGone: boolean;
}

export interface Restored {
  readonly about: BackupAbout;
  readonly nodeId: string;
  /** Root of the state that is in place now. */
  readonly root: string;
}

/** Restores; on a fault, in lines for people, nothing has changed. */
export async function restoreNode(options: RestoreOptions): Promise<Result<Restored, string>> {
  const { directory, backup, asGenesis } = options;
  const about = readBackup(backup);
  if (!about.ok) return about;
  const config = loadNodeConfig(directory);
  if (!config.ok) return fail(describeConfigFault(config.error).join('\n'));
  const obstacle = findObstacle(options, about.value, config.value);
  if (obstacle !== undefined) return fail(obstacle);
  const lock = lockDirectory(directory);
  if (!lock.ok) return fail(`${directory} is in use: stop that node first`);
  const staging = join(directory, `${NODE_FILES.state}.restoring`);
  try {
    await rm(staging, { recursive: true, force: true });
    await cp(join(backup, BACKUP_FILES.state), staging, { recursive: true });
    const prepared = asGenesis ? await makeGenesis(staging, config.value) : await whole(staging, about.value);
    if (!prepared.ok) return prepared;
    await syncFolder(staging);
    await rename(staging, join(directory, NODE_FILES.state));
    await syncFolder(directory);
    return ok({ about: about.value, nodeId: replicaName(config.value.self), root: prepared.value });
  } catch (error) {
    return fail(`cannot restore into ${directory}: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await rm(staging, { recursive: true, force: true });
    lock.value.release();
  }
}

/** Why this backup may not go there. */
function findObstacle(
  { directory, asGenesis, oldReplicasGone }: RestoreOptions,
  about: BackupAbout,
  config: NodeConfig,
): string | undefined {
  for (const name of [NODE_FILES.log, NODE_FILES.state])
    if (existsSync(join(directory, name)))
      return `${join(directory, name)} is there: a backup replaces only what is lost; move it away first if it is`;
  const isSameCluster = about.cluster_id === config.clusterId;
  const isNew = existsSync(join(directory, NODE_FILES.newMark));
  if (asGenesis) {
    if (!isNew) return `${directory} is not the folder of a new node: make a new cluster with \`pbft init\``;
    if (isSameCluster && !oldReplicasGone)
      return `the backup is of this very cluster (${about.cluster_id}): a replica of it that still runs could take part in both. Make a new cluster with \`pbft init\`, or say --old-replicas-gone if none of them will ever run again`;
    return undefined;
  }
  if (!isSameCluster)
    return `the backup is of cluster ${about.cluster_id}, this node of ${config.clusterId}: with --as-genesis it becomes the beginning of a new cluster`;
  if (isNew)
    return `${directory} was never started, so it has lost nothing: start it, or, if this is the new folder of a node that has run before, remove ${NODE_FILES.newMark} in it`;
  return undefined;
}

/** Its root, when it is the state that the backup says it is. */
async function whole(path: string, about: BackupAbout): Promise<Result<string, string>> {
  const inspected = await inspectState(path);
  if (!inspected.ok) return fail(inspected.error.message);
  const { versions, assembling } = inspected.value;
  const latest = versions.at(-1);
  if (assembling !== undefined || latest?.sequence !== about.sequence || latest.root !== about.root)
    return fail('the state in the backup is not the one that its backup.json names: it was changed, or is damaged');
  return ok(latest.root);
}
