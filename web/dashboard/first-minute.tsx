/** The first minute: five steps from a request to a view change. Each is checked off by what the streams show, not by what was pressed. */
import type { VNode } from 'preact';
import './first-minute.css';

export interface Step {
  readonly title: string;
  readonly text: string;
  readonly button: string;
  readonly isDone: boolean;
  /** Why it cannot be done now; undefined: it can. */
  readonly hindrance: string | undefined;
  readonly onDo: () => void;
}

export interface FirstMinuteProps {
  readonly steps: readonly Step[];
  readonly onHide: () => void;
}

export function FirstMinute({ steps, onHide }: FirstMinuteProps): VNode {
  const next = steps.findIndex(({ isDone }) => !isDone);
  return (
    <section class="panel first-minute" aria-labelledby="first-minute-title">
      <header>
        <h2 id="first-minute-title">The first minute</h2>
        <span class="small soft">
          {next === -1
            ? 'That was it: three phases, a liar caught, a primary replaced.'
            : `Step ${next + 1} of ${steps.length}`}
        </span>
        <button
          type="button"
          class="button quiet"
          onClick={() => {
            onHide();
            // The button goes: whoever came by keyboard stays on the page.
            document.querySelector<HTMLElement>('#main')?.focus();
          }}
        >
          Hide
        </button>
      </header>
      <ol>
        {steps.map((step, index) => (
          <li
            key={step.title}
            class={step.isDone ? 'step done' : index === next ? 'step next' : 'step'}
            {...(index === next ? { 'aria-current': 'step' as const } : {})}
          >
            <h3>
              <span class="count" aria-hidden="true">
                {step.isDone ? '✓' : index + 1}
              </span>
              {step.title}
              {step.isDone ? <span class="hidden-text"> (done)</span> : undefined}
            </h3>
            <p class="small soft">{step.hindrance ?? step.text}</p>
            <button
              type="button"
              class={index === next ? 'button main' : 'button'}
              disabled={step.hindrance !== undefined}
              onClick={step.onDo}
            >
              {step.button}
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}
