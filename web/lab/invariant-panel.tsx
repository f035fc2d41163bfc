/** The invariants, live: each holds, is broken, with the step that broke it, or is not judged here, with the reason. */
import type { VNode } from 'preact';
import { InvariantList } from '../components/invariant-list.tsx';
import { Sign } from '../components/sign.tsx';
import { briefDigests } from '../components/text.ts';
import type { LabStore } from './lab-store.ts';
import type { Standing } from './worker-messages.ts';

export function InvariantPanel({ store, standing }: { store: LabStore; standing: Standing | undefined }): VNode {
  const all = standing?.sight.invariants ?? [];
  const broken = all.filter((one) => one.broken !== undefined);
  const open = all.filter((one) => one.unjudged !== undefined);
  const holding = all.filter((one) => one.broken === undefined && one.unjudged === undefined);
  const listOf = (some: typeof all): VNode => (
    <InvariantList
      invariants={some.map(({ name, says, unjudged, broken: how }) => ({
        name,
        text: says,
        unjudged,
        broken: how === undefined ? undefined : { step: how.step, text: briefDigests(firstLine(how.message)) },
      }))}
      onGoTo={(step) => store.seek(step)}
    />
  );
  return (
    <section class="panel" aria-labelledby="invariants-title">
      <header>
        <h2 id="invariants-title">Invariants</h2>
        <span role="status" data-testid="invariants">
          {standing === undefined ? undefined : (
            <Sign state={broken.length === 0 ? 'ok' : 'bad'}>
              {broken.length === 0 ? `${holding.length} hold` : `${broken.length} of ${all.length} broken`}
              {open.length === 0 ? '' : `, ${open.length} not judged`}
            </Sign>
          )}
        </span>
      </header>
      {broken.length > 0 ? listOf(broken) : undefined}
      <details>
        <summary>Those that hold</summary>
        {listOf(holding)}
      </details>
      {open.length === 0 ? undefined : (
        <details>
          <summary>Those that are not judged here</summary>
          {listOf(open)}
        </details>
      )}
      <p class="tiny soft">
        Trace <code data-testid="trace">{standing?.sight.traceHash ?? ''}</code>
      </p>
    </section>
  );
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
