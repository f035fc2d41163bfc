/**
 * The replicated client table: client → session floor; (client, session) → last timestamp, digest of that request, its reply. It makes
 * execution exactly-once: only `execute` changes anything, so the same batch decided at two slots, or the same request in two batches, is
 * harmless. Owns its maps (for speed) and the system tables `clients` and `sessions` of the state, which {@link ClientTable.flush} brings up to
 * date; the root covers those, so restart and state transfer give the identical table. Must never let the order of a Map decide anything:
 * what is evicted follows from the order of execution alone.
 */
import { ChurningSet } from '../base/churning.ts';
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { ClientId, Digest, Sequence } from '../base/ids.ts';
import type { Reader, Transaction } from '../base/key-value.ts';
import type { Request } from '../messages/index.ts';
import type { ClusterConfig } from './config.ts';
import { clientKey, comparePoints, encodeSession, readFloors, readSessions, sessionKey } from './client-table-rows.ts';
import type { ExecutionPoint, LastRequest, SessionRow, StoredReply } from './client-table-rows.ts';
import { Recency } from './recency.ts';
import type { Place } from './recency.ts';
import { numberBytes } from './table-row.ts';
import { makeTableError, tableErrorResult } from './table-error.ts';
import type { TableError, TableErrorCode } from './table-error.ts';

export type { ExecutionPoint, SessionRow, StoredReply } from './client-table-rows.ts';

/** What of a request places it in the table. */
export type RequestPlace = Pick<Request, 'client' | 'session' | 'timestamp'>;

export type Judgement =
  /** Run it, then {@link ClientTable.record} it. */
  | { readonly kind: 'execute' }
  /** The last request of its session: answer this again. */
  | { readonly kind: 'repeat'; readonly reply: StoredReply }
  /** Older than the last request of its session: no answer. */
  | { readonly kind: 'ignore' }
  /** Answer `result`, with the outcome `table-error`; nothing changes. */
  | { readonly kind: 'error'; readonly error: TableError; readonly result: Bytes };

/** A session that lost its place. */
export interface EvictedSession {
  readonly client: ClientId;
  readonly session: number;
}

export type ClientTableConfig = Pick<
  ClusterConfig,
  'clients' | 'openClients' | 'sessionsPerClient' | 'openClientLimit' | 'sessionHorizonUs'
>;

/** An open client may lose its place when idle for more than so many horizons of agreed time: the argument is at {@link ClientTable.record}. */
const IDLE_HORIZONS = 2;

/**
 * What is known of a session's last request, of the reply to it and of when it was executed lies in fields of the session itself, which the next
 * execution writes over: objects of their own, one or more for each request, would grow old here before they are garbage.
 */
interface Session {
  readonly client: Client;
  readonly number: number;
  timestamp: number;
  requestDigest: Digest;
  /** Of the reply. */
  outcome: StoredReply['outcome'];
  sequence: Sequence;
  digest: Digest;
  result: Bytes;
  /** Of its last use. */
  usedIn: Sequence;
  usedAt: number;
  agreedTime: number;
  /** It may differ from the state since the last flush. */
  isChanged: boolean;
}

interface Client {
  readonly id: ClientId;
  /** Highest session ever evicted. */
  floor: number;
  readonly sessions: Map<number, Place<Session>>;
  readonly recency: Recency<Session>;
  /** Among the open clients; undefined for a listed one. */
  place: Place<Client> | undefined;
}

const EXECUTE: Judgement = { kind: 'execute' };
const IGNORE: Judgement = { kind: 'ignore' };
const NONE_EVICTED = { evicted: [] } as const;

export class ClientTable {
  readonly #config: ClientTableConfig;
  readonly #listed: ReadonlySet<ClientId>;
  /** Every client with a session. */
  readonly #clients = new Map<ClientId, Client>();
  /** Those of them that are not listed, by last execution. */
  readonly #openClients = new Recency<Client>();
  /** What may differ from the state since the last flush. */
  #changedSessions: Session[] = [];
  readonly #changedClients = new ChurningSet<ClientId>();
  #sessionCount = 0;
  /** Of the latest execution. */
  #lastSequence = -1;
  #lastIndex = 0;
  /** What was found last: every request is looked for several times running. */
  #found: Place<Session> | undefined;
  /** Stood behind it in order of last use: mostly requests come in the order in which those before them were executed. */
  #expected: Place<Session> | undefined;

  private constructor(config: ClientTableConfig) {
    this.#config = config;
    this.#listed = new Set(config.clients);
  }

  /** The table that was flushed into this content: the same sessions, floors and order of last use. Empty for a state without it. */
  static load(reader: Reader, config: ClientTableConfig): ClientTable {
    const table = new ClientTable(config);
    for (const { client, floor } of readFloors(reader)) table.#addClient(client).floor = floor;
    const rows = [...readSessions(reader)].toSorted((left, right) => comparePoints(left.lastUse, right.lastUse));
    for (const { client, session, ...last } of rows) table.#insert(table.#addClient(client), session, last);
    for (const client of table.#clients.values())
      assert(client.recency.size > 0, 'a client of the table has a session');
    return table;
  }

  get sessionCount(): number {
    return this.#sessionCount;
  }

  /** Clients that are not listed and hold a session. */
  get openClientCount(): number {
    return this.#openClients.size;
  }

  /** Is its session open, and this the next request there? Then executing it touches no other session. */
  isNext({ client, session, timestamp }: RequestPlace): boolean {
    const known = this.#find(client, session)?.item;
    return known !== undefined && timestamp === known.timestamp + 1;
  }

  /** Has a later request of its session been executed, so that executing it comes to nothing? */
  isOld({ client, session, timestamp }: RequestPlace): boolean {
    const known = this.#find(client, session)?.item;
    return known !== undefined && timestamp < known.timestamp;
  }

  /** What executing `request` comes to. Changes nothing. `agreedTime`: µs since 1970, that of its batch already applied. */
  judge(request: RequestPlace, requestDigest: Digest, agreedTime: number): Judgement {
    const known = this.#find(request.client, request.session)?.item;
    if (known === undefined) {
      const code = this.#refuseOpening(request, agreedTime);
      return code === undefined ? EXECUTE : this.#error(code, request.client, agreedTime);
    }
    if (request.timestamp === known.timestamp + 1) return EXECUTE;
    if (request.timestamp > known.timestamp) return this.#error('timestamp_gap', request.client, agreedTime);
    if (request.timestamp < known.timestamp) return IGNORE;
    if (requestDigest !== known.requestDigest) return this.#error('timestamp_reused', request.client, agreedTime);
    return { kind: 'repeat', reply: replyOf(known) };
  }

  /**
   * Takes over an execution: opens the request's session or moves it on, stores its reply, evicts what must go. Keeps neither `lastUse` nor `reply`,
   * but what they hold.
   *
   * Requires: `judge` says `execute`; executed later than everything recorded before; the result is within `storedReplyBytes` (execution
   * undoes an operation with a longer one, so that a reply lost on the way can always be had again).
   *
   * Why no replayed request can ever open a session again:
   * - A session evicted by its client's newer ones leaves the floor at or above its number, and no number at or below the floor opens.
   * - An open client evicted by another takes its floor with it, else floors would be an unbounded table. Its numbers are out of reach all the
   *   same. Its last use was at agreed time t, so each of its sessions opened at some u ≤ t, with a number below u + H (H = the horizon),
   *   hence below t + H. The client goes only when agreed time is above t + 2H, and agreed time never falls: from then on each of its
   *   numbers is more than H behind agreed time, and refused for that. H alone would not do: a client whose clock runs almost H ahead
   *   opens number t + H − 1 and is evicted at t + H + 1; its replayed first request is then 2 µs away from agreed time and runs again.
   */
  record(
    request: RequestPlace,
    requestDigest: Digest,
    lastUse: ExecutionPoint,
    reply: StoredReply,
  ): { readonly evicted: readonly EvictedSession[] } {
    const { client, session, timestamp } = request;
    const { sequence, index } = lastUse;
    assert(
      sequence > this.#lastSequence || (sequence === this.#lastSequence && index > this.#lastIndex),
      'executions are recorded in their order',
    );
    const known = this.#find(client, session);
    // What `judge` says `execute` to.
    const isNext =
      known === undefined
        ? this.#refuseOpening(request, lastUse.agreedTime) === undefined
        : timestamp === known.item.timestamp + 1;
    assert(isNext, 'what is recorded was to be executed');
    if (known !== undefined) {
      this.#renew(known, timestamp, requestDigest, lastUse, reply);
      this.#noteChanged(known.item);
      return NONE_EVICTED;
    }
    const evicted = this.#makeRoom(client);
    this.#noteChanged(this.#insert(this.#addClient(client), session, { timestamp, requestDigest, reply, lastUse }));
    return { evicted };
  }

  /**
   * True if `request` would be executed were it ordered now: what timers and queues ask before it is. `timeUs`: the later of agreed time and
   * the own clock, since agreed time will be about that then.
   */
  wouldExecute(request: RequestPlace, timeUs: number): boolean {
    const known = this.#find(request.client, request.session)?.item;
    if (known !== undefined) return request.timestamp === known.timestamp + 1;
    return this.#refuseOpening(request, timeUs) === undefined;
  }

  /**
   * True if no later state can execute `request`: its session is gone, or its time to open is over. A replica that is behind says so of none that
   * others could execute: floors and agreed time only rise, so that a session which others know was above both here.
   */
  isLost(request: RequestPlace, agreedTime: number): boolean {
    const { client, session } = request;
    if (this.#find(client, session) !== undefined) return false;
    return session <= this.sessionFloor(client) || session + this.#config.sessionHorizonUs <= agreedTime;
  }

  /** The reply to exactly this request, while it is the last one of its session. */
  storedReply(client: ClientId, session: number, timestamp: number, requestDigest: Digest): StoredReply | undefined {
    const known = this.#find(client, session)?.item;
    return known?.timestamp === timestamp && known.requestDigest === requestDigest ? replyOf(known) : undefined;
  }

  /** Timestamp of the last request of a session; undefined for a session the table does not know. */
  lastTimestamp(client: ClientId, session: number): number | undefined {
    return this.#find(client, session)?.item.timestamp;
  }

  /** Highest session of `client` ever evicted, 0 if none. */
  sessionFloor(client: ClientId): number {
    return this.#clients.get(client)?.floor ?? 0;
  }

  /** Writes what changed since the last flush; cost O(changed · log size). How often it is called makes no difference to the content. */
  flush(transaction: Transaction): void {
    for (const session of this.#changedSessions) {
      const { client, number } = session;
      session.isChanged = false;
      const known = this.#find(client.id, number);
      if (known === undefined) transaction.delete(sessionKey(client.id, number));
      else transaction.put(sessionKey(client.id, number), encodeSession(lastOf(known.item)));
    }
    for (const client of this.#changedClients) {
      const floor = this.sessionFloor(client);
      if (floor === 0) transaction.delete(clientKey(client));
      else transaction.put(clientKey(client), numberBytes(floor));
    }
    this.#changedSessions = [];
    this.#changedClients.clear();
  }

  /** Every session, clients in order of id and the sessions of each in order of last use: for inspection, O(size · log size). */
  *rows(): Generator<SessionRow, void, undefined> {
    for (const client of [...this.#clients.keys()].toSorted()) {
      for (const session of this.#clients.get(client)?.recency.items() ?? [])
        yield { client, session: session.number, ...lastOf(session) };
    }
  }

  #find(client: ClientId, session: number): Place<Session> | undefined {
    if (isSession(this.#found, client, session)) return this.#found;
    const expected = this.#expected;
    this.#found = isSession(expected, client, session) ? expected : this.#clients.get(client)?.sessions.get(session);
    this.#expected = this.#found?.newer;
    return this.#found;
  }

  #noteChanged(session: Session): void {
    if (session.isChanged) return;
    session.isChanged = true;
    this.#changedSessions.push(session);
  }

  /** Why a session that the table does not know may not open with this request; undefined if it may. */
  #refuseOpening(request: RequestPlace, timeUs: number): TableErrorCode | undefined {
    const { openClients, openClientLimit, sessionHorizonUs } = this.#config;
    const isListed = this.#listed.has(request.client);
    if (!isListed && !openClients) return 'client_unknown';
    if (request.timestamp > 1) return 'session_expired';
    if (request.timestamp < 1 || request.session <= this.sessionFloor(request.client)) return 'session_refused';
    if (Math.abs(request.session - timeUs) >= sessionHorizonUs) return 'session_refused';
    const needsPlace = !isListed && !this.#clients.has(request.client);
    const oldest = needsPlace && this.#openClients.size >= openClientLimit ? this.#openClients.oldest : undefined;
    const lastUse = oldest?.recency.newest?.agreedTime;
    if (lastUse === undefined || timeUs - lastUse > IDLE_HORIZONS * sessionHorizonUs) return undefined;
    return 'too_many_clients';
  }

  #error(code: TableErrorCode, client: ClientId, agreedTime: number): Judgement {
    const bounds = code === 'client_unknown' ? undefined : { sessionFloor: this.sessionFloor(client), agreedTime };
    const error = makeTableError(code, bounds);
    return { kind: 'error', error, result: tableErrorResult(error) };
  }

  #renew(
    place: Place<Session>,
    timestamp: number,
    requestDigest: Digest,
    { sequence, index, agreedTime }: ExecutionPoint,
    reply: StoredReply,
  ): void {
    const { item: session } = place;
    const { client } = session;
    session.timestamp = timestamp;
    session.requestDigest = requestDigest;
    session.outcome = reply.outcome;
    session.sequence = reply.sequence;
    session.digest = reply.digest;
    session.result = reply.result;
    session.usedIn = sequence;
    session.usedAt = index;
    session.agreedTime = agreedTime;
    this.#lastSequence = sequence;
    this.#lastIndex = index;
    client.recency.touch(place);
    if (client.place !== undefined) this.#openClients.touch(client.place);
  }

  /** Makes a place for one more session of `id`: in the client's own part, and for a new open client among those. */
  #makeRoom(id: ClientId): readonly EvictedSession[] {
    const client = this.#clients.get(id);
    const evicted: EvictedSession[] = [];
    while (client !== undefined && client.recency.size >= this.#config.sessionsPerClient) {
      const { oldest } = client.recency;
      assert(oldest !== undefined, 'a client with sessions has an oldest one');
      evicted.push(this.#evict(oldest));
    }
    while (client === undefined && !this.#listed.has(id) && this.#openClients.size >= this.#config.openClientLimit) {
      const { oldest } = this.#openClients;
      assert(oldest !== undefined, 'a full part has an oldest client');
      evicted.push(...this.#forget(oldest));
    }
    return evicted;
  }

  #evict(session: Session): EvictedSession {
    const { client, number } = session;
    const place = client.sessions.get(number);
    assert(place !== undefined, 'a session is evicted once');
    client.sessions.delete(number);
    this.#found = undefined;
    this.#expected = undefined;
    client.recency.remove(place);
    this.#sessionCount -= 1;
    this.#noteChanged(session);
    if (number > client.floor) {
      client.floor = number;
      this.#changedClients.add(client.id);
    }
    return { client: client.id, session: number };
  }

  /** An open client goes with all it had, its floor too: {@link record} says why that is safe. */
  #forget(client: Client): readonly EvictedSession[] {
    const evicted = [...client.recency.items()].map((session) => this.#evict(session));
    if (client.place !== undefined) this.#openClients.remove(client.place);
    this.#clients.delete(client.id);
    this.#changedClients.add(client.id);
    return evicted;
  }

  #addClient(id: ClientId): Client {
    const known = this.#clients.get(id);
    if (known !== undefined) return known;
    const client: Client = { id, floor: 0, sessions: new Map(), recency: new Recency(), place: undefined };
    if (!this.#listed.has(id)) client.place = this.#openClients.add(client);
    this.#clients.set(id, client);
    return client;
  }

  /** Requires: used later than every session of the table. */
  #insert(client: Client, number: number, { timestamp, requestDigest, reply, lastUse }: LastRequest): Session {
    const session: Session = {
      client,
      number,
      timestamp,
      requestDigest,
      outcome: reply.outcome,
      sequence: reply.sequence,
      digest: reply.digest,
      result: reply.result,
      usedIn: lastUse.sequence,
      usedAt: lastUse.index,
      agreedTime: lastUse.agreedTime,
      isChanged: false,
    };
    client.sessions.set(number, client.recency.add(session));
    if (client.place !== undefined) this.#openClients.touch(client.place);
    this.#sessionCount += 1;
    this.#lastSequence = lastUse.sequence;
    this.#lastIndex = lastUse.index;
    return session;
  }
}

function isSession(place: Place<Session> | undefined, client: ClientId, session: number): boolean {
  return place !== undefined && place.item.number === session && place.item.client.id === client;
}

function replyOf({ outcome, sequence, digest, result }: Session): StoredReply {
  return { outcome, sequence, digest, result };
}

function lastOf(session: Session): LastRequest {
  const { timestamp, requestDigest, usedIn, usedAt, agreedTime } = session;
  const lastUse = { sequence: usedIn, index: usedAt, agreedTime };
  return { timestamp, requestDigest, reply: replyOf(session), lastUse };
}
