/** A run of one's own: how many nodes, which quorum, which network, who lies. */
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { makeQuorums, quorumsIntersect } from '../../src/protocol/quorum.ts';
import { BUILD } from './build.ts';
import { plainAddress } from '../../src/lab/link-fragment.ts';
import { BEHAVIOURS, BOUNDS, FIRST_SET_UP, problemsOf, scenarioOf } from './set-up.ts';
import type { NumberField, SetUp } from './set-up.ts';

const LABELS: readonly (readonly [NumberField, string])[] = [
  ['nodes', 'Nodes (n)'],
  ['interval', 'Checkpoint every (K)'],
  ['clients', 'Clients'],
  ['requests', 'Requests of each'],
  ['everyMs', 'One every (ms)'],
  ['delayMs', 'Link delay from (ms)'],
  ['toMs', 'to (ms)'],
  ['loss', 'Lost messages (%)'],
  ['seed', 'Seed of chance'],
];

export function SetUpForm(): VNode {
  const [setUp, setSetUp] = useState<SetUp>(FIRST_SET_UP);
  const problems = problemsOf(setUp);
  const change = (part: Partial<SetUp>): void => setSetUp({ ...setUp, ...part });
  return (
    <section class="panel" aria-labelledby="set-up-title">
      <header>
        <h2 id="set-up-title">A set-up of your own</h2>
      </header>
      <form
        class="set-up"
        onSubmit={(event) => {
          event.preventDefault();
          if (problems.size === 0) location.hash = plainAddress(BUILD, { kind: 'text', text: scenarioOf(setUp) });
        }}
      >
        <div class="set-up-fields">
          {LABELS.map(([field, label]) => (
            <label key={field} class="field">
              <span>{label}</span>
              <input
                type="number"
                min={BOUNDS[field][0]}
                max={BOUNDS[field][1]}
                value={Number.isNaN(setUp[field]) ? '' : setUp[field]}
                aria-invalid={problems.has(field)}
                onInput={(event) => change({ [field]: event.currentTarget.valueAsNumber })}
              />
              <span class="small problem">{problems.get(field) ?? ''}</span>
            </label>
          ))}
          <label class="field">
            <span>Quorum rule</span>
            <select
              value={setUp.rule}
              onChange={(event) => change({ rule: event.currentTarget.value === '2f+1' ? '2f+1' : 'intersecting' })}
            >
              <option value="intersecting">⌈(n+f+1)/2⌉</option>
              <option value="2f+1">2f+1, the bare formula</option>
            </select>
          </label>
          <label class="field">
            <span>Votes bear</span>
            <select
              value={setUp.authentication}
              onChange={(event) =>
                change({ authentication: event.currentTarget.value === 'signature' ? 'signature' : 'mac' })
              }
            >
              <option value="mac">MACs</option>
              <option value="signature">signatures</option>
            </select>
          </label>
        </div>
        <QuorumText setUp={setUp} />
        <Liars setUp={setUp} problem={problems.get('liars')} change={change} />
        <button type="submit" class="button main" disabled={problems.size > 0}>
          Run it
        </button>
      </form>
    </section>
  );
}

function QuorumText({ setUp: { nodes, rule } }: { setUp: SetUp }): VNode | undefined {
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > 31) return undefined;
  const quorums = makeQuorums(nodes, rule);
  return (
    <p class="small soft" role="status">
      f = {quorums.faultLimit}, quorum = {quorums.quorum}.{' '}
      {quorumsIntersect(quorums)
        ? 'Any two quorums share a correct node.'
        : 'Two of these quorums need not share a correct node!'}
    </p>
  );
}

interface LiarsProps {
  readonly setUp: SetUp;
  readonly problem: string | undefined;
  readonly change: (part: Partial<SetUp>) => void;
}

function Liars({ setUp: { liars, nodes }, problem, change }: LiarsProps): VNode {
  const names = Array.from(
    { length: Number.isInteger(nodes) ? Math.min(13, Math.max(1, nodes)) : 1 },
    (_, index) => index + 1,
  );
  return (
    <fieldset class="liars">
      <legend class="small">Who lies, and how</legend>
      {liars.map(({ node, behaviour }, index) => (
        <div key={index} class="button-row">
          <select
            aria-label={`Liar ${index + 1}: which node`}
            value={node}
            onChange={(event) =>
              change({ liars: liars.with(index, { node: Number(event.currentTarget.value), behaviour }) })
            }
          >
            {names.map((name) => (
              <option key={name} value={name}>
                node{name}
              </option>
            ))}
          </select>
          <select
            aria-label={`Liar ${index + 1}: how`}
            value={behaviour}
            onChange={(event) => {
              const chosen = BEHAVIOURS.find((one) => one === event.currentTarget.value) ?? behaviour;
              change({ liars: liars.with(index, { node, behaviour: chosen }) });
            }}
          >
            {BEHAVIOURS.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
          <button
            type="button"
            class="button"
            aria-label={`Liar ${index + 1} is honest after all`}
            onClick={() => change({ liars: liars.toSpliced(index, 1) })}
          >
            Remove
          </button>
        </div>
      ))}
      <button
        type="button"
        class="button"
        disabled={liars.length >= names.length}
        onClick={() => {
          const free = names.find((name) => liars.every(({ node }) => node !== name)) ?? 1;
          change({ liars: [...liars, { node: free, behaviour: 'equivocate' }] });
        }}
      >
        Add a liar
      </button>
      <span class="small problem">{problem ?? ''}</span>
    </fieldset>
  );
}
