/** Why nothing moves, in the words of the API [G26]: the replica's waits, its links, and one sentence that names the cause. Pure. */
import type { ExplainBody, ExplainedSlot, ExplainedViewChange, WaitBody } from '../api/index.ts';
import { MAX_EXPLAINED_SLOTS } from '../api/index.ts';
import { asReplicaId, replicaName } from '../base/ids.ts';
import type { ReplicaId } from '../base/ids.ts';
import type { ReplicaStatus, SlotStatus, ViewChangeStatus, Wait } from '../protocol/status.ts';
import { describeWait } from '../protocol/wait-text.ts';
import type { DownLink } from './link-watch.ts';

/** A replica at one moment. `nowUs`: on its monotonic clock. */
export interface ReplicaMoment {
  readonly nowUs: number;
  readonly status: ReplicaStatus;
  readonly waits: readonly Wait[];
  /** Those that are not executed, lowest first. */
  readonly openSlots: readonly SlotStatus[];
}

/** What the replica does not know of its node. */
export interface ExplainFacts {
  readonly downLinks: readonly DownLink[];
  /** Why the replica does nothing any more; undefined while it runs. */
  readonly stopped: string | undefined;
  /** The room on disk that it waits for; undefined while there is some. */
  readonly room: string | undefined;
}

export function explainBody(moment: ReplicaMoment, facts: ExplainFacts): ExplainBody {
  const { status, nowUs } = moment;
  const viewChange = status.viewChange === undefined ? null : viewChangeBody(status, status.viewChange, nowUs);
  const slots = moment.openSlots.flatMap((slot) => slotBody(slot, nowUs));
  const waits = [
    ...(facts.stopped === undefined ? [] : [stoppedBody(facts.stopped)]),
    ...(facts.room === undefined ? [] : [roomBody(facts.room)]),
    ...moment.waits.map((wait) => waitBody(wait, nowUs)),
    ...facts.downLinks.map((link) => linkBody(link, nowUs)),
  ];
  return {
    node_id: replicaName(status.self),
    view: status.view,
    primary: replicaName(status.primary),
    in_view_change: status.inViewChange,
    last_executed: status.lastExecuted,
    summary: summaryOf(status, viewChange, waits, slots),
    view_change: viewChange,
    waits,
    open_slots: slots.length,
    slots: slots.slice(0, MAX_EXPLAINED_SLOTS),
  };
}

function waitBody(wait: Wait, nowUs: number): WaitBody {
  const { what, sequence, needed, have, missing, amount } = wait;
  return {
    what,
    sequence,
    needed,
    have: have.map(replicaName),
    missing: missing.map(replicaName),
    since_ms: sinceMs(wait.sinceUs, nowUs),
    amount: amount ?? null,
    text: describeWait(wait),
  };
}

const NOBODY = { sequence: 0, needed: 0, have: [], amount: null };

function linkBody({ replica, sinceUs }: DownLink, nowUs: number): WaitBody {
  const name = replicaName(replica);
  const text = `a link to ${name}`;
  return { ...NOBODY, what: 'link', needed: 1, missing: [name], since_ms: sinceMs(sinceUs, nowUs), text };
}

function stoppedBody(reason: string): WaitBody {
  return { ...NOBODY, what: 'restart', missing: [], since_ms: 0, text: `a restart of this node: ${reason}` };
}

function roomBody(room: string): WaitBody {
  return { ...NOBODY, what: 'room', missing: [], since_ms: 0, text: room };
}

function slotBody({ sequence, view, digest, phase, waitingFor }: SlotStatus, nowUs: number): ExplainedSlot[] {
  if (waitingFor === undefined || phase === 'executed') return [];
  return [{ sequence, view, digest: digest ?? null, phase, waiting_for: waitBody(waitingFor, nowUs) }];
}

function viewChangeBody({ quorums }: ReplicaStatus, change: ViewChangeStatus, nowUs: number): ExplainedViewChange {
  const { view, needed, viewChangesFrom, seenInView, timeoutAtUs, decision } = change;
  const all = Array.from({ length: quorums.replicaCount }, (_, index) => asReplicaId(index));
  const missing = all.filter((replica) => !viewChangesFrom.includes(replica));
  const since = sinceMs(change.sinceUs, nowUs);
  const from = names(viewChangesFrom);
  const nothing = missing.length === 0 ? '' : `; nothing from ${names(missing)}`;
  const waits = decision === undefined ? '' : `; its primary decides and waits for ${decision}`;
  return {
    view,
    primary: replicaName(asReplicaId(view % quorums.replicaCount)),
    since_ms: since,
    needed,
    have: viewChangesFrom.map(replicaName),
    missing: missing.map(replicaName),
    seen_in_view: seenInView.map(replicaName),
    next_view_in_ms: timeoutAtUs === undefined ? null : sinceMs(nowUs, timeoutAtUs),
    decision: decision ?? null,
    text: `view change to view ${view} since ${ageText(since)}: VIEW-CHANGEs from ${from}; ${needed} needed${nothing}${waits}`,
  };
}

function names(replicas: readonly ReplicaId[]): string {
  return replicas.length === 0 ? 'nobody' : replicas.map(replicaName).join(', ');
}

function sinceMs(sinceUs: number, nowUs: number): number {
  return Math.max(0, Math.round((nowUs - sinceUs) / 1000));
}

/** `0.4 s`, `12 s`, `3 min`. */
export function ageText(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}

/** What comes first of what holds everything up, and with it the links that a quorum lacks. */
function summaryOf(
  { quorums }: ReplicaStatus,
  viewChange: ExplainedViewChange | null,
  waits: readonly WaitBody[],
  slots: readonly ExplainedSlot[],
): string {
  const cause = causeOf(viewChange, waits, slots);
  const down = waits.filter(({ what }) => what === 'link');
  const lacksQuorum = quorums.replicaCount - down.length < quorums.quorum;
  if (down.length === 0) return `${cause ?? 'nothing is open here: nothing waits'}.`;
  const longest = Math.max(...down.map((link) => link.since_ms));
  const links = `no link to ${down.flatMap(({ missing }) => missing).join(', ')} for ${ageText(longest)}`;
  const effect = lacksQuorum ? `, and a quorum takes ${quorums.quorum} nodes` : '';
  return `${cause ?? 'nothing is open here'}; ${links}${effect}.`;
}

function causeOf(
  viewChange: ExplainedViewChange | null,
  waits: readonly WaitBody[],
  slots: readonly ExplainedSlot[],
): string | undefined {
  const [slot] = slots;
  const first = (...kinds: readonly WaitBody['what'][]): string | undefined => {
    const wait = waits.find(({ what }) => kinds.includes(what));
    return wait === undefined ? undefined : told('this node', wait);
  };
  return (
    first('restart', 'room') ??
    first('estimates', 'recover', 'recovery-end', 'recovery-views') ??
    viewChange?.text ??
    first('repair', 'state', 'storage') ??
    (slot === undefined ? undefined : told(`sequence ${slot.sequence}`, slot.waiting_for)) ??
    first('checkpoints', 'decisions', 'proposal', 'window')
  );
}

function told(who: string, { what, text, have, since_ms: since }: WaitBody): string {
  const here = have.length === 0 ? '' : `, has those of ${have.join(', ')}`;
  return what === 'restart' || what === 'room'
    ? `${who} waits for ${text}`
    : `${who} waits for ${text}${here}, since ${ageText(since)}`;
}
