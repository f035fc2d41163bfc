/** What can be run: told scenarios, a seed, a set-up of one's own. Each is a link. */
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { TOLD_SCENARIOS } from '../../src/lab/told/library.ts';
import { BUILD } from './build.ts';
import { plainAddress } from '../../src/lab/link-fragment.ts';
import { SetUpForm } from './set-up-form.tsx';

export function LibraryPanel({ current }: { current: string | undefined }): VNode {
  return (
    <div class="library">
      <section class="panel" aria-labelledby="library-title">
        <header>
          <h2 id="library-title">Told scenarios</h2>
        </header>
        <ul class="library-list">
          {TOLD_SCENARIOS.map(({ id, title, summary }) => (
            <li key={id}>
              <a
                href={plainAddress(BUILD, { kind: 'told', id, isChallenge: false })}
                {...(id === current ? { 'aria-current': 'page' as const } : {})}
              >
                {title}
              </a>
              <p class="soft small">{summary}</p>
            </li>
          ))}
        </ul>
      </section>
      <div class="library-own">
        <SeedForm />
        <SetUpForm />
      </div>
    </div>
  );
}

function SeedForm(): VNode {
  const [seed, setSeed] = useState('1');
  const isGood = /^\d{1,15}$/.test(seed);
  return (
    <section class="panel" aria-labelledby="seed-title">
      <header>
        <h2 id="seed-title">A seed of the simulator</h2>
      </header>
      <p class="soft small">
        A whole random run with faults and liars, the same that <code>pbft simulate --seed</code> makes.
      </p>
      <form
        class="seed-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (isGood) location.hash = plainAddress(BUILD, { kind: 'seed', seed: Number(seed) });
        }}
      >
        <label class="field">
          <span>Seed</span>
          <input
            inputMode="numeric"
            value={seed}
            aria-invalid={!isGood}
            aria-describedby="seed-problem"
            onInput={(event) => setSeed(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="button" disabled={!isGood}>
          Run the seed
        </button>
        <p id="seed-problem" class="small problem">
          {isGood ? '' : 'a whole number from 0'}
        </p>
      </form>
    </section>
  );
}
