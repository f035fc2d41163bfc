/** Gives the one version of a state database another sequence number: a state that becomes the genesis of a cluster. */
import { assert } from '../../base/assert.ts';
import type { Digest, Sequence } from '../../base/ids.ts';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { StateDatabase } from './database.ts';
import { sha256 } from '../sha256.ts';
import { faultOf } from './state-fault.ts';
import type { StateFault } from './state-fault.ts';
import { putMeta, readMeta } from './state-meta.ts';

/** Its root. Requires: one version, nothing under way, not in use. */
export async function renumberState(path: string, sequence: Sequence): Promise<Result<Digest, StateFault>> {
  const opened = StateDatabase.open({ path, durability: 'sync' });
  if (!opened.ok) return opened;
  const database = opened.value;
  try {
    const meta = readMeta(database, sha256);
    const [version, ...others] = meta.versions;
    assert(version !== undefined && others.length === 0 && meta.assembly === undefined, 'one version, and it is whole');
    putMeta(database, { ...meta, versions: [{ ...version, sequence }] });
    await database.committed();
    return ok(version.root);
  } catch (error) {
    return fail(faultOf(error, path));
  } finally {
    await database.close();
  }
}
