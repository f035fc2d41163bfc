/** The scenario as text, which can be changed and run as one's own. */
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { BUILD } from './build.ts';
import { plainAddress } from '../../src/lab/link-fragment.ts';

export function ScenarioText({ text }: { text: string }): VNode {
  const [draft, setDraft] = useState(text);
  return (
    <details class="panel">
      <summary>The scenario as text</summary>
      <label class="field">
        <span class="soft">Lines that begin with “&gt; ” are commands; docs/simulator.md lists them.</span>
        <textarea
          class="mono"
          rows={8}
          spellcheck={false}
          value={draft}
          onInput={(event) => setDraft(event.currentTarget.value)}
        />
      </label>
      <button
        type="button"
        class="button"
        onClick={() => {
          location.hash = plainAddress(BUILD, { kind: 'text', text: draft });
        }}
      >
        Run this text
      </button>
    </details>
  );
}
