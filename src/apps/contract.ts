/**
 * The contract suite: runs an application many ways that must not differ, and says what did. For authors to run on their own application,
 * with operations that reach all of it; A1 … A7 are the requirements of docs/application.md. It prints nothing and needs no test runner.
 */
import { EMPTY } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { NULL_DIGEST } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import type { Entry, Reader, SubtreeLimits, Version } from '../base/key-value.ts';
import { LIMITS } from '../messages/limits.ts';
import type { StateMachine } from '../protocol/ports.ts';
import { applicationReader } from '../protocol/state-layout.ts';
import { MemoryState } from '../state/index.ts';
import type { Sha256 } from '../state/index.ts';
import { HOSTILE_OPERATIONS, NOT_BYTES, VIOLATION, executeOne, sealedVersion, trialRun } from './contract-run.ts';
import type { Step, Subject, Trace, Variation } from './contract-run.ts';
import { utf8 } from './json.ts';

/** A requirement on applications that the suite can see broken, as numbered in docs/application.md. */
export type Requirement = 'A1' | 'A2' | 'A3' | 'A5' | 'A6' | 'A7';

/** One way in which the application broke its contract. */
export interface ContractProblem {
  readonly requirement: Requirement;
  /** Index of the operation (or query) at which it showed; undefined when it is about no single one. The suite's own follow those given. */
  readonly operation: number | undefined;
  readonly message: string;
}

export interface ContractOptions {
  readonly sha256: Sha256;
  /** Sent to `query`, if there is one; the operations themselves when left out. */
  readonly queries?: readonly Bytes[];
}

/**
 * What is wrong with the application, as far as these operations, and hostile ones that the suite adds, can show; empty when nothing is.
 * A problem found early can be the cause of later ones in the list.
 */
export function checkStateMachine(
  application: StateMachine,
  operations: readonly Bytes[],
  options: ContractOptions,
): readonly ContractProblem[] {
  const subject = { application, sha256: options.sha256 };
  const all = [...operations, ...HOSTILE_OPERATIONS];
  const queries = [...(options.queries ?? operations), ...HOSTILE_OPERATIONS];
  let plain: Trace;
  try {
    plain = trialRun(subject, all);
  } catch (error) {
    return [{ requirement: 'A2', operation: undefined, message: `initialize throws: ${String(error)}` }];
  }
  return [
    ...outcomeProblems(plain),
    ...variedRuns(subject, all, plain),
    ...snapshotProblems(subject, all, plain),
    ...queryProblems(subject, { operations: all, queries }, plain),
    ...laterChanges(subject, plain),
  ];
}

/**
 * A digest of everything a run of these operations shows. Equal in two processes, on two machines and in two versions of the runtime, or the
 * application is not deterministic: what one process cannot see by itself (clock, locale, iteration order, floating point).
 */
export function fingerprintStateMachine(
  application: StateMachine,
  operations: readonly Bytes[],
  sha256: Sha256,
): Digest {
  const { startRoot, steps } = trialRun({ application, sha256 }, [...operations, ...HOSTILE_OPERATIONS]);
  const lines = steps.map(({ outcome, root }) => `${outcome} ${root ?? ''}`);
  return sha256(utf8([startRoot, ...lines].join('\n')));
}

/** Runs that differ from the plain one in what an application must not notice. */
function variedRuns(subject: Subject, operations: readonly Bytes[], plain: Trace): readonly ContractProblem[] {
  const { sha256 } = subject;
  const undoOthers = (state: MemoryState, index: number): MemoryState => {
    const outer = state.begin();
    for (const at of [index + 1, index, index - 1]) {
      const operation = operations[at];
      if (operation !== undefined) executeOne(subject, outer, operation, at);
    }
    outer.rollback();
    return state;
  };
  const variations: readonly (readonly [Requirement, string, Variation])[] = [
    ['A1', 'in a second run', {}],
    ['A1', 'when seven operations share a batch', { batchSize: 7 }],
    ['A3', 'when operations before it were tried and undone', { before: undoOthers }],
    [
      'A3',
      'on a state restored from its entries',
      { batchSize: 5, before: (state) => rebuilt(state.range(EMPTY, undefined, Number.MAX_SAFE_INTEGER), sha256) },
    ],
  ];
  return variations.flatMap(([requirement, when, variation]) => {
    const difference = firstDifference(plain, trialRun(subject, operations, variation));
    return difference === undefined
      ? []
      : [{ requirement, operation: difference.operation, message: `${difference.what} ${when}` }];
  });
}

interface Difference {
  readonly operation: number | undefined;
  readonly what: string;
}

function firstDifference(plain: Trace, other: Trace): Difference | undefined {
  if (plain.startRoot !== other.startRoot) return { operation: undefined, what: 'initialize leaves another state' };
  for (const [operation, step] of plain.steps.entries()) {
    const twin = other.steps[operation];
    if (twin?.outcome !== step.outcome) return { operation, what: 'it gives another result' };
    if (twin.root !== undefined && twin.root !== step.root) return { operation, what: 'it leaves another state' };
  }
  return undefined;
}

/** What the outcomes of the plain run show by themselves. */
function outcomeProblems(plain: Trace): readonly ContractProblem[] {
  const checks: readonly (readonly [Requirement, (step: Step) => string | undefined])[] = [
    ['A2', ({ outcome }) => (outcome === NOT_BYTES || outcome === VIOLATION ? `the result ${outcome}` : undefined)],
    ['A5', ({ returned }) => tooLarge(returned)],
    ['A6', ({ operationIntact }) => (operationIntact ? undefined : 'it changes the bytes of the operation')],
  ];
  return checks.flatMap(([requirement, check]) => {
    const operation = plain.steps.findIndex((step) => check(step) !== undefined);
    const step = plain.steps[operation];
    return step === undefined ? [] : [{ requirement, operation, message: check(step) ?? '' }];
  });
}

function tooLarge(result: Bytes | undefined): string | undefined {
  const length = result?.length ?? 0;
  return length > LIMITS.resultBytes ? `a result of ${length} bytes, more than ${LIMITS.resultBytes}` : undefined;
}

/** Results and stored values stay as they were handed over, to the end of all runs. */
function laterChanges(subject: Subject, plain: Trace): readonly ContractProblem[] {
  const problems: ContractProblem[] = [];
  const operation = plain.steps.findIndex(
    ({ outcome, returned }) => returned !== undefined && subject.sha256(returned) !== outcome,
  );
  if (operation >= 0)
    problems.push({ requirement: 'A6', operation, message: 'its result was changed after it was returned' });
  if (rebuiltRoot(sealedVersion(plain.state), subject.sha256) !== sealedVersion(plain.state).root) {
    problems.push({
      requirement: 'A6',
      operation: undefined,
      message: 'a value that was read from the state was changed',
    });
  }
  return problems;
}

/** So many snapshots of a run are compared with what they were: each costs hashing its whole content. */
const SNAPSHOTS = 25;

/** A run with snapshots taken in between: none of them may move, and nobody may notice. */
function snapshotProblems(subject: Subject, operations: readonly Bytes[], plain: Trace): readonly ContractProblem[] {
  const snapshots: { readonly snapshot: Version; readonly index: number }[] = [];
  const stride = Math.ceil(operations.length / SNAPSHOTS);
  const takeOne = (state: MemoryState, index: number): MemoryState => {
    if (index % stride === 0) snapshots.push({ snapshot: sealedVersion(state), index });
    return state;
  };
  const difference = firstDifference(plain, trialRun(subject, operations, { before: takeOne }));
  const problems: ContractProblem[] = [];
  if (difference !== undefined) {
    problems.push({
      requirement: 'A3',
      operation: difference.operation,
      message: `${difference.what} when snapshots are taken in between`,
    });
  }
  const moved = snapshots.find(({ snapshot }) => rebuiltRoot(snapshot, subject.sha256) !== snapshot.root);
  if (moved !== undefined) {
    problems.push({
      requirement: 'A6',
      operation: moved.index,
      message: 'a snapshot taken before it has changed since',
    });
  }
  return problems;
}

/** Queries in between: each answers bytes, twice the same, and the run goes on as if it had not been asked. */
function queryProblems(
  subject: Subject,
  { operations, queries }: { readonly operations: readonly Bytes[]; readonly queries: readonly Bytes[] },
  plain: Trace,
): readonly ContractProblem[] {
  if (subject.application.query === undefined) return [];
  const problems = new Map<string, ContractProblem>();
  const note = (operation: number | undefined, message: string): void => {
    if (!problems.has(message)) problems.set(message, { requirement: 'A7', operation, message });
  };
  const ask = (state: MemoryState, index: number): MemoryState => {
    for (let at = index; at < queries.length; at += operations.length) {
      const query = queries[at] ?? EMPTY;
      const first = answerTo(subject, state, query);
      if (first === NOT_BYTES) note(at, `the answer to a query ${NOT_BYTES}`);
      if (answerTo(subject, state, query) !== first) note(at, 'two answers to one query on one content differ');
    }
    return state;
  };
  const difference = firstDifference(plain, trialRun(subject, operations, { before: ask }));
  if (difference !== undefined) note(difference.operation, `${difference.what} when queries are answered in between`);
  return [...problems.values()];
}

function answerTo({ application, sha256 }: Subject, reader: Reader, query: Bytes): string {
  try {
    const answer: unknown = application.query?.(applicationReader(reader), new Uint8Array(query));
    return answer instanceof Uint8Array ? sha256(answer) : NOT_BYTES;
  } catch {
    return 'throws';
  }
}

/** A new state with the same entries, given in another order: other internals, same content. */
function rebuilt(entries: readonly Entry[], sha256: Sha256): MemoryState {
  const state = new MemoryState(sha256);
  const transaction = state.begin();
  for (const { key, value } of entries.toReversed()) transaction.put(key, value);
  transaction.commit();
  return state;
}

const NO_LIMITS: SubtreeLimits = { entries: Infinity, bytes: Infinity, levels: Infinity };

/** The root of what a version holds now. */
function rebuiltRoot(version: Version, sha256: Sha256): Digest {
  const whole = version.subtree({ path: NULL_DIGEST, depth: 0, hash: version.root }, NO_LIMITS);
  return sealedVersion(rebuilt(whole?.kind === 'entries' ? whole.entries : [], sha256)).root;
}
