/** The invariants that a run is checked by: each holds, is broken, with the step that broke it, or is not judged, with the reason. */
import type { VNode } from 'preact';
import { Sign } from './sign.tsx';
import './invariant-list.css';

export interface Invariant {
  readonly name: string;
  /** What it demands, in a sentence. */
  readonly text: string;
  /** Where both are undefined it holds. */
  readonly broken: { readonly step: number; readonly text: string } | undefined;
  /** Why nobody can say whether it holds. */
  readonly unjudged: string | undefined;
}

export interface InvariantListProps {
  readonly invariants: readonly Invariant[];
  /** Goes to the step that broke one. */
  readonly onGoTo: (step: number) => void;
}

export function InvariantList({ invariants, onGoTo }: InvariantListProps): VNode {
  return (
    <ul class="invariants">
      {invariants.map(({ name, text, broken, unjudged }) => (
        <li key={name} class={broken === undefined ? 'invariant' : 'invariant broken'}>
          <Standing broken={broken !== undefined} judged={unjudged === undefined} />
          <p>
            <strong>{name}</strong> <span class="soft">{text}</span>
          </p>
          {unjudged === undefined ? undefined : <p class="because soft">Not judged: {unjudged}.</p>}
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

function Standing({ broken, judged }: { broken: boolean; judged: boolean }): VNode {
  if (broken) return <Sign state="bad">broken</Sign>;
  return judged ? <Sign state="ok">holds</Sign> : <Sign state="off">open</Sign>;
}
