/** One run of an application through a list of operations, as a replica would do it, with what can be observed of it. For contract.ts. */
import { InvariantViolation, assert } from '../base/assert.ts';
import { equalBytes } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { asClientId, asSequence } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import type { OpenTransaction, Version } from '../base/key-value.ts';
import type { ExecutionContext, StateMachine } from '../protocol/ports.ts';
import { applicationTransaction } from '../protocol/state-layout.ts';
import { MemoryState } from '../state/index.ts';
import type { Sha256 } from '../state/index.ts';
import { utf8 } from './json.ts';

/** What one execution showed. */
export interface Step {
  /** SHA-256 of the result as it was when `execute` returned; or, in words, why there was none. */
  readonly outcome: string;
  /** The array that was returned, to see whether it changes later. */
  readonly returned: Bytes | undefined;
  /** False when the bytes of the operation were not the same afterwards. */
  readonly operationIntact: boolean;
  /** The root after it; undefined within a batch. */
  readonly root: Digest | undefined;
}

/** What a whole run showed. */
export interface Trace {
  readonly startRoot: Digest;
  readonly steps: readonly Step[];
  readonly state: MemoryState;
}

/** The outcomes that are no results. */
export const THROWN = 'throws';
export const VIOLATION = 'throws an InvariantViolation, which stops a replica';
export const NOT_BYTES = 'is not bytes';

/** How a run differs from the plain one. */
export interface Variation {
  /** Operations per outer transaction, as in a batch of several requests; 1 when left out. */
  readonly batchSize?: number;
  /** Called before each batch with the state and the index of its first operation; gives the state to go on with. */
  readonly before?: (state: MemoryState, index: number) => MemoryState;
}

/** What is sent to every application besides its own operations: total means that these get an answer too. */
export const HOSTILE_OPERATIONS: readonly Bytes[] = [
  new Uint8Array(0),
  Uint8Array.of(0),
  Uint8Array.of(0xff, 0xfe, 0xc0, 0x80),
  utf8('null'),
  utf8('[]'),
  utf8('{}'),
  utf8('{"operation":'),
  utf8('{"operation":{}}'),
  utf8('{"operation":"__proto__"}'),
  utf8('{"operation":"constructor"}'),
  utf8('{"__proto__":{"operation":"toString"}}'),
  utf8('['.repeat(20_000)),
  utf8('{"a":'.repeat(10_000)),
  utf8('9'.repeat(20_000)),
  new Uint8Array(64 * 1024).fill(0x20),
];

/** What is tried, and the hash it is tried with. */
export interface Subject {
  readonly application: StateMachine;
  readonly sha256: Sha256;
}

/** A state with the application's genesis in it. Throws what `initialize` throws. */
export function startState({ application, sha256 }: Subject): MemoryState {
  const state = new MemoryState(sha256);
  const transaction = state.begin();
  application.initialize?.(applicationTransaction(transaction));
  transaction.commit();
  return state;
}

/** The present content as a checkpoint has it. */
export function sealedVersion(state: MemoryState): Version {
  const sequence = asSequence((state.versions().at(-1)?.sequence ?? -1) + 1);
  state.seal(sequence);
  const version = state.versions().at(-1);
  assert(version?.sequence === sequence, 'a state in memory is sealed at once');
  state.collect(sequence);
  return version;
}

/** The context of the `index`-th operation: a few requests per batch, time growing by uneven steps, three clients. */
function contextOf(index: number): ExecutionContext {
  const sequence = 1 + Math.floor(index / 3);
  return Object.freeze({
    sequence: asSequence(sequence),
    index: index % 3,
    timestamp: 1_700_000_000_000_000 + sequence * 1_000_003,
    client: asClientId(((index % 3) + 1).toString(16).repeat(64)),
  });
}

/** Runs all operations in order on a fresh state. */
export function trialRun(subject: Subject, operations: readonly Bytes[], variation: Variation = {}): Trace {
  const { batchSize = 1, before } = variation;
  let state = startState(subject);
  const startRoot = sealedVersion(state).root;
  const steps: Step[] = [];
  for (let first = 0; first < operations.length; first += batchSize) {
    state = before?.(state, first) ?? state;
    const outer = state.begin();
    const batch = operations
      .slice(first, first + batchSize)
      .map((operation, i) => executeOne(subject, outer, operation, first + i));
    outer.commit();
    const { root } = sealedVersion(state);
    steps.push(...batch.map((step, i) => (i === batch.length - 1 ? { ...step, root } : step)));
  }
  return { startRoot, steps, state };
}

/** Executes one operation in a transaction of its own inside `outer`, undone if it throws, as a replica does. */
export function executeOne(
  { application, sha256 }: Subject,
  outer: OpenTransaction,
  operation: Bytes,
  index: number,
): Step {
  const sent = new Uint8Array(operation);
  const inner = outer.begin();
  let outcome = NOT_BYTES;
  let returned: unknown;
  try {
    returned = application.execute(applicationTransaction(inner), sent, contextOf(index));
    inner.commit();
  } catch (error) {
    inner.rollback();
    outcome = error instanceof InvariantViolation ? VIOLATION : THROWN;
  }
  const bytes = returned instanceof Uint8Array ? returned : undefined;
  return {
    outcome: bytes === undefined ? outcome : sha256(bytes),
    returned: bytes,
    operationIntact: equalBytes(sent, operation),
    root: undefined,
  };
}
