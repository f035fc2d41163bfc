/** The smallest useful application, to learn from: one number. `increment {by?}` adds to it and `read` shows it; both answer `{"value"}`. */
import { assert } from '../base/assert.ts';
import { MAX_NUMBER } from '../base/ids.ts';
import { ok } from '../base/result.ts';
import type { Reader, StateMachine, Transaction } from '../protocol/ports.ts';
import { utf8 } from './json.ts';
import { encodeJson } from './json-writer.ts';
import type { JsonObject } from './json.ts';
import { storedJson } from './json-parser.ts';
import { checkFields, decodeOperation, encodeOutcome, refuse, unknownOperation } from './operation.ts';
import type { OperationRefusalCode, Outcome } from './operation.ts';

/** What the counter refuses, besides what every JSON application does. */
export type CounterRefusalCode = OperationRefusalCode | 'invalid_amount' | 'counter_full';
type CounterOutcome = Outcome<CounterRefusalCode>;

const KEY = utf8('counter');

/** The counter. Absent means 0, so that genesis needs no `initialize`. */
export const counter: StateMachine = {
  execute(state, bytes) {
    const operation = decodeOperation(bytes);
    if (!operation.ok) return encodeOutcome(operation);
    const { name, fields } = operation.value;
    if (name === 'increment') return encodeOutcome(increment(state, fields));
    if (name === 'read') return encodeOutcome(read(state, fields));
    return encodeOutcome(unknownOperation(name, ['increment', 'read']));
  },

  query(state, bytes) {
    const operation = decodeOperation(bytes);
    if (!operation.ok) return encodeOutcome(operation);
    const { name, fields } = operation.value;
    if (name === 'read') return encodeOutcome(read(state, fields));
    if (name === 'increment') return encodeOutcome(refuse('not_read_only', 'increment changes the state'));
    return encodeOutcome(unknownOperation(name, ['read']));
  },
};

function increment(state: Transaction, fields: JsonObject): CounterOutcome {
  const problem = checkFields(fields, ['by']);
  if (problem !== undefined) return { ok: false, error: problem };
  const by = fields.has('by') ? fields.get('by') : 1;
  if (typeof by !== 'number' || by < 1) return refuse('invalid_amount', '"by" is an integer from 1');
  const value = valueIn(state);
  if (value > MAX_NUMBER - by) return refuse('counter_full', `${value} + ${by} is beyond 2^53 − 1`);
  state.put(KEY, encodeJson(value + by));
  return ok({ value: value + by });
}

function read(state: Reader, fields: JsonObject): CounterOutcome {
  const problem = checkFields(fields, []);
  return problem === undefined ? ok({ value: valueIn(state) }) : { ok: false, error: problem };
}

function valueIn(state: Reader): number {
  const bytes = state.get(KEY);
  const value = bytes === undefined ? 0 : storedJson(bytes);
  assert(typeof value === 'number', 'the counter is stored as a number');
  return value;
}
