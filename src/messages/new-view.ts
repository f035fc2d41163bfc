/** NEW-VIEW: the primary of a new view shows why it may start, and with what. `[TOCS §3.2.4, §4.3.5]` */
import { LIMITS } from './limits.ts';
import { message } from './message-schema.ts';
import type { Fault } from './schema/composites.ts';
import { bounded, list, object } from './schema/composites.ts';
import { digest, lengthBytes, replica, view } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';
import { SIGNATURE_BYTES, signature } from './schema/signed-text.ts';
import { slotDigest } from './slot-digest.ts';
import type { CodecContext } from './codec-context.ts';
import type { SignedViewChange } from './view-change.ts';
import { claimedCheckpoint, signedViewChange, viewChangeDigest, viewChangeSize } from './view-change.ts';

const support = object({ replica, digest });
const HEAD_BYTES = lengthBytes(LIMITS.replicas);

function viewChangesSize(viewChanges: readonly SignedViewChange[]): number {
  return viewChanges.reduce((sum, each) => sum + viewChangeSize(each.viewChange) + SIGNATURE_BYTES, HEAD_BYTES);
}

/**
 * `viewChanges` (V), attached: each proves itself, and `supports` names each by sender and digest, in ascending order of senders. `start`: the
 * checkpoint from which the view starts. `slots` (X): the digest chosen for each sequence number above it, in order.
 */
export const newView = message({
  type: 'new-view',
  tag: 17,
  content: {
    view,
    start: claimedCheckpoint,
    slots: list(slotDigest, LIMITS.windowSlots),
    supports: list(support, LIMITS.replicas),
  },
  attached: {
    viewChanges: bounded(list(signedViewChange, LIMITS.replicas), LIMITS.viewChangesBytes, viewChangesSize),
  },
  rule: (value) => ruleOf(value),
  verify: (value, context) => verifyOf(value, context),
});

/** The parts that `rule` and `verify` look at. */
interface Parts {
  readonly view: number;
  readonly start: { readonly sequence: number };
  readonly slots: readonly { readonly sequence: number }[];
  readonly supports: readonly ValueOf<typeof support>[];
  readonly viewChanges: readonly SignedViewChange[];
}

function ruleOf({ view: number, start, slots, supports, viewChanges }: Parts): Fault | undefined {
  const isInOrder = slots.every((slot, index) => slot.sequence === start.sequence + 1 + index);
  if (!isInOrder) return { code: 'not-canonical', at: 'slots' };
  const isAscending = supports.every(
    (each, index) => index === 0 || each.replica > (supports[index - 1]?.replica ?? 0),
  );
  if (!isAscending) return { code: 'not-canonical', at: 'supports' };
  const isOfThese =
    viewChanges.length === supports.length &&
    viewChanges.every(
      ({ viewChange }, index) => viewChange.replica === supports[index]?.replica && viewChange.view === number,
    );
  return isOfThese ? undefined : { code: 'inconsistent', at: 'viewChanges' };
}

function verifyOf({ supports, viewChanges }: Parts, context: CodecContext): Fault | undefined {
  const isBound = viewChanges.every(
    ({ viewChange }, index) => viewChangeDigest(context, viewChange) === supports[index]?.digest,
  );
  return isBound ? undefined : { code: 'digest-mismatch', at: 'viewChanges' };
}

/** NEW-VIEW. */
export type NewView = ValueOf<typeof newView>;

/** A NEW-VIEW with its primary's Ed25519 signature: to be passed on by anyone. */
export const signedNewView = object({ newView, signature });
/** NEW-VIEW with its signature. */
export type SignedNewView = ValueOf<typeof signedNewView>;

/** Bytes of the encoding, roughly: those of its VIEW-CHANGEs and slots. */
export function newViewSize(value: NewView): number {
  return newView.minBytes + value.slots.length * slotDigest.maxBytes + viewChangesSize(value.viewChanges);
}
