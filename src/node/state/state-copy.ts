/** Looking at a state database and copying it from outside, while another process may be at work on it: it is only read. */
import { mkdir } from 'node:fs/promises';
import { readMeta } from './state-meta.ts';
import { StateDatabase } from './database.ts';
import { sha256 } from '../sha256.ts';
import { faultOf } from './state-fault.ts';
import type { StateFault } from './state-fault.ts';
import type { Digest, Sequence } from '../../base/ids.ts';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';

/** What a state database holds. */
export interface StateInspection {
  /** Ascending. */
  readonly versions: readonly { readonly sequence: Sequence; readonly root: Digest }[];
  /** A state that is being fetched: until it is whole, the node serves nobody. */
  readonly assembling: { readonly sequence: Sequence; readonly root: Digest } | undefined;
}

/** Reads which versions the database in `path` holds. Requires: there is one. */
export async function inspectState(path: string): Promise<Result<StateInspection, StateFault>> {
  return withDatabase(path, async (database) => Promise.resolve(inspectionOf(database)));
}

/** Copies the database in `path` into the folder `target`, as it is at one moment, without its unused space. */
export async function copyState(path: string, target: string): Promise<Result<StateInspection, StateFault>> {
  const copied = await withDatabase(path, async (database) => {
    await mkdir(target, { recursive: true, mode: 0o700 });
    await database.backup(target);
  });
  return copied.ok ? inspectState(target) : copied;
}

async function withDatabase<Value>(
  path: string,
  use: (database: StateDatabase) => Promise<Value>,
): Promise<Result<Value, StateFault>> {
  const opened = StateDatabase.open({ path, durability: 'sync', readOnly: true });
  if (!opened.ok) return opened;
  try {
    return ok(await use(opened.value));
  } catch (error) {
    return fail(faultOf(error, path));
  } finally {
    await opened.value.close();
  }
}

function inspectionOf(database: StateDatabase): StateInspection {
  const { versions, assembly } = readMeta(database, sha256);
  return {
    versions: versions.map(({ sequence, root }) => ({ sequence, root })),
    assembling: assembly === undefined ? undefined : { sequence: assembly.sequence, root: assembly.root },
  };
}
