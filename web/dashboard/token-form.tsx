/** Asks for the bearer token where the cluster wants one. */
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';

export interface TokenFormProps {
  /** One was given already, and it was not known. */
  readonly wasRefused: boolean;
  readonly onToken: (token: string) => void;
}

export function TokenForm({ wasRefused, onToken }: TokenFormProps): VNode {
  const [token, setToken] = useState('');
  return (
    <section class="panel narrow" aria-labelledby="token-title">
      <header>
        <h1 id="token-title">This cluster wants a token</h1>
      </header>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (token !== '') onToken(token);
        }}
      >
        <p class="small soft">
          It is one of those in the file that <code>tokens</code> names in the configuration of the nodes. It stays in
          this tab and is gone with it.
        </p>
        <label class="field">
          <span>Bearer token</span>
          <input
            type="password"
            autocomplete="off"
            value={token}
            aria-invalid={wasRefused}
            onInput={(event) => setToken(event.currentTarget.value)}
          />
        </label>
        {wasRefused ? (
          <p class="small" role="alert">
            ✕ No node of this cluster knows that token.
          </p>
        ) : undefined}
        <button type="submit" class="button main">
          Continue
        </button>
      </form>
    </section>
  );
}
