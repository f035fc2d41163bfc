/** The words of a told scenario, where they belong in the run; the question at its end; or the challenge, and how it stands. */
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Sign } from '../components/sign.tsx';
import { findInOrder } from '../../src/lab/pattern.ts';
import type { ToldScenario } from '../../src/lab/told/told-scenario.ts';
import { BUILD } from './build.ts';
import type { LabStore } from './lab-store.ts';
import { plainAddress } from '../../src/lab/link-fragment.ts';
import { toldScenario } from '../../src/lab/told/library.ts';
import type { RunTitle } from './worker-messages.ts';
import { ScenarioText } from './scenario-text.tsx';

export interface StoryProps {
  readonly store: LabStore;
  readonly opened: RunTitle;
  /** What was drawn of a lower one is old. */
  readonly version: number;
}

export function StoryPanel({ store, opened }: StoryProps): VNode {
  const told = opened.told === undefined ? undefined : toldScenario(opened.told);
  return (
    <>
      {opened.isChallenge && told !== undefined ? <ChallengeStory store={store} told={told} /> : undefined}
      {!opened.isChallenge && told !== undefined ? <Story store={store} told={told} /> : undefined}
      {told === undefined ? <OwnRun opened={opened} /> : undefined}
      {opened.text === undefined ? undefined : <ScenarioText key={opened.text} text={opened.text} />}
    </>
  );
}

function OwnRun({ opened }: { opened: RunTitle }): VNode {
  return (
    <section class="panel" aria-labelledby="story-title">
      <header>
        <h2 id="story-title">{opened.title}</h2>
      </header>
      <p>
        {opened.text === undefined ? (
          <>
            A whole random run of the simulator: clients, faults and liars are drawn from its seed. It is the run that{' '}
            <code>pbft simulate</code> makes, step by step.
          </>
        ) : (
          'A run of your own. Play it, look into it, break it; a link keeps it.'
        )}
      </p>
    </section>
  );
}

function Story({ store, told }: { store: LabStore; told: ToldScenario }): VNode {
  const found = findInOrder(
    store.happenings,
    told.chapters.map(({ at }) => at),
  );
  const begun = found.filter((at) => at !== undefined).length;
  const { isPlaying } = store.view.value;
  // Two chapters may begin with one step: who reads is led from one to the next, who moves otherwise sees the last.
  const [read, setRead] = useState<number>();
  useEffect(() => {
    if (isPlaying || (read !== undefined && read > begun + 1)) setRead(undefined);
  }, [begun, isPlaying]);
  const shown = Math.min(read ?? begun, begun);
  const current = told.chapters[shown - 1];
  const next = told.chapters[shown];
  const goOn = (): void => {
    if (next === undefined) return;
    setRead(shown + 1);
    if (shown >= begun) store.nextEvent(next.at);
  };
  return (
    <section class="panel story" aria-labelledby="story-title">
      <header>
        <h2 id="story-title">{told.title}</h2>
        <span class="soft small" data-testid="chapter">
          {shown} of {told.chapters.length}
        </span>
      </header>
      <p class="soft">{told.summary}</p>
      <ol class="chapters">
        {told.chapters.map(({ title, words }, index) => {
          const at = found[index];
          const step = at === undefined ? undefined : store.happenings[at]?.step;
          const isCurrent = index === shown - 1;
          const choose = (): void => {
            setRead(index + 1);
            if (step !== undefined) store.seek(step);
          };
          return (
            <li
              key={title}
              class={isCurrent ? 'current' : ''}
              {...(isCurrent ? { 'aria-current': 'step' as const } : {})}
            >
              {step === undefined ? (
                <span class="chapter-title soft">{title}</span>
              ) : (
                <button type="button" class="chapter-title link" onClick={choose}>
                  {title}
                </button>
              )}
              {isCurrent ? <p>{words}</p> : undefined}
            </li>
          );
        })}
      </ol>
      <p class="hidden-text" aria-live="polite">
        {current === undefined ? '' : `${current.title}. ${current.words}`}
      </p>
      {next === undefined ? (
        <Ending told={told} />
      ) : (
        <button type="button" class="button main" data-testid="next-chapter" onClick={goOn}>
          {shown === 0 ? 'Begin' : 'Go on'}
        </button>
      )}
    </section>
  );
}

function Ending({ told }: { told: ToldScenario }): VNode {
  return (
    <div class="ending">
      <h3>A question</h3>
      <p>{told.question}</p>
      <details>
        <summary>An answer</summary>
        <p>{told.answer}</p>
      </details>
      {told.challenge === undefined ? undefined : (
        <>
          <h3>A challenge</h3>
          <p>{told.challenge.words}</p>
          <a class="button main" href={plainAddress(BUILD, { kind: 'told', id: told.id, isChallenge: true })}>
            Take it
          </a>
        </>
      )}
    </div>
  );
}

function ChallengeStory({ store, told }: { store: LabStore; told: ToldScenario }): VNode {
  const { challenge } = told;
  const score = store.view.value.standing?.score;
  return (
    <section class="panel story" aria-labelledby="story-title">
      <header>
        <h2 id="story-title">Challenge: {told.title}</h2>
        <span data-testid="score">
          <Sign state={score?.isWon === true ? 'ok' : 'off'}>{score?.isWon === true ? 'won' : 'not yet'}</Sign>
        </span>
      </header>
      <p>{challenge?.words}</p>
      <ul class="goals" aria-label="What it takes">
        {score?.parts.map(({ words, isMet }) => (
          <li key={words}>
            <Sign state={isMet ? 'ok' : 'off'}>{isMet ? 'yes' : 'no'}</Sign> {words}
          </li>
        ))}
      </ul>
      <p class="hidden-text" aria-live="polite">
        {score?.isWon === true ? 'The challenge is won.' : ''}
      </p>
      <details>
        <summary>A hint</summary>
        <p>{challenge?.hint}</p>
      </details>
      <div class="button-row">
        <button type="button" class="button" onClick={() => store.solve()}>
          Show one way
        </button>
        <a class="button" href={plainAddress(BUILD, { kind: 'told', id: told.id, isChallenge: false })}>
          Back to the story
        </a>
      </div>
    </section>
  );
}
