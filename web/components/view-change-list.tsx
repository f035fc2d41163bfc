/** Changes of view as they happened: who left and why, what the new primary began with, who came along. */
import type { VNode } from 'preact';
import type { ViewChange } from '../model/history.ts';
import { Sign } from './sign.tsx';
import { durationText, plural } from './text.ts';
import './view-change-list.css';

export interface ViewChangeListProps {
  /** Oldest first. */
  readonly changes: readonly ViewChange[];
  readonly quorum: number;
  readonly formatTime: (us: number) => string;
}

const REASONS: Readonly<Record<string, string>> = {
  timeout: 'a request waited too long',
  equivocation: 'the primary proposed two batches for one number',
  joined: 'enough others had left already',
  'wrong-new-view': 'the new view did not follow from what was claimed',
  'slow-primary': 'the primary was slow or left requests out',
  restart: 'the primary has started again, and may propose nothing more in its view',
  stray: 'a node stood alone in the next view for long',
  recovery: 'a node that lost its log votes again only from there on',
};

export function ViewChangeList({ changes, quorum, formatTime }: ViewChangeListProps): VNode {
  // A view that nobody was seen leaving another for is where the page came in.
  const shown = changes.filter(({ left, start }) => left.size > 0 || start !== undefined).toReversed();
  if (shown.length === 0)
    return <p class="empty">No view change yet. Kill the primary, and watch the others go on without it.</p>;
  return (
    <ol class="view-changes">
      {shown.map((change) => (
        <Row key={change.view} change={change} quorum={quorum} formatTime={formatTime} />
      ))}
    </ol>
  );
}

function Row({ change, quorum, formatTime }: { change: ViewChange } & Omit<ViewChangeListProps, 'changes'>): VNode {
  const { view, primary, left, start, entered, firstUs } = change;
  const isDone = entered.size >= quorum;
  const reasons = new Set([...left.values()].map(({ reason }) => reason));
  const endUs = Math.max(...entered.values());
  return (
    <li class="view-change">
      <p class="headline">
        <strong>View {view}</strong>
        {primary === undefined ? undefined : <span>primary {primary}</span>}
        <Sign state={isDone ? 'ok' : 'warn'}>{isDone ? 'entered' : 'under way'}</Sign>
        <span class="tiny soft">{formatTime(firstUs)}</span>
      </p>
      <ol class="steps">
        <li class={left.size >= quorum ? 'done' : ''}>
          <b>VIEW-CHANGE</b> {left.size}/{quorum}
          <span class="soft">
            {' '}
            {[...left.keys()].toSorted().join(', ')}
            {reasons.size > 0 ? `: ${[...reasons].map((reason) => REASONS[reason] ?? reason).join('; ')}` : ''}
          </span>
        </li>
        <li class={start === undefined ? '' : 'done'}>
          <b>NEW-VIEW</b>{' '}
          <span class="soft">
            {start === undefined
              ? 'not yet'
              : `from ${start.sequence}, ${plural(start.slots, 'batch', 'batches')} carried over${start.nulls > 0 ? `, ${start.nulls} of them null` : ''}`}
          </span>
        </li>
        <li class={isDone ? 'done' : ''}>
          <b>Entered</b> {entered.size}/{quorum}
          <span class="soft">
            {' '}
            {[...entered.keys()].toSorted().join(', ')}
            {isDone ? `, ${durationText(Math.max(0, endUs - firstUs) / 1000)} after the first left` : ''}
          </span>
        </li>
      </ol>
    </li>
  );
}
