/** What the linearizability checker has to know of the applications: which keys an operation may touch, and what of a result it may judge. */
import { applicationNamed } from '../../apps/index.ts';
import { assert } from '../../base/assert.ts';
import { toHex } from '../../base/bytes.ts';
import type { Bytes } from '../../base/bytes.ts';
import { decodeUtf8 } from '../../base/utf8.ts';
import type { StateMachine } from '../../protocol/ports.ts';
import type { Footprint } from './footprint.ts';

/** An application, and how its operations and results are read. */
export interface ObservedApplication {
  readonly machine: StateMachine;
  readonly footprint: (operation: Bytes) => Footprint;
  /** A text that is a function of the operations before it alone: without what only the agreed place of a batch decides. */
  readonly seen: (operation: Bytes, result: Bytes) => string;
  /** An operation with this result has left the state as it was. False is always right. */
  readonly isRead: (operation: Bytes, result: Bytes) => boolean;
}

/** The application of this name. Requires: one that comes with the project. */
export function observedApplication(name: 'ledger' | 'counter'): ObservedApplication {
  const machine = applicationNamed(name);
  assert(machine !== undefined, 'the applications come with the project');
  if (name === 'ledger') return { machine, footprint: ledgerFootprint, seen: ledgerSeen, isRead: isLedgerRead };
  return {
    machine,
    footprint: () => ['counter'],
    seen: (_, result) => textOf(result),
    isRead: (_, result) => membersOf(result)?.has('error') === true,
  };
}

/** The text of an operation or a result, for people and to compare. */
export function textOf(bytes: Bytes): string {
  return decodeUtf8(bytes) ?? `bytes ${toHex(bytes)}`;
}

/** The members of a JSON object; undefined for any other text. */
function membersOf(bytes: Bytes): ReadonlyMap<string, unknown> | undefined {
  const text = decodeUtf8(bytes);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : undefined;
  } catch {
    return undefined;
  }
}

/** Who pays and who is paid when the operation does not say. */
const TRANSFER_PARTIES = { from: 'treasury', to: 'default' };

/** What the ledger refuses for its form alone touches nothing; the model demands that. */
function ledgerFootprint(operation: Bytes): Footprint {
  const fields = membersOf(operation);
  const text = (name: string, otherwise?: string): readonly string[] => {
    const value = fields?.get(name) ?? otherwise;
    return typeof value === 'string' ? [value] : [];
  };
  switch (fields?.get('operation')) {
    case 'transfer':
      return Object.entries(TRANSFER_PARTIES).flatMap(([name, otherwise]) => {
        return text(name, otherwise).flatMap(accountFootprint);
      });
    case 'balance':
    case 'history':
      return text('account', 'default').flatMap(accountFootprint);
    case 'put':
    case 'get':
    case 'delete':
    case 'cas':
      return text('key').map((key) => `value/${key}`);
    case 'range':
      return ['value/'];
    default:
      return [];
  }
}

function accountFootprint(account: string): Footprint {
  return [`account/${account}`, `history/${account}/`];
}

/** Sequence, place and agreed time of a transfer are in the histories of its accounts: its place in the order of all calls does not tell them. */
const PLACE_OF_TRANSFER = new Set(['sequence', 'index', 'timestamp_us']);

function ledgerSeen(operation: Bytes, result: Bytes): string {
  if (membersOf(operation)?.get('operation') !== 'history') return textOf(result);
  return JSON.stringify(JSON.parse(textOf(result)), (name, value: unknown) =>
    PLACE_OF_TRANSFER.has(name) ? undefined : value,
  );
}

const LEDGER_READS: readonly unknown[] = ['balance', 'history', 'get', 'range'];

function isLedgerRead(operation: Bytes, result: Bytes): boolean {
  if (LEDGER_READS.includes(membersOf(operation)?.get('operation'))) return true;
  const told = membersOf(result);
  return told?.has('error') === true || told?.get('swapped') === false || told?.get('deleted') === false;
}
