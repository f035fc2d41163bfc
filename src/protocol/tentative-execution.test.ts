import { describe, expect, test } from 'vitest';
import { BOB, SESSION, bytes, countingApp, seq, text } from '../../test/support/core-kit.ts';
import type { RequestOptions } from '../../test/support/core-kit.ts';
import { DamageableState } from '../../test/support/damageable-state.ts';
import { Rig } from '../../test/support/rig.ts';
import type { RigOptions } from '../../test/support/rig.ts';
import { eventsOfKind, recordsOf, refusalsOf, sentOf } from '../../test/support/transcript.ts';
import { newViewOf, viewChangeOf } from '../../test/support/view-messages.ts';
import { asView } from '../base/ids.ts';
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

/** What is executed becomes what is read. */
const registers: StateMachine = {
  execute(state, operation) {
    state.put(bytes('a'), operation);
    return operation;
  },
  query: (state) => state.get(bytes('a')) ?? bytes('none'),
};

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

describe('a replica that enters a view by its NEW-VIEW alone', () => {
  /** Replica 3, which has told what 2 comes to in view 0; the NEW-VIEW of view 2 goes on with `chosen` of the two batches. */
  function enter(chosen: 1 | 2): { readonly rig: Rig; readonly batch: Batch; readonly outputs: readonly Output[] } {
    const cluster = { tentativeExecution: true, readOnlyRequests: true };
    const rig = new Rig({ self: 3, application: registers, cluster });
    const opening = rig.kit.batch([rig.kit.signed('open')]);
    rig.decide(1, opening, [1, 2]);
    const batch = rig.kit.batch([next(rig)]);
    const digests = [rig.kit.digestOfBatch(opening), rig.kit.digestOfBatch(batch)];
    const prepares = [1, 2].map((sender) => rig.kit.prepare(sender, 2, rig.kit.digestOfBatch(batch)));
    expect(repliesOf(rig.receiveAll([rig.kit.prePrepare(2, batch), ...prepares]))).toHaveLength(1);
    const entries = digests
      .slice(0, chosen)
      .map((digest, index) => ({ sequence: seq(index + 1), digest, view: asView(0) }));
    const claims = [0, 1, 2].map((from) => viewChangeOf(rig.kit, from, 2, { prepared: entries, prePrepared: entries }));
    const { newView, signature } = newViewOf(rig.kit, 2, claims);
    const outputs = rig.receive(newView, { signature });
    expect([rig.status.view, rig.status.inViewChange]).toEqual([2, false]);
    return { rig, batch, outputs };
  }
  const viewsOf = (outputs: readonly Output[]): readonly number[] =>
    sentOf(outputs).flatMap((message) => (message.type === 'commit' ? [message.view] : []));

  test('sends no COMMIT of the one before, and keeps no read for what it told there', () => {
    const { rig, outputs } = enter(1);
    const later = rig.pass(2 * COMMIT_PATIENCE_US);
    expect(viewsOf([...outputs, ...later])).toEqual([]);
    const read = rig.kit.signed('get', { client: BOB, flags: REQUEST_READ_ONLY, session: 5, timestamp: 6 });
    expect(refusalsOf(rig.requests([read], BOB))).toEqual(['requests state-behind']);
  });

  test('tells it again where the new one has chosen it as well', () => {
    const { rig, batch } = enter(2);
    const digest = rig.kit.digestOfBatch(batch);
    const prepared = rig.receiveAll([0, 1].map((sender) => rig.kit.prepare(sender, 2, digest, 2)));
    expect(repliesOf(prepared)).toMatchObject([{ outcome: 'tentative', view: 2, sequence: 2 }]);
  });
});

describe('the next request of a session whose last one was only told', () => {
  test('is timed at a backup once it is signed: a primary that leaves it out is suspected', () => {
    const rig = openRig();
    const batch = rig.kit.batch([next(rig)]);
    prepare(rig, 2, batch);
    rig.requests([next(rig, 'y', { timestamp: 3 })]);
    commit(rig, 2, batch);
    expect(eventsOfKind(rig.pass(5_000_000), 'request-timeout')).toHaveLength(1);
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

  test('one that waits is answered at the next commit, also where another batch is tentative at once', () => {
    const rig = readingRig();
    rig.decide(2, rig.kit.batch([rig.kit.signed('open', { client: BOB })]));
    const [first, second] = [rig.kit.batch([next(rig, 'new')]), rig.kit.batch([next(rig, 'newer', { client: BOB })])];
    prepare(rig, 3, first);
    rig.requests([readOf(rig)], BOB);
    prepare(rig, 4, second);
    const outputs = commit(rig, 3, first);
    expect(repliesOf(outputs).map(({ outcome, sequence }) => [outcome, sequence])).toEqual([
      ['read', 3],
      ['tentative', 4],
    ]);
  });

  test('so many of one client wait, and those of others all the same', () => {
    const rig = readingRig();
    const batch = rig.kit.batch([next(rig, 'new')]);
    prepare(rig, 2, batch);
    const many = Array.from({ length: 65 }, (_, index) =>
      rig.kit.signed('get', { client: BOB, flags: REQUEST_READ_ONLY, session: 5, timestamp: index + 1 }),
    );
    expect(refusalsOf(rig.requests(many, BOB))).toEqual(['requests state-behind']);
    const other = rig.kit.signed('get', { flags: REQUEST_READ_ONLY, session: 5, timestamp: 1 });
    expect(refusalsOf(rig.requests([other]))).toEqual([]);
    expect(repliesOf(commit(rig, 2, batch)).filter(({ outcome }) => outcome === 'read')).toHaveLength(65);
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
