/** The operations of the applications that come with pbft, as forms. Another application gets the form for JSON alone. */

export interface OperationField {
  readonly name: string;
  readonly label: string;
  /** `json`: a JSON value; what is none is taken as text. */
  readonly kind: 'text' | 'integer' | 'json';
  readonly isOptional: boolean;
  /** What the form begins with. */
  readonly initial: string;
  /** What the application takes where it is left empty. */
  readonly fallback?: string;
}

export interface Operation {
  readonly name: string;
  readonly summary: string;
  /** It changes nothing, so that a quorum can answer it without ordering. */
  readonly isRead: boolean;
  readonly fields: readonly OperationField[];
}

const text = (name: string, label: string, initial: string, fallback?: string): OperationField => ({
  name,
  label,
  kind: 'text',
  isOptional: fallback !== undefined,
  initial,
  ...(fallback === undefined ? {} : { fallback }),
});
const integer = (name: string, label: string, initial: string, fallback?: string): OperationField => ({
  ...text(name, label, initial, fallback),
  kind: 'integer',
});
const json = (name: string, label: string, initial: string, fallback?: string): OperationField => ({
  ...text(name, label, initial, fallback),
  kind: 'json',
});

const LEDGER: readonly Operation[] = [
  {
    name: 'transfer',
    summary: 'Move an amount from one account to another.',
    isRead: false,
    fields: [
      integer('amount', 'Amount', '100'),
      text('to', 'To', 'alice', 'default'),
      text('from', 'From', '', 'treasury'),
    ],
  },
  {
    name: 'balance',
    summary: 'What an account holds.',
    isRead: true,
    fields: [text('account', 'Account', 'alice', 'default')],
  },
  {
    name: 'history',
    summary: 'The last transfers of an account.',
    isRead: true,
    fields: [text('account', 'Account', 'alice')],
  },
  {
    name: 'put',
    summary: 'Keep a value under a key.',
    isRead: false,
    fields: [text('key', 'Key', 'colour'), json('value', 'Value', '"blue"')],
  },
  { name: 'get', summary: 'The value under a key.', isRead: true, fields: [text('key', 'Key', 'colour')] },
  { name: 'delete', summary: 'Forget a key.', isRead: false, fields: [text('key', 'Key', 'colour')] },
  {
    name: 'cas',
    summary: 'Replace a value if it is still the expected one.',
    isRead: false,
    fields: [
      text('key', 'Key', 'colour'),
      json('expected', 'Expected', '"blue"', 'nothing is there'),
      json('value', 'Value', '"green"'),
    ],
  },
  {
    name: 'range',
    summary: 'Keys in order, with their values.',
    isRead: true,
    fields: [
      text('from', 'From', '', 'the first'),
      text('to', 'Up to', '', 'the last'),
      integer('limit', 'At most', '', '100'),
    ],
  },
];

const COUNTER: readonly Operation[] = [
  { name: 'increment', summary: 'Count on.', isRead: false, fields: [integer('by', 'By', '1', '1')] },
  { name: 'read', summary: 'Where it stands.', isRead: true, fields: [] },
];

/** The operations of an application by its name in `GET /pbft/cluster`; none where it is not one of ours. */
export function operationsOf(application: string): readonly Operation[] {
  if (application === 'ledger') return LEDGER;
  if (application === 'counter') return COUNTER;
  return [];
}

/** A request body, or which field is wrong and why. */
export type Made =
  | { readonly ok: true; readonly body: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly field: string; readonly problem: string };

/** The body of an operation as the fields were filled in. What the application has to judge is not judged here. */
export function makeBody(operation: Operation, values: Readonly<Record<string, string>>): Made {
  const body: Record<string, unknown> = { operation: operation.name };
  for (const { name, kind, isOptional } of operation.fields) {
    const value = (values[name] ?? '').trim();
    if (value === '') {
      if (!isOptional) return { ok: false, field: name, problem: 'is needed' };
      continue;
    }
    if (kind === 'integer' && !/^-?[0-9]+$/.test(value))
      return { ok: false, field: name, problem: 'is a whole number' };
    if (kind === 'integer' && !Number.isSafeInteger(Number(value)))
      return { ok: false, field: name, problem: `is at most ${Number.MAX_SAFE_INTEGER}` };
    body[name] = kind === 'text' ? value : kind === 'integer' ? Number(value) : jsonOrText(value);
  }
  return { ok: true, body };
}

function jsonOrText(value: string): unknown {
  try {
    const parsed: unknown = JSON.parse(value);
    return parsed;
  } catch {
    return value;
  }
}

/** A body typed as JSON: an object with a string `operation`. */
export function readBody(typed: string): Made {
  let parsed: unknown;
  try {
    parsed = JSON.parse(typed);
  } catch {
    return { ok: false, field: 'json', problem: 'is no JSON' };
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    return { ok: false, field: 'json', problem: 'is an object' };
  if (typeof Reflect.get(parsed, 'operation') !== 'string')
    return { ok: false, field: 'json', problem: 'names its operation: {"operation": "…"}' };
  return { ok: true, body: parsed as Readonly<Record<string, unknown>> };
}

/** An operation in one line: `transfer amount 100 to alice`. */
export function labelOf(body: Readonly<Record<string, unknown>>): string {
  const rest = Object.entries(body)
    .filter(([name]) => name !== 'operation')
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return [String(body['operation']), ...rest].join(' ').slice(0, 120);
}
