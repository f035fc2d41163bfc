/**
 * Whether a load was real: after the drain all nodes must have executed the same, be at one stable checkpoint with one root, and have executed
 * every acknowledged operation exactly once. A pure judgement of what the nodes say of themselves.
 */
import type { StatusBody } from '../api/index.ts';

/** What one node says. `outcomes`: requests that it has executed, by what came of them. */
export interface NodeAccount {
  readonly status: Pick<
    StatusBody,
    'node_id' | 'view' | 'last_executed' | 'low_water_mark' | 'state_root' | 'state_root_sequence'
  >;
  readonly outcomes: ReadonlyMap<string, number>;
}

/** `pending`: not yet, and `reason` says what is missing; it fails when it stays so. */
export type Judgement =
  | { readonly kind: 'sound' }
  | { readonly kind: 'pending'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

/** Judges what all nodes say after so many acknowledged operations. Requires: at least one node. */
export function judgeExecution(accounts: readonly NodeAccount[], acknowledged: number): Judgement {
  for (const { status, outcomes } of accounts) {
    const name = status.node_id;
    if (status.view !== 0)
      return {
        kind: 'failed',
        reason: `${name} is in view ${status.view}: the primary was replaced, which is not the normal case`,
      };
    for (const [outcome, count] of outcomes)
      if (outcome !== 'executed' && count > 0)
        return { kind: 'failed', reason: `${name} has ${count} requests with the outcome ${outcome}` };
    const executed = outcomes.get('executed') ?? 0;
    if (executed > acknowledged)
      return { kind: 'failed', reason: `${name} executed ${executed} requests, and ${acknowledged} were acknowledged` };
  }
  return unsettled(accounts) ?? miscounted(accounts, acknowledged) ?? { kind: 'sound' };
}

/**
 * The same of the correct nodes while somebody misbehaved: the view may have changed, requests may have been ordered twice (and executed once), and a node
 * that was left behind may have fetched a state instead of executing. But all have the same state, none executed more than was acknowledged, and f+1 of
 * them (`weak`) executed each operation once by themselves.
 */
export function judgeUnderAttack(accounts: readonly NodeAccount[], acknowledged: number, weak: number): Judgement {
  const eager = accounts.find(({ outcomes }) => executedBy(outcomes) > acknowledged);
  if (eager !== undefined)
    return {
      kind: 'failed',
      reason: `${eager.status.node_id} executed ${executedBy(eager.outcomes)} requests, and ${acknowledged} were acknowledged`,
    };
  const pending = unsettled(accounts);
  if (pending !== undefined) return pending;
  const complete = accounts.filter(({ outcomes }) => executedBy(outcomes) === acknowledged);
  if (complete.length >= weak) return { kind: 'sound' };
  const counts = accounts.map(({ status, outcomes }) => `${status.node_id} ${executedBy(outcomes)}`).join(', ');
  return { kind: 'failed', reason: `of ${acknowledged} acknowledged requests executed themselves: ${counts}` };
}

function executedBy(outcomes: NodeAccount['outcomes']): number {
  return outcomes.get('executed') ?? 0;
}

function unsettled(accounts: readonly NodeAccount[]): Judgement | undefined {
  const [first] = accounts.map(({ status }) => status);
  for (const { status } of accounts) {
    const { node_id: name, last_executed: last, low_water_mark: stable, state_root_sequence: rooted } = status;
    if (stable !== last || rooted !== last)
      return { kind: 'pending', reason: `${name} has executed ${last}, and its stable checkpoint is ${stable}` };
    if (last !== first?.last_executed)
      return { kind: 'pending', reason: `${name} has executed ${last}, and ${first?.node_id} ${first?.last_executed}` };
  }
  const strange = accounts.find(({ status }) => status.state_root !== first?.state_root);
  if (strange === undefined) return undefined;
  return { kind: 'failed', reason: `${strange.status.node_id} has another state than ${first?.node_id}` };
}

/** Requires: all are at one stable checkpoint, so that their counts are final. */
function miscounted(accounts: readonly NodeAccount[], acknowledged: number): Judgement | undefined {
  for (const { status, outcomes } of accounts) {
    const executed = outcomes.get('executed') ?? 0;
    if (executed !== acknowledged)
      return {
        kind: 'failed',
        reason: `${status.node_id} executed ${executed} of ${acknowledged} acknowledged requests itself`,
      };
  }
  return undefined;
}

/** What came of the requests that a node executed, from the text of its metrics. */
export function parseOutcomes(metrics: string): ReadonlyMap<string, number> {
  const lines = metrics.matchAll(/^pbft_executed_requests_total\{outcome="([^"]+)"\} (\S+)$/gm);
  return new Map([...lines].map(([, outcome = '', count]) => [outcome, Number(count)]));
}
