/** Asks for the bearer token where the cluster wants one. */
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

/** What fits into the header. */
const TOKEN = /^[\x21-\x7e]+$/;

export interface TokenFormProps {
  /** One was given already, and it was not known. */
  readonly wasRefused: boolean;
  readonly onToken: (token: string) => void;
}

export function TokenForm({ wasRefused, onToken }: TokenFormProps): VNode {
  const [typed, setTyped] = useState('');
  const field = useRef<HTMLInputElement>(null);
  const token = typed.trim();
  const isToken = TOKEN.test(token);
  useEffect(() => field.current?.focus(), []);
  return (
    <section class="panel narrow" aria-labelledby="token-title">
      <header>
        <h1 id="token-title">This cluster wants a token</h1>
      </header>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (isToken) onToken(token);
        }}
      >
        <p class="small soft">
          It is one of those in the file that <code>tokens_file</code> names in the configuration of the nodes. It stays
          in this tab and is gone with it.
        </p>
        <label class="field">
          <span>Bearer token</span>
          <input
            type="password"
            autocomplete="off"
            ref={field}
            value={typed}
            aria-invalid={wasRefused || (token !== '' && !isToken)}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
        {token !== '' && !isToken ? (
          <p class="small" role="alert">
            ✕ A token has only printable ASCII characters, and no spaces.
          </p>
        ) : undefined}
        {wasRefused ? (
          <p class="small" role="alert">
            ✕ The token was refused. Every node has its own list: it has to stand in each.
          </p>
        ) : undefined}
        <button type="submit" class="button main">
          Continue
        </button>
      </form>
    </section>
  );
}
