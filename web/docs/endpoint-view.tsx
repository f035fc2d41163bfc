/** One endpoint: what it is for, what goes in, what comes out, and a form that really calls it. */
import type { VNode } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { Sign } from '../components/sign.tsx';
import { durationText } from '../components/text.ts';
import { curlFor, exampleOf, requestFor } from './openapi.ts';
import type { Endpoint, Parameter } from './openapi.ts';
import { SchemaView } from './schema-view.tsx';
import { tryCall } from './try-call.ts';
import type { Tried } from './try-call.ts';

export interface EndpointViewProps {
  readonly endpoint: Endpoint;
  /** Headers that go along with every call: the token, where there is one. */
  readonly headers: Readonly<Record<string, string>>;
}

export function EndpointView({ endpoint, headers }: EndpointViewProps): VNode {
  const { method, path, summary, parameters, body, answers } = endpoint;
  return (
    <details class="endpoint" id={anchorOf(endpoint)}>
      <summary>
        <span class={`method ${method.toLowerCase()}`}>{method}</span>
        <code>{path}</code>
        <span class="soft small">{summary}</span>
      </summary>
      <div class="endpoint-body">
        <TryForm endpoint={endpoint} headers={headers} />
        <div class="endpoint-shapes">
          {parameters.length === 0 ? undefined : (
            <section>
              <h3>Parameters</h3>
              <ParameterTable parameters={parameters} />
            </section>
          )}
          {body === undefined ? undefined : (
            <section>
              <h3>Body</h3>
              <SchemaView schema={body} />
            </section>
          )}
          {answers.map(({ status, contentType, schema }) => (
            <section key={`${status} ${contentType}`}>
              <h3>
                Answer {status} <span class="soft">{contentType}</span>
              </h3>
              <SchemaView schema={schema} />
            </section>
          ))}
        </div>
      </div>
    </details>
  );
}

export function anchorOf({ method, path }: Endpoint): string {
  return `${method.toLowerCase()}${path.replaceAll(/[^a-z0-9]+/gi, '-').replace(/-$/, '')}`;
}

function ParameterTable({ parameters }: { parameters: readonly Parameter[] }): VNode {
  return (
    <ul class="members">
      {parameters.map(({ name, place, isRequired, description, schema }) => (
        <li key={name}>
          <code>{name}</code> <span class="tiny soft">{place}</span>{' '}
          {isRequired ? <span class="tiny">needed</span> : undefined} <SchemaView schema={schema} isInline />
          {description === '' ? undefined : <p class="small soft">{description}</p>}
        </li>
      ))}
    </ul>
  );
}

type Attempt =
  | { readonly kind: 'none' }
  | { readonly kind: 'under-way'; readonly tried: Tried | undefined }
  | { readonly kind: 'answered'; readonly tried: Tried }
  | { readonly kind: 'unreachable' };

function TryForm({ endpoint, headers }: EndpointViewProps): VNode {
  const { parameters, body, method } = endpoint;
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  const [typed, setTyped] = useState(() => (body === undefined ? '' : JSON.stringify(exampleOf(body), undefined, 2)));
  const [attempt, setAttempt] = useState<Attempt>({ kind: 'none' });
  const abort = useRef<AbortController>(undefined);
  const isUnderWay = attempt.kind === 'under-way';
  const made = requestFor(endpoint, values);
  const call = { method, ...made, body: body === undefined ? undefined : typed };

  const send = async (): Promise<void> => {
    const controller = new AbortController();
    abort.current = controller;
    setAttempt({ kind: 'under-way', tried: undefined });
    try {
      const tried = await tryCall({
        ...call,
        headers: { ...headers, ...made.headers },
        signal: controller.signal,
        onProgress: (progress) => setAttempt({ kind: 'under-way', tried: progress }),
      });
      setAttempt({ kind: 'answered', tried });
    } catch {
      setAttempt({ kind: 'unreachable' });
    }
  };

  return (
    <form
      class="try"
      onSubmit={(event) => {
        event.preventDefault();
        if (isUnderWay) abort.current?.abort();
        else void send();
      }}
    >
      <h3>Try it</h3>
      {parameters.map((parameter) => (
        <label key={parameter.name} class="field">
          <span>
            {parameter.name} {parameter.isRequired ? '' : <span class="soft">(may be left out)</span>}
          </span>
          <ParameterInput
            parameter={parameter}
            value={values[parameter.name] ?? ''}
            onValue={(value) => setValues({ ...values, [parameter.name]: value })}
          />
        </label>
      ))}
      {body === undefined ? undefined : (
        <label class="field">
          <span>Body</span>
          <textarea
            class="mono"
            rows={Math.min(12, Math.max(3, typed.split('\n').length))}
            spellcheck={false}
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
      )}
      <button type="submit" class={isUnderWay ? 'button' : 'button main'}>
        {isUnderWay ? 'Stop' : `Send ${method}`}
      </button>
      <pre class="curl scroll" tabIndex={0} aria-label="The same for a terminal">
        {curlFor(location.origin, call)}
      </pre>
      <div role="status" aria-live="polite">
        <AttemptView attempt={attempt} />
      </div>
    </form>
  );
}

interface ParameterInputProps {
  readonly parameter: Parameter;
  readonly value: string;
  readonly onValue: (value: string) => void;
}

function ParameterInput({ parameter: { schema }, value, onValue }: ParameterInputProps): VNode {
  const choices = schema.type === 'boolean' ? ['true', 'false'] : schema.enum?.map(String);
  if (choices !== undefined)
    return (
      <select value={value} onChange={(event) => onValue(event.currentTarget.value)}>
        <option value="" />
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {choice}
          </option>
        ))}
      </select>
    );
  return (
    <input
      value={value}
      placeholder={schema.default === undefined ? '' : JSON.stringify(schema.default)}
      spellcheck={false}
      autocomplete="off"
      onInput={(event) => onValue(event.currentTarget.value)}
    />
  );
}

function AttemptView({ attempt }: { attempt: Attempt }): VNode | undefined {
  if (attempt.kind === 'none') return undefined;
  if (attempt.kind === 'unreachable')
    return (
      <p>
        <Sign state="bad">no answer</Sign> The node cannot be reached.
      </p>
    );
  const { tried } = attempt;
  if (tried === undefined) return <p class="soft small">Under way…</p>;
  const state = tried.status < 300 ? 'ok' : tried.status < 500 ? 'warn' : 'bad';
  return (
    <>
      <p class="small">
        <Sign state={state}>
          {tried.status} {tried.statusText}
        </Sign>{' '}
        <span class="soft">{durationText(tried.tookMs)}</span>
      </p>
      <pre class="answer scroll" tabIndex={0} aria-label="Answer">
        {tried.body}
      </pre>
      <details class="tiny">
        <summary>Headers</summary>
        <ul class="mono">
          {tried.headers.map(([name, value]) => (
            <li key={name}>
              {name}: {value}
            </li>
          ))}
        </ul>
      </details>
    </>
  );
}
