/** Makes a backup of one node, running or not. It only reads the node's folder, and leaves a whole backup or none. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { replicaName } from '../../base/ids.ts';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { copyState, syncFolder } from '../../node/index.ts';
import { describeConfigFault, loadNodeConfig, NODE_FILES } from '../config/index.ts';
import { VERSION } from '../version.ts';
import { BACKUP_FILES, BACKUP_FORMAT } from './backup-file.ts';
import type { BackupAbout } from './backup-file.ts';

/** Copies state and configuration of the node in `directory` into the new folder `target`; else why not, for people. */
export async function backupNode(directory: string, target: string): Promise<Result<BackupAbout, string>> {
  const config = loadNodeConfig(directory);
  if (!config.ok) return fail(describeConfigFault(config.error).join('\n'));
  const state = join(directory, NODE_FILES.state);
  if (!existsSync(state)) return fail(`there is no state in ${directory}: the node was never started, or keeps none`);
  const place = resolve(target);
  if (existsSync(place)) return fail(`${place} exists already: name a folder that does not`);
  const staging = join(dirname(place), `.${basename(place)}-${randomBytes(6).toString('hex')}`);
  try {
    await mkdir(staging, { recursive: true, mode: 0o700 });
    const copied = await copyState(state, join(staging, BACKUP_FILES.state));
    if (!copied.ok) return fail(copied.error.message);
    const latest = copied.value.versions.at(-1);
    if (copied.value.assembling !== undefined || latest === undefined)
      return fail(
        'the state of this node is not whole: it is being fetched from the others. Back up another node, or this one later',
      );
    const about: BackupAbout = {
      format: BACKUP_FORMAT,
      cluster_id: config.value.clusterId,
      node_id: replicaName(config.value.self),
      sequence: latest.sequence,
      root: latest.root,
      made_at: new Date().toISOString(),
      version: VERSION,
    };
    await copyFile(join(directory, NODE_FILES.config), join(staging, BACKUP_FILES.config));
    await writeFile(join(staging, BACKUP_FILES.about), `${JSON.stringify(about, undefined, 2)}\n`, { flush: true });
    await syncFolder(staging);
    await rename(staging, place);
    await syncFolder(dirname(place));
    return ok(about);
  } catch (error) {
    return fail(`cannot write ${place}: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}
