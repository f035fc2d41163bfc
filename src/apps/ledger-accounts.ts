/**
 * The accounts of the ledger. Owns `account/<name>` (balance, and how many transfers it has seen) and `history/<name>/<number>` (the last
 * 100 of those). Money is only moved: the sum over all accounts is what genesis gave the treasury.
 */
import { assert } from '../base/assert.ts';
import { concatBytes } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { MAX_NUMBER } from '../base/ids.ts';
import type { Entry } from '../base/key-value.ts';
import { ok } from '../base/result.ts';
import type { ExecutionContext, Reader, Transaction } from '../protocol/ports.ts';
import { isJsonObject, utf8 } from './json.ts';
import { encodeMembers } from './json-writer.ts';
import type { JsonMembers, JsonObject } from './json.ts';
import { storedJson } from './json-parser.ts';
import { accountField, amountField } from './ledger-refusals.ts';
import type { LedgerOutcome } from './ledger-refusals.ts';
import { refuse } from './operation.ts';

/** The account that holds everything at genesis, and pays when nobody is named. */
export const TREASURY = 'treasury';
/** The account meant when none is named. */
export const DEFAULT_ACCOUNT = 'default';
/** What all accounts hold together, always: 2^53 − 1, so that no sum of balances can lose precision. */
export const TOTAL_SUPPLY: number = MAX_NUMBER;
/** How many entries of an account's history are kept. */
export const HISTORY_ENTRIES = 100;

interface Account {
  readonly balance: number;
  /** Transfers to or from it since genesis: the number of its newest history entry. */
  readonly transfers: number;
}

const NEW_ACCOUNT: Account = { balance: 0, transfers: 0 };
const ACCOUNT_PREFIX = 'account/';
const PAGE = 256;

/** Genesis: the treasury has it all. */
export function createTreasury(state: Transaction): void {
  writeAccount(state, TREASURY, { balance: TOTAL_SUPPLY, transfers: 0 });
}

/** `transfer {from?, to?, amount}` → `{from, to, amount, from_balance, to_balance}`. */
export function transfer(state: Transaction, fields: JsonObject, context: ExecutionContext): LedgerOutcome {
  const from = accountField(fields, 'from', TREASURY);
  if (!from.ok) return from;
  const to = accountField(fields, 'to', DEFAULT_ACCOUNT);
  if (!to.ok) return to;
  const amount = amountField(fields);
  if (!amount.ok) return amount;
  if (from.value === to.value) return refuse('same_account', `"from" and "to" are both ${from.value}`);
  const payer = readAccount(state, from.value);
  if (payer.balance < amount.value) {
    return refuse('insufficient_funds', `${from.value} holds ${payer.balance}, less than ${amount.value}`);
  }
  const payee = readAccount(state, to.value);
  const moved = { from: from.value, to: to.value, amount: amount.value };
  const fromBalance = payer.balance - amount.value;
  const toBalance = payee.balance + amount.value;
  const note = historyNote(moved, context);
  record(state, from.value, { balance: fromBalance, transfers: payer.transfers + 1 }, note);
  record(state, to.value, { balance: toBalance, transfers: payee.transfers + 1 }, note);
  return ok({ ...moved, from_balance: fromBalance, to_balance: toBalance });
}

/** `balance {account?}` → `{account, balance}`; 0 for a name nobody has paid to. */
export function balance(reader: Reader, fields: JsonObject): LedgerOutcome {
  const account = accountField(fields, 'account', DEFAULT_ACCOUNT);
  if (!account.ok) return account;
  return ok({ account: account.value, balance: readAccount(reader, account.value).balance });
}

/** `history {account}` → `{account, entries}`, the newest first, at most 100. */
export function history(reader: Reader, fields: JsonObject): LedgerOutcome {
  const account = accountField(fields, 'account', undefined);
  if (!account.ok) return account;
  const prefix = `history/${account.value}/`;
  const stored = reader.range(utf8(prefix), prefixEnd(prefix), HISTORY_ENTRIES);
  const entries = stored.map(({ value }) => storedJson(value)).toReversed();
  return ok({ account: account.value, entries });
}

/** The sum over all accounts: {@link TOTAL_SUPPLY} after any operations. `reader` is the application's own key space. */
export function totalBalance(reader: Reader): number {
  let total = 0;
  let from = utf8(ACCOUNT_PREFIX);
  for (;;) {
    const page: readonly Entry[] = reader.range(from, prefixEnd(ACCOUNT_PREFIX), PAGE);
    for (const { value } of page) total += decodeAccount(value).balance;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return total;
    from = concatBytes(last.key, Uint8Array.of(0));
  }
}

/** The bound of a range over all keys that begin with `prefix`. Requires: its last character is ASCII. */
function prefixEnd(prefix: string): Bytes {
  const bytes = utf8(prefix);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) + 1;
  return bytes;
}

function historyNote(moved: JsonMembers, { sequence, index, timestamp }: ExecutionContext): JsonMembers {
  return { sequence, index, timestamp_us: timestamp, ...moved };
}

/** Writes the account as it is after a transfer, and the transfer into its history, from which the oldest one goes. */
function record(state: Transaction, name: string, account: Account, note: JsonMembers): void {
  writeAccount(state, name, account);
  state.put(historyKey(name, account.transfers), encodeMembers({ ...note, balance: account.balance }));
  if (account.transfers > HISTORY_ENTRIES) state.delete(historyKey(name, account.transfers - HISTORY_ENTRIES));
}

/** Account names hold no `/`, so no account's history lies within another's. Sixteen digits hold every safe integer. */
function historyKey(name: string, number: number): Bytes {
  return utf8(`history/${name}/${number.toString().padStart(16, '0')}`);
}

function readAccount(reader: Reader, name: string): Account {
  const bytes = reader.get(utf8(ACCOUNT_PREFIX + name));
  return bytes === undefined ? NEW_ACCOUNT : decodeAccount(bytes);
}

function writeAccount(state: Transaction, name: string, { balance: held, transfers }: Account): void {
  state.put(utf8(ACCOUNT_PREFIX + name), encodeMembers({ balance: held, transfers }));
}

function decodeAccount(bytes: Bytes): Account {
  const value = storedJson(bytes);
  const [held, transfers] = isJsonObject(value) ? [value.get('balance'), value.get('transfers')] : [];
  assert(typeof held === 'number' && typeof transfers === 'number', 'an account record is as the ledger wrote it');
  return { balance: held, transfers };
}
