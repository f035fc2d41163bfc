/** Each replica, to look into: how it stands, its log with votes and certificates, P and Q, timers, suspicions; and what can be done to it. */
import type { VNode } from 'preact';
import { Sign } from '../components/sign.tsx';
import { brief, plural } from '../components/text.ts';
import type { StateLook } from '../model/language.ts';
import type { ActionName } from '../../src/lab/intervention.ts';
import type { NodeSight, ReplicaSight, SlotSight } from '../../src/lab/sight.ts';
import type { LabStore } from './lab-store.ts';
import { BEHAVIOURS } from './set-up.ts';
import type { Standing } from './worker-messages.ts';

export function NodePanel({ store, standing }: { store: LabStore; standing: Standing | undefined }): VNode {
  const { cluster, nodes } = standing?.sight ?? { cluster: undefined, nodes: [] };
  return (
    <section class="panel" aria-labelledby="nodes-title">
      <header>
        <h2 id="nodes-title">Replicas</h2>
        <span class="soft small">
          {cluster === undefined
            ? ''
            : `n = ${cluster.replicaCount}, f = ${cluster.faultLimit}, quorum ${cluster.quorum}`}
        </span>
      </header>
      {nodes.length === 0 ? <p class="empty">No replica yet.</p> : undefined}
      <div class="lab-nodes">
        {nodes.map((node) => (
          <NodeDetails key={`${node.node} ${node.instance}`} store={store} node={node} />
        ))}
      </div>
    </section>
  );
}

function stateOf({ isUp, isPaused, behaviour, replica }: NodeSight): {
  readonly state: StateLook;
  readonly text: string;
} {
  if (!isUp) return { state: 'bad', text: 'down' };
  if (isPaused) return { state: 'warn', text: 'stands still' };
  if (behaviour !== undefined) return { state: 'bad', text: behaviour };
  if (replica?.recovering === true) return { state: 'warn', text: 'recovers' };
  if (replica?.inViewChange === true) return { state: 'warn', text: 'changes view' };
  return { state: 'ok', text: 'up' };
}

function NodeDetails({ store, node }: { store: LabStore; node: NodeSight }): VNode {
  const { state, text } = stateOf(node);
  const { replica } = node;
  const name = node.instance === 'second' ? `${node.node}, its twin` : node.node;
  return (
    <details class="lab-node">
      <summary>
        <strong>{name}</strong> <Sign state={state}>{text}</Sign>
        <span class="soft small">
          {replica === undefined
            ? ''
            : `${replica.isPrimary ? '★ primary, ' : ''}view ${replica.view}, executed ${replica.lastExecuted}`}
        </span>
      </summary>
      {node.instance === 'second' ? undefined : <NodeButtons store={store} node={node} />}
      {replica === undefined ? (
        <p class="soft small">It is down: only its disk remembers.</p>
      ) : (
        <Inside name={name} replica={replica} />
      )}
    </details>
  );
}

type PlainAction = Extract<ActionName, 'crash' | 'restart' | 'pause' | 'resume' | 'lose-disk'>;

function NodeButtons({
  store,
  node: { node, isUp, isPaused, behaviour },
}: {
  store: LabStore;
  node: NodeSight;
}): VNode {
  const button = (action: PlainAction, text: string, isPossible: boolean): VNode => (
    <button
      type="button"
      class="button"
      disabled={!isPossible}
      aria-label={`${text} ${node}`}
      onClick={() => store.act({ do: action, node })}
    >
      {text}
    </button>
  );
  return (
    <div class="button-row">
      {button('crash', 'Crash', isUp)}
      {button('restart', 'Restart', !isUp)}
      {button('pause', 'Stop', isUp && !isPaused)}
      {button('resume', 'Go on', isUp && isPaused)}
      {button('lose-disk', 'Lose disk', isUp)}
      <label class="field inline">
        <span>Behaves</span>
        <select
          aria-label={`How ${node} behaves`}
          value={behaviour ?? ''}
          onChange={(event) => {
            const chosen = BEHAVIOURS.find((one) => one === event.currentTarget.value);
            store.act({ do: 'behave', node, behaviour: chosen ?? null, variant: 0 });
          }}
        >
          <option value="">correctly</option>
          {BEHAVIOURS.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

function Inside({ name, replica }: { name: string; replica: ReplicaSight }): VNode {
  return (
    <>
      <dl class="facts-list">
        <Fact name="Window">
          {replica.lowWaterMark} … {replica.highWaterMark}
        </Fact>
        <Fact name="Accepted up to">{replica.highestAccepted}</Fact>
        <Fact name="Last checkpoint">
          {replica.stateRootSequence}, root <code>{brief(replica.stateRoot)}</code>
        </Fact>
        <Fact name="Stable by">{replica.stableSigners.join(', ') || 'genesis'}</Fact>
        <Fact name="Waiting requests">{replica.queuedRequests}</Fact>
        <Fact name="Client sessions">
          {replica.clientSessions}, {plural(replica.idempotencyKeys, 'idempotency key')}
        </Fact>
        <Fact name="T">{(replica.timeoutUs / 1000).toFixed(0)} ms</Fact>
        {replica.viewChangesFrom.length === 0 ? undefined : (
          <Fact name="VIEW-CHANGEs held">{replica.viewChangesFrom.join(', ')}</Fact>
        )}
        {replica.diverged ? <Fact name="Diverged">its state contradicts a stable checkpoint</Fact> : undefined}
      </dl>
      <Slots name={name} slots={replica.slots} />
      <h3 class="small">Timers</h3>
      <ul class="small">
        {replica.timers.map(({ name, inUs }) => (
          <li key={name}>
            {name} in {(inUs / 1000).toFixed(1)} ms
          </li>
        ))}
      </ul>
      {replica.checkpoints.length === 0 ? undefined : (
        <>
          <h3 class="small">CHECKPOINTs, not stable yet</h3>
          <ul class="small">
            {replica.checkpoints.map(({ sequence, nodes }) => (
              <li key={sequence}>
                {sequence}: {nodes.join(', ')}
              </li>
            ))}
          </ul>
        </>
      )}
      {replica.suspicions.length === 0 ? undefined : (
        <>
          <h3 class="small">What it says of others</h3>
          <ul class="small">
            {replica.suspicions.map(({ node, kind, certain, evidence }) => (
              <li key={`${node} ${kind}`}>
                <Sign state={certain ? 'bad' : 'warn'}>{certain ? 'certain' : 'uncertain'}</Sign> {node}: {kind}.{' '}
                <span class="soft">{evidence}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

function Fact({
  name,
  children,
}: {
  name: string;
  children: VNode | string | number | readonly (VNode | string | number)[];
}): VNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Slots({ name, slots }: { name: string; slots: readonly SlotSight[] }): VNode {
  if (slots.length === 0) return <p class="soft small">The log is empty.</p>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={`Log of ${name}`}>
      <table>
        <caption class="hidden-text">Log between the water marks</caption>
        <thead>
          <tr>
            <th scope="col">n</th>
            <th scope="col">Phase</th>
            <th scope="col">Digest</th>
            <th scope="col">PREPARE</th>
            <th scope="col">COMMIT</th>
            <th scope="col">P, Q</th>
          </tr>
        </thead>
        <tbody>
          {slots.map((slot) => (
            <tr key={slot.sequence}>
              <td>{slot.sequence}</td>
              <td>
                {slot.phase}
                {slot.waitsFor === undefined ? '' : `, waits for ${slot.waitsFor}`}
              </td>
              <td>{slot.digest === undefined ? '' : <code>{brief(slot.digest, 6)}</code>}</td>
              <td>{numbers(slot.prepares)}</td>
              <td>{numbers(slot.commits)}</td>
              <td>{claims(slot)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** `1 3 4`: the numbers of the nodes. */
function numbers(nodes: readonly string[]): string {
  return nodes.map((node) => node.replace('node', '')).join(' ');
}

function claims({ prepared, prePrepared }: SlotSight): string {
  const p = prepared === undefined ? '' : `P ${brief(prepared.digest, 4)} in v${prepared.view}`;
  const q = prePrepared.map(({ view, digest }) => `Q ${brief(digest, 4)} in v${view}`);
  return [p, ...q].filter((text) => text !== '').join('; ');
}
