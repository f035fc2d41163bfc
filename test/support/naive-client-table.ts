/** The client table's rules written down plainly, and a table beside it that must come to the same at every step: for tests. */
import { hash } from 'node:crypto';
import { expect } from 'vitest';
import { asClientId, asDigest, asSequence } from '../../src/base/ids.ts';
import type { ClientId, Digest } from '../../src/base/ids.ts';
import { encodeUtf8 } from '../../src/base/utf8.ts';
import { comparePoints } from '../../src/protocol/client-table-rows.ts';
import type { ExecutionPoint, SessionRow } from '../../src/protocol/client-table-rows.ts';
import { ClientTable } from '../../src/protocol/client-table.ts';
import type {
  ClientTableConfig,
  EvictedSession,
  Judgement,
  RequestPlace,
  StoredReply,
} from '../../src/protocol/client-table.ts';
import { MemoryState } from '../../src/state/memory-state.ts';

export const sha256 = (bytes: Uint8Array): Digest => asDigest(hash('sha256', bytes, 'hex'));
export const digest = (name: string): Digest => sha256(encodeUtf8(name) ?? new Uint8Array(0));
export const client = (number: number): ClientId => asClientId(number.toString(16).padStart(64, '0'));

export const HORIZON = 100;
export const START = 10_000;
export const LISTED = [client(1), client(2)] as const;
export const OPEN = [client(11), client(12), client(13), client(14)] as const;
export const CONFIG: ClientTableConfig = {
  clients: LISTED,
  openClients: true,
  sessionsPerClient: 3,
  openClientLimit: 2,
  sessionHorizonUs: HORIZON,
};

export interface Attempt extends RequestPlace {
  readonly digest: Digest;
  readonly at: ExecutionPoint;
}

export function attempt(place: RequestPlace, body: string, at: ExecutionPoint): Attempt {
  return { ...place, digest: digest(body), at };
}

export function replyTo({ digest: requestDigest, at }: Attempt): StoredReply {
  const result = encodeUtf8(`result of ${requestDigest} at ${at.sequence}.${at.index}`);
  return {
    outcome: 'executed',
    sequence: at.sequence,
    digest: digest(`batch ${at.sequence}`),
    result: result ?? new Uint8Array(0),
  };
}

/** The rules of sessions written down plainly: one list, searched from end to end. */
export class NaiveTable {
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

export function verdictOf(judgement: Judgement): string {
  return judgement.kind === 'error' ? judgement.error.code : judgement.kind;
}

/** A client table on its state, with the naive one beside it: every execution goes through both and must come to the same. */
export class Pair {
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
export function run(
  pair: Pair,
  place: RequestPlace,
  body = 'x',
): { verdict: string; evicted: readonly EvictedSession[] } {
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

export function check(pair: Pair): void {
  expect([...pair.table.rows()]).toEqual(pair.naive.rows());
  for (const id of [...LISTED, ...OPEN]) expect(pair.table.sessionFloor(id)).toBe(pair.naive.floors[id] ?? 0);
  expect(pair.table.sessionCount).toBe(pair.naive.sessions.length);
}

export const listed = (session: number, timestamp = 1): RequestPlace => ({ client: LISTED[0], session, timestamp });
export const open = (number: 0 | 1 | 2 | 3, session: number, timestamp = 1): RequestPlace => ({
  client: OPEN[number],
  session,
  timestamp,
});

export function newPair(config: Partial<ClientTableConfig> = {}): Pair {
  const pair = new Pair({ ...CONFIG, ...config });
  pair.nextBatch(0);
  return pair;
}
