/** Play, pause, one step on or back, any step, the next event of a kind. */
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { LabEventKind } from '../../src/lab/lab-event.ts';
import type { Pattern } from '../../src/lab/pattern.ts';
import { SPEEDS } from './lab-store.ts';
import type { LabStore } from './lab-store.ts';

/** What one may want to see next. */
const NEXT: readonly { readonly text: string; readonly kind: LabEventKind }[] = [
  { text: 'message sent', kind: 'message-sent' },
  { text: 'message lost', kind: 'message-lost' },
  { text: 'pre-prepared', kind: 'pre-prepared' },
  { text: 'prepared', kind: 'prepared' },
  { text: 'committed', kind: 'committed' },
  { text: 'executed', kind: 'executed' },
  { text: 'client answered', kind: 'answered' },
  { text: 'timeout', kind: 'request-timeout' },
  { text: 'view change begun', kind: 'view-change-started' },
  { text: 'view entered', kind: 'view-entered' },
  { text: 'suspicion', kind: 'suspicion' },
  { text: 'stable checkpoint', kind: 'checkpoint-stable' },
  { text: 'state transfer', kind: 'transferred' },
  { text: 'broken invariant', kind: 'invariant-broken' },
];

export function Transport({ store }: { store: LabStore }): VNode {
  const { standing, isPlaying, speed, furthest } = store.view.value;
  const [kind, setKind] = useState<LabEventKind>('executed');
  const step = standing?.sight.step ?? 0;
  const isAtEnd = standing?.isAtEnd ?? true;
  const pattern: Pattern = { kind };
  return (
    <div class="transport" role="group" aria-label="Controls of the run">
      <div class="button-row">
        <button type="button" class="button" disabled={step === 0} onClick={() => store.seek(0)}>
          <span aria-hidden="true">|◀</span> Start
        </button>
        <button type="button" class="button" disabled={step === 0} onClick={() => store.step(-1)}>
          <span aria-hidden="true">◀</span> Back
        </button>
        <button
          type="button"
          class="button main play"
          disabled={isAtEnd && !isPlaying}
          onClick={() => (isPlaying ? store.pause() : store.play())}
        >
          <span aria-hidden="true">{isPlaying ? '∥' : '▶'}</span> {isPlaying ? 'Pause' : 'Play'}
        </button>
        <button type="button" class="button" disabled={isAtEnd} onClick={() => store.step(1)}>
          Step <span aria-hidden="true">▶</span>
        </button>
        <button type="button" class="button" disabled={isAtEnd} onClick={() => store.toEnd()}>
          End <span aria-hidden="true">▶|</span>
        </button>
        <StopButton store={store} />
        <button
          type="button"
          class="button"
          disabled={(standing?.interventions.length ?? 0) === 0}
          onClick={() => store.undo()}
        >
          Undo by hand
        </button>
      </div>
      <div class="transport-fields">
        <label class="field seek">
          <span>Step {step}</span>
          <input
            type="range"
            min={0}
            max={Math.max(1, furthest)}
            value={step}
            onInput={(event) => store.seek(Number(event.currentTarget.value))}
          />
        </label>
        <label class="field">
          <span>Speed</span>
          <select value={speed} onChange={(event) => store.setSpeed(Number(event.currentTarget.value))}>
            {SPEEDS.map((one) => (
              <option key={one} value={one}>
                {one} ms per second
              </option>
            ))}
          </select>
        </label>
        <div class="next-event">
          <label class="field">
            <span>Next event</span>
            <select value={kind} onChange={(event) => setKind(kindNamed(event.currentTarget.value))}>
              {NEXT.map((one) => (
                <option key={one.kind} value={one.kind}>
                  {one.text}
                </option>
              ))}
            </select>
          </label>
          <button type="button" class="button" disabled={isAtEnd} onClick={() => store.nextEvent(pattern)}>
            Go there
          </button>
        </div>
      </div>
    </div>
  );
}

/** While something takes long. */
function StopButton({ store }: { store: LabStore }): VNode {
  return (
    <button type="button" class="button" disabled={store.work.value === undefined} onClick={() => store.stop()}>
      Stop
    </button>
  );
}

function kindNamed(name: string): LabEventKind {
  return NEXT.find(({ kind }) => kind === name)?.kind ?? 'executed';
}
