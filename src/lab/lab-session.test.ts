import { beforeEach, describe, expect, test } from 'vitest';
import { PLAIN_OPTIONS } from '../simulation/options-json.ts';
import type { Action } from './intervention.ts';
import { LabSession } from './lab-session.ts';
import { sightOf } from './sight.ts';
import { toldText } from './told/library.ts';

const TEXT = [
  '> cluster nodes 4 clients 1',
  '> request client1 {"operation":"transfer","to":"alice","amount":1}',
  '> run until answered',
  '> run 300ms',
].join('\n');

const make = (text = TEXT): LabSession => new LabSession({ source: { kind: 'scenario', text }, interventions: [] });

function playScript(session: LabSession): void {
  while (!session.run.isScriptOver && session.advance());
}

/** The number of the first message of this type under way from one to the other. */
function underWay(session: LabSession, type: string, from: string, to: string): number {
  const found = sightOf(session.run).inFlight.find(
    (flight) => flight.message?.type === type && flight.from === from && flight.to === to,
  );
  if (found === undefined) throw new Error(`no ${type} is under way from ${from} to ${to}`);
  return found.number;
}

describe('back and forth', () => {
  test('any step can be gone back to, and what follows is as it was', () => {
    const session = make();
    playScript(session);
    const { step, traceHash } = session.run;
    const all = session.happenings;
    for (const target of [0, 1, 17, step - 1]) {
      session.seek(target);
      expect(session.run.step).toBe(target);
      expect(session.happenings).toEqual(all.filter((happening) => happening.step <= target));
      const seen = sightOf(session.run);
      session.seek(step);
      expect(session.run.traceHash).toBe(traceHash);
      expect(session.happenings).toEqual(all);
      session.seek(target);
      expect(sightOf(session.run)).toEqual(seen);
    }
  });

  test('on to the next event of a kind, or to nothing within bounds', () => {
    const session = make();
    expect(session.seekEvent({ kind: 'prepared', where: { node: 'node3' } }, 1000)).toBe(true);
    expect(session.happenings.at(-1)?.step).toBe(session.run.step);
    expect(session.seekEvent({ kind: 'diverged' }, 10)).toBe(false);
  });
});

describe('by hand', () => {
  let session = make();
  beforeEach(() => {
    session = make();
    session.seekEvent({ kind: 'message-sent', where: { node: 'node1', 'message.type': 'pre-prepare' } }, 1000);
  });

  test('a message is dropped: it never arrives', () => {
    const number = underWay(session, 'pre-prepare', 'node1', 'node4');
    expect(session.interfere({ do: 'drop', message: number })).toEqual({ ok: true, value: undefined });
    expect(sightOf(session.run).inFlight.some((flight) => flight.number === number)).toBe(false);
    session.seekEvent({ kind: 'answered' }, 10_000);
    expect(session.happenings.some(({ event }) => event.kind === 'pre-prepared' && event.node === 'node4')).toBe(false);
    const lost = session.happenings.find(({ event }) => event.kind === 'message-lost')?.event;
    expect(lost).toMatchObject({ node: 'node1', to: 'node4', why: 'by hand' });
  });

  test('a message is held back: it arrives so much later', () => {
    const number = underWay(session, 'pre-prepare', 'node1', 'node4');
    const before = sightOf(session.run).inFlight.find((flight) => flight.number === number)?.arrivesAtUs ?? 0;
    session.interfere({ do: 'delay', message: number, byUs: 2500 });
    expect(sightOf(session.run).inFlight.find((flight) => flight.number === number)?.arrivesAtUs).toBe(before + 2500);
    session.seekEvent({ kind: 'message-received', where: { node: 'node4', 'message.type': 'pre-prepare' } }, 1000);
    expect(session.run.timeUs).toBe(before + 2500);
  });

  test('a message is doubled: it arrives twice, and the second one changes nothing', () => {
    session.interfere({ do: 'duplicate', message: underWay(session, 'pre-prepare', 'node1', 'node4'), afterUs: 100 });
    playScript(session);
    const arrived = session.happenings.filter(
      ({ event }) =>
        event.kind === 'message-received' && event.node === 'node4' && event.message.type === 'pre-prepare',
    );
    expect(arrived).toHaveLength(2);
    expect(session.run.broken).toEqual([]);
  });

  test('a node loses its power and gets it back, stands still and goes on', () => {
    session.interfere({ do: 'crash', node: 'node4' });
    expect(sightOf(session.run).nodes[3]).toMatchObject({ isUp: false, replica: undefined });
    session.interfere({ do: 'restart', node: 'node4' });
    session.interfere({ do: 'pause', node: 'node3' });
    expect(sightOf(session.run).nodes[2]).toMatchObject({ isUp: true, isPaused: true });
    session.interfere({ do: 'resume', node: 'node3' });
    playScript(session);
    expect(session.run.broken).toEqual([]);
    expect(sightOf(session.run).nodes.map(({ replica }) => replica?.lastExecuted)).toEqual([1, 1, 1, 1]);
  });

  test('a link is cut in one direction, and mended', () => {
    session.interfere({ do: 'cut', from: 'node1', to: 'client1' });
    expect(sightOf(session.run).cuts).toEqual([['node1', 'client1']]);
    session.interfere({ do: 'mend', from: 'node1', to: 'client1' });
    expect(sightOf(session.run).cuts).toEqual([]);
  });

  test('a node begins to lie, and a client asks for something else', () => {
    session.interfere({ do: 'behave', node: 'node2', behaviour: 'corrupt', variant: 0 });
    expect(sightOf(session.run).nodes[1]).toMatchObject({ behaviour: 'corrupt', isCorrect: false });
    session.interfere({ do: 'request', client: 1, operation: '{"operation":"put","key":"x","value":"1"}' });
    playScript(session);
    const answers = session.happenings.flatMap(({ event }) => (event.kind === 'answered' ? [event.outcome] : []));
    expect(answers).toEqual(['executed', 'executed']);
  });

  test('the same interventions give the same run; another one from there on forgets the later ones', () => {
    const at = session.run.step;
    session.interfere({ do: 'crash', node: 'node4' });
    session.seek(at + 10);
    session.interfere({ do: 'crash', node: 'node3' });
    playScript(session);
    const { traceHash, step } = session.run;
    const again = new LabSession({ source: { kind: 'scenario', text: TEXT }, interventions: session.interventions });
    again.seek(step);
    expect(again.run.traceHash).toBe(traceHash);
    session.seek(at + 5);
    expect(session.interventions).toHaveLength(2);
    session.interfere({ do: 'restart', node: 'node4' });
    expect(session.interventions.map(({ action }) => action.do)).toEqual(['crash', 'restart']);
  });

  test.each<[string, Action]>([
    ['a crash', { do: 'crash', node: 'node4' }],
    ['a pause', { do: 'pause', node: 'node3' }],
    ['a lost disk', { do: 'lose-disk', node: 'node4' }],
    ['a lie', { do: 'behave', node: 'node2', behaviour: 'equivocate', variant: 0 }],
    ['a request', { do: 'request', client: 1, operation: '{"operation":"put","key":"x","value":"1"}' }],
  ])('after going back, %s is told as it is in a run that never went back', (_what, action) => {
    const at = session.run.step;
    session.seek(at + 30);
    session.seek(at);
    session.interfere(action);
    playScript(session);
    const fresh = new LabSession({ source: { kind: 'scenario', text: TEXT }, interventions: session.interventions });
    playScript(fresh);
    expect(session.happenings).toEqual(fresh.happenings);
    expect(session.run.traceHash).toBe(fresh.run.traceHash);
    expect(session.happenings.filter(({ event }) => event.kind === 'by-hand')).toHaveLength(1);
    expect(new Set(session.happenings.map(({ event }) => event.id)).size).toBe(session.happenings.length);
  });

  test('after going back to the beginning, too', () => {
    session.seek(0);
    session.interfere({ do: 'crash', node: 'node1' });
    const fresh = make();
    fresh.interfere({ do: 'crash', node: 'node1' });
    expect(session.happenings).toEqual(fresh.happenings);
  });

  test('whoever gives up on the way back stands where they stood', () => {
    const at = session.run.step;
    const { happenings } = session;
    const way = session.walkBack(2);
    expect(way.next()).toEqual({ done: false, value: 1 });
    expect(session.run.step).toBe(at);
    expect(session.happenings).toBe(happenings);
  });

  test('undone, it has never been', () => {
    const untouched = make();
    playScript(untouched);
    session.interfere({ do: 'crash', node: 'node4' });
    const at = session.run.step;
    session.seek(at + 20);
    expect(session.undo()).toBe(true);
    expect(session.run.step).toBe(at);
    expect(session.undo()).toBe(false);
    playScript(session);
    expect(session.run.traceHash).toBe(untouched.run.traceHash);
  });

  test.each<[string, Action, string]>([
    ['a message that is not under way', { do: 'drop', message: 999_999 }, 'no-such-message'],
    ['a number that is no message', { do: 'delay', message: 0, byUs: 1 }, 'no-such-message'],
    ['doubling nothing', { do: 'duplicate', message: 999_999, afterUs: 1 }, 'no-such-message'],
    ['a node that is not there', { do: 'crash', node: 'node5' }, 'no-such-node'],
    ['a client as a node', { do: 'pause', node: 'client1' }, 'no-such-node'],
    ['a link to nobody', { do: 'cut', from: 'node1', to: 'node9' }, 'no-such-party'],
    ['starting what runs', { do: 'restart', node: 'node1' }, 'node-state'],
    ['going on without standing still', { do: 'resume', node: 'node1' }, 'node-state'],
    ['a client that is not there', { do: 'request', client: 2, operation: '{}' }, 'no-such-client'],
    ['an operation that is no JSON', { do: 'request', client: 1, operation: '{' }, 'bad-operation'],
    ['an operation that is no object', { do: 'request', client: 1, operation: '[1]' }, 'bad-operation'],
    [
      'an operation that is too long',
      { do: 'request', client: 1, operation: `{"a":"${'x'.repeat(5000)}"}` },
      'bad-operation',
    ],
  ])('refused: %s', (_what, action, code) => {
    const { traceHash } = session.run;
    const told = session.happenings.length;
    expect(session.interfere(action)).toMatchObject({ ok: false, error: { code } });
    expect(session.interventions).toEqual([]);
    expect(session.run.traceHash).toBe(traceHash);
    expect(session.happenings).toHaveLength(told);
  });

  test('refused: crashing twice, and standing still twice', () => {
    session.interfere({ do: 'crash', node: 'node4' });
    expect(session.interfere({ do: 'crash', node: 'node4' })).toMatchObject({
      ok: false,
      error: { code: 'node-state' },
    });
    expect(session.interfere({ do: 'lose-disk', node: 'node4' })).toMatchObject({ ok: false });
    session.interfere({ do: 'pause', node: 'node3' });
    expect(session.interfere({ do: 'pause', node: 'node3' })).toMatchObject({
      ok: false,
      error: { code: 'node-state' },
    });
  });
});

test('interventions of a link that cannot be done are told, and the run goes on', () => {
  const session = new LabSession({
    source: { kind: 'scenario', text: TEXT },
    interventions: [
      { at: 2, action: { do: 'drop', message: 999_999 } },
      { at: 2, action: { do: 'crash', node: 'node4' } },
    ],
  });
  session.seek(3);
  const sight = sightOf(session.run);
  expect(sight.undone).toEqual(['at step 2: message 999999 is not under way here']);
  expect(sight.nodes[3]?.isUp).toBe(false);
});

test('what is seen of a run can be sent by a Worker', () => {
  const session = make();
  session.seekEvent({ kind: 'prepared' }, 1000);
  const sight = sightOf(session.run);
  expect(structuredClone(sight)).toEqual(sight);
  const slot = sight.nodes[1]?.replica?.slots[0];
  expect(slot).toMatchObject({ sequence: 1, view: 0 });
  expect(slot?.prePrepared).toHaveLength(1);
  expect(sight.invariants.every(({ broken }) => broken === undefined)).toBe(true);
});

test('a broken invariant is told with its step, and the run goes on', () => {
  const session = make(
    '> cluster nodes 3 rule 2f+1\n> partition node1 client1 | node2 node3 client2\n> request client1 {"operation":"put","key":"x","value":"1"}\n> request client2 {"operation":"put","key":"x","value":"2"}\n> run 2s',
  );
  playScript(session);
  const [first] = session.run.broken;
  expect(first?.invariant).toBe('agreement');
  const broken = sightOf(session.run).invariants.find(({ name }) => name === 'agreement')?.broken;
  expect(broken?.step).toBe(first?.step);
  expect(broken?.message).toMatch(/executed .* at 1, another correct replica/);
  expect(session.run.step).toBeGreaterThan(first?.step ?? Infinity);
});

describe('an invariant', () => {
  const openIn = (session: LabSession): readonly string[] =>
    sightOf(session.run).invariants.flatMap(({ name, unjudged }) => (unjudged === undefined ? [] : [name]));
  const AT_END = ['liveness', 'convergence', 'checkpoints', 'one view', 'idle checkpoint'];

  test('that nobody judges in a scenario is not said to hold', () => {
    const session = make();
    session.seek(20);
    expect(openIn(session)).toEqual(['linearizability', ...AT_END]);
    session.seekEvent({ kind: 'answered' }, 10_000);
    session.seek(session.run.step + 1);
    expect(openIn(session)).toEqual(AT_END);
    session.interfere({ do: 'request', client: 1, operation: '{"operation":"get","key":"x"}' });
    session.seek(session.run.step + 5);
    expect(openIn(session)).toEqual(['linearizability', ...AT_END]);
  });

  test('of the end is judged at the end of a seed, and not before', () => {
    const options = { ...PLAIN_OPTIONS, seed: 3 };
    const session = new LabSession({ source: { kind: 'swarm', options }, interventions: [] });
    session.seek(10);
    expect(openIn(session)).toEqual(['linearizability', ...AT_END]);
    session.seek(Infinity);
    expect(session.run.end).toEqual({ kind: 'done' });
    expect(openIn(session)).toEqual([]);
  });

  test('is not covered by another one that its checker saw broken before', () => {
    const session = make(toldText('too-many-liars', false));
    playScript(session);
    const names = session.run.broken.map(({ invariant }) => invariant);
    expect(names[0]).toBe('one prepared digest');
    expect(names).toContain('agreement');
    expect(new Set(names).size).toBe(names.length);
  });

  test('of a history that has forked is not judged by a model that follows one of its sides', () => {
    const session = make(toldText('quorum-one-fork', false));
    playScript(session);
    expect(session.run.broken.map(({ invariant }) => invariant)).toEqual(['agreement']);
    const { unjudged } = sightOf(session.run).invariants.find(({ name }) => name === 'exactly once') ?? {};
    expect(unjudged).toMatch(/since "agreement" is broken/);
  });

  test('that clients see broken is told like any other, and the run goes on', () => {
    // Each side of a fork answers its own client; the reader sees one of two writes that were both answered before.
    const session = make(
      [
        '> cluster nodes 3 rule 2f+1',
        '> partition node1 client1 | node2 node3 client2',
        '> request client1 {"operation":"put","key":"x","value":"1"}',
        '> request client2 {"operation":"put","key":"x","value":"2"}',
        '> run until answered',
        '> request client2 {"operation":"get","key":"x"}',
        '> request client1 {"operation":"get","key":"x"}',
        '> run until answered',
        '> run 10ms',
      ].join('\n'),
    );
    playScript(session);
    expect(session.run.end).toBeUndefined();
    expect(session.run.broken.map(({ invariant }) => invariant)).toContain('linearizability');
    expect(
      session.happenings.some(
        ({ event }) => event.kind === 'invariant-broken' && event.invariant === 'linearizability',
      ),
    ).toBe(true);
  });
});
