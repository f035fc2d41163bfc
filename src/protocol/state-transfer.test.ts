import { describe, expect, test } from 'vitest';
import { Bench } from '../../test/support/bench.ts';
import type { Packet } from '../../test/support/bench.ts';
import { SESSION, bytes, seq } from '../../test/support/core-kit.ts';
import { DamageableState } from '../../test/support/damageable-state.ts';
import { Rig } from '../../test/support/rig.ts';
import {
  answerAll,
  answerOf,
  asksOf,
  batchAt,
  certify,
  entriesOf,
  lagging,
  largeApp,
  makeSource,
  newKit,
  questionsIn,
  rootAddress,
  stateOf,
  subtreeOf,
} from '../../test/support/transfer-kit.ts';
import type { Question } from '../../test/support/transfer-kit.ts';
import { effectsOf, eventsOfKind, refusalsOf, suspicionsOf } from '../../test/support/transcript.ts';
import { asDigest } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import type { State, StateSubtree } from '../messages/index.ts';
import type { Output } from './output.ts';

const LIE = asDigest('ab'.repeat(32));
const OTHER = asDigest('cd'.repeat(32));

function rootAt(rig: Rig, sequence: number): Digest {
  const root = rig.checkpoints.get(sequence);
  if (root === undefined) throw new Error(`no checkpoint at ${sequence}`);
  return root;
}

const only = (questions: readonly Question[]): Question => {
  const [question, ...others] = questions;
  if (question === undefined || others.length > 0) throw new Error(`${questions.length} questions, not one`);
  return question;
};

describe('when a state is asked for', () => {
  test('at the second STATUS tick at which a certified checkpoint is above what was executed and nothing moves; the root, of one signer', () => {
    const { rig, asked } = lagging(newKit(), LIE);
    expect(asksOf(asked)).toEqual(['n1 → 2']);
    expect(only(questionsIn(asked)).message.subtrees).toEqual([rootAddress(LIE)]);
    expect(rig.status.lowWaterMark).toBe(0);
  });

  test('not with fewer than f+1 CHECKPOINTs of one root', () => {
    const rig = new Rig({}, newKit());
    certify(rig, 1, LIE, [0]);
    certify(rig, 1, rig.kit.digestOfBatch(undefined), [2]);
    certify(rig, 1, rig.kit.digestOfBatch(rig.kit.batchOf('z')), [3]);
    expect(asksOf(rig.pass(5_000_000))).toEqual([]);
  });

  test('with f+1, of which one is correct: they entitle to fetch, and h stays', () => {
    const rig = new Rig({}, newKit());
    certify(rig, 1, LIE, [0, 2]);
    expect(asksOf(rig.pass(400_000))[0]).toBe('n1 → 2');
    expect(rig.status.lowWaterMark).toBe(0);
  });

  test('not when the slot is executed after all', () => {
    const kit = newKit();
    const rig = new Rig({}, kit);
    certify(rig, 1, rootAt(makeSource(kit), 1));
    rig.pass(120_000);
    rig.decide(1, batchAt(kit, 1));
    expect(asksOf(rig.pass(2_000_000))).toEqual([]);
    expect(rig.status.lowWaterMark).toBe(1);
  });

  test('of the next signer when one does not answer in time; each so often before it is left alone; then from the beginning, with more patience', () => {
    const { rig } = lagging(newKit(), LIE);
    expect(asksOf(rig.pass(2_000_000))).toEqual([
      'n1 → 3',
      'n1 → 2',
      'n1 → 3',
      'n1 → 2',
      'n1 → 3',
      'n1 → 2',
      'n1 → 3',
      'n1 → 0',
    ]);
    const patience = (): number => {
      const before = rig.monotonic;
      while (asksOf(rig.pass(10_000)).length === 0) if (rig.monotonic - before > 20_000_000) return Infinity;
      return rig.monotonic - before;
    };
    rig.pass(700_000);
    patience();
    expect(patience()).toBeGreaterThan(400_000);
  });

  test('"no longer held" is no fault: the next is asked at once, and after the last one it begins again', () => {
    const { rig } = lagging(newKit(), LIE);
    const outputs = rig.receive(stateOf(2, LIE, { held: false }));
    expect(asksOf(outputs)).toEqual(['n1 → 3']);
    expect(suspicionsOf(outputs)).toEqual([]);
    expect(asksOf(rig.receive(stateOf(3, LIE, { held: false })))).toEqual(['n1 → 0']);
    expect(asksOf(rig.receive(stateOf(0, LIE, { held: false })))).toEqual([]);
    expect(asksOf(rig.pass(200_000))).toEqual(['n1 → 2']);
  });

  test('"no longer held", and a higher checkpoint is certified by now: that one is fetched', () => {
    const kit = newKit();
    const { rig } = lagging(kit, LIE);
    certify(rig, 2, OTHER);
    expect(asksOf(rig.receive(stateOf(2, LIE, { held: false })))).toEqual(['n2 → 2']);
    expect(refusalsOf(rig.receive(stateOf(2, LIE, { subtrees: [subtreeOf(rootAddress(LIE))] })))).toEqual([
      'state not-asked-for',
    ]);
  });
});

describe('what is taken as an answer', () => {
  const refused = (from: number, change: Partial<State>): readonly string[] => {
    const { rig } = lagging(newKit(), LIE);
    return refusalsOf(rig.receive(stateOf(from, LIE, { subtrees: [subtreeOf(rootAddress(LIE))], ...change })));
  };

  test.each([
    ['from another than the one asked', 0, {}],
    ['for another number', 2, { sequence: seq(2) }],
    ['for another root', 2, { root: OTHER }],
  ])('nothing %s', (_, from, change) => {
    expect(refused(from, change)).toEqual(['state not-asked-for']);
  });

  test('nothing that was not asked for at all, and no answer twice', () => {
    expect(refusalsOf(new Rig().receive(stateOf(0, LIE)))).toEqual(['state not-asked-for']);
    const kit = newKit();
    const source = makeSource(kit);
    const { rig, asked } = lagging(kit, rootAt(source, 1));
    const answer = answerOf(source, only(questionsIn(asked)));
    expect(refusalsOf(rig.receive(answer))).toEqual([]);
    expect(refusalsOf(rig.receive(answer))).toEqual(['state not-asked-for']);
  });

  const LIES: readonly (readonly [string, (right: StateSubtree) => readonly StateSubtree[]])[] = [
    ['one with another value', (right) => [{ ...right, entries: altered(right) }]],
    ['one with an entry less', (right) => [{ ...right, entries: right.entries.slice(1) }]],
    ['one with its entries in reverse', (right) => [{ ...right, entries: right.entries.toReversed() }]],
    ['one with an entry twice', (right) => [{ ...right, entries: right.entries.flatMap((each) => [each, each]) }]],
    ['nodes for entries', (right) => [{ ...right, entries: [], nodes: [{ bit: 0, left: LIE, right: LIE }] }]],
  ];
  const altered = ({ entries }: StateSubtree): StateSubtree['entries'] =>
    entries.map((entry, at) => (at === 0 ? { ...entry, value: bytes('lie') } : entry));

  test.each(LIES)(
    'subtrees, %s: the sender lies, certain; nothing of it is in the state, and the next is asked',
    (_, lie) => {
      const kit = newKit();
      const source = makeSource(kit);
      const root = rootAt(source, 1);
      const { rig, asked } = lagging(kit, root);
      const answer = answerOf(source, only(questionsIn(asked)));
      const outputs = rig.receive({ ...answer, subtrees: answer.subtrees.flatMap(lie) });
      expect(suspicionsOf(outputs)).toEqual(['certain wrong-state node3 v0 n1']);
      expect(asksOf(outputs).every((line) => line === 'n1 → 3' || line === 'n1 → 0')).toBe(true);
      const { outputs: told } = answerAll(rig, source, outputs);
      expect(suspicionsOf(told)).toEqual([]);
      expect(rig.status).toMatchObject({ lastExecuted: 1, stateRoot: root });
    },
  );

  test('what was not asked for is no lie, since an answer may be late; it is not taken, and the question stays open', () => {
    const kit = newKit();
    const source = makeSource(kit);
    const { rig, asked } = lagging(kit, rootAt(source, 1));
    const question = only(questionsIn(asked));
    const outputs = rig.receive({ ...answerOf(source, question), subtrees: [subtreeOf(rootAddress(OTHER))] });
    expect([suspicionsOf(outputs), asksOf(outputs), refusalsOf(outputs)]).toEqual([[], [], []]);
    expect(rig.status.mayExecute).toBe(true);
    rig.receive(answerOf(source, question));
    expect(rig.status.lastExecuted).toBe(1);
  });

  test('the answer to a question that was put again meanwhile is taken: nothing of it is asked for once more, nobody is blamed', () => {
    const kit = newKit();
    const source = makeSource(kit, 1, largeApp(2000));
    const { rig, asked } = lagging(kit, rootAt(source, 1));
    const [first, ...others] = questionsIn(rig.receive(answerOf(source, only(questionsIn(asked)))));
    if (first === undefined) throw new Error('more is asked for');
    const again = questionsIn(rig.pass(600_000));
    expect(again.some(({ to }) => to === first.to)).toBe(true);
    const outputs = rig.receive(answerOf(source, first));
    expect(suspicionsOf(outputs)).toEqual([]);
    const taken = new Set(first.message.subtrees.map(({ hash }) => hash));
    for (const { message } of questionsIn(outputs))
      for (const { hash } of message.subtrees) expect(taken).not.toContain(hash);
    const more = [...others, ...again].flatMap((each) => rig.receive(answerOf(source, each)));
    const { outputs: told } = answerAll(rig, source, [...outputs, ...more]);
    expect(suspicionsOf(told)).toEqual([]);
    expect(rig.status.lastExecuted).toBe(1);
  });

  test('of several subtrees the right ones before the wrong one stay, and are not asked for again', () => {
    const application = largeApp(200);
    const kit = newKit();
    const source = makeSource(kit, 1, application);
    const { rig, asked } = lagging(kit, rootAt(source, 1));
    const first = rig.receive(answerOf(source, only(questionsIn(asked))));
    const question = questionsIn(first)[0];
    if (question === undefined) throw new Error('more is asked for');
    const answer = answerOf(source, question);
    expect(answer.subtrees.length).toBeGreaterThan(1);
    const last = answer.subtrees.at(-1);
    const wrong = last === undefined ? [] : [{ ...last, entries: altered(last), nodes: [] }];
    const outputs = rig.receive({ ...answer, subtrees: [...answer.subtrees.slice(0, -1), ...wrong] });
    expect(suspicionsOf(outputs)).toEqual([`certain wrong-state node${question.to + 1} v0 n1`]);
    const rest = questionsIn(first).filter((each) => each !== question);
    const later = rest.flatMap((each) => rig.receive(answerOf(source, each)));
    const again = questionsIn([...outputs, ...later]).flatMap(({ message }) =>
      message.subtrees.map(({ hash }) => hash),
    );
    expect(again).toContain(last?.address.hash);
    for (const { address } of answer.subtrees.slice(0, -1)) expect(again).not.toContain(address.hash);
  });

  test('subtrees that are not missing here are left out, and nobody is blamed; the question stays open until it is answered', () => {
    const kit = newKit();
    const source = makeSource(kit);
    const { rig, asked } = lagging(kit, rootAt(source, 1));
    const answer = answerOf(source, only(questionsIn(asked)));
    const strange = subtreeOf(rootAddress(OTHER));
    const outputs = rig.receive({ ...answer, subtrees: [strange] });
    expect(suspicionsOf(outputs)).toEqual([]);
    expect(asksOf(outputs)).toEqual([]);
    expect(rig.state.assembling).toBeUndefined();
    const both = rig.receive({ ...answer, subtrees: [strange, ...answer.subtrees] });
    expect(suspicionsOf(both)).toEqual([]);
    expect(rig.status.lastExecuted).toBe(1);
  });

  test('an answer that comes late or twice, when its sender has been asked for something else, is no lie', () => {
    const application = largeApp(2000);
    const kit = newKit();
    const source = makeSource(kit, 1, application);
    const { rig, asked } = lagging(kit, rootAt(source, 1));
    const old: State[] = [];
    const open = [...questionsIn(asked)];
    for (let question = open.shift(); question !== undefined; question = open.shift()) {
      const answer = answerOf(source, question);
      const outputs = rig.receive(answer);
      open.push(...questionsIn(outputs));
      for (const earlier of old) {
        const told = rig.receive(earlier);
        expect(suspicionsOf(told)).toEqual([]);
        open.push(...questionsIn(told));
      }
      old.push(answer);
    }
    expect(old.length).toBeGreaterThan(5);
    expect(rig.status).toMatchObject({ lastExecuted: 1, stateRoot: rootAt(source, 1) });
  });

  test('an answer without subtrees is of no use and proves nothing: others are asked, nobody is blamed', () => {
    const { rig } = lagging(newKit(), LIE);
    const outputs = rig.receive(stateOf(2, LIE));
    expect(asksOf(outputs)).toEqual(['n1 → 3']);
    expect(suspicionsOf(outputs)).toEqual([]);
    expect(rig.status).toMatchObject({ lastExecuted: 0, mayExecute: true });
  });
});

describe('from several at once', () => {
  const application = largeApp(2000);

  test('each source has one question, no subtree is asked of two, and what one leaves unanswered others get', () => {
    const kit = newKit();
    const source = makeSource(kit, 1, application);
    const { rig, asked } = lagging(kit, rootAt(source, 1));
    let open = [...questionsIn(asked)];
    let busy = 0;
    const silent = 3;
    const asksOfSilent = new Set<string>();
    const answeredByOthers = new Set<string>();
    for (let round = 0; round < 10_000 && rig.status.lastExecuted === 0; round += 1) {
      expect(new Set(open.map(({ to }) => to)).size).toBe(open.length);
      const addresses = open.flatMap(({ message }) => message.subtrees.map(({ path, depth }) => `${path} ${depth}`));
      expect(new Set(addresses).size).toBe(addresses.length);
      busy = Math.max(busy, open.length);
      const question = open.find(({ to }) => to !== silent);
      let outputs: readonly Output[];
      if (question === undefined) {
        for (const { message } of open) for (const { hash } of message.subtrees) asksOfSilent.add(hash);
        open = [];
        outputs = rig.pass(250_000);
      } else {
        open = open.filter((each) => each !== question);
        for (const { hash } of question.message.subtrees) answeredByOthers.add(hash);
        outputs = rig.receive(answerOf(source, question));
      }
      expect(suspicionsOf(outputs)).toEqual([]);
      const fresh = questionsIn(outputs);
      open = [...open.filter(({ to }) => !fresh.some((each) => each.to === to)), ...fresh];
    }
    expect(rig.status).toMatchObject({ lastExecuted: 1, stateRoot: rootAt(source, 1) });
    expect(busy).toBe(3);
    expect(asksOfSilent.size).toBeGreaterThan(0);
    for (const hash of asksOfSilent) expect(answeredByOthers).toContain(hash);
  });

  test('what is equal is not asked for: of a large state in which little has changed, little comes', () => {
    const kit = newKit(2);
    const source = makeSource(kit, 6, application);
    const state = new DamageableState();
    const before = new Rig({ state, application }, kit);
    for (let at = 1; at <= 2; at += 1) before.decide(at, batchAt(kit, at));
    const rig = before.restarted();
    certify(rig, 6, rootAt(source, 6));
    const { answers } = answerAll(rig, source, rig.pass(250_000));
    expect(rig.status).toMatchObject({ lastExecuted: 6, stateRoot: rootAt(source, 6) });
    expect(rig.state.range(new Uint8Array(0), undefined, 10_000).length).toBeGreaterThan(2000);
    // Progress, a counter and four new sessions have changed; the 2,000 entries are the same, and come along in the subtrees of up to 16.
    expect(entriesOf(answers)).toBeLessThan(100);
    expect(entriesOf(answers)).toBeGreaterThanOrEqual(6);
  });
});

describe('a state that has come', () => {
  test('is durable before the own CHECKPOINT for it leaves, and then stable; nothing is executed until then', () => {
    const kit = newKit();
    const source = makeSource(kit);
    const root = rootAt(source, 1);
    const { rig, asked } = lagging(kit, root, { state: new DamageableState('when-settled') });
    rig.settle();
    const { outputs } = answerAll(rig, source, asked);
    expect(rig.state.unsettled()).toEqual([1]);
    expect(rig.state.assembling).toBeUndefined();
    expect(effectsOf(outputs)).toEqual([]);
    const meanwhile = rig.decide(2, batchAt(kit, 2));
    expect(eventsOfKind(meanwhile, 'executed')).toEqual([]);
    expect(rig.status).toMatchObject({ lastExecuted: 0, mayExecute: false, lowWaterMark: 0 });
    const told = rig.settle();
    expect(effectsOf(told).slice(0, 3)).toEqual([
      'send checkpoint n1 of 1 → 0 2 3 signed',
      'persist stable n1 of 3',
      expect.stringMatching(/^truncate to stable n1 of 3/),
    ]);
    expect(eventsOfKind(told, 'transferred')).toMatchObject([{ sequence: 1, root }]);
    expect(eventsOfKind(told, 'executed').map(({ sequence }) => sequence)).toEqual([2]);
    expect(rig.status).toMatchObject({ lastExecuted: 2, lowWaterMark: 1, mayExecute: true });
    expect(rig.restarted().status).toMatchObject({ lastExecuted: 2, lowWaterMark: 1 });
  });

  test('with only f+1 signatures the CHECKPOINT leaves, and h stays until q have signed', () => {
    const kit = newKit();
    const source = makeSource(kit);
    const root = rootAt(source, 1);
    const rig = new Rig({}, kit);
    certify(rig, 1, root, [2, 3]);
    const { outputs } = answerAll(rig, source, rig.pass(400_000));
    expect(effectsOf(outputs)).toContain('send checkpoint n1 of 1 → 0 2 3 signed');
    // The own signature is the third.
    expect(rig.status).toMatchObject({ lastExecuted: 1, lowWaterMark: 1 });
  });

  test('comes through a network that loses every third frame, however many parts it has', () => {
    const bench = new Bench({ cluster: { checkpointInterval: 2 }, tuning: { pipeline: 4 } });
    bench.lose = ({ to, message }) => to === 3 && message.type !== 'status';
    for (let timestamp = 1; timestamp <= 40; timestamp += 1) {
      bench.execute(bench.kit.signed('big 200000', { session: SESSION + timestamp }));
    }
    let sent = 0;
    bench.lose = ({ from, to }) => (from === 3 || to === 3) && sent++ % 3 === 0;
    bench.until(() => bench.isConverged(), 'node4 has the whole state', 30_000_000);
    const parts = bench.history.filter(({ to, message }) => to === 3 && message.type === 'state').length;
    expect(parts).toBeGreaterThan(15);
  });
});

describe('a replica left behind the window', () => {
  const behind = (options: { readonly authentication?: 'mac' | 'signature' } = {}): Bench => {
    const bench = new Bench({ cluster: { checkpointInterval: 2, ...options }, tuning: { pipeline: 4 } });
    bench.lose = ({ to, message }) => to === 3 && message.type !== 'status';
    for (let timestamp = 1; timestamp <= 12; timestamp += 1) bench.execute(bench.kit.signed('x', { timestamp }));
    expect(bench.node(3).status.lastExecuted).toBe(0);
    return bench;
  };

  test.each(['mac', 'signature'] as const)('catches up and votes again, %s mode', (authentication) => {
    const bench = behind({ authentication });
    bench.lose = () => false;
    bench.until(() => bench.isConverged(), 'node4 has caught up');
    expect(bench.node(3).count('x')).toBe(12);
    bench.node(1).crash();
    bench.execute(bench.kit.signed('x', { timestamp: 13 }));
    expect(bench.node(3).count('x')).toBe(13);
  });

  test('one lost message after the other, each of them: it still catches up', () => {
    const total = (() => {
      const bench = behind();
      const before = bench.history.length;
      bench.lose = () => false;
      bench.until(() => bench.isConverged(), 'node4 has caught up');
      return bench.history.slice(before).filter(({ from, to }) => from === 3 || to === 3).length;
    })();
    for (let lost = 0; lost < total; lost += 3) {
      const bench = behind();
      let seen = 0;
      bench.lose = ({ from, to }) => (from === 3 || to === 3) && seen++ === lost;
      bench.until(() => bench.isConverged(), `message ${lost} lost`);
      expect(bench.node(3).count('x')).toBe(12);
    }
  });

  test('a liar among the sources is named by the one it lied to, and by nobody else', () => {
    const bench = behind();
    bench.node(0).rewrite = (outputs) =>
      outputs.map((output) =>
        output.kind === 'send' && output.message.type === 'state'
          ? {
              ...output,
              message: {
                ...output.message,
                subtrees: output.message.subtrees.map((subtree) => ({
                  ...subtree,
                  entries: subtree.entries.map((entry) => ({ ...entry, value: bytes('lie') })),
                })),
              },
            }
          : output,
      );
    bench.lose = () => false;
    bench.until(() => bench.isConverged(), 'node4 has caught up');
    expect(bench.node(3).suspicions.filter((line) => line.startsWith('certain'))).toEqual([
      expect.stringMatching(/^certain wrong-state node1 /),
    ]);
    expect(
      [0, 1, 2].flatMap((index) => bench.node(index).suspicions.filter((line) => line.startsWith('certain'))),
    ).toEqual([]);
  });

  test('the primary left behind by its own COMMITs being lost: the cluster goes on', () => {
    const bench = new Bench({ cluster: { checkpointInterval: 2 }, tuning: { pipeline: 4 } });
    bench.lose = ({ to, message }) => to === 0 && (message.type === 'commit' || message.type === 'decided');
    bench.execute(bench.kit.signed('x'));
    bench.execute(bench.kit.signed('x', { timestamp: 2 }));
    bench.lose = () => false;
    for (let timestamp = 3; timestamp <= 12; timestamp += 1) bench.execute(bench.kit.signed('x', { timestamp }));
    bench.until(() => bench.isConverged(), 'all are at 12');
    expect(bench.nodes.map((node) => node.count('x'))).toEqual([12, 12, 12, 12]);
  });
});

describe('a transfer that is overtaken: what lacked came after all', () => {
  const isAnswer = ({ to, message }: Packet): boolean => to === 3 && message.type === 'state';

  test.each([1, 3])('before its first part, %i batches later: the answer changes nothing, and stops nobody', (more) => {
    const bench = new Bench({ cluster: { checkpointInterval: 2 }, tuning: { pipeline: 4 } });
    const missed = ({ to, message }: Packet): boolean =>
      to === 3 && (message.type === 'commit' || message.type === 'decided');
    bench.lose = missed;
    for (let timestamp = 1; timestamp <= 2; timestamp += 1) bench.execute(bench.kit.signed('x', { timestamp }));
    const commits = bench.history.filter(missed);
    bench.lose = (packet) => missed(packet) || isAnswer(packet);
    bench.until(() => bench.history.some(isAnswer), 'the transfer has begun');
    const held = bench.history.filter(isAnswer);
    bench.lose = isAnswer;
    for (const commit of commits) bench.deliver(commit);
    bench.run();
    for (let timestamp = 3; timestamp < 3 + more; timestamp += 1) bench.execute(bench.kit.signed('x', { timestamp }));
    const before = bench.node(3).status;
    expect(before.lastExecuted).toBe(2 + more);
    for (const packet of held) bench.deliver(packet);
    expect(bench.node(3).status).toMatchObject({
      lastExecuted: before.lastExecuted,
      lowWaterMark: before.lowWaterMark,
      mayExecute: true,
    });
    const executed = bench.node(3).events.flatMap((event) => (event.kind === 'executed' ? [event.sequence] : []));
    expect(executed).toEqual([...new Set(executed)]);
  });

  test('after its first part: there is no way back, it comes to its end, and what was decided meanwhile is executed on it', () => {
    const application = largeApp(500);
    const kit = newKit();
    const source = makeSource(kit, 1, application);
    const { rig, asked } = lagging(kit, rootAt(source, 1));
    const first = rig.receive(answerOf(source, only(questionsIn(asked))));
    const meanwhile = [...rig.decide(1, batchAt(kit, 1)), ...rig.decide(2, batchAt(kit, 2))];
    expect(eventsOfKind(meanwhile, 'executed')).toEqual([]);
    const { outputs } = answerAll(rig, source, first);
    expect(eventsOfKind(outputs, 'executed').map(({ sequence }) => sequence)).toEqual([2]);
    expect(rig.status).toMatchObject({ lastExecuted: 2, lowWaterMark: 1 });
  });
});

describe('a replica whose state is wrong', () => {
  test('stops executing, fetches the certified state, and goes on', () => {
    const kit = newKit();
    const source = makeSource(kit);
    const root = rootAt(source, 1);
    const rig = new Rig({}, kit);
    rig.decide(1, kit.batchOf('another', { session: SESSION + 7 }));
    certify(rig, 1, root);
    expect(rig.status.diverged).toBe(true);
    const asked = rig.pass(250_000);
    expect(asksOf(asked)).toEqual(['n1 → 2']);
    answerAll(rig, source, asked);
    expect(rig.status).toMatchObject({ diverged: false, stateRoot: root, lowWaterMark: 1 });
    expect(eventsOfKind(rig.decide(2, kit.batchOf('y', { session: SESSION + 1 })), 'executed')).toHaveLength(1);
  });
});
