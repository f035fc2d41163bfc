/** What nodes say against others, with what they saw. What is certain stands apart from what is not. */
import type { VNode } from 'preact';
import type { Suspicion } from '../model/history.ts';
import { Sign } from './sign.tsx';
import { plural } from './text.ts';
import './suspicion-list.css';

export interface SuspicionListProps {
  /** Certain ones first. */
  readonly suspicions: readonly Suspicion[];
  /** How many replicas may lie before nothing is guaranteed. */
  readonly faultLimit: number;
}

/** What each kind means, in a few words. */
const MEANINGS: Readonly<Record<string, string>> = {
  equivocation: 'told different nodes different things',
  'false-vote': 'voted for another batch than was proposed',
  'contradictory-votes': 'voted twice, differently',
  'digest-mismatch': 'sent a batch that does not fit its digest',
  'wrong-checkpoint': 'signed a state that is not the agreed one',
  'wrong-reply': 'told a client another result',
  unresponsive: 'has not been heard from',
  'bad-link': 'sends what cannot be used',
  'clock-skew': 'its clock is off',
  'wrong-state': 'served a false piece of the state',
  'contradictory-view-changes': 'claims different things in one view change',
  'invalid-view-change': 'claims in a view change what cannot be',
  'wrong-new-view': 'began a view with what does not follow',
  'slow-primary': 'orders too slowly, or leaves requests out',
};

export function SuspicionList({ suspicions, faultLimit }: SuspicionListProps): VNode {
  if (suspicions.length === 0)
    return (
      <p class="empty">
        Nobody suspects anybody. Make a node lie, send a request, and what the others saw of it stands here.
      </p>
    );
  const certain = new Set(suspicions.filter(({ certainty }) => certainty === 'certain').map(({ node }) => node));
  return (
    <>
      {certain.size > faultLimit ? (
        <p class="notice bad" role="alert">
          ✕ {plural(certain.size, 'node')} caught lying, and only {faultLimit} may: nothing is guaranteed now.
        </p>
      ) : undefined}
      <ul class="suspicion-list">
        {suspicions.map((suspicion) => (
          <Row key={`${suspicion.node} ${suspicion.kind} ${suspicion.certainty}`} suspicion={suspicion} />
        ))}
      </ul>
    </>
  );
}

function Row({ suspicion }: { suspicion: Suspicion }): VNode {
  const { node, kind, certainty, observers } = suspicion;
  const isCertain = certainty === 'certain';
  const told = [...observers];
  const [first] = told;
  return (
    <li class={isCertain ? 'suspicion certain' : 'suspicion'}>
      <p class="headline">
        <strong>{node}</strong>
        <Sign state={isCertain ? 'bad' : 'warn'}>{isCertain ? 'certain' : 'uncertain'}</Sign>
        <span class="kind">{kind}</span>
      </p>
      <p class="small">
        {MEANINGS[kind] ?? 'see the documentation of detection'}
        <span class="soft"> · says {told.map(([observer]) => observer).join(', ')}</span>
      </p>
      {first === undefined ? undefined : <p class="evidence">{first[1].evidence}</p>}
      {told.length < 2 ? undefined : (
        <details>
          <summary>What the {plural(told.length - 1, 'other')} saw</summary>
          <ul>
            {told.slice(1).map(([observer, summary]) => (
              <li key={observer} class="evidence">
                <strong>{observer}</strong>: {summary.evidence}
                {summary.count > 1 ? ` (${summary.count} times)` : ''}
              </li>
            ))}
          </ul>
        </details>
      )}
    </li>
  );
}
