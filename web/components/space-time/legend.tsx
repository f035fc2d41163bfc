/** Phases with their looks; each can be hidden. */
import type { VNode } from 'preact';
import { PHASE_LOOKS, PHASES } from '../../model/language.ts';
import type { Phase } from '../../model/language.ts';

export interface LegendProps {
  readonly hidden: ReadonlySet<Phase>;
  readonly onToggle: (phase: Phase) => void;
}

export function Legend({ hidden, onToggle }: LegendProps): VNode {
  return (
    <div class="legend" role="group" aria-label="Phases that are shown">
      {PHASES.map((phase) => {
        const look = PHASE_LOOKS[phase];
        return (
          <button
            key={phase}
            type="button"
            class="legend-item"
            aria-pressed={!hidden.has(phase)}
            title={look.meaning}
            onClick={() => onToggle(phase)}
          >
            <PhaseLine phase={phase} />
            {look.label}
          </button>
        );
      })}
    </div>
  );
}

/** The line of a phase as its arrows have it. */
export function PhaseLine({ phase }: { phase: Phase }): VNode {
  const { color, dash, width } = PHASE_LOOKS[phase];
  return (
    <svg class="phase-line" viewBox="0 0 30 10" aria-hidden="true">
      <line
        x1="1"
        y1="5"
        x2="23"
        y2="5"
        stroke={`var(${color})`}
        stroke-width={width}
        {...(dash.length === 0 ? {} : { 'stroke-dasharray': dash.join(' ') })}
      />
      <path d="M29 5l-7-3.5v7z" fill={`var(${color})`} />
    </svg>
  );
}
