/** One replica that fetches a state, and others that have it: questions and answers one by one, each in the test's hands. */
import type { Bytes } from '../../src/base/bytes.ts';
import { NULL_DIGEST } from '../../src/base/ids.ts';
import type { Digest } from '../../src/base/ids.ts';
import type { SubtreeAddress } from '../../src/base/key-value.ts';
import type { FetchState, State, StateSubtree } from '../../src/messages/index.ts';
import type { Output } from '../../src/protocol/output.ts';
import type { StateMachine } from '../../src/protocol/ports.ts';
import { applicationKey } from '../../src/protocol/state-layout.ts';
import { CoreKit, SESSION, bytes, countingApp, replica, seq } from './core-kit.ts';
import { DamageableState } from './damageable-state.ts';
import { Rig } from './rig.ts';

/** The counting application with so many entries from the beginning: a state that is large beside what changes. */
export function largeApp(entryCount: number): StateMachine {
  return {
    execute: (state, operation, context) => countingApp.execute(state, operation, context),
    initialize: (state) => {
      for (let index = 0; index < entryCount; index += 1) state.put(bytes(`entry ${index}`), bytes(`value ${index}`));
    },
  };
}

/** The key of the counter that the counting application keeps for an operation, in the replicated state. */
export const counterKey = (operation: string): Bytes => applicationKey(bytes(`count ${operation}`));

export const newKit = (checkpointInterval = 1): CoreKit =>
  new CoreKit({ cluster: { checkpointInterval }, tuning: { pipeline: 2 * checkpointInterval } });

/** The batch that everybody executes at a number. */
export const batchAt = (kit: CoreKit, sequence: number): ReturnType<CoreKit['batchOf']> =>
  kit.batchOf('x', { session: SESSION + sequence });

/** Node3, which executed everything up to `sequence`: what a correct source holds. */
export function makeSource(kit: CoreKit, sequence = 1, application: StateMachine = countingApp): Rig {
  const rig = new Rig({ self: 2, application }, kit);
  for (let at = 1; at <= sequence; at += 1) {
    rig.decide(at, batchAt(kit, at), [1, 3]);
    const root = rig.checkpoints.get(at);
    if (root === undefined) continue;
    for (const from of [0, 3]) certify(rig, at, root, [from]);
  }
  return rig;
}

/** Their CHECKPOINTs. */
export function certify(
  rig: Rig,
  sequence: number,
  root: Digest,
  signers: readonly number[] = [0, 2, 3],
): readonly Output[] {
  return signers.flatMap((from) => {
    const { message, signature } = rig.kit.checkpoint(from, sequence, root);
    return rig.receive(message, { signature });
  });
}

export interface Question {
  readonly to: number;
  readonly message: FetchState;
}

export function questionsIn(outputs: readonly Output[]): readonly Question[] {
  return outputs.flatMap((output) => {
    const { message, to } = output.kind === 'send' ? output : {};
    return message?.type === 'fetch-state' ? (to ?? []).map((each) => ({ to: each, message })) : [];
  });
}

/** `n1 → 2`: the state of checkpoint 1, asked of node3. */
export const asksOf = (outputs: readonly Output[]): readonly string[] =>
  questionsIn(outputs).map(({ to, message }) => `n${message.sequence} → ${to}`);

/** Node2, which missed everything up to the checkpoint and holds three CHECKPOINTs for it; it waits two STATUS ticks and asks. */
export function lagging(
  kit: CoreKit,
  root: Digest,
  {
    sequence = 1,
    state = new DamageableState(),
    application = countingApp,
  }: { readonly sequence?: number; readonly state?: DamageableState; readonly application?: StateMachine } = {},
): { readonly rig: Rig; readonly asked: readonly Output[] } {
  const rig = new Rig({ state, application }, kit);
  certify(rig, sequence, root);
  return { rig, asked: rig.pass(250_000) };
}

/** What the one that was asked says, if it has the same as `source`. */
export function answerOf(source: Rig, { to, message }: Question): State {
  const [answer] = source.receive(message).flatMap((output) => (output.kind === 'send' ? [output.message] : []));
  if (answer?.type !== 'state') throw new Error('a source answers at once');
  return { ...answer, replica: replica(to) };
}

export interface Fetched {
  readonly outputs: readonly Output[];
  readonly answers: readonly State[];
}

/** Every question is answered as by `source`, until there is none; what came of it. */
export function answerAll(rig: Rig, source: Rig, asked: readonly Output[]): Fetched {
  const outputs: Output[] = [];
  const answers: State[] = [];
  const open = [...questionsIn(asked)];
  for (let question = open.shift(); question !== undefined; question = open.shift()) {
    const answer = answerOf(source, question);
    answers.push(answer);
    const told = rig.receive(answer);
    outputs.push(...told);
    open.push(...questionsIn(told));
  }
  return { outputs, answers };
}

export const entriesOf = (answers: readonly State[]): number =>
  answers.reduce((sum, { subtrees }) => sum + subtrees.reduce((each, { entries }) => each + entries.length, 0), 0);

export const rootAddress = (hash: Digest): SubtreeAddress => ({ path: NULL_DIGEST, depth: 0, hash });

/** A STATE of node `from` for checkpoint 1. */
export function stateOf(from: number, root: Digest, change: Partial<State> = {}): State {
  return { type: 'state', replica: replica(from), sequence: seq(1), root, held: true, subtrees: [], ...change };
}

export function subtreeOf(address: SubtreeAddress, change: Partial<StateSubtree> = {}): StateSubtree {
  return { address, entries: [{ key: bytes('k'), value: bytes('v') }], nodes: [], ...change };
}
