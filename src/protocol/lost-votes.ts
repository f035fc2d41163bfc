/**
 * A replica that lost its log: what it may have said before is forgotten, so it must cast no vote that could contradict it, and be useful again
 * afterwards [TOCS §4.3.2; PROTOCOL: lost votes]. Until it is done it counts as one of the f. Rules kept here:
 *
 * 1. It asks with a fresh nonce until q others have answered and a mark M follows (estimation.ts): above everything it may have voted on. Nonce, M and
 *    the number of its RECOVER are on disk before anything that depends on them is sent, so that a crash on the way changes nothing.
 * 2. Its RECOVER is ordered and executed at r (recover-request.ts). It is *done* when a checkpoint at or above max(M, r + L) is stable by the
 *    signatures of others, and its state is here. Until then it executes, fetches, repairs and passes on, but sends no PRE-PREPARE, PREPARE, COMMIT,
 *    CHECKPOINT or VIEW-CHANGE, and its own CHECKPOINT counts nowhere, here included: `core.isRecovering`, and hence not `core.mayVote`.
 * 3. Its old VIEW-CHANGEs may still be under way, and nobody need know them. They speak truly of everything it did in the views below theirs, as long
 *    as it votes in none of these again. So it is barred from all views up to B = max(b + f, the newest of them that anybody showed), where b is
 *    a view it has entered itself by a checked NEW-VIEW that is at least as high as the last view entered by each of q others *after* they could
 *    know r. Above B lies none of its VIEW-CHANGEs: let x be the highest view that a correct replica was in when the log was lost. Whoever came
 *    to x first came there from a view in which a quorum had been seen, q−f of them correct others, or by way of views whose primaries lied, of
 *    which there are f−1: so q−f correct others were in views of at least x−f. The quorum that committed r contains one of them, so r was
 *    committed in a view of at least x−f, and any q that entered it or a higher one show at least that: b ≥ x−f. No liar inflates b, since only
 *    NEW-VIEWs count that this replica has checked.
 * 4. Done, it sends one VIEW-CHANGE for B+1, with nothing in P and Q, which is true above M; the others grant it (recovery-grant.ts).
 *
 * What it says while recovering (STATUS, DECIDED, replies, state) is true of what it does now. It answers nobody's QUERY-STABLE before it is done.
 * Owns `core.recovery`.
 */
import { assert } from '../base/assert.ts';
import { GENESIS, asView } from '../base/ids.ts';
import type { Digest, Sequence, View } from '../base/ids.ts';
import { authenticatedBytes, encodeMessage, viewChangeBytes } from '../messages/index.ts';
import type { QueryStable, ReplyStable, SignedViewChange } from '../messages/index.ts';
import { hasStableState, tryStable } from './checkpoints.ts';
import { windowSize } from './config.ts';
import type { Core } from './core.ts';
import { estimateMark, mergeAnswers } from './estimation.ts';
import { expectedTime, judgeRecover, makeRecover, nextRecoverSession, untilRecover } from './recover-request.ts';
import { makeRecovery, recoveredAt, recoveryEnd, shownViews } from './recovery-progress.ts';
import type { Recovery } from './recovery-progress.ts';
import { startViewChange } from './view-change.ts';

/**
 * The log is lost: from now on no vote. The state may have outlived it: what it holds was decided, and is a start. Requires: a fresh core without records;
 * a nonce that was never used.
 */
export function beginRecovery(core: Core, nonce: Digest): void {
  assert(core.recovery === undefined, 'a recovery begins with nothing');
  for (const votes of core.checkpointVotes.values()) votes.delete(core.self);
  core.recovery = makeRecovery({ nonce, mark: undefined, session: undefined, barred: undefined });
}

/** At the start: what is known of the recovery on disk, then the first question. */
export function startRecovery(core: Core): void {
  const { recovery } = core;
  if (recovery === undefined) return;
  if (recovery.barred !== undefined) return leaveBarredViews(core, recovery.barred);
  save(core, recovery);
  core.emit({ kind: 'recovery-started', mark: recovery.mark });
  onRecoveryTimer(core);
}

function save(core: Core, { nonce, mark, session, barred }: Recovery): void {
  core.persist({ kind: 'recovery', nonce, mark, session, barred });
}

/** The 'recovery' timer: asks what is not known yet, and sends RECOVER until it is ordered. */
export function onRecoveryTimer(core: Core): void {
  const { recovery } = core;
  if (recovery === undefined || recovery.barred !== undefined) return;
  const recovered = recoveredAt(core);
  const lacksViews = recovered !== undefined && shownViews(core, recovery).length < core.quorums.quorum;
  if (recovery.mark === undefined || lacksViews) ask(core, recovery.nonce, recovered ?? GENESIS);
  if (recovered === undefined) sendRecover(core, recovery);
  core.timers.set('recovery', core.now.monotonic + core.config.tuning.statusIntervalUs);
}

function ask(core: Core, nonce: Digest, recovered: Sequence): void {
  const query: QueryStable = { type: 'query-stable', replica: core.self, nonce, recovered };
  core.broadcast(query, core.authenticator.sign(authenticatedBytes(core.codec, encodeMessage(query))));
}

/** To all, as a client that had no answer; under a new number where the old one cannot be accepted any more. */
function sendRecover(core: Core, recovery: Recovery): void {
  const { mark, nonce, sentAt } = recovery;
  if (mark === undefined) return;
  const { monotonic } = core.now;
  if (sentAt !== undefined && monotonic - sentAt < core.config.tuning.requestTimeoutUs) return;
  let request = makeRecover(core, { nonce, mark }, recovery.session ?? nextRecoverSession(core));
  if (judgeRecover(core, request.request, expectedTime(core)) === 'stale')
    request = makeRecover(core, { nonce, mark }, nextRecoverSession(core));
  if (untilRecover(core) > 0) return;
  recovery.sentAt = monotonic;
  if (recovery.session !== request.request.session) {
    recovery.session = request.request.session;
    save(core, recovery);
  }
  core.send(core.others, { type: 'requests', requests: [request] });
}

/** REPLY-STABLE. Conditions: a recovery that is not done, and its nonce; about where this replica knows its RECOVER to be executed, or before. */
export function onReplyStable(core: Core, message: ReplyStable): void {
  const { recovery } = core;
  const { replica, nonce, recovered, taken, prepared, entered, viewChange } = message;
  if (recovery === undefined || recovery.barred !== undefined || nonce !== recovery.nonce)
    return core.refuse('reply-stable', replica, 'not-asked-for');
  const isAfter = recovered > 0 && recovered === recoveredAt(core);
  const answer = { taken, prepared, entered: isAfter ? entered : undefined };
  recovery.answers.set(replica, mergeAnswers(recovery.answers.get(replica), answer));
  if (viewChange !== undefined) noteOldViewChange(core, recovery, viewChange);
}

/** An own VIEW-CHANGE of before: the signature says so, whoever shows it. */
function noteOldViewChange(core: Core, recovery: Recovery, { viewChange, signature }: SignedViewChange): void {
  if (viewChange.replica !== core.self || viewChange.view <= recovery.oldView) return;
  const bytes = viewChangeBytes(core.codec, viewChange);
  if (!core.authenticator.verifySignature({ kind: 'replica', replica: core.self }, bytes, signature)) return;
  recovery.oldView = viewChange.view;
}

/** Takes the next step of the recovery, if what it waits for is here. */
export function pursueRecovery(core: Core): void {
  const { recovery } = core;
  if (recovery === undefined || recovery.barred !== undefined) return;
  if (recovery.mark === undefined) tryEstimate(core, recovery);
  const end = recoveryEnd(core);
  if (end === undefined || core.stable.sequence < end || !hasStableState(core) || core.diverged) return;
  if (core.lastExecuted < end || shownViews(core, recovery).length < core.quorums.quorum) return;
  finish(core, recovery);
}

function tryEstimate(core: Core, recovery: Recovery): void {
  const mark = estimateMark(recovery.answers, core.quorums, windowSize(core.config.cluster));
  if (mark === undefined) return;
  recovery.mark = mark;
  save(core, recovery);
  core.emit({ kind: 'recovery-estimated', mark });
  onRecoveryTimer(core);
}

function finish(core: Core, recovery: Recovery): void {
  // With f = 0 a lost disk is beyond what is tolerated; one view of room all the same.
  const room = Math.max(1, core.quorums.faultLimit);
  recovery.barred = asView(Math.max(core.view + room, recovery.oldView));
  save(core, recovery);
  core.emit({ kind: 'recovered', sequence: core.stable.sequence, barred: recovery.barred });
  leaveBarredViews(core, recovery.barred);
}

/**
 * Done: it sends its one VIEW-CHANGE, with which nothing is left of the recovery, and announces what it has taken. In this order: what a
 * checkpoint that becomes stable lets it accept must not be accepted in a view that it is barred from.
 */
function leaveBarredViews(core: Core, barred: View): void {
  core.timers.clear('recovery');
  startViewChange(core, asView(barred + 1), 'recovery');
  core.recovery = undefined;
  for (const [sequence, signed] of core.ownCheckpoints) {
    if (sequence <= core.log.low) continue;
    core.checkpointVotes.set(sequence, new Map(core.checkpointVotes.get(sequence)).set(core.self, signed));
    core.broadcast(signed.checkpoint, signed.signature);
    tryStable(core, signed.checkpoint.sequence);
  }
}
