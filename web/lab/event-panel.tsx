/** What happened, newest first; each entry leads to its step. */
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { Happening, LabEvent } from '../../src/lab/lab-event.ts';
import { briefDigests, partyText } from '../components/text.ts';
import { virtualTime } from './run-panel.tsx';
import type { LabStore } from './lab-store.ts';

/** Entries that are shown at once. */
const MOST_ROWS = 100;

export function EventPanel({ store }: { store: LabStore }): VNode {
  const { standing, forgotten } = store.view.value;
  const [areMessagesShown, setMessagesShown] = useState(false);
  const [node, setNode] = useState('');
  const names = [...new Set(standing?.sight.nodes.map((one) => one.node) ?? [])];
  const rows = newest(store.happenings, ({ event }) => {
    if (node !== '' && event.node !== node) return false;
    return areMessagesShown || !event.kind.startsWith('message-') || event.kind === 'message-lost';
  });
  return (
    <section class="panel" aria-labelledby="events-title">
      <header>
        <h2 id="events-title">What happened</h2>
        <div class="button-row">
          <label class="field inline">
            <span>Of</span>
            <select value={node} onChange={(event) => setNode(event.currentTarget.value)}>
              <option value="">everybody</option>
              {names.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
          <label class="check small">
            <input type="checkbox" checked={areMessagesShown} onChange={() => setMessagesShown(!areMessagesShown)} />{' '}
            messages as well
          </label>
        </div>
      </header>
      {rows.length === 0 ? (
        <p class="empty">Nothing yet.</p>
      ) : (
        <div class="scroll event-scroll" tabIndex={0} role="region" aria-label="Events, newest first">
          <ol class="events">
            {rows.map(({ step, event }) => (
              <li key={event.id}>
                <button type="button" class="link" onClick={() => store.seek(step)} aria-label={`Go to step ${step}`}>
                  {step}
                </button>
                <span class="soft">{virtualTime(event.at_us)}</span>
                <strong>{partyText(event.node)}</strong>
                <span>{briefDigests(eventText(event))}</span>
              </li>
            ))}
          </ol>
        </div>
      )}
      {forgotten > 0 ? <p class="small soft">The {forgotten} oldest events are not kept here.</p> : undefined}
    </section>
  );
}

function newest(happenings: readonly Happening[], isShown: (happening: Happening) => boolean): readonly Happening[] {
  const rows: Happening[] = [];
  for (let at = happenings.length - 1; at >= 0 && rows.length < MOST_ROWS; at -= 1) {
    const happening = happenings[at];
    if (happening !== undefined && isShown(happening)) rows.push(happening);
  }
  return rows;
}

const digest = (text: string): string => text.slice(0, 6);

/** In words, short. */
function eventText(event: LabEvent): string {
  switch (event.kind) {
    case 'message-sent':
      return `sends ${event.message.type} to ${event.to}`;
    case 'message-received':
      return `hears ${event.message.type} of ${event.from}`;
    case 'message-lost':
      return `${event.message.type} to ${event.to} is lost: ${LOSSES[event.why]}`;
    case 'pre-prepared':
    case 'prepared':
    case 'committed':
      return `${event.kind} n${event.sequence} ${digest(event.digest)} in view ${event.view}`;
    case 'executed':
      return `executed n${event.sequence} ${digest(event.digest)}`;
    case 'decided':
      return `takes n${event.sequence} as decided, as ${event.claims.join(', ')} say`;
    case 'answered':
      return `${event.outcome}: ${event.result}`;
    case 'suspicion':
      return `${event.suspicion.certainty === 'certain' ? 'is certain' : 'suspects'}: ${event.suspicion.node_id}, ${event.suspicion.kind}. ${event.suspicion.evidence}`;
    case 'view-change-started':
      return `leaves for view ${event.view}: ${event.reason}`;
    case 'view-entered':
      return `enters view ${event.view}, primary ${event.primary}`;
    case 'checkpoint-taken':
      return `checkpoint ${event.sequence}, root ${digest(event.root)}`;
    case 'checkpoint-stable':
      return `checkpoint ${event.sequence} is stable by ${event.nodes.join(', ')}`;
    case 'refused':
      return `refuses ${event.type} of ${event.from}: ${event.code}`;
    case 'buffered':
      return `keeps n${event.sequence} for later: ${event.what}`;
    case 'crashed':
      return `loses its power (${event.point})`;
    case 'disk-lost':
      return 'loses its disk';
    case 'paused':
      return event.paused ? 'stands still' : 'goes on';
    case 'behaviour':
      return event.behaviour === null ? 'stops lying' : `lies from now on: ${event.behaviour}`;
    case 'invariant-broken':
      return `BROKEN: ${event.invariant}. ${event.message.split('\n', 1)[0] ?? ''}`;
    case 'by-hand':
      return event.what;
    case 'started':
      return `starts in view ${event.view}, executed ${event.last_executed}`;
    case 'request-timeout':
      return 'has waited too long';
    case 'request-received':
      return `has request ${digest(event.request_digest)} of ${event.client}`;
    default:
      return event.kind;
  }
}

const LOSSES = {
  link: 'by its link',
  down: 'nobody is there',
  room: 'no room to wait',
  'by hand': 'dropped by hand',
} as const;
