/** The invariants that a run is checked by: each holds, or is broken, with the step that broke it. */
import type { VNode } from 'preact';
import { Sign } from './sign.tsx';
import './invariant-list.css';

export interface Invariant {
  readonly name: string;
  /** What it demands, in a sentence. */
  readonly text: string;
  /** undefined: it holds. */
  readonly broken: { readonly step: number; readonly text: string } | undefined;
}

export interface InvariantListProps {
  readonly invariants: readonly Invariant[];
  /** Goes to the step that broke one. */
  readonly onGoTo: (step: number) => void;
}

export function InvariantList({ invariants, onGoTo }: InvariantListProps): VNode {
  return (
    <ul class="invariants">
      {invariants.map(({ name, text, broken }) => (
        <li key={name} class={broken === undefined ? 'invariant' : 'invariant broken'}>
          <Sign state={broken === undefined ? 'ok' : 'bad'}>{broken === undefined ? 'holds' : 'broken'}</Sign>
          <p>
            <strong>{name}</strong> <span class="soft">{text}</span>
          </p>
          {broken === undefined ? undefined : (
            <p class="why">
              {broken.text}{' '}
              <button type="button" class="link" onClick={() => onGoTo(broken.step)}>
                Go to step {broken.step}
              </button>
            </p>
          )}
        </li>
      ))}
    </ul>
  );
}
