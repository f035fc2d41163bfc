/** Requests with their phases filling up: how many votes are here of those that each phase takes. */
import type { VNode } from 'preact';
import { PHASE_LOOKS } from '../model/language.ts';
import type { Phase } from '../model/language.ts';
import { progressOf } from '../model/slots.ts';
import type { Progress, QuorumSizes, RequestPicture, Slot } from '../model/slots.ts';
import { brief, durationText, plural } from './text.ts';
import './request-list.css';

export interface RequestRowProps {
  readonly request: RequestPicture;
  /** Where it stands; undefined while it has no number. */
  readonly slot: Slot | undefined;
  readonly quorums: QuorumSizes;
  /** What it asks for, where that is known here. */
  readonly label: string | undefined;
  readonly isFocused: boolean;
  /** false: it was executed, or what became of it was not told. */
  readonly isOpen: boolean;
  readonly onFocus: (sequence: number | undefined) => void;
}

export interface RequestListProps extends Pick<RequestRowProps, 'quorums' | 'onFocus'> {
  /** Newest first. */
  readonly requests: readonly RequestPicture[];
  readonly slots: ReadonlyMap<number, Slot>;
  readonly labels: ReadonlyMap<string, string>;
  readonly focus: number | undefined;
  readonly isOpen: (request: RequestPicture) => boolean;
}

export function RequestList({ requests, slots, labels, focus, isOpen, ...rest }: RequestListProps): VNode {
  if (requests.length === 0)
    return <p class="empty">No request yet. What clients ask for stands here, with its phases filling up.</p>;
  return (
    <ol class="request-list">
      {requests.map((request) => (
        <RequestRow
          key={request.digest}
          request={request}
          slot={request.sequence === undefined ? undefined : slots.get(request.sequence)}
          label={labels.get(request.digest)}
          isOpen={isOpen(request)}
          isFocused={focus !== undefined && request.sequence === focus}
          {...rest}
        />
      ))}
    </ol>
  );
}

const CELLS = [
  ['pre-prepare', 'prePrepare'],
  ['prepare', 'prepare'],
  ['commit', 'commit'],
  ['reply', 'reply'],
] as const;

export function RequestRow({ request, slot, quorums, label, isFocused, isOpen, onFocus }: RequestRowProps): VNode {
  const { sequence, executedUs, receivedUs, outcome } = request;
  // A slot that is forgotten here is one that was executed long ago.
  const isForgotten = slot === undefined && executedUs !== undefined;
  const phases = progressOf(slot, quorums);
  const conflict = slot === undefined ? 0 : new Set(slot.proposed.values()).size;
  return (
    <li class={isFocused ? 'request focused' : 'request'}>
      <div class="request-name">
        {sequence === undefined ? (
          <span class="number soft">{isOpen ? 'waits' : '–'}</span>
        ) : (
          <button
            type="button"
            class="link number"
            aria-pressed={isFocused}
            aria-label={`Show number ${sequence} alone in the diagram`}
            onClick={() => onFocus(isFocused ? undefined : sequence)}
          >
            #{sequence}
          </button>
        )}
        <span class="what">{label ?? <code title={request.digest}>{brief(request.digest)}</code>}</span>
        <span class="tiny soft">
          {executedUs === undefined
            ? isOpen
              ? 'under way'
              : 'not told to its end'
            : durationText(Math.max(0, executedUs - receivedUs) / 1000)}
          {outcome === undefined || outcome === 'executed' ? '' : ` · ${outcome}`}
          {slot !== undefined && slot.requestCount > 1 ? ` · with ${plural(slot.requestCount - 1, 'other')}` : ''}
          {slot !== undefined && slot.view > 0 ? ` · view ${slot.view}` : ''}
        </span>
        {conflict > 1 ? <span class="sign bad">✕ {conflict} different proposals</span> : undefined}
      </div>
      <ul class="phases">
        {CELLS.map(([phase, name]) => (
          <PhaseCell key={phase} phase={phase} progress={isForgotten ? DONE : phases[name]} />
        ))}
      </ul>
    </li>
  );
}

const DONE: Progress = { done: true, votes: 1, needed: 1, nodes: [] };

function PhaseCell({ phase, progress }: { phase: Phase; progress: Progress }): VNode {
  const { done, votes, needed, nodes } = progress;
  const look = PHASE_LOOKS[phase];
  const share = done ? 1 : needed === 0 ? 0 : Math.min(1, votes / needed);
  const who = nodes.length === 0 ? '' : `: ${nodes.join(', ')}`;
  return (
    <li
      class={done ? 'phase done' : 'phase'}
      style={{ '--phase': `var(${look.color})`, '--share': `${(share * 100).toFixed(0)}%` }}
      title={`${look.label} ${votes}/${needed}${who}`}
    >
      <span aria-hidden="true">{look.letter}</span>
      <span class="hidden-text">{`${look.label}${done ? ', done' : ''}: `}</span>
      <span class="votes">
        {votes}/{needed}
      </span>
      <span aria-hidden="true" class="tick">
        {done ? '✓' : ''}
      </span>
    </li>
  );
}
