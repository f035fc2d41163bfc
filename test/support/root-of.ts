/** The root of a state's present content, taken as a checkpoint takes it. */
import { asSequence } from '../../src/base/ids.ts';
import type { Digest } from '../../src/base/ids.ts';
import type { AuthenticatedState, Version } from '../../src/base/key-value.ts';

/** Requires: a state whose sealed versions are durable at once. */
export function versionOf(state: AuthenticatedState): Version {
  state.seal(asSequence((state.versions().at(-1)?.sequence ?? -1) + 1));
  const version = state.versions().at(-1);
  if (version === undefined) throw new Error('a state that is durable at once has a version');
  return version;
}

export function rootOf(state: AuthenticatedState): Digest {
  return versionOf(state).root;
}
