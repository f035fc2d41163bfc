/** Why nothing moves, in plain words: what each node waits for, from whom, since when. */
import type { VNode } from 'preact';
import type { ExplainBody } from '../../src/api/index.ts';
import { Sign } from '../components/sign.tsx';
import { durationText, plural } from '../components/text.ts';
import './explain-list.css';

export interface ExplainListProps {
  readonly nodes: readonly string[];
  readonly explanations: ReadonlyMap<string, ExplainBody>;
  readonly isUp: (node: string) => boolean;
}

const MAX_WAITS = 4;

export function ExplainList({ nodes, explanations, isUp }: ExplainListProps): VNode {
  return (
    <ul class="explain-list">
      {nodes.map((node) => {
        const told = explanations.get(node);
        return (
          <li key={node}>
            <p>
              <strong>{node}</strong>{' '}
              {!isUp(node) ? (
                <span class="soft">does not answer.</span>
              ) : told === undefined ? (
                <span class="soft">has not said yet.</span>
              ) : (
                told.summary
              )}
            </p>
            {isUp(node) && told !== undefined ? <Waits told={told} /> : undefined}
          </li>
        );
      })}
    </ul>
  );
}

function Waits({ told }: { told: ExplainBody }): VNode | undefined {
  const waits = [
    ...told.waits.map((wait) => ({ key: wait.what, text: wait.text, sinceMs: wait.since_ms })),
    ...told.slots.map(({ sequence, waiting_for: wait }) => ({
      key: `slot ${sequence}`,
      text: wait.text,
      sinceMs: wait.since_ms,
    })),
  ];
  // The one that holds up most is the summary.
  if (waits.length + (told.view_change === null ? 0 : 1) < 2) return undefined;
  const more = told.waits.length + told.open_slots - MAX_WAITS;
  return (
    <ul class="waits">
      {told.view_change === null ? undefined : (
        <li>
          <Sign state="warn">view {told.view_change.view}</Sign> {told.view_change.text}
        </li>
      )}
      {waits.slice(0, MAX_WAITS).map(({ key, text, sinceMs }) => (
        <li key={key}>
          {text} <span class="soft">({durationText(sinceMs)})</span>
        </li>
      ))}
      {more > 0 ? <li class="soft">and {plural(more, 'more')}.</li> : undefined}
    </ul>
  );
}
