/**
 * The default application: a ledger and a key-value store with JSON operations. Every answer, refusals included, is a function of state,
 * operation and context. docs/application.md lists operations, results and codes.
 */
import type { Bytes } from '../base/bytes.ts';
import type { ExecutionContext, Reader, StateMachine, Transaction } from '../protocol/ports.ts';
import type { JsonObject } from './json.ts';
import { balance, createTreasury, history, transfer } from './ledger-accounts.ts';
import type { LedgerOutcome } from './ledger-refusals.ts';
import { compareAndSwap, get, put, range, remove } from './ledger-values.ts';
import { checkFields, decodeOperation, encodeOutcome, refuse, unknownOperation } from './operation.ts';

export { TOTAL_SUPPLY, totalBalance } from './ledger-accounts.ts';

interface Read {
  readonly fields: readonly string[];
  readonly run: (reader: Reader, fields: JsonObject) => LedgerOutcome;
}

interface Write {
  readonly fields: readonly string[];
  readonly run: (state: Transaction, fields: JsonObject, context: ExecutionContext) => LedgerOutcome;
}

const WRITES: ReadonlyMap<string, Write> = new Map<string, Write>([
  ['transfer', { fields: ['amount', 'to', 'from'], run: transfer }],
  ['put', { fields: ['key', 'value'], run: put }],
  ['delete', { fields: ['key'], run: remove }],
  ['cas', { fields: ['key', 'expected', 'value'], run: compareAndSwap }],
]);

const READS: ReadonlyMap<string, Read> = new Map<string, Read>([
  ['balance', { fields: ['account'], run: balance }],
  ['history', { fields: ['account'], run: history }],
  ['get', { fields: ['key'], run: get }],
  ['range', { fields: ['limit', 'to', 'from'], run: range }],
]);

/** Ledger and key-value store. Holds nothing itself: all that is remembered is in the state. */
export const ledger: StateMachine = {
  initialize: createTreasury,
  execute: (state, operation, context) => encodeOutcome(executed(state, operation, context)),
  query: (state, operation) => encodeOutcome(answered(state, operation)),
};

function executed(state: Transaction, bytes: Bytes, context: ExecutionContext): LedgerOutcome {
  const operation = decodeOperation(bytes);
  if (!operation.ok) return operation;
  const { name, fields } = operation.value;
  const found = WRITES.get(name) ?? READS.get(name);
  if (found === undefined) return unknownOperation(name, [...WRITES.keys(), ...READS.keys()]);
  const problem = checkFields(fields, found.fields);
  return problem === undefined ? found.run(state, fields, context) : { ok: false, error: problem };
}

function answered(reader: Reader, bytes: Bytes): LedgerOutcome {
  const operation = decodeOperation(bytes);
  if (!operation.ok) return operation;
  const { name, fields } = operation.value;
  if (WRITES.has(name)) return refuse('not_read_only', `${name} changes the state: send it as an ordinary request`);
  const found = READS.get(name);
  if (found === undefined) return unknownOperation(name, [...READS.keys()]);
  const problem = checkFields(fields, found.fields);
  return problem === undefined ? found.run(reader, fields) : { ok: false, error: problem };
}
