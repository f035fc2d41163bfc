import { describe, expect, it } from 'vitest';
import { asSequence } from '../base/ids.ts';
import { decodeUtf8 } from '../base/utf8.ts';
import { ClientTable } from './client-table.ts';
import { parseTableError } from './table-error.ts';
import {
  CONFIG,
  HORIZON,
  LISTED,
  OPEN,
  Pair,
  START,
  attempt,
  check,
  digest,
  listed,
  newPair,
  open,
  replyTo,
  run,
} from '../../test/support/naive-client-table.ts';
import { rootOf } from '../../test/support/root-of.ts';

describe('a session', () => {
  it('opens with timestamp 1 and goes on with the timestamp that follows', () => {
    const pair = newPair();
    expect(run(pair, listed(START)).verdict).toBe('execute');
    expect(run(pair, listed(START, 2)).verdict).toBe('execute');
    expect(run(pair, listed(START, 3)).verdict).toBe('execute');
    expect(pair.table.lastTimestamp(LISTED[0], START)).toBe(3);
  });

  it('G09: answers its last request again and executes nothing twice', () => {
    const pair = newPair();
    run(pair, listed(START), 'transfer');
    expect(run(pair, listed(START), 'transfer').verdict).toBe('repeat');
    expect(run(pair, listed(START), 'transfer').verdict).toBe('repeat');
  });

  it('G09: a batch decided at two slots changes nothing the second time, whatever was in it', () => {
    const pair = newPair();
    const batch = [listed(START), listed(START + 1), open(0, START), listed(START, 2), open(0, START, 2)];
    for (const place of batch) run(pair, place);
    pair.flush();
    const root = rootOf(pair.state);
    pair.nextBatch();
    expect(batch.map((place) => run(pair, place).verdict)).toEqual(['ignore', 'repeat', 'ignore', 'repeat', 'repeat']);
    pair.flush();
    expect(rootOf(pair.state)).toBe(root);
  });

  it('refuses another request under its last timestamp', () => {
    const pair = newPair();
    run(pair, listed(START), 'transfer 1');
    expect(run(pair, listed(START), 'transfer 2').verdict).toBe('timestamp_reused');
  });

  it('ignores what is older than its last request, same digest or not', () => {
    const pair = newPair();
    run(pair, listed(START), 'a');
    run(pair, listed(START, 2), 'b');
    expect(run(pair, listed(START), 'a').verdict).toBe('ignore');
    expect(run(pair, listed(START), 'c').verdict).toBe('ignore');
  });

  it('G10: does not execute a later timestamp before an earlier one, so that nobody can make the earlier one obsolete', () => {
    const pair = newPair();
    run(pair, listed(START));
    expect(run(pair, listed(START, 3)).verdict).toBe('timestamp_gap');
    expect(run(pair, listed(START, 2)).verdict).toBe('execute');
    expect(run(pair, listed(START, 3)).verdict).toBe('execute');
  });

  it('is not opened by timestamp 0 or by a later one than 1', () => {
    const pair = newPair();
    expect(run(pair, listed(START, 0)).verdict).toBe('session_refused');
    expect(run(pair, listed(START, 2)).verdict).toBe('session_expired');
    expect(run(pair, listed(START, Number.MAX_SAFE_INTEGER)).verdict).toBe('session_expired');
  });

  it.each([
    [START - HORIZON, 'session_refused'],
    [START - HORIZON + 1, 'execute'],
    [START + HORIZON - 1, 'execute'],
    [START + HORIZON, 'session_refused'],
    [0, 'session_refused'],
    [Number.MAX_SAFE_INTEGER, 'session_refused'],
  ])('number %i at agreed time 10000, horizon 100: %s', (session, verdict) => {
    expect(run(newPair(), listed(session)).verdict).toBe(verdict);
  });

  it('belongs to its client: the same number of another client is another session', () => {
    const pair = newPair();
    run(pair, listed(START), 'a');
    expect(run(pair, { client: LISTED[1], session: START, timestamp: 1 }, 'b').verdict).toBe('execute');
  });
});

describe('the error of a refused request', () => {
  it('carries floor and agreed time, the same bytes whoever makes it', () => {
    const pair = newPair();
    for (const session of [1, 2, 3, 4]) run(pair, listed(START + session));
    const judgement = pair.table.judge(listed(START), digest('x'), pair.time);
    expect(judgement.kind).toBe('error');
    if (judgement.kind !== 'error') return;
    expect(parseTableError(judgement.result)).toEqual(judgement.error);
    expect(decodeUtf8(judgement.result)).toBe(
      '{"error":{"code":"session_refused","message":"a session of this number may not open: take one above session_floor and near ' +
        `agreed_time","session_floor":${START + 1},"agreed_time":${START}}}`,
    );
  });

  it('of a client that is not listed where only listed ones are admitted says no more than that', () => {
    const pair = newPair({ openClients: false });
    expect(run(pair, open(0, START)).verdict).toBe('client_unknown');
    const judgement = pair.table.judge(open(0, START, 7), digest('x'), pair.time);
    expect(judgement).toMatchObject({ kind: 'error', error: { code: 'client_unknown', bounds: undefined } });
  });
});

describe('a client with too many sessions', () => {
  it('loses the one not used for longest, by execution, and its floor rises to it', () => {
    const pair = newPair();
    for (const session of [START + 1, START + 2, START + 3]) run(pair, listed(session));
    run(pair, listed(START + 1, 2));
    expect(run(pair, listed(START + 9)).evicted).toEqual([{ client: LISTED[0], session: START + 2 }]);
    expect(pair.table.sessionFloor(LISTED[0])).toBe(START + 2);
    expect(run(pair, listed(START + 1, 3)).verdict).toBe('execute');
  });

  it('cannot open an evicted session again, nor any below it', () => {
    const pair = newPair();
    for (const session of [1, 2, 3, 4]) run(pair, listed(START + session));
    expect(run(pair, listed(START + 1)).verdict).toBe('session_refused');
    expect(run(pair, listed(START)).verdict).toBe('session_refused');
    expect(run(pair, listed(START + 1, 2)).verdict).toBe('session_expired');
  });

  it('has lost what is at or below its floor, and what is too old to open; not what others may have opened meanwhile', () => {
    const pair = newPair();
    for (const session of [2, 3, 4, 5]) run(pair, listed(START + session));
    const { table, time } = pair;
    expect([1, 2, 3, 6].map((session) => table.isLost(listed(START + session, 2), time))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(table.isLost(listed(START + 6), START + 6 + CONFIG.sessionHorizonUs)).toBe(true);
    expect(table.isLost(listed(START + 6), START + 5 + CONFIG.sessionHorizonUs)).toBe(false);
    expect(table.isLost(listed(START + 3), START + 5 + CONFIG.sessionHorizonUs)).toBe(false);
  });

  it('keeps the highest floor when a lower session is evicted after a higher one', () => {
    const pair = newPair();
    for (const session of [3, 1, 2, 4]) run(pair, listed(START + session));
    expect(pair.table.sessionFloor(LISTED[0])).toBe(START + 3);
    run(pair, listed(START + 5));
    expect(pair.table.sessionFloor(LISTED[0])).toBe(START + 3);
  });

  it('a repeat is no use: it saves nothing from eviction', () => {
    const pair = newPair();
    for (const session of [1, 2, 3]) run(pair, listed(START + session));
    run(pair, listed(START + 1));
    expect(run(pair, listed(START + 4)).evicted).toEqual([{ client: LISTED[0], session: START + 1 }]);
  });

  it('takes nothing from another client', () => {
    const pair = newPair();
    run(pair, { client: LISTED[1], session: START, timestamp: 1 });
    for (let session = 1; session <= 10; session += 1) run(pair, listed(START + session));
    expect(pair.table.lastTimestamp(LISTED[1], START)).toBe(1);
  });
});

describe('open clients', () => {
  it('have a part of the table of their own: they never cost a listed one its place', () => {
    const pair = newPair({ openClientLimit: 1 });
    run(pair, open(0, START));
    expect(run(pair, open(1, START)).verdict).toBe('too_many_clients');
    expect(run(pair, listed(START)).verdict).toBe('execute');
    expect(run(pair, { client: LISTED[1], session: START, timestamp: 1 }).verdict).toBe('execute');
  });

  it('keep their places until idle for more than two horizons', () => {
    const pair = newPair();
    run(pair, open(0, START));
    run(pair, open(1, START));
    pair.nextBatch(2 * HORIZON);
    expect(run(pair, open(2, pair.time)).verdict).toBe('too_many_clients');
    pair.nextBatch(1);
    expect(run(pair, open(2, pair.time)).evicted).toEqual([{ client: OPEN[0], session: START }]);
  });

  it('lose them by last use, in order of execution', () => {
    const pair = newPair();
    run(pair, open(0, START));
    run(pair, open(1, START));
    pair.nextBatch(50);
    run(pair, open(0, START, 2));
    pair.nextBatch(2 * HORIZON + 1);
    expect(run(pair, open(2, pair.time)).evicted).toEqual([{ client: OPEN[1], session: START }]);
  });

  it('a client that holds a place opens more sessions though the part is full', () => {
    const pair = newPair();
    run(pair, open(0, START));
    run(pair, open(1, START));
    expect(run(pair, open(0, START + 1)).verdict).toBe('execute');
  });

  it('a request of an evicted open client never opens a session again, however far ahead its clock was', () => {
    const pair = newPair({ openClientLimit: 1 });
    const ahead = START + HORIZON - 1;
    expect(run(pair, open(0, ahead)).verdict).toBe('execute');
    for (let step = 0; step < 4 * HORIZON; step += 1) {
      pair.nextBatch(1);
      expect(run(pair, open(0, ahead)).verdict).not.toBe('execute');
      if (pair.time > START + 2 * HORIZON) run(pair, open(1, pair.time));
      expect(run(pair, open(0, ahead)).verdict).not.toBe('execute');
    }
    expect(pair.table.lastTimestamp(OPEN[0], ahead)).toBeUndefined();
  });

  it('a place once given up is given to a client that comes back, with a new session', () => {
    const pair = newPair({ openClientLimit: 1 });
    run(pair, open(0, START));
    pair.nextBatch(2 * HORIZON + 1);
    run(pair, open(1, pair.time));
    pair.nextBatch(2 * HORIZON + 1);
    expect(run(pair, open(0, START)).verdict).toBe('session_refused');
    expect(run(pair, open(0, pair.time)).verdict).toBe('execute');
  });
});

describe('the order of last use of open clients', () => {
  it('counts a new session of a client that is known as its use', () => {
    const pair = newPair();
    run(pair, open(0, START));
    run(pair, open(1, START));
    pair.nextBatch(50);
    run(pair, open(0, START + 1));
    pair.nextBatch(2 * HORIZON + 1);
    expect(run(pair, open(2, pair.time)).evicted).toEqual([{ client: OPEN[1], session: START }]);
  });
});

describe('in the state', () => {
  it('an empty table writes nothing', () => {
    const pair = newPair();
    const empty = rootOf(pair.state);
    pair.flush();
    expect(rootOf(pair.state)).toBe(empty);
  });

  it('what is evicted is deleted, the floor alone stays, and of a forgotten open client nothing', () => {
    const pair = newPair({ openClientLimit: 1, sessionsPerClient: 1 });
    const rows = (): number => pair.state.range(Uint8Array.of(0), undefined, 100).length;
    run(pair, listed(START));
    run(pair, open(0, START));
    pair.flush();
    expect(rows()).toBe(2);
    run(pair, listed(START + 1));
    run(pair, open(0, START + 1));
    pair.flush();
    expect(rows()).toBe(4);
    pair.nextBatch(2 * HORIZON + 1);
    run(pair, open(1, pair.time));
    pair.flush();
    expect(rows()).toBe(3);
  });

  it('a session opened and evicted between two flushes leaves its floor only', () => {
    const once = newPair({ sessionsPerClient: 1 });
    const often = newPair({ sessionsPerClient: 1 });
    for (const session of [1, 2, 3]) {
      run(once, listed(START + session));
      run(often, listed(START + session));
      often.flush();
    }
    once.flush();
    expect(rootOf(once.state)).toBe(rootOf(often.state));
  });

  it('an open client is forgotten with its floor, though its last sessions lie below that', () => {
    const pair = newPair({ openClientLimit: 1, sessionsPerClient: 1 });
    run(pair, open(0, START + 5));
    run(pair, open(0, START + 7));
    expect(pair.table.sessionFloor(OPEN[0])).toBe(START + 5);
    run(pair, open(0, START + 6));
    pair.flush();
    pair.nextBatch(2 * HORIZON + 1);
    run(pair, open(1, pair.time));
    pair.flush();
    expect(pair.state.range(Uint8Array.of(0), undefined, 100)).toHaveLength(1);
    pair.reload();
    check(pair);
  });

  it('refuses to record out of order, or what was not to be executed: a bug of ours', () => {
    const pair = newPair();
    const at = { sequence: asSequence(5), index: 2, agreedTime: START };
    const request = attempt(listed(START), 'x', at);
    pair.table.record(request, request.digest, at, replyTo(request));
    const record = (timestamp: number, index: number): void => {
      pair.table.record(listed(START, timestamp), request.digest, { ...at, index }, replyTo(request));
    };
    expect(() => record(2, 2)).toThrow('order');
    record(2, 3);
    expect(() => record(3, 3)).toThrow('order');
    for (const timestamp of [1, 2, 4]) expect(() => record(timestamp, 4)).toThrow('to be executed');
  });
});

describe('cost', () => {
  it('a flush and an eviction in a table of 10,000 sessions write what changed, not the table', () => {
    const pair = new Pair({ ...CONFIG, sessionsPerClient: 10_000, sessionHorizonUs: 1_000_000 });
    const config = pair.config;
    const table = ClientTable.load(pair.state, config);
    let writes = 0;
    const counting = { get: () => undefined, range: () => [], put: () => (writes += 1), delete: () => (writes += 1) };
    const open = (session: number): void => {
      const at = { sequence: asSequence(session), index: 0, agreedTime: START };
      const request = attempt(listed(START + session), 'x', at);
      table.record(request, request.digest, at, replyTo(request));
    };
    for (let session = 1; session <= 10_000; session += 1) open(session);
    table.flush(counting);
    expect(writes).toBe(10_000);
    writes = 0;
    open(10_001);
    table.flush(counting);
    expect(writes).toBe(3);
    table.flush(counting);
    expect(writes).toBe(3);
  });
});
