/** What can be done to one node in lab mode. The buttons keep their places whatever its state, so that none moves under a finger. */
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { BehavioursBody, LabNodeAction } from '../../src/api/index.ts';
import type { Presence } from '../model/nodes.ts';
import './node-controls.css';

export interface NodeControlsProps {
  readonly node: string;
  readonly presence: Presence;
  /** How it misbehaves now; null: it does not. */
  readonly behaviour: string | null;
  readonly behaviours: BehavioursBody | undefined;
  /** Whether processes can be ordered about: the cluster runs under `pbft up`. */
  readonly isSupervised: boolean;
  /** Its process is known to have ended: it can be started, and not killed. */
  readonly hasEnded: boolean;
  readonly onMisbehave: (behaviour: string | undefined) => void;
  readonly onAct: (action: LabNodeAction) => void;
}

export function NodeControls(props: NodeControlsProps): VNode {
  const { node, presence, behaviour, behaviours, isSupervised, hasEnded, onMisbehave, onAct } = props;
  const [chosen, setChosen] = useState('');
  const isUp = presence === 'up';
  const isPaused = presence === 'paused';
  const selected = chosen === '' ? (behaviours?.default ?? '') : chosen;
  const summary = behaviours?.behaviours.find((entry) => entry.behaviour === selected)?.summary;
  return (
    <div class="node-controls" role="group" aria-label={`Lab controls of ${node}`}>
      <div class="pair">
        <label class="field">
          <span class="hidden-text">How {node} is to misbehave</span>
          <select
            value={selected}
            title={summary ?? ''}
            onChange={(event) => setChosen(event.currentTarget.value)}
            disabled={behaviours === undefined}
          >
            {behaviours?.behaviours.map((entry) => (
              <option key={entry.behaviour} value={entry.behaviour}>
                {entry.behaviour}
              </option>
            ))}
          </select>
        </label>
        {behaviour === null ? (
          <button
            type="button"
            class="button"
            disabled={!isUp || selected === ''}
            aria-label={`Misbehave: ${node}`}
            onClick={() => onMisbehave(selected)}
          >
            Misbehave
          </button>
        ) : (
          <button
            type="button"
            class="button"
            disabled={!isUp}
            aria-label={`Behave: ${node}`}
            onClick={() => onMisbehave(undefined)}
          >
            Behave
          </button>
        )}
      </div>
      {isSupervised ? (
        <div class="pair">
          <button
            type="button"
            class={hasEnded ? 'button' : 'button danger'}
            aria-label={hasEnded ? `Restart ${node}` : `Kill ${node}`}
            onClick={() => onAct(hasEnded ? 'restart' : 'kill')}
          >
            {hasEnded ? 'Restart' : 'Kill'}
          </button>
          <button
            type="button"
            class="button"
            disabled={!isUp && !isPaused}
            aria-label={isPaused ? `Resume ${node}` : `Pause ${node}`}
            onClick={() => onAct(isPaused ? 'resume' : 'pause')}
          >
            {isPaused ? 'Resume' : 'Pause'}
          </button>
        </div>
      ) : undefined}
    </div>
  );
}
