/**
 * What a liar says in a view change instead of what its replica says. Pure. Its own VIEW-CHANGEs and NEW-VIEWs are signed again with its own, good
 * key; those of others, which it passes on or which support its NEW-VIEW, stay as they are: it cannot sign for them. All lists stay in order.
 */
import { asReplicaId, asSequence, asView, GENESIS, NULL_DIGEST } from '../base/ids.ts';
import type { Digest, ReplicaId, Sequence, View } from '../base/ids.ts';
import { checkpointBytes, newViewBytes, viewChangeBytes } from '../messages/index.ts';
import type { ClaimedSlot, NewView, ViewChange } from '../messages/index.ts';
import { windowSize } from '../protocol/config.ts';
import { alteredDigest } from './alter.ts';
import type { BehaviourContext, SendOutput } from './behaviour.ts';

/** So many numbers above those it lists a liar claims to have prepared. */
const INVENTED_AHEAD = 3;
/** So many views ahead a shouting liar is. */
const SHOUTED_VIEWS = 1000;

/** The same sending of another VIEW-CHANGE, signed by the liar itself. */
export function sendingViewChange(context: BehaviourContext, output: SendOutput, message: ViewChange): SendOutput {
  return { ...output, message, signature: context.authenticator.sign(viewChangeBytes(context.codec, message)) };
}

/** The same sending of another NEW-VIEW, signed by the liar itself. */
export function sendingNewView(context: BehaviourContext, output: SendOutput, message: NewView): SendOutput {
  return { ...output, message, signature: context.authenticator.sign(newViewBytes(context.codec, message)) };
}

/** True if the liar is the primary that made it; others' it only passes on. */
export function isOwnNewView({ self, cluster }: BehaviourContext, { view }: NewView): boolean {
  return view % cluster.replicaCount === self;
}

/** A VIEW-CHANGE of one that has done nothing, at genesis: valid by itself. */
export function blankViewChange(replica: ReplicaId, view: View): ViewChange {
  return {
    type: 'view-change',
    view,
    lowWaterMark: GENESIS,
    root: NULL_DIGEST,
    checkpoints: [],
    prepared: [],
    prePrepared: [],
    replica,
    stableProof: [],
  };
}

/** A NEW-VIEW that rests on no VIEW-CHANGE. */
export function newViewFromNothing(view: View): NewView {
  const start = { sequence: GENESIS, root: NULL_DIGEST };
  return { type: 'new-view', view, start, slots: [], supports: [], viewChanges: [] };
}

/** P and Q with other digests: valid, and nobody proposed them. */
export function withAlteredClaims(context: BehaviourContext, message: ViewChange): ViewChange {
  const altered = (claim: ClaimedSlot): ClaimedSlot => ({ ...claim, digest: alteredDigest(context, claim.digest) });
  return {
    ...message,
    prepared: message.prepared.map(altered),
    prePrepared: message.prePrepared.map(altered).toSorted(bySlot),
  };
}

/** P with the view of the VIEW-CHANGE itself, in which nobody has been: invalid where P has an entry. */
export function withViewsTooHigh(message: ViewChange): ViewChange {
  return { ...message, prepared: message.prepared.map((claim) => ({ ...claim, view: message.view })) };
}

/** As if nothing had been prepared or pre-prepared. */
export function withoutClaims(message: ViewChange): ViewChange {
  return { ...message, prepared: [], prePrepared: [] };
}

/**
 * P and Q with a digest that nobody proposed, in the latest view there can be, for each number that they list and the next few in the window:
 * what would win if one voice were enough.
 */
export function withInventedClaims(context: BehaviourContext, message: ViewChange): ViewChange {
  const digests = new Map<Sequence, Digest>();
  for (const { sequence, digest } of [...message.prePrepared, ...message.prepared]) digests.set(sequence, digest);
  const last = Math.max(message.lowWaterMark, ...digests.keys());
  const ahead = Math.min(last + INVENTED_AHEAD, message.lowWaterMark + windowSize(context.cluster));
  for (let sequence = last + 1; sequence <= ahead; sequence += 1) digests.set(asSequence(sequence), message.root);
  const view = asView(message.view - 1);
  const invented = [...digests]
    .map(([sequence, digest]) => ({ sequence, digest: alteredDigest(context, digest), view }))
    .toSorted(bySlot);
  return { ...message, prepared: invented, prePrepared: invented };
}

/** Invented claims of a view far ahead, which f liars may shout as they like. */
export function shouted(context: BehaviourContext, message: ViewChange): ViewChange {
  return withInventedClaims(context, { ...message, view: asView(message.view + SHOUTED_VIEWS) });
}

/**
 * A stable checkpoint that there never was, one interval up, with a proof in the name of all: each CHECKPOINT in it is signed by the liar. Were it
 * believed, the new view would start from a state that nobody has.
 */
export function withFalseProof(context: BehaviourContext, message: ViewChange): ViewChange {
  const { cluster, codec, authenticator } = context;
  const lowWaterMark = asSequence(message.lowWaterMark + cluster.checkpointInterval);
  const root = alteredDigest(context, message.root);
  const stableProof = Array.from({ length: cluster.replicaCount }, (_, replica) => {
    const checkpoint = { type: 'checkpoint' as const, sequence: lowWaterMark, root, replica: asReplicaId(replica) };
    return { checkpoint, signature: authenticator.sign(checkpointBytes(codec, checkpoint)) };
  });
  const isAbove = ({ sequence }: { readonly sequence: Sequence }): boolean => sequence > lowWaterMark;
  return {
    ...message,
    lowWaterMark,
    root,
    checkpoints: message.checkpoints.filter(isAbove),
    prepared: message.prepared.filter(isAbove),
    prePrepared: message.prePrepared.filter(isAbove),
    stableProof,
  };
}

/** Another choice: other digests in X, or another root to start from where X is empty. */
export function withAlteredChoice(context: BehaviourContext, message: NewView): NewView {
  if (message.slots.length === 0)
    return { ...message, start: { ...message.start, root: alteredDigest(context, message.start.root) } };
  const slots = message.slots.map((slot) => ({ ...slot, digest: alteredDigest(context, slot.digest) }));
  return { ...message, slots };
}

/** A choice of nothing: null in place of each digest of X. */
export function withNullChoice(message: NewView): NewView {
  return { ...message, slots: message.slots.map((slot) => ({ ...slot, digest: NULL_DIGEST })) };
}

function bySlot(left: ClaimedSlot, right: ClaimedSlot): number {
  return left.sequence - right.sequence || (left.digest < right.digest ? -1 : 1);
}
