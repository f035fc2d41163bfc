/** Transport controls, the space-time diagram, and the messages under way, each of which can be dropped, held back or doubled. */
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { SpaceTime } from '../components/space-time/space-time.tsx';
import type { Hit } from '../components/space-time/scene.ts';
import { durationText } from '../components/text.ts';
import type { RunSight } from '../../src/lab/sight.ts';
import { FlightButtons, FlightTable } from './flights.tsx';
import type { LabStore } from './lab-store.ts';
import { Transport } from './transport.tsx';

/** Virtual time since the beginning. */
export function virtualTime(us: number): string {
  return `${(us / 1000).toFixed(2)} ms`;
}

export function RunPanel({ store }: { store: LabStore }): VNode {
  const { standing, version } = store.view.value;
  const [focus, setFocus] = useState<number>();
  const { picture } = store;
  return (
    <section class="panel" aria-labelledby="run-title">
      <header>
        <h2 id="run-title">Run</h2>
        <p class="soft small" role="status" data-testid="position">
          {standing === undefined ? 'is being prepared …' : positionText(standing.sight)}
          <Progress store={store} />
        </p>
      </header>
      <Transport store={store} />
      {standing?.problem === undefined ? undefined : (
        <p class="notice warn" role="alert">
          {standing.problem}
        </p>
      )}
      {standing === undefined ? undefined : <EndNotice sight={standing.sight} isFull={standing.isFull} />}
      {picture === undefined || standing === undefined ? (
        <p class="empty">The run is being prepared.</p>
      ) : (
        <>
          <SpaceTime
            picture={picture}
            version={version}
            isSeen={(party) => standing.sight.nodes.find(({ node }) => node === party)?.isUp ?? true}
            focus={focus}
            onFocus={setFocus}
            pxPerMs={60}
            guessMs={1}
            isPaced={false}
            formatTime={virtualTime}
            actions={(hit) => <HitActions store={store} hit={hit} sight={standing.sight} />}
          />
          <FlightTable store={store} sight={standing.sight} />
        </>
      )}
    </section>
  );
}

function Progress({ store }: { store: LabStore }): VNode {
  const work = store.work.value;
  if (work === undefined) return <></>;
  return <>{work.step === undefined ? ' · at work' : ` · at work, step ${work.step}`}</>;
}

function positionText({ step, timeUs, line, isScriptOver }: RunSight): string {
  const command = line === undefined || isScriptOver ? '' : ` · line ${line} of the scenario`;
  const over = isScriptOver ? ' · after its last command' : '';
  return `step ${step} · ${virtualTime(timeUs)}${command}${over}`;
}

function EndNotice({ sight, isFull }: { sight: RunSight; isFull: boolean }): VNode | undefined {
  const text = isFull ? 'A run of the lab goes no further than this.' : endText(sight);
  return text === undefined ? undefined : (
    <p class="notice" role="status" data-testid="end">
      {text}
    </p>
  );
}

function endText({ end, timeUs }: RunSight): string | undefined {
  switch (end?.kind) {
    case undefined:
      return undefined;
    case 'done':
      return `The run is over, after ${durationText(timeUs / 1000)} of virtual time.`;
    case 'broken':
      return 'A broken invariant has ended the run.';
    case 'silent':
      return 'Nothing will happen any more: nobody is up.';
    case 'script':
      return `The scenario cannot go on${end.line === undefined ? '' : `, line ${end.line}`}: ${end.message}`;
  }
}

/** For a message that is still under way. */
function HitActions({ store, hit, sight }: { store: LabStore; hit: Hit; sight: RunSight }): VNode | undefined {
  const arrow = hit.kind === 'arrow' ? store.picture?.arrows.list.find(({ key }) => key === hit.key) : undefined;
  if (arrow === undefined || arrow.receivedUs !== undefined) return undefined;
  const flight = sight.inFlight.find(
    ({ from, to, message }) => from === arrow.from && to === arrow.to && message?.id === arrow.message.id,
  );
  return flight === undefined ? undefined : <FlightButtons store={store} flight={flight} />;
}
