/** How far the recovery of a replica that lost its log has come: what is remembered of it, and what follows from that. lost-votes.ts has the rules. */
import { asSequence, asView } from '../base/ids.ts';
import type { Digest, ReplicaId, Sequence, View } from '../base/ids.ts';
import { windowSize } from './config.ts';
import type { Core } from './core.ts';
import type { StableAnswer } from './estimation.ts';

/** A recovery under way. What is on disk of it: nonce, mark, session, barred. */
export interface Recovery {
  readonly nonce: Digest;
  /** M; undefined until it is known. */
  mark: Sequence | undefined;
  /** Number of the RECOVER; undefined until there is one. */
  session: number | undefined;
  /** B: done, and still without a vote in views up to this one; undefined until then. */
  barred: View | undefined;
  /** Per sender, what it answered under this nonce. */
  readonly answers: Map<ReplicaId, StableAnswer>;
  /** The highest view for which somebody showed an own VIEW-CHANGE of before; 0 where nobody did. */
  oldView: View;
  /** Monotonic µs of the last RECOVER sent. */
  sentAt: number | undefined;
}

export function makeRecovery(stored: Pick<Recovery, 'nonce' | 'mark' | 'session' | 'barred'>): Recovery {
  return { ...stored, answers: new Map(), oldView: asView(0), sentAt: undefined };
}

/** After a restart: an own CHECKPOINT counts for nothing before it is done, and in a view above the bar the recovery is over. */
export function restoreRecovery(core: Core): void {
  const { recovery } = core;
  if (recovery === undefined) return;
  if (recovery.barred !== undefined && core.view > recovery.barred) core.recovery = undefined;
  if (recovery.barred === undefined) for (const votes of core.checkpointVotes.values()) votes.delete(core.self);
}

/** r: where the RECOVER of this recovery was executed; undefined until it was, as far as is known here. */
export function recoveredAt(core: Core): Sequence | undefined {
  const row = core.recoveries.of(core.self);
  return row !== undefined && row.nonce === core.recovery?.nonce ? row.sequence : undefined;
}

/** max(M, r + L): the checkpoint with which the recovery is done; undefined until both are known. */
export function recoveryEnd(core: Core): Sequence | undefined {
  const mark = core.recovery?.mark;
  const recovered = recoveredAt(core);
  if (mark === undefined || recovered === undefined) return undefined;
  return asSequence(Math.max(mark, recovered + windowSize(core.config.cluster)));
}

/** Whose last view, after r was executed, is one that this replica has entered or passed by itself. */
export function shownViews(core: Core, { answers }: Recovery): readonly ReplicaId[] {
  return [...answers].flatMap(([replica, { entered }]) =>
    entered !== undefined && entered <= core.view ? [replica] : [],
  );
}
