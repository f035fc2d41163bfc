/** One replica at a glance: is it there, which role, how far it is, what is said against it. */
import type { ComponentChildren, VNode } from 'preact';
import type { StateLook } from '../model/language.ts';
import { toldShare } from '../model/nodes.ts';
import type { NodePicture, Presence } from '../model/nodes.ts';
import { Sign } from './sign.tsx';
import { plural } from './text.ts';
import './replica-card.css';

export interface ReplicaCardProps {
  readonly node: NodePicture;
  readonly presence: Presence;
  readonly isPrimary: boolean;
  /** Others are certain that it lies. */
  readonly isCaught: boolean;
  /** Others suspect it without being certain. */
  readonly isSuspected: boolean;
  /** The highest number that any node has executed: who is behind shows. */
  readonly highestExecuted: number;
  /** How wide the log may become, in slots; undefined where it is not known. */
  readonly windowSlots: number | undefined;
  /** The time, µs, on the clock that events are stamped by. */
  readonly nowUs: number;
  /** It serves the page that is looked at. */
  readonly isServing?: boolean;
  /** One more line for people: what it waits for. */
  readonly note?: string | undefined;
  readonly children?: ComponentChildren;
}

const PRESENCES: Readonly<Record<Presence, { readonly state: StateLook; readonly text: string }>> = {
  connecting: { state: 'off', text: 'connecting' },
  up: { state: 'ok', text: 'up' },
  down: { state: 'bad', text: 'down' },
  paused: { state: 'warn', text: 'paused' },
  refused: { state: 'warn', text: 'tells nothing' },
};

export function ReplicaCard(props: ReplicaCardProps): VNode {
  const { node, presence, isPrimary, isCaught, isSuspected, highestExecuted, windowSlots } = props;
  const { state, text } = PRESENCES[presence];
  const isKnown = presence === 'up';
  const share = toldShare(node, props.nowUs);
  const inLog = Math.max(0, node.highestAccepted - node.stable);
  return (
    <article class={`replica ${isPrimary ? 'primary' : ''} ${isKnown ? '' : 'away'}`} aria-label={node.name}>
      <header>
        <h3>{node.name}</h3>
        <Sign state={state}>{text}</Sign>
      </header>
      <p class="role">
        <span aria-hidden="true">{isPrimary ? '★' : '·'}</span> {isPrimary ? 'primary' : 'backup'}
        {props.isServing === true ? <span class="soft"> · serves this page</span> : undefined}
      </p>
      <dl>
        <div>
          <dt>View</dt>
          <dd>{node.view}</dd>
        </div>
        <div>
          <dt>Executed</dt>
          <dd>
            {node.lastExecuted}
            {isKnown && node.lastExecuted < highestExecuted ? (
              <span class="behind"> −{highestExecuted - node.lastExecuted}</span>
            ) : undefined}
          </dd>
        </div>
        <div>
          <dt>Stable</dt>
          <dd>{node.stable}</dd>
        </div>
        <div>
          <dt>Log</dt>
          <dd>{inLog}</dd>
        </div>
      </dl>
      <LogBar inLog={inLog} windowSlots={windowSlots} />
      <ul class="signs">
        {isCaught ? (
          <li>
            <Sign state="bad">caught lying</Sign>
          </li>
        ) : undefined}
        {!isCaught && isSuspected ? (
          <li>
            <Sign state="warn">suspected</Sign>
          </li>
        ) : undefined}
        {node.behaviour === null ? undefined : (
          <li>
            <Sign state="warn">told: {node.behaviour}</Sign>
          </li>
        )}
        {node.inViewChange && isKnown ? (
          <li>
            <Sign state="warn">view change</Sign>
          </li>
        ) : undefined}
        {isKnown && node.downLinks.size > 0 ? (
          <li>
            <Sign state="off">no link to {[...node.downLinks].join(', ')}</Sign>
          </li>
        ) : undefined}
        {isKnown && share < 1 ? (
          <li>
            <Sign state="off">shows {Math.round(share * 100)} % of its slots</Sign>
          </li>
        ) : undefined}
        {node.lostEvents > 0 ? (
          <li>
            <Sign state="off">{plural(node.lostEvents, 'event')} missed</Sign>
          </li>
        ) : undefined}
      </ul>
      {props.note === undefined ? undefined : <p class="note tiny">{props.note}</p>}
      {props.children}
    </article>
  );
}

/** How full the log is: slots above the stable checkpoint, of those that fit below the high water mark. */
function LogBar({ inLog, windowSlots }: { inLog: number; windowSlots: number | undefined }): VNode {
  const share = windowSlots === undefined || windowSlots === 0 ? 0 : Math.min(1, inLog / windowSlots);
  return (
    <div
      class="log-bar"
      role="img"
      aria-label={
        windowSlots === undefined ? `${inLog} slots in the log` : `${inLog} of ${windowSlots} slots of the log`
      }
    >
      <span style={{ inlineSize: `${(share * 100).toFixed(1)}%` }} />
    </div>
  );
}
