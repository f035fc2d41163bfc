/**
 * What a replica that is behind is given of the own checkpoints [OSDI'99 §4.3, TOCS §5.3]: subtrees, of versions that are durable here. Changes
 * nothing but what the peer was sent. "No longer held" is an answer, and no fault.
 */
import type { ReplicaId } from '../base/ids.ts';
import { StateDamaged } from '../base/key-value.ts';
import type { SubtreeAddress, SubtreeContent, SubtreeLimits, Version } from '../base/key-value.ts';
import { stateSubtreeSize } from '../messages/index.ts';
import type { FetchState, StateSubtree } from '../messages/index.ts';
import { hasAllowance, nextAllowance, spend } from './allowance.ts';
import type { Core } from './core.ts';
import { noteDamage } from './damage.ts';

/** One answer has about so many bytes, or one subtree, if that is more. */
const ANSWER_BYTES = 512 * 1024;
/** A subtree comes as its entries where it is small; else as its upper nodes, so that what the asker has already is not sent. */
const SUBTREE: SubtreeLimits = { entries: 16, bytes: 64 * 1024, levels: 4 };
/** Where some of it cannot be read: one node, so that whoever asks goes on below it, and gets from each replica what is sound there. */
const NEXT_NODE: SubtreeLimits = { entries: 1, bytes: 1, levels: 1 };

/** What looking for one subtree costs of the peer's allowance, bytes, however little is found: 256 wrong addresses are much work and no answer. */
const SEARCH_BYTES = 4096;

/** What is found, and what that costs of the allowance, bytes. */
interface Found {
  readonly subtrees: readonly StateSubtree[];
  readonly cost: number;
}
const NOTHING: Found = { subtrees: [], cost: 0 };

/** FETCH-STATE: subtrees of a checkpoint that is still held, or that it is not; later, if the peer was sent much just now. */
export function onFetchState(core: Core, message: FetchState): void {
  const { replica, sequence, root } = message;
  if (!hasAllowance(core, replica)) {
    core.peer(replica).deferredFetchState = message;
    core.timers.setNoLaterThan('serve', nextAllowance(core, replica));
    return;
  }
  const version = core.state.versions().find((each) => each.sequence === sequence && each.root === root);
  const { subtrees, cost } = version === undefined ? NOTHING : subtreesOf(core, version, message);
  spend(core, replica, cost);
  answer(core, replica, { ...message, held: version !== undefined, subtrees });
}

function answer(
  core: Core,
  to: ReplicaId,
  {
    sequence,
    root,
    held,
    subtrees,
  }: Pick<FetchState, 'sequence' | 'root'> & { held: boolean; subtrees: readonly StateSubtree[] },
): void {
  core.send([to], { type: 'state', replica: core.self, sequence, root, held, subtrees });
}

/** As many as fit, in the order in which they were asked for; one that is not there under its hash, or cannot be read, is left out. */
function subtreesOf(core: Core, version: Version, { subtrees }: FetchState): Found {
  const found: StateSubtree[] = [];
  let size = 0;
  let cost = 0;
  for (const address of subtrees) {
    cost += SEARCH_BYTES;
    const content = contentAt(core, version, address);
    if (content === undefined) continue;
    const entries = content.kind === 'entries' ? content.entries : [];
    const nodes = content.kind === 'nodes' ? content.nodes : [];
    size += stateSubtreeSize({ entries, nodes });
    if (found.length > 0 && size > ANSWER_BYTES) break;
    found.push({ address, entries, nodes });
    cost += stateSubtreeSize({ entries, nodes });
  }
  return { subtrees: found, cost };
}

/** Undefined where there is nothing under that hash, or it cannot be read, which is noted. */
function contentAt(core: Core, version: Version, address: SubtreeAddress): SubtreeContent | undefined {
  for (const limits of [SUBTREE, NEXT_NODE]) {
    try {
      return version.subtree(address, limits);
    } catch (error) {
      if (!(error instanceof StateDamaged)) throw error;
      noteDamage(core, error.message);
    }
  }
  return undefined;
}

/** The 'serve' timer. */
export function answerDeferred(core: Core): void {
  for (const replica of core.others) {
    const peer = core.peer(replica);
    const message = peer.deferredFetchState;
    peer.deferredFetchState = undefined;
    if (message !== undefined) onFetchState(core, message);
  }
}
