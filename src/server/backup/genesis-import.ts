/** Makes the state of a backup the genesis of a cluster: the application's part as it is, the protocol's part as of a cluster that has done nothing yet. */
import type { Sequence } from '../../base/ids.ts';
import { asSequence } from '../../base/ids.ts';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { DatabaseState, renumberState, sha256 } from '../../node/index.ts';
import { resetSystemState } from '../../protocol/system-state.ts';
import { toClusterConfig } from '../config/index.ts';
import type { NodeConfig } from '../config/index.ts';

/** Changes the state database in `path`; its root then, which is the same on every node of the cluster. */
export async function makeGenesis(path: string, config: NodeConfig): Promise<Result<string, string>> {
  const opened = await DatabaseState.open({ sha256, path, durability: 'sync' });
  if (!opened.ok) return fail(opened.error.message);
  const state = opened.value;
  const last = state.versions().at(-1)?.sequence;
  if (last === undefined || state.assembling !== undefined) {
    await state.close();
    return fail('the state in the backup is not whole');
  }
  const next: Sequence = asSequence(last + 1);
  resetSystemState(state, toClusterConfig(config));
  state.seal(next);
  state.store(next);
  state.collect(next);
  await state.idle();
  const { fault } = state;
  await state.close();
  if (fault !== undefined) return fail(fault.message);
  const renumbered = await renumberState(path, asSequence(0));
  return renumbered.ok ? ok(renumbered.value) : fail(renumbered.error.message);
}
