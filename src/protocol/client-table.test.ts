import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asClientId, asDigest, asSequence } from '../base/ids.ts';
import type { ClientId, Digest } from '../base/ids.ts';
import { decodeUtf8, encodeUtf8 } from '../base/utf8.ts';
import { MemoryState } from '../state/memory-state.ts';
import { ClientTable } from './client-table.ts';
import type { ClientTableConfig, EvictedSession, Judgement, RequestPlace, StoredReply } from './client-table.ts';
import { comparePoints } from './client-table-rows.ts';
import type { ExecutionPoint, SessionRow } from './client-table-rows.ts';
import { parseTableError } from './table-error.ts';

const sha256 = (bytes: Uint8Array): Digest => asDigest(hash('sha256', bytes, 'hex'));
const digest = (name: string): Digest => sha256(encodeUtf8(name) ?? new Uint8Array(0));
const client = (number: number): ClientId => asClientId(number.toString(16).padStart(64, '0'));

const HORIZON = 100;
const START = 10_000;
const LISTED = [client(1), client(2)] as const;
const OPEN = [client(11), client(12), client(13), client(14)] as const;
const CONFIG: ClientTableConfig = {
  clients: LISTED,
  openClients: true,
  sessionsPerClient: 3,
  openClientLimit: 2,
  sessionHorizonUs: HORIZON,
};

interface Attempt extends RequestPlace {
  readonly digest: Digest;
  readonly at: ExecutionPoint;
}

function attempt(place: RequestPlace, body: string, at: ExecutionPoint): Attempt {
  return { ...place, digest: digest(body), at };
}

function replyTo({ digest: requestDigest, at }: Attempt): StoredReply {
  const result = encodeUtf8(`result of ${requestDigest} at ${at.sequence}.${at.index}`);
  return {
    outcome: 'executed',
    sequence: at.sequence,
    digest: digest(`batch ${at.sequence}`),
    result: result ?? new Uint8Array(0),
  };
}

/** The rules of sessions written down plainly: one list, searched from end to end. */
class NaiveTable {
  readonly #config: ClientTableConfig;
  sessions: SessionRow[] = [];
  floors: Record<string, number> = {};

  constructor(config: ClientTableConfig) {
    this.#config = config;
  }

  judge(request: Attempt, time: number): string {
    const known = this.sessions.find((row) => row.client === request.client && row.session === request.session);
    if (known !== undefined) {
      if (request.timestamp === known.timestamp + 1) return 'execute';
      if (request.timestamp > known.timestamp) return 'timestamp_gap';
      if (request.timestamp < known.timestamp) return 'ignore';
      return request.digest === known.requestDigest ? 'repeat' : 'timestamp_reused';
    }
    if (!this.#isListed(request.client) && !this.#config.openClients) return 'client_unknown';
    if (request.timestamp > 1) return 'session_expired';
    if (request.timestamp !== 1) return 'session_refused';
    if (request.session <= (this.floors[request.client] ?? 0)) return 'session_refused';
    if (request.session >= time + HORIZON || request.session <= time - HORIZON) return 'session_refused';
    if (this.#needsPlace(request.client)) {
      const idle = this.#longestIdle();
      if (idle === undefined || time - this.#lastUse(idle).agreedTime <= 2 * HORIZON) return 'too_many_clients';
    }
    return 'execute';
  }

  record(request: Attempt): EvictedSession[] {
    const { client: id, session, timestamp, at } = request;
    const evicted: SessionRow[] = [];
    const isKnown = this.sessions.some((row) => row.client === id && row.session === session);
    if (!isKnown && this.#needsPlace(id)) {
      const idle = this.#longestIdle();
      evicted.push(...this.#byUse(this.sessions.filter((row) => row.client === idle)));
      this.sessions = this.sessions.filter((row) => row.client !== idle);
      if (idle !== undefined) delete this.floors[idle];
    }
    const own = this.#byUse(this.sessions.filter((row) => row.client === id));
    const oldest = own[0];
    if (!isKnown && oldest !== undefined && own.length === this.#config.sessionsPerClient) {
      evicted.push(oldest);
      this.sessions = this.sessions.filter((row) => row !== oldest);
      this.floors[id] = Math.max(this.floors[id] ?? 0, oldest.session);
    }
    this.sessions = this.sessions.filter((row) => row.client !== id || row.session !== session);
    this.sessions.push({
      client: id,
      session,
      timestamp,
      requestDigest: request.digest,
      reply: replyTo(request),
      lastUse: at,
    });
    return evicted.map((row) => ({ client: row.client, session: row.session }));
  }

  rows(): SessionRow[] {
    return this.#byUse(this.sessions).toSorted((left, right) =>
      left.client < right.client ? -1 : Number(left.client > right.client),
    );
  }

  #isListed(id: ClientId): boolean {
    return this.#config.clients.includes(id);
  }

  #needsPlace(id: ClientId): boolean {
    const open = new Set(this.sessions.map((row) => row.client).filter((other) => !this.#isListed(other)));
    return !this.#isListed(id) && !open.has(id) && open.size >= this.#config.openClientLimit;
  }

  #longestIdle(): ClientId | undefined {
    const open = this.sessions.map((row) => row.client).filter((id) => !this.#isListed(id));
    return open.toSorted((left, right) => comparePoints(this.#lastUse(left), this.#lastUse(right)))[0];
  }

  #lastUse(id: ClientId): ExecutionPoint {
    const own = this.#byUse(this.sessions.filter((row) => row.client === id));
    return own.at(-1)?.lastUse ?? { sequence: asSequence(0), index: 0, agreedTime: 0 };
  }

  #byUse(rows: readonly SessionRow[]): SessionRow[] {
    return rows.toSorted((left, right) => comparePoints(left.lastUse, right.lastUse));
  }
}

function verdictOf(judgement: Judgement): string {
  return judgement.kind === 'error' ? judgement.error.code : judgement.kind;
}

/** A client table on its state, with the naive one beside it: every execution goes through both and must come to the same. */
class Pair {
  readonly config: ClientTableConfig;
  readonly state = new MemoryState(sha256);
  readonly naive: NaiveTable;
  table: ClientTable;
  sequence = 0;
  index = 0;
  time = START;

  constructor(config: ClientTableConfig = CONFIG) {
    this.config = config;
    this.naive = new NaiveTable(config);
    this.table = ClientTable.load(this.state, config);
  }

  nextBatch(advanceUs = 1): void {
    this.sequence += 1;
    this.index = 0;
    this.time += advanceUs;
  }

  flush(): void {
    const transaction = this.state.begin();
    this.table.flush(transaction);
    transaction.commit();
  }

  reload(): void {
    this.table = ClientTable.load(this.state, this.config);
  }
}

/** Executes a request and returns what came of it. */
function run(pair: Pair, place: RequestPlace, body = 'x'): { verdict: string; evicted: readonly EvictedSession[] } {
  const at = { sequence: asSequence(pair.sequence), index: pair.index, agreedTime: pair.time };
  pair.index += 1;
  const request = attempt(place, body, at);
  const judgement = pair.table.judge(place, request.digest, pair.time);
  const verdict = verdictOf(judgement);
  expect(verdict).toBe(pair.naive.judge(request, pair.time));
  expect(pair.table.wouldExecute(place, pair.time)).toBe(verdict === 'execute');
  expect(pair.table.storedReply(place.client, place.session, place.timestamp, request.digest) !== undefined).toBe(
    verdict === 'repeat',
  );
  const row = pair.naive.sessions.find((known) => known.client === place.client && known.session === place.session);
  expect(judgement.kind === 'repeat' ? judgement.reply : undefined).toEqual(
    verdict === 'repeat' ? row?.reply : undefined,
  );
  if (judgement.kind !== 'execute') return { verdict, evicted: [] };
  const { evicted } = pair.table.record(place, request.digest, at, replyTo(request));
  expect(evicted).toEqual(pair.naive.record(request));
  return { verdict, evicted };
}

function check(pair: Pair): void {
  expect([...pair.table.rows()]).toEqual(pair.naive.rows());
  for (const id of [...LISTED, ...OPEN]) expect(pair.table.sessionFloor(id)).toBe(pair.naive.floors[id] ?? 0);
  expect(pair.table.sessionCount).toBe(pair.naive.sessions.length);
}

const listed = (session: number, timestamp = 1): RequestPlace => ({ client: LISTED[0], session, timestamp });
const open = (number: 0 | 1 | 2 | 3, session: number, timestamp = 1): RequestPlace => ({
  client: OPEN[number],
  session,
  timestamp,
});

function newPair(config: Partial<ClientTableConfig> = {}): Pair {
  const pair = new Pair({ ...CONFIG, ...config });
  pair.nextBatch(0);
  return pair;
}

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
    const root = pair.state.root();
    pair.nextBatch();
    expect(batch.map((place) => run(pair, place).verdict)).toEqual(['ignore', 'repeat', 'ignore', 'repeat', 'repeat']);
    pair.flush();
    expect(pair.state.root()).toBe(root);
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

describe('in the state', () => {
  it('an empty table writes nothing', () => {
    const pair = newPair();
    const empty = pair.state.root();
    pair.flush();
    expect(pair.state.root()).toBe(empty);
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
    expect(once.state.root()).toBe(often.state.root());
  });

  it('refuses to record out of order, or what was not to be executed: a bug of ours', () => {
    const pair = newPair();
    const at = { sequence: asSequence(5), index: 2, agreedTime: START };
    const request = attempt(listed(START), 'x', at);
    pair.table.record(request, request.digest, at, replyTo(request));
    const later = { ...at, index: 3 };
    expect(() => pair.table.record(listed(START, 2), request.digest, at, replyTo(request))).toThrow('order');
    expect(() => pair.table.record(listed(START, 1), request.digest, later, replyTo(request))).toThrow(
      'to be executed',
    );
    expect(() => pair.table.record(listed(START, 3), request.digest, later, replyTo(request))).toThrow(
      'to be executed',
    );
  });
});

type Step =
  | {
      readonly kind: 'run';
      readonly client: number;
      readonly offset: number;
      readonly timestamp: number;
      readonly body: string;
    }
  | { readonly kind: 'next'; readonly client: number; readonly nth: number; readonly body: string }
  | { readonly kind: 'batch'; readonly advance: number }
  | { readonly kind: 'flush' }
  | { readonly kind: 'restart' };

const clientIndex = fc.nat({ max: LISTED.length + OPEN.length - 1 });
const body = fc.constantFrom('a', 'b');
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('run' as const),
      client: clientIndex,
      offset: fc.integer({ min: -110, max: 110 }),
      timestamp: fc.nat({ max: 3 }),
      body,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('next' as const), client: clientIndex, nth: fc.nat({ max: 3 }), body }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('batch' as const),
      advance: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 100, max: 450 })),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'flush' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
);

/** Repeats, goes on with or reopens what the client has: random numbers alone would seldom meet a session. */
function nearKnown(pair: Pair, id: ClientId, nth: number): RequestPlace {
  const own = pair.naive.sessions.filter((row) => row.client === id);
  const row = own[nth % Math.max(1, own.length)];
  if (row === undefined) return { client: id, session: pair.time, timestamp: 1 };
  return { client: id, session: row.session, timestamp: row.timestamp + (nth % 2) };
}

function take(pair: Pair, chosen: Step): void {
  const ids = [...LISTED, ...OPEN];
  switch (chosen.kind) {
    case 'run':
      run(
        pair,
        { client: ids[chosen.client] ?? LISTED[0], session: pair.time + chosen.offset, timestamp: chosen.timestamp },
        chosen.body,
      );
      return;
    case 'next':
      run(pair, nearKnown(pair, ids[chosen.client] ?? LISTED[0], chosen.nth), chosen.body);
      return;
    case 'batch':
      pair.nextBatch(chosen.advance);
      return;
    case 'flush':
      pair.flush();
      return;
    case 'restart':
      pair.flush();
      pair.reload();
  }
}

describe('against the rules written down naively', () => {
  it('does the same at every step, also after being written and loaded at any point', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const pair = newPair();
        for (const chosen of steps) {
          take(pair, chosen);
          check(pair);
        }
        pair.flush();
        pair.reload();
        check(pair);
      }),
      { numRuns: 150 },
    );
  });

  it('has the same root whenever it is flushed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const lazy = newPair();
        const eager = newPair();
        for (const chosen of steps) {
          if (chosen.kind !== 'flush' && chosen.kind !== 'restart') take(lazy, chosen);
          take(eager, chosen);
          eager.flush();
        }
        lazy.flush();
        expect(lazy.state.root()).toBe(eager.state.root());
      }),
      { numRuns: 100 },
    );
  });

  it('never executes a request twice, whatever is repeated when', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), fc.array(fc.nat(), { maxLength: 150 }), (steps, repeats) => {
        const pair = newPair();
        const executed: [RequestPlace, string][] = [];
        const seen = new Set<string>();
        const runOnce = (place: RequestPlace, text: string): void => {
          if (run(pair, place, text).verdict !== 'execute') return;
          const name = `${place.client}/${place.session}/${place.timestamp}`;
          expect(seen).not.toContain(name);
          seen.add(name);
          executed.push([place, text]);
        };
        steps.forEach((chosen, index) => {
          if (chosen.kind === 'next')
            runOnce(nearKnown(pair, [...LISTED, ...OPEN][chosen.client] ?? LISTED[0], chosen.nth), chosen.body);
          else if (chosen.kind === 'run')
            runOnce(
              { client: OPEN[chosen.client % 4] ?? OPEN[0], session: pair.time + chosen.offset, timestamp: 1 },
              chosen.body,
            );
          else take(pair, chosen);
          const old = executed[(repeats[index] ?? 0) % Math.max(1, executed.length)];
          if (old !== undefined) runOnce(...old);
        });
      }),
      { numRuns: 150 },
    );
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
