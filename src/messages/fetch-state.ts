/** FETCH-STATE: subtrees of the state of a certified checkpoint; its holder answers with STATE. [TOCS §5.3] */
import { LIMITS } from './limits.ts';
import { message } from './message-schema.ts';
import { list } from './schema/composites.ts';
import { digest, sender, sequence } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';
import { subtreeAddress } from './subtree-address.ts';

/** `subtrees`: those that are wanted, the most important first. */
export const fetchState = message({
  type: 'fetch-state',
  tag: 14,
  content: { replica: sender, sequence, root: digest, subtrees: list(subtreeAddress, LIMITS.subtrees) },
});

/** FETCH-STATE. */
export type FetchState = ValueOf<typeof fetchState>;
