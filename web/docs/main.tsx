/** The page `/docs`: the API of the node that serves it, to read and to try, from its own description and nothing else. */
import { signal } from '@preact/signals';
import type { VNode } from 'preact';
import { mount, Page } from '../components/page.tsx';
import { call, Token } from '../dashboard/api-client.ts';
import type { ApiFailure } from '../dashboard/api-client.ts';
import { TokenForm } from '../dashboard/token-form.tsx';
import { anchorOf, EndpointView } from './endpoint-view.tsx';
import { readApi } from './openapi.ts';
import type { Endpoint } from './openapi.ts';
import './docs.css';

type State =
  | { readonly kind: 'loading' }
  | { readonly kind: 'failed'; readonly why: ApiFailure }
  | { readonly kind: 'ready'; readonly endpoints: readonly Endpoint[] };

const token = new Token();
const state = signal<State>({ kind: 'loading' });

async function load(): Promise<void> {
  // The form for the token stays where it is until the answer is there, and the focus in it.
  if (state.value.kind !== 'failed') state.value = { kind: 'loading' };
  const answer = await call<unknown>('', '/openapi.json', token);
  if (answer.ok) token.keep();
  state.value = answer.ok ? { kind: 'ready', endpoints: readApi(answer.body) } : { kind: 'failed', why: answer.error };
}

const GROUPS: Readonly<Record<string, string>> = {
  pbft: 'The cluster',
  node: 'The node',
  lab: 'Lab mode',
  other: 'More',
};

function App(): VNode {
  return (
    <Page name="API">
      <Content />
    </Page>
  );
}

function Content(): VNode {
  const now = state.value;
  if (now.kind === 'loading')
    return (
      <section class="panel narrow" role="status">
        <h1>Reading the API…</h1>
      </section>
    );
  if (now.kind === 'failed' && now.why.status === 401)
    return (
      <TokenForm
        wasRefused={token.value !== undefined}
        onToken={(given) => {
          token.set(given);
          void load();
        }}
      />
    );
  if (now.kind === 'failed')
    return (
      <section class="panel narrow" role="alert">
        <h1>The node does not answer</h1>
        <p>{now.why.message}</p>
        <button type="button" class="button main" onClick={() => void load()}>
          Ask again
        </button>
      </section>
    );
  const groups = Map.groupBy(now.endpoints, ({ tag }) => tag);
  return (
    <div class="docs">
      <header class="docs-head">
        <h1>The HTTP API of this node</h1>
        <p class="soft">
          JSON over HTTP. Every node of the cluster serves the same. What is sent from here is really sent; the
          description in full is <a href="/openapi.json">/openapi.json</a>.
        </p>
      </header>
      {[...groups].map(([tag, endpoints]) => (
        <section key={tag} class="panel" aria-labelledby={`group-${tag}`}>
          <header>
            <h2 id={`group-${tag}`}>{GROUPS[tag] ?? tag}</h2>
          </header>
          {endpoints.map((endpoint) => (
            <EndpointView key={anchorOf(endpoint)} endpoint={endpoint} headers={token.headers} />
          ))}
        </section>
      ))}
    </div>
  );
}

mount(<App />);
void load();
