/** Sends an operation to the cluster, and shows what came back: result, who stands behind it, and the way it took. */
import type { VNode } from 'preact';
import { useId, useState } from 'preact/hooks';
import { Sign } from '../components/sign.tsx';
import { brief, durationText, plural } from '../components/text.ts';
import { makeBody, operationsOf, readBody } from './operations.ts';
import type { Made, Operation, OperationField } from './operations.ts';
import type { Order, Outcome } from './request-sender.ts';
import './request-form.css';

export interface RequestFormProps {
  readonly application: string;
  /** Nodes that a request can be sent to. */
  readonly nodes: readonly string[];
  readonly outcome: Outcome;
  readonly onSend: (order: Order) => void;
  /** Shows a number alone in the diagram. */
  readonly onFocus: (sequence: number) => void;
}

const AS_JSON = 'as JSON';

export function RequestForm({ application, nodes, outcome, onSend, onFocus }: RequestFormProps): VNode {
  const operations = operationsOf(application);
  const [name, setName] = useState(operations[0]?.name ?? AS_JSON);
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  const [typed, setTyped] = useState('{"operation": "transfer", "amount": 100}');
  const [node, setNode] = useState('');
  const [isReadOnly, setIsReadOnly] = useState(false);
  const [key, setKey] = useState('');
  const [problem, setProblem] = useState<Extract<Made, { ok: false }>>();
  const operation = operations.find((one) => one.name === name);
  const isWaiting = outcome.kind === 'waiting';

  const submit = (event: Event): void => {
    event.preventDefault();
    const made = operation === undefined ? readBody(typed) : makeBody(operation, filledIn(operation, values));
    setProblem(made.ok ? undefined : made);
    if (!made.ok || isWaiting) return;
    const asRead = isReadOnly && (operation === undefined || operation.isRead);
    onSend({
      body: made.body,
      node: node === '' ? undefined : node,
      isReadOnly: asRead,
      idempotencyKey: asRead ? '' : key,
    });
  };

  return (
    <form class="request-form" onSubmit={submit} noValidate>
      <label class="field">
        <span>Operation</span>
        <select value={name} onChange={(event) => setName(event.currentTarget.value)}>
          {operations.map((one) => (
            <option key={one.name} value={one.name}>
              {one.name}
            </option>
          ))}
          <option value={AS_JSON}>{AS_JSON}</option>
        </select>
        <small class="soft">{operation?.summary ?? 'Any operation of the application.'}</small>
      </label>
      <div class="operation-fields">
        {operation === undefined ? (
          <JsonField typed={typed} onTyped={setTyped} problem={problem?.problem} />
        ) : (
          operation.fields.map((field) => (
            <Field
              key={`${operation.name} ${field.name}`}
              field={field}
              value={values[`${operation.name} ${field.name}`] ?? field.initial}
              problem={problem?.field === field.name ? problem.problem : undefined}
              onValue={(value) => setValues({ ...values, [`${operation.name} ${field.name}`]: value })}
            />
          ))
        )}
      </div>
      <details class="more">
        <summary>More</summary>
        <div class="operation-fields">
          <label class="field">
            <span>Send to</span>
            <select value={node} onChange={(event) => setNode(event.currentTarget.value)}>
              <option value="">any node that is up</option>
              {nodes.map((one) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
            </select>
          </label>
          <label class="field">
            <span>Idempotency key</span>
            <input value={key} maxLength={64} onInput={(event) => setKey(event.currentTarget.value)} />
          </label>
          {operation === undefined || operation.isRead ? (
            <label class="check">
              <input
                type="checkbox"
                checked={isReadOnly}
                onChange={(event) => setIsReadOnly(event.currentTarget.checked)}
              />
              <span>Have a quorum answer without ordering it</span>
            </label>
          ) : undefined}
        </div>
      </details>
      <button type="submit" class="button main" aria-disabled={isWaiting}>
        {isWaiting ? 'Under way…' : 'Send request'}
      </button>
      <div class="outcome" role="status" aria-live="polite" data-testid="outcome">
        <OutcomeText outcome={outcome} onFocus={onFocus} />
      </div>
    </form>
  );
}

function filledIn(operation: Operation, values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    operation.fields.map(({ name, initial }) => [name, values[`${operation.name} ${name}`] ?? initial]),
  );
}

interface FieldProps {
  readonly field: OperationField;
  readonly value: string;
  readonly problem: string | undefined;
  readonly onValue: (value: string) => void;
}

function Field({ field, value, problem, onValue }: FieldProps): VNode {
  const id = useId();
  return (
    <label class="field">
      <span>{field.label}</span>
      <input
        value={value}
        inputMode={field.kind === 'integer' ? 'numeric' : 'text'}
        placeholder={field.fallback ?? ''}
        spellcheck={false}
        autocomplete="off"
        aria-invalid={problem !== undefined}
        {...(problem === undefined ? {} : { 'aria-describedby': id })}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
      {problem === undefined ? undefined : (
        <small id={id} class="problem" role="alert">
          {field.label} {problem}
        </small>
      )}
    </label>
  );
}

interface JsonFieldProps {
  readonly typed: string;
  readonly problem: string | undefined;
  readonly onTyped: (typed: string) => void;
}

function JsonField({ typed, problem, onTyped }: JsonFieldProps): VNode {
  const id = useId();
  return (
    <label class="field wide">
      <span>Body</span>
      <textarea
        class="mono"
        rows={4}
        spellcheck={false}
        value={typed}
        aria-invalid={problem !== undefined}
        {...(problem === undefined ? {} : { 'aria-describedby': id })}
        onInput={(event) => onTyped(event.currentTarget.value)}
      />
      {problem === undefined ? undefined : (
        <small id={id} class="problem" role="alert">
          Body {problem}
        </small>
      )}
    </label>
  );
}

function OutcomeText({ outcome, onFocus }: Pick<RequestFormProps, 'outcome' | 'onFocus'>): VNode {
  switch (outcome.kind) {
    case 'none':
      return <p class="soft small">What the cluster answers stands here.</p>;
    case 'waiting':
      return <p class="soft small">{outcome.label}: under way…</p>;
    case 'failed':
      return (
        <>
          <p class="headline">
            <Sign state="bad">{outcome.why.code}</Sign> <span class="small">{outcome.label}</span>
          </p>
          <p class="small">{outcome.why.message}</p>
        </>
      );
    case 'answered': {
      const { body, tookMs, label } = outcome;
      const isRefused = typeof body.result === 'object' && body.result !== null && 'error' in body.result;
      return (
        <>
          <p class="headline">
            <Sign state={isRefused ? 'warn' : 'ok'}>
              {body.status === 'read' ? 'read' : isRefused ? 'ordered, and refused' : 'executed'}
            </Sign>
            <span class="small">
              {label} · {durationText(tookMs)}
            </span>
          </p>
          <pre class="result scroll" tabIndex={0} aria-label="Result">
            {JSON.stringify(body.result, undefined, 1)}
          </pre>
          <p class="small soft">
            {plural(body.replies.length, 'node')} {body.replies.length === 1 ? 'stands' : 'stand'} behind it:{' '}
            {body.replies.join(', ')}.{' '}
            {body.status === 'executed' ? (
              <>
                Number {body.sequence} in view {body.view}, batch <code>{brief(body.digest)}</code>.{' '}
                <button type="button" class="link" onClick={() => onFocus(body.sequence)}>
                  Show its way
                </button>
              </>
            ) : (
              <>True after number {body.sequence}; it was not ordered.</>
            )}
          </p>
        </>
      );
    }
  }
}
