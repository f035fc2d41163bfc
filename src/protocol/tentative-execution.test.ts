import { describe, expect, test } from 'vitest';
import { BOB, SESSION, bytes, countingApp, text } from '../../test/support/core-kit.ts';
import type { RequestOptions } from '../../test/support/core-kit.ts';
import { DamageableState } from '../../test/support/damageable-state.ts';
import { Rig } from '../../test/support/rig.ts';
import type { RigOptions } from '../../test/support/rig.ts';
import { eventsOfKind, recordsOf, refusalsOf, sentOf } from '../../test/support/transcript.ts';
import { REQUEST_READ_ONLY, REQUEST_RECEIPT } from '../messages/index.ts';
import type { AuthenticatedRequest, Batch, Reply } from '../messages/index.ts';
import type { Output } from './output.ts';
import type { StateMachine } from './ports.ts';
import { applicationKey, applicationReader } from './state-layout.ts';

const COMMIT_PATIENCE_US = 5_000;

/** A backup of view 0 whose client ALICE has a session open: sequence 1 is executed. */
function openRig({ cluster, ...options }: RigOptions = {}): Rig {
  const rig = new Rig({ ...options, cluster: { tentativeExecution: true, ...cluster } });
  rig.decide(1, rig.kit.batch([rig.kit.signed('open')]));
  return rig;
}

const next = (rig: Rig, operation = 'x', options: RequestOptions = {}): AuthenticatedRequest =>
  rig.kit.signed(operation, { timestamp: 2, ...options });

/** PRE-PREPARE and the PREPAREs of the other backups: prepared, and not committed. */
function prepare(rig: Rig, sequence: number, batch: Batch): readonly Output[] {
  const digest = rig.kit.digestOfBatch(batch);
  const prepares = [2, 3].map((sender) => rig.kit.prepare(sender, sequence, digest));
  return rig.receiveAll([rig.kit.prePrepare(sequence, batch), ...prepares]);
}

function commit(rig: Rig, sequence: number, batch: Batch): readonly Output[] {
  const digest = rig.kit.digestOfBatch(batch);
  return rig.receiveAll([0, 2].map((sender) => rig.kit.commit(sender, sequence, digest)));
}

const repliesOf = (outputs: readonly Output[]): readonly Reply[] =>
  outputs.flatMap((output) => (output.kind === 'reply' ? [output.reply] : []));
const typesOf = (outputs: readonly Output[]): readonly string[] => sentOf(outputs).map(({ type }) => type);
const countOf = (rig: Rig, operation: string): string =>
  text(applicationReader(rig.replica.reader).get(bytes(`count ${operation}`)));

describe('a batch that is prepared', () => {
  test('is told its clients behind the record that it is; the state stays as it was until it is committed', () => {
    const rig = openRig();
    const batch = rig.kit.batch([next(rig)]);
    const outputs = prepare(rig, 2, batch);
    const kinds = outputs.map((output) => (output.kind === 'persist' ? output.record.kind : output.kind));
    expect(kinds.indexOf('prepared')).toBeLessThan(kinds.indexOf('reply'));
    expect(repliesOf(outputs)).toMatchObject([
      { outcome: 'tentative', view: 0, sequence: 2, digest: rig.kit.digestOfBatch(batch), result: bytes('x#1') },
    ]);
    expect(eventsOfKind(outputs, 'tentatively-executed')).toMatchObject([{ view: 0, sequence: 2 }]);
    expect(eventsOfKind(outputs, 'executed')).toEqual([]);
    expect([rig.status.lastExecuted, countOf(rig, 'x')]).toEqual([1, '']);

    const decided = commit(rig, 2, batch);
    expect(repliesOf(decided)).toEqual([]);
    expect(eventsOfKind(decided, 'executed')).toMatchObject([{ sequence: 2, requests: [{ outcome: 'executed' }] }]);
    expect([rig.status.lastExecuted, countOf(rig, 'x')]).toEqual([2, '1']);
  });

  test('is executed by the application once', () => {
    let executions = 0;
    const counting: StateMachine = {
      execute(...args) {
        executions += 1;
        return countingApp.execute(...args);
      },
    };
    const rig = openRig({ application: counting });
    rig.decide(2, rig.kit.batch([rig.kit.signed('open', { client: BOB })]));
    executions = 0;
    const both = rig.kit.batch([next(rig), next(rig, 'y', { client: BOB })]);
    expect(repliesOf(prepare(rig, 3, both)).map(({ outcome }) => outcome)).toEqual(['tentative', 'tentative']);
    commit(rig, 3, both);
    expect([executions, countOf(rig, 'x'), countOf(rig, 'y')]).toEqual([2, '1', '1']);
  });

  test('leaves the state that it leaves where nobody was told before', () => {
    const [told, other] = [openRig(), openRig({ cluster: { tentativeExecution: false } })];
    for (const rig of [told, other])
      for (let sequence = 2; sequence <= 4; sequence += 1) {
        const batch = rig.kit.batch([next(rig, sequence === 3 ? 'throw' : 'x', { timestamp: sequence })]);
        prepare(rig, sequence, batch);
        commit(rig, sequence, batch);
      }
    const entriesOf = (rig: Rig): unknown => applicationReader(rig.replica.reader).range(bytes(''), undefined, 100);
    expect(entriesOf(told)).toEqual(entriesOf(other));
    expect([told.status.lastExecuted, told.checkpoints.has(4), other.checkpoints.has(4)]).toEqual([4, true, true]);
  });

  test('tells the second one behind it only when the first is committed', () => {
    const rig = openRig();
    rig.decide(2, rig.kit.batch([rig.kit.signed('open', { client: BOB })]));
    const first = rig.kit.batch([next(rig)]);
    const second = rig.kit.batch([next(rig, 'y', { client: BOB })]);
    prepare(rig, 3, first);
    expect(repliesOf(prepare(rig, 4, second))).toEqual([]);
    expect(repliesOf(commit(rig, 3, first))).toMatchObject([{ client: BOB, outcome: 'tentative', sequence: 4 }]);
  });
});

describe('its COMMIT', () => {
  test('waits for the next vote, and leaves before it', () => {
    const rig = openRig();
    expect(typesOf(prepare(rig, 2, rig.kit.batch([next(rig)])))).toEqual(['prepare']);
    const other = rig.kit.batch([rig.kit.signed('y', { client: BOB })]);
    expect(typesOf(rig.receive(rig.kit.prePrepare(3, other)))).toEqual(['commit', 'prepare']);
    expect(typesOf(rig.pass(2 * COMMIT_PATIENCE_US))).toEqual([]);
  });

  test('waits for a moment at most', () => {
    const rig = openRig();
    prepare(rig, 2, rig.kit.batch([next(rig)]));
    expect(typesOf(rig.pass(COMMIT_PATIENCE_US - 1))).toEqual([]);
    expect(sentOf(rig.pass(1))).toMatchObject([{ type: 'commit', sequence: 2 }]);
  });

  test('leaves at a primary before its next PRE-PREPARE', () => {
    const rig = new Rig({ self: 0, cluster: { tentativeExecution: true } });
    const run = (request: AuthenticatedRequest, sequence: number): readonly string[] => {
      const proposed = rig.requests([request]);
      const batch = rig.kit.batch([request]);
      const digest = sentOf(proposed).find((message) => message.type === 'pre-prepare')?.digest;
      expect(digest).toBe(rig.kit.digestOfBatch(batch));
      const prepares = [1, 2].map((sender) => rig.kit.prepare(sender, sequence, rig.kit.digestOfBatch(batch)));
      return typesOf([...proposed, ...rig.receiveAll(prepares)]);
    };
    const opening = rig.kit.signed('open');
    expect(run(opening, 1)).toEqual(['pre-prepare', 'commit']);
    const digest = rig.kit.digestOfBatch(rig.kit.batch([opening]));
    rig.receiveAll([1, 2].map((sender) => rig.kit.commit(sender, 1, digest)));
    expect(run(next(rig), 2)).toEqual(['pre-prepare']);
    expect(typesOf(rig.requests([next(rig, 'x', { timestamp: 3 })]))).toEqual(['commit', 'pre-prepare']);
  });

  test('never leaves once the view is over', () => {
    const rig = openRig();
    rig.requests([rig.kit.signed('z', { client: BOB })]);
    rig.pass(rig.kit.tuning.requestTimeoutUs - 1000);
    prepare(rig, 2, rig.kit.batch([next(rig)]));
    const sent = typesOf(rig.pass(2_000_000));
    expect(sent).toContain('view-change');
    expect(sent).not.toContain('commit');
    expect(rig.status.inViewChange).toBe(true);
  });
});

describe('who asks again before it is committed', () => {
  test('is told again when it is', () => {
    const rig = openRig();
    const request = next(rig);
    const batch = rig.kit.batch([request]);
    prepare(rig, 2, batch);
    rig.requests([request]);
    expect(repliesOf(commit(rig, 2, batch))).toMatchObject([{ outcome: 'executed', sequence: 2 }]);
  });

  test('and who is asked then for the first time tells it', () => {
    const rig = openRig();
    const request = next(rig, 'x', { asked: [0, 2, 3] });
    const batch = rig.kit.batch([request]);
    expect(repliesOf(prepare(rig, 2, batch))).toEqual([]);
    rig.requests([next(rig)]);
    expect(repliesOf(commit(rig, 2, batch))).toMatchObject([{ outcome: 'executed' }]);
  });

  test('with a request that waited here before is told once', () => {
    const rig = openRig();
    const request = next(rig);
    const batch = rig.kit.batch([request]);
    rig.requests([request]);
    expect(repliesOf(prepare(rig, 2, batch))).toHaveLength(1);
    expect(repliesOf(commit(rig, 2, batch))).toEqual([]);
  });
});

describe('nobody is told, and the COMMIT leaves at once, where', () => {
  const many = (rig: Rig): readonly AuthenticatedRequest[] =>
    Array.from({ length: 9 }, (_, index) => rig.kit.signed('x', { session: SESSION + index + 1 }));
  test.each<readonly [string, (rig: Rig) => readonly AuthenticatedRequest[]]>([
    ['a session opens, for which another may have to go', (rig) => [rig.kit.signed('x', { client: BOB })]],
    ['two are of one session', (rig) => [next(rig), next(rig, 'y', { timestamp: 3 })]],
    ['two claim one place in a session', (rig) => [next(rig), next(rig, 'y')]],
    ['one is not the next of its session', (rig) => [next(rig, 'y', { timestamp: 3 })]],
    ['one has an idempotency key', (rig) => [next(rig, 'x', { idempotency: { scope: '', key: 'k' } })]],
    ['one asks for receipts', (rig) => [next(rig, 'x', { flags: REQUEST_RECEIPT })]],
    ['one asks fewer than have to agree', (rig) => [next(rig, 'x', { asked: [1, 2] })]],
    ['there are many', many],
  ])('%s', (_, requestsOf) => {
    const rig = openRig();
    const batch = rig.kit.batch(requestsOf(rig));
    const outputs = prepare(rig, 2, batch);
    expect(repliesOf(outputs)).toEqual([]);
    expect(typesOf(outputs)).toEqual(['prepare', 'commit']);
    expect(repliesOf(commit(rig, 2, batch)).length).toBeGreaterThan(0);
  });

  test('the switch is off', () => {
    const rig = openRig({ cluster: { tentativeExecution: false } });
    const outputs = prepare(rig, 2, rig.kit.batch([next(rig)]));
    expect([repliesOf(outputs), typesOf(outputs)]).toEqual([[], ['prepare', 'commit']]);
  });

  test('it commits before it is next in order', () => {
    const rig = openRig();
    const batch = rig.kit.batch([next(rig)]);
    rig.decide(3, batch);
    const outputs = rig.decide(2, rig.kit.batch([rig.kit.signed('y', { client: BOB })]));
    expect(repliesOf(outputs).map(({ sequence, outcome }) => [sequence, outcome])).toEqual([
      [2, 'executed'],
      [3, 'executed'],
    ]);
  });

  test('the state cannot be read', () => {
    const state = new DamageableState();
    const rig = openRig({ state });
    state.damage(applicationKey(bytes('count x')));
    const outputs = prepare(rig, 2, rig.kit.batch([next(rig)]));
    expect([repliesOf(outputs), typesOf(outputs)]).toEqual([[], ['prepare', 'commit']]);
    expect(eventsOfKind(outputs, 'state-damaged')).toHaveLength(1);
  });
});

describe('beside read-only requests', () => {
  const registers: StateMachine = {
    execute(state, operation) {
      state.put(bytes('a'), operation);
      return operation;
    },
    query: (state) => state.get(bytes('a')) ?? bytes('none'),
  };
  const readOf = (rig: Rig): AuthenticatedRequest =>
    rig.kit.signed('get', { client: BOB, flags: REQUEST_READ_ONLY, session: 5, timestamp: 6 });
  const readingRig = (): Rig => openRig({ application: registers, cluster: { readOnlyRequests: true } });

  test('one that comes while a batch is tentative waits until it is committed, and its COMMIT does not', () => {
    const rig = readingRig();
    const batch = rig.kit.batch([next(rig, 'new')]);
    prepare(rig, 2, batch);
    const outputs = rig.requests([readOf(rig)], BOB);
    expect([repliesOf(outputs), refusalsOf(outputs), typesOf(outputs)]).toEqual([[], [], ['commit']]);
    expect(repliesOf(commit(rig, 2, batch))).toMatchObject([
      { outcome: 'read', sequence: 2, since: 2, result: bytes('new') },
    ]);
  });

  test('one that waits is refused when the view ends: what was told may be true, and the state here does not have it', () => {
    const rig = readingRig();
    prepare(rig, 2, rig.kit.batch([next(rig, 'new')]));
    rig.requests([readOf(rig)], BOB);
    const outputs = rig.pass(2_000_000);
    expect(rig.status.inViewChange).toBe(true);
    expect(repliesOf(outputs)).toEqual([]);
    expect(refusalsOf(outputs)).toContain('requests state-behind');
    expect(refusalsOf(rig.requests([readOf(rig)], BOB))).toEqual(['requests state-behind']);
  });

  test('after a restart what was prepared is told again, and no read is answered from below it', () => {
    const rig = readingRig();
    const batch = rig.kit.batch([next(rig, 'new')]);
    expect(recordsOf(prepare(rig, 2, batch)).map(({ kind }) => kind)).toEqual(['accepted', 'prepared']);
    const again = rig.restarted(rig.records, { application: registers });
    expect(repliesOf(again.started)).toMatchObject([{ outcome: 'tentative', sequence: 2 }]);
    expect(again.status.lastExecuted).toBe(1);
    expect(repliesOf(again.requests([readOf(again)], BOB))).toEqual([]);
    expect(repliesOf(commit(again, 2, batch))).toMatchObject([{ outcome: 'read', sequence: 2 }]);
  });
});
