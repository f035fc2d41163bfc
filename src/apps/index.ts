/** Floor 3: the applications that come with the project. How to write one: docs/application.md. */
import type { StateMachine } from '../protocol/ports.ts';
import { counter } from './counter.ts';
import { ledger } from './ledger.ts';

export { checkStateMachine, fingerprintStateMachine } from './contract.ts';
export type { ContractOptions, ContractProblem, Requirement } from './contract.ts';
export { counter } from './counter.ts';
export { TOTAL_SUPPLY, ledger, totalBalance } from './ledger.ts';
export { LEDGER_REFUSALS } from './ledger-refusals.ts';
export type { LedgerRefusalCode } from './ledger-refusals.ts';

const APPLICATIONS: ReadonlyMap<string, StateMachine> = new Map([
  ['ledger', ledger],
  ['counter', counter],
]);

/** The names `applicationNamed` knows. */
export const APPLICATION_NAMES: readonly string[] = [...APPLICATIONS.keys()];

/** The application that comes with the project under this name; undefined for any other name. */
export function applicationNamed(name: string): StateMachine | undefined {
  return APPLICATIONS.get(name);
}
