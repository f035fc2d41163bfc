import { describe, expect, test } from 'vitest';
import { SESSION, bytes, replica, seq, sha256 } from '../../test/support/core-kit.ts';
import { DamageableState } from '../../test/support/damageable-state.ts';
import { Rig } from '../../test/support/rig.ts';
import { batchAt, counterKey, largeApp, makeSource, newKit, rootAddress } from '../../test/support/transfer-kit.ts';
import { eventsOfKind, sentOf } from '../../test/support/transcript.ts';
import { equalBytes } from '../base/bytes.ts';
import { asDigest } from '../base/ids.ts';
import { MemoryState } from '../state/index.ts';
import type { Digest } from '../base/ids.ts';
import type { FetchState, State } from '../messages/index.ts';
import type { Output } from './output.ts';

const LIE = asDigest('ab'.repeat(32));

const ask = (root: Digest, change: Partial<FetchState> = {}): FetchState => ({
  type: 'fetch-state',
  replica: replica(1),
  sequence: seq(1),
  root,
  subtrees: [rootAddress(root)],
  ...change,
});

function answerIn(outputs: readonly Output[]): State {
  const [answer, ...others] = sentOf(outputs);
  if (answer?.type !== 'state' || others.length > 0) throw new Error('one answer');
  return answer;
}

describe('what is answered', () => {
  test('a state that is not held, of another number or root: that it is not, which is no fault', () => {
    const source = makeSource(newKit());
    for (const question of [ask(LIE), ask(source.status.stateRoot, { sequence: seq(2) })])
      expect(answerIn(source.receive(question))).toMatchObject({ held: false, subtrees: [] });
  });

  test('one that is sealed and not durable is not held yet', () => {
    const kit = newKit();
    const { stateRoot } = makeSource(kit).status;
    const rig = new Rig({ self: 2, state: new DamageableState('when-settled') }, kit);
    rig.settle();
    rig.decide(1, batchAt(kit, 1), [1, 3]);
    expect(answerIn(rig.receive(ask(stateRoot))).held).toBe(false);
    rig.settle();
    expect(answerIn(rig.receive(ask(stateRoot))).held).toBe(true);
  });

  test('a small state at once; of a large one the upper nodes; an address that is not there is left out', () => {
    const small = makeSource(newKit());
    const whole = answerIn(small.receive(ask(small.status.stateRoot)));
    expect(whole.subtrees).toMatchObject([
      { nodes: [], entries: small.state.range(new Uint8Array(0), undefined, 99).map(() => ({})) },
    ]);
    const large = makeSource(newKit(), 1, largeApp(1000));
    const root = large.status.stateRoot;
    const [top] = answerIn(large.receive(ask(root))).subtrees;
    expect(top?.entries).toEqual([]);
    expect(top?.nodes.length).toBeGreaterThan(7);
    const strange = rootAddress(LIE);
    expect(answerIn(large.receive(ask(root, { subtrees: [strange, rootAddress(root)] }))).subtrees).toEqual([top]);
    expect(answerIn(large.receive(ask(root, { subtrees: [strange] })))).toMatchObject({ held: true, subtrees: [] });
  });

  test('an answer has half a megabyte, or one subtree, if that is more', () => {
    const kit = newKit();
    const rig = new Rig({ self: 2 }, kit);
    const requests = Array.from({ length: 40 }, (_, at) => kit.signed('big 60000', { session: SESSION + at }));
    rig.decide(1, kit.batch(requests), [1, 3]);
    const root = rig.status.stateRoot;
    const assembly = new MemoryState(sha256).assemble(seq(1), root);
    let largest = 0;
    for (let left = 200; left > 0 && !assembly.isComplete; left -= 1) {
      rig.pass(100_000);
      const { subtrees } = answerIn(rig.receive(ask(root, { subtrees: assembly.wanted(256, () => false) })));
      expect(subtrees.length).toBeGreaterThan(0);
      const size = subtrees.flatMap(({ entries }) => entries).reduce((sum, { value }) => sum + value.length, 0);
      expect(subtrees.length === 1 || size <= 512 * 1024).toBe(true);
      largest = Math.max(largest, size);
      for (const { address, entries, nodes } of subtrees) {
        const content =
          nodes.length > 0 ? ({ kind: 'nodes', nodes } as const) : ({ kind: 'entries', entries } as const);
        expect(assembly.take(address, content)).toBe('taken');
      }
    }
    expect(assembly.isComplete).toBe(true);
    expect(largest).toBeGreaterThan(100_000);
  });

  test('a flood of FETCH-STATE: a peer gets its allowance, the last question is answered later, the others are for nothing', () => {
    const kit = newKit();
    const rig = new Rig({ self: 2 }, kit);
    rig.decide(1, kit.batch([kit.signed('big 60000')]), [1, 3]);
    const question = ask(rig.status.stateRoot);
    let answers = 0;
    for (let sent = 0; sent < 1500; sent += 1) answers += sentOf(rig.receive(question)).length;
    expect(answers).toBeLessThan(200);
    expect(answers).toBeGreaterThan(1);
    expect(sentOf(rig.receive({ ...question, replica: replica(0) }))).toHaveLength(1);
    expect(sentOf(rig.pass(50_000)).filter((message) => message.type === 'state')).toHaveLength(1);
  });

  test('a flood of addresses that are not there: each costs a search, so few messages with many of them are the allowance', () => {
    const source = makeSource(newKit());
    const root = source.status.stateRoot;
    const strange = Array.from({ length: 256 }, (_, number) => rootAddress(sha256(bytes(`strange ${number}`))));
    let answers = 0;
    for (let sent = 0; sent < 100; sent += 1)
      answers += sentOf(source.receive(ask(root, { subtrees: strange }))).length;
    expect(answers).toBeGreaterThan(1);
    expect(answers).toBeLessThan(8);
    expect(sentOf(source.receive(ask(root, { replica: replica(0) })))).toHaveLength(1);
    expect(sentOf(source.pass(50_000)).filter((message) => message.type === 'state')).toHaveLength(1);
  });
});

/** All that can be had of a state from these sources, one subtree after the other; and what none of them gave. */
function gathered(
  root: Digest,
  sources: readonly Rig[],
): { readonly isComplete: boolean; readonly given: readonly (readonly string[])[] } {
  const assembly = new MemoryState(sha256).assemble(seq(1), root);
  const given = sources.map((): string[] => []);
  const refused = new Set<string>();
  for (;;) {
    const [address] = assembly.wanted(1, ({ hash }) => refused.has(hash));
    if (address === undefined) return { isComplete: assembly.isComplete, given };
    const isTaken = sources.some((source, index) => {
      const answer = answerIn(source.receive(ask(root, { subtrees: [address] })));
      expect(answer.held).toBe(true);
      const [subtree] = answer.subtrees;
      if (subtree === undefined) return false;
      const { nodes, entries } = subtree;
      given[index]?.push(...entries.map(({ key }) => String.fromCodePoint(...key)));
      return (
        assembly.take(address, nodes.length > 0 ? { kind: 'nodes', nodes } : { kind: 'entries', entries }) === 'taken'
      );
    });
    if (!isTaken) refused.add(address.hash);
  }
}

describe('damage that is found while serving', () => {
  test('stops execution until it is repaired', () => {
    const kit = newKit();
    const source = makeSource(kit);
    source.state.damage(counterKey('x'));
    const outputs = source.receive(ask(source.status.stateRoot));
    expect(eventsOfKind(outputs, 'state-damaged')).toHaveLength(1);
    expect(source.status.mayExecute).toBe(false);
    expect(eventsOfKind(source.decide(2, batchAt(kit, 2), [1, 3]), 'executed')).toEqual([]);
  });

  test('what cannot be read is in no answer; all around it is', () => {
    const source = makeSource(newKit());
    const all = gathered(source.status.stateRoot, [makeSource(newKit())]);
    expect(all.isComplete).toBe(true);
    const damaged = String.fromCodePoint(...counterKey('x'));
    expect(all.given[0]).toContain(damaged);
    source.state.damage(counterKey('x'));
    const { isComplete, given } = gathered(source.status.stateRoot, [source]);
    expect(isComplete).toBe(false);
    expect(given[0]?.toSorted()).toEqual(all.given[0]?.filter((key) => key !== damaged).toSorted());
  });

  test('two that are damaged in different places have the whole state between them (seed 1219143)', () => {
    const [first, second] = [makeSource(newKit()), makeSource(newKit())];
    const root = first.status.stateRoot;
    const keys = first.state.range(new Uint8Array(0), undefined, 99).map(({ key }) => key);
    first.state.damage(counterKey('x'));
    second.state.damage(...keys.filter((key) => !equalBytes(key, counterKey('x'))).slice(0, 1));
    expect(gathered(root, [first]).isComplete).toBe(false);
    expect(gathered(root, [second]).isComplete).toBe(false);
    expect(gathered(root, [first, second]).isComplete).toBe(true);
  });
});
