/** The lab: a run of the real protocol in this browser, to play, to look into and to break. */
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Page } from '../components/page.tsx';
import { BUILD } from './build.ts';
import { Hands } from './hands.tsx';
import { InvariantPanel } from './invariant-panel.tsx';
import { LibraryPanel } from './library-panel.tsx';
import { NodePanel } from './node-panel.tsx';
import { RunPanel } from './run-panel.tsx';
import { SharePanel } from './share-panel.tsx';
import { StoryPanel } from './story-panel.tsx';
import { EventPanel } from './event-panel.tsx';
import type { LabStage, LabStore } from './lab-store.ts';
import './lab.css';

export function LabPage({ store }: { store: LabStore }): VNode {
  useEffect(() => store.begin(), [store]);
  const { stage } = store.view.value;
  return (
    <Page name="Lab" facts={<span>build {BUILD}</span>}>
      <h1 class="hidden-text">Lab</h1>
      {stage.kind === 'run' ? <RunView store={store} stage={stage} /> : <NoRun store={store} stage={stage} />}
    </Page>
  );
}

function NoRun({ store, stage }: { store: LabStore; stage: Exclude<LabStage, { kind: 'run' }> }): VNode {
  return (
    <div class="lab-start">
      {stage.kind === 'loading' ? (
        <p class="notice" role="status">
          The simulator is being loaded …
        </p>
      ) : undefined}
      {stage.kind === 'failed' ? (
        <div class="notice bad" role="alert">
          <p>
            <strong>The lab has failed.</strong> {stage.message}
          </p>
          <button type="button" class="button" onClick={() => store.restart()}>
            Begin anew
          </button>
        </div>
      ) : undefined}
      {stage.kind === 'refused' ? (
        <div class="notice bad" role="alert">
          <p>
            <strong>This link leads to no run.</strong> It says:
          </p>
          <ul>
            {stage.problems.map((problem) => (
              <li key={problem}>{problem}</li>
            ))}
          </ul>
          <p>Choose a run below, or ask for the link again.</p>
        </div>
      ) : undefined}
      <LibraryPanel current={undefined} />
    </div>
  );
}

function RunView({ store, stage }: { store: LabStore; stage: Extract<LabStage, { kind: 'run' }> }): VNode {
  const { standing, version } = store.view.value;
  const { opened } = stage;
  const [isChoosing, setChoosing] = useState(false);
  useEffect(() => setChoosing(false), [opened]);
  return (
    <div class="lab">
      <header class="lab-head">
        <h2>{opened.title}</h2>
        <div class="button-row">
          <button type="button" class="button" aria-expanded={isChoosing} onClick={() => setChoosing(!isChoosing)}>
            Other runs
          </button>
          <SharePanel store={store} />
        </div>
      </header>
      {isChoosing ? <LibraryPanel current={opened.told} /> : undefined}
      {opened.build === BUILD ? undefined : (
        <p class="notice warn" role="status" data-testid="other-build">
          <span>
            This link was made with build <code>{opened.build}</code>, and this is <code>{BUILD}</code>: the run may be
            another one here.
          </span>
        </p>
      )}
      <div class="lab-grid">
        <div class="lab-story">
          <StoryPanel store={store} opened={opened} version={version} />
        </div>
        <div class="lab-main">
          <RunPanel store={store} />
          <EventPanel store={store} />
        </div>
        <div class="lab-side">
          <InvariantPanel store={store} standing={standing} />
          <NodePanel store={store} standing={standing} />
          <Hands store={store} standing={standing} />
        </div>
      </div>
    </div>
  );
}
