/**
 * What a signed VIEW-CHANGE contradicts of what its sender said before [PROTOCOL: view change, detection]. Keeps invariant 9: only what no correct
 * replica can have said together, in whatever order it arrived. Changes nothing but suspicions.
 */
import { asSequence, replicaName } from '../base/ids.ts';
import { equalBytes } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import type { ReplicaId, Sequence } from '../base/ids.ts';
import { viewChangeDigest } from '../messages/index.ts';
import type { SignedViewChange } from '../messages/index.ts';
import type { Core } from './core.ts';
import { suspect } from './detection.ts';
import { statements } from './statement.ts';
import type { Vote } from './votes.ts';

function accuse(
  core: Core,
  signed: SignedViewChange,
  summary: string,
  more: readonly Bytes[],
  sequence: Sequence,
): void {
  const { replica, view } = signed.viewChange;
  suspect(core, {
    node: replica,
    kind: 'contradictory-view-changes',
    certainty: 'certain',
    view,
    sequence,
    summary,
    frames: [...statements(core.codec, signed.viewChange, signed.signature), ...more],
    isOwnContradiction: true,
  });
}

/**
 * All of it, for a VIEW-CHANGE that came inside a NEW-VIEW: it may differ from the one that its sender sent here, or contradict what it said before or
 * after. Requires: authentic.
 */
export function checkPassedOn(core: Core, passedOn: SignedViewChange): void {
  const { replica, view } = passedOn.viewChange;
  if (replica === core.self) return;
  const kept = core.viewChanges.get(replica);
  checkAgainstCommits(core, passedOn);
  if (kept === undefined) return;
  if (kept.viewChange.view < view) return checkAgainstEarlier(core, kept, passedOn);
  if (kept.viewChange.view > view) return checkAgainstEarlier(core, passedOn, kept);
  if (!isSame(core, kept, passedOn)) onSecondViewChange(core, kept, passedOn);
}

/** Ed25519 is deterministic: the same signature is the same content. */
export function isSame(core: Core, left: SignedViewChange, right: SignedViewChange): boolean {
  return (
    equalBytes(left.signature, right.signature) ||
    viewChangeDigest(core.codec, left.viewChange) === viewChangeDigest(core.codec, right.viewChange)
  );
}

/** Two different ones for one view. */
export function onSecondViewChange(core: Core, first: SignedViewChange, second: SignedViewChange): void {
  const { replica, view } = second.viewChange;
  suspect(core, {
    node: replica,
    kind: 'contradictory-view-changes',
    certainty: 'certain',
    view,
    summary: `${replicaName(replica)} signed two different VIEW-CHANGEs for view ${view}`,
    frames: [first, second].flatMap((each) => statements(core.codec, each.viewChange, each.signature)),
    isOwnContradiction: true,
  });
}

/** h never falls: not from one VIEW-CHANGE of a replica to one for a higher view. */
export function checkAgainstEarlier(core: Core, earlier: SignedViewChange | undefined, later: SignedViewChange): void {
  if (earlier === undefined || later.viewChange.lowWaterMark >= earlier.viewChange.lowWaterMark) return;
  const { replica, view, lowWaterMark } = later.viewChange;
  const before = earlier.viewChange;
  const summary = `${replicaName(replica)} signed h ${lowWaterMark} for view ${view}, and h ${before.lowWaterMark} for view ${before.view} before`;
  accuse(core, later, summary, statements(core.codec, before, earlier.signature), lowWaterMark);
}

/** The COMMITs of its sender that are here. */
export function checkAgainstCommits(core: Core, signed: SignedViewChange): void {
  const { replica } = signed.viewChange;
  for (const slot of core.log.from(core.log.low + 1)) {
    const commit = slot.commits.of(replica);
    if (commit !== undefined) checkCommit(core, signed, asSequence(slot.sequence), commit);
  }
}

/** A COMMIT that came after its sender's VIEW-CHANGE. */
export function checkAgainstViewChange(core: Core, sender: ReplicaId, sequence: Sequence, commit: Vote): void {
  const signed = core.viewChanges.get(sender);
  if (signed !== undefined) checkCommit(core, signed, sequence, commit);
}

/** COMMIT(v', n, d) of a view before the VIEW-CHANGE says: prepared there. So P must have an entry for n of that view with d, or of a later one. */
function checkCommit(core: Core, signed: SignedViewChange, sequence: Sequence, commit: Vote): void {
  const { replica, view, lowWaterMark, prepared } = signed.viewChange;
  if (commit.view >= view || sequence <= lowWaterMark) return;
  const entry = prepared.find((claimed) => claimed.sequence === sequence);
  if (entry !== undefined && entry.view > commit.view) return;
  if (entry?.view === commit.view && entry.digest === commit.digest) return;
  const { view: voted, digest, signature } = commit;
  const summary = `${replicaName(replica)} committed ${digest.slice(0, 12)}… at view ${voted}, sequence ${sequence}, and its VIEW-CHANGE for view ${view} leaves that out`;
  const vote = statements(core.codec, { type: 'commit', view: voted, sequence, digest, replica }, signature);
  accuse(core, signed, summary, vote, sequence);
}
