/** What else can be done by hand: links, requests. */
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { describeAction } from '../../src/lab/action-words.ts';
import type { LabStore } from './lab-store.ts';
import type { Standing } from './worker-messages.ts';

export function Hands({ store, standing }: { store: LabStore; standing: Standing | undefined }): VNode {
  return (
    <section class="panel" aria-labelledby="hands-title">
      <header>
        <h2 id="hands-title">By hand</h2>
      </header>
      {standing === undefined ? undefined : (
        <>
          <LinkForm store={store} standing={standing} />
          <RequestForm store={store} standing={standing} />
          <Done standing={standing} onGoTo={(step) => store.seek(step)} />
        </>
      )}
    </section>
  );
}

function LinkForm({ store, standing }: { store: LabStore; standing: Standing }): VNode {
  const { nodes, clients, cuts } = standing.sight;
  const names = [...new Set(nodes.map(({ node }) => node)), ...clients.map(({ name }) => name)];
  const [from, setFrom] = useState('node1');
  const [to, setTo] = useState('node2');
  const isCut = cuts.some(([left, right]) => left === from && right === to);
  return (
    <div class="hand-form">
      <h3>Links</h3>
      <div class="button-row">
        <Choice label="From" value={from} names={names} onChoose={setFrom} />
        <Choice label="To" value={to} names={names} onChoose={setTo} />
        <button
          type="button"
          class="button"
          disabled={from === to}
          onClick={() => store.act({ do: isCut ? 'mend' : 'cut', from, to })}
        >
          {isCut ? 'Mend' : 'Cut'}
        </button>
      </div>
      <p class="small soft">
        {cuts.length === 0 ? 'No link is cut.' : `Cut: ${cuts.map(([left, right]) => `${left} → ${right}`).join(', ')}`}
      </p>
    </div>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly names: readonly string[];
  readonly onChoose: (name: string) => void;
}

function Choice({ label, value, names, onChoose }: ChoiceProps): VNode {
  return (
    <label class="field inline">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
        {names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}

const FIRST_OPERATION = '{"operation":"put","key":"x","value":"1"}';

function RequestForm({ store, standing }: { store: LabStore; standing: Standing }): VNode {
  const [operation, setOperation] = useState(FIRST_OPERATION);
  const [client, setClient] = useState(1);
  const count = standing.sight.clients.length;
  return (
    <form
      class="hand-form"
      onSubmit={(event) => {
        event.preventDefault();
        store.act({ do: 'request', client, operation });
      }}
    >
      <h3>A request</h3>
      <label class="field">
        <span>Operation, as JSON</span>
        <input class="mono" value={operation} onInput={(event) => setOperation(event.currentTarget.value)} />
      </label>
      <div class="button-row">
        <label class="field inline">
          <span>Client</span>
          <select value={client} onChange={(event) => setClient(Number(event.currentTarget.value))}>
            {Array.from({ length: count }, (_, index) => (
              <option key={index} value={index + 1}>
                client{index + 1}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" class="button">
          Ask for it
        </button>
      </div>
    </form>
  );
}

function Done({ standing, onGoTo }: { standing: Standing; onGoTo: (step: number) => void }): VNode {
  const { interventions, sight } = standing;
  return (
    <div class="hand-form">
      <h3>Done by hand</h3>
      {interventions.length === 0 ? <p class="small soft">Nothing so far.</p> : undefined}
      <ol class="small done-list" data-testid="done">
        {interventions.map(({ at, action }, index) => (
          <li key={index}>
            <button type="button" class="link" onClick={() => onGoTo(at)}>
              step {at}
            </button>
            : {describeAction(action)}
          </li>
        ))}
      </ol>
      {sight.undone.map((problem) => (
        <p key={problem} class="notice warn small">
          Could not be done {problem}
        </p>
      ))}
    </div>
  );
}
