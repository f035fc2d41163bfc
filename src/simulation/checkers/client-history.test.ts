import { describe, expect, test } from 'vitest';
import { asClientId, asDigest, asReplicaId, asSequence, asView } from '../../base/ids.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { EVERYBODY, REQUEST_READ_ONLY } from '../../messages/index.ts';
import type { AuthenticatedRequest } from '../../messages/index.ts';
import type { ClientOutcome } from '../../protocol/client-session.ts';
import { Coverage } from '../coverage.ts';
import type { Observer } from '../observer.ts';
import { ScenarioWorld } from '../scenario-world.ts';
import { LinearizabilityChecker } from './client-history.ts';
import type { LinearizabilityParts } from './client-history.ts';
import { observedApplication } from './observed-application.ts';

const bytes = (value: object): Uint8Array => encodeUtf8(JSON.stringify(value)) ?? new Uint8Array(0);
const DIGEST = asDigest('0'.repeat(64));

function makeChecker(parts: Partial<LinearizabilityParts> = {}): LinearizabilityChecker {
  const application = observedApplication('ledger');
  return new LinearizabilityChecker({
    application,
    idempotencyKeys: 4,
    coverage: new Coverage(),
    now: () => 0,
    ...parts,
  });
}

/** Tells a checker what clients do, each call under a new digest. */
class Clients {
  readonly coverage = new Coverage();
  readonly checker = makeChecker({ coverage: this.coverage, now: () => (this.#count += 1000) });
  #count = 0;

  begin(
    operation: object,
    { key, flags = 0 }: { readonly key?: string; readonly flags?: number } = {},
  ): AuthenticatedRequest {
    this.#count += 1;
    const request: AuthenticatedRequest = {
      request: {
        type: 'request',
        client: asClientId('c1'.padEnd(64, '0')),
        session: this.#count,
        timestamp: 1,
        flags,
        idempotency: key === undefined ? undefined : { scope: 's', key },
        operation: bytes(operation),
        replier: asReplicaId(0),
      },
      digest: asDigest(this.#count.toString(16).padStart(64, '0')),
      proof: { kind: 'signature', asked: EVERYBODY, signature: new Uint8Array(64) },
    };
    this.checker.issued(request);
    return request;
  }

  executed(request: AuthenticatedRequest, result: object, replayed = false): void {
    this.checker.concluded(request, {
      kind: 'executed',
      requestDigest: request.digest,
      view: asView(0),
      sequence: asSequence(1),
      digest: DIGEST,
      result: bytes(result),
      replayed,
      replies: [],
      receipt: undefined,
      isTentative: false,
    });
  }

  failed(
    request: AuthenticatedRequest,
    kind: 'rejected' | 'unknown',
    code: Extract<ClientOutcome, { kind: 'rejected' }>['code'],
  ): void {
    this.checker.concluded(request, { kind, requestDigest: request.digest, code, message: '', bounds: undefined });
  }

  /** From beginning to end, with nothing in between. */
  call(operation: object, result: object): void {
    this.executed(this.begin(operation), result);
  }
}

const put = (value: number): object => ({ operation: 'put', key: 'a', value });
const GET = { operation: 'get', key: 'a' };
const found = (value: number | null): object => ({ key: 'a', found: value !== null, value });

describe('what clients were told', () => {
  test('fits', () => {
    const clients = new Clients();
    clients.call(put(1), { key: 'a', created: true });
    clients.call(GET, found(1));
    expect(() => clients.checker.check()).not.toThrow();
    expect(clients.coverage.of('linearizability', 'linearizable')).toBe(1);
  });

  test('a stale read does not, and is told', () => {
    const clients = new Clients();
    clients.call(put(1), { key: 'a', created: true });
    clients.call(put(2), { key: 'a', created: false });
    clients.call({ operation: 'put', key: 'b', value: 1 }, { key: 'b', created: true });
    clients.call(GET, found(1));
    expect(() => clients.checker.check()).toThrow(/explains this answer:\n.*"get".*"value":1\}\n.*"value":2/u);
  });

  test('balances that two transfers side by side cannot both leave', () => {
    const clients = new Clients();
    const transfer = { operation: 'transfer', from: 'treasury', to: 'alice', amount: 5 };
    const moved = {
      from: 'treasury',
      to: 'alice',
      amount: 5,
      from_balance: Number.MAX_SAFE_INTEGER - 5,
      to_balance: 5,
    };
    const [one, other] = [clients.begin(transfer), clients.begin(transfer)];
    clients.executed(one, moved);
    expect(() => clients.checker.check()).not.toThrow();
    clients.executed(other, moved);
    expect(() => clients.checker.check()).toThrow('explains');
  });

  test('a request counts from its first sending', () => {
    const clients = new Clients();
    const early = clients.begin(put(1));
    clients.call(GET, found(null));
    clients.checker.issued(early);
    clients.executed(early, { key: 'a', created: true });
    clients.call(GET, found(1));
    expect(() => clients.checker.check()).not.toThrow();
  });
});

describe('calls of unknown outcome', () => {
  test('may take effect late, or never', () => {
    const clients = new Clients();
    const [late, never] = [clients.begin(put(1)), clients.begin(put(2))];
    clients.failed(late, 'unknown', 'session_expired');
    clients.failed(never, 'unknown', 'session_expired');
    clients.call(GET, found(null));
    clients.call(GET, found(1));
    expect(() => clients.checker.check()).not.toThrow();
    expect(clients.coverage.of('linearizability', 'call of unknown outcome')).toBe(2);
  });

  test('a late outcome is an answer', () => {
    const clients = new Clients();
    const late = clients.begin(put(1));
    clients.failed(late, 'unknown', 'too_many_clients');
    clients.call(GET, found(null));
    clients.executed(late, { key: 'a', created: true });
    clients.call(GET, found(null));
    expect(() => clients.checker.check()).toThrow('explains');
  });

  test('a rejected one took no effect', () => {
    const clients = new Clients();
    clients.failed(clients.begin(put(1)), 'rejected', 'timestamp_reused');
    clients.call(GET, found(1));
    expect(() => clients.checker.check()).toThrow('possible there: executed {"key":"a","found":false,"value":null}');
  });

  test('nor did a read-only one, whatever it asks for', () => {
    const clients = new Clients();
    clients.begin(put(1), { flags: REQUEST_READ_ONLY });
    clients.call(GET, found(1));
    expect(() => clients.checker.check()).toThrow('explains');
  });
});

describe('idempotency keys', () => {
  test('a replay is the first outcome, and changes nothing', () => {
    const clients = new Clients();
    clients.executed(clients.begin(put(1), { key: 'k' }), { key: 'a', created: true });
    clients.call(put(2), { key: 'a', created: false });
    clients.executed(clients.begin(put(1), { key: 'k' }), { key: 'a', created: true }, true);
    clients.failed(clients.begin(put(3), { key: 'k' }), 'rejected', 'idempotency_key_reused');
    clients.call(GET, found(2));
    expect(() => clients.checker.check()).not.toThrow();
    expect(clients.coverage.of('linearizability', 'call replayed')).toBe(1);
    expect(clients.coverage.of('linearizability', 'call with a key in use')).toBe(1);
  });

  test('a key that ran twice is noticed', () => {
    const clients = new Clients();
    clients.executed(clients.begin(put(1), { key: 'k' }), { key: 'a', created: true });
    clients.executed(clients.begin(put(1), { key: 'k' }), { key: 'a', created: false });
    expect(() => clients.checker.check()).toThrow('explains');
  });

  test('and a refusal of a key that nobody used', () => {
    const clients = new Clients();
    clients.failed(clients.begin(put(3), { key: 'k' }), 'rejected', 'idempotency_key_reused');
    expect(() => clients.checker.check()).toThrow('explains');
  });

  test('a key that was forgotten runs again, not before four others came', () => {
    const clients = new Clients();
    const use = (key: string): void => clients.executed(clients.begin(GET, { key }), found(null));
    for (const key of ['k1', 'k2', 'k3', 'k4', 'k5', 'k1']) use(key);
    expect(() => clients.checker.check()).not.toThrow();
    use('k5');
    expect(() => clients.checker.check()).toThrow('explains');
  });
});

describe('in a whole cluster', { timeout: 60_000 }, () => {
  /** Two clients at work; a second checker hears of outcomes what `tamper` makes of them. */
  function runTampered(tamper: (outcome: ClientOutcome, count: number) => ClientOutcome): LinearizabilityChecker {
    const scene = new ScenarioWorld({ clientCount: 2 });
    const checker = makeChecker({ idempotencyKeys: 64, now: () => scene.world.time });
    let count = 0;
    const observer: Observer = {
      issued: (request) => checker.issued(request),
      concluded: (request, outcome) => checker.concluded(request, tamper(outcome, (count += 1))),
      released: (node, output) => checker.released(node, output),
    };
    scene.world.addObserver(observer);
    for (let round = 1; round <= 8; round += 1) {
      scene.request(1, { operation: 'transfer', to: 'alice', amount: round });
      scene.request(2, { operation: 'balance', account: 'alice' });
      scene.request(2, { operation: 'history', account: 'alice' });
    }
    expect(scene.runUntilAnswered()).toBe(true);
    return checker;
  }

  test('all is well', () => {
    expect(() => runTampered((outcome) => outcome).check()).not.toThrow();
  });

  test('a stale balance is rejected, and the answers named that make it one', () => {
    let stale: Uint8Array | undefined;
    const checker = runTampered((outcome, count) => {
      if (
        outcome.kind !== 'executed' ||
        !new TextDecoder().decode(outcome.result).startsWith('{"account":"alice","balance"')
      )
        return outcome;
      stale ??= outcome.result;
      return count < 18 ? outcome : { ...outcome, result: stale };
    });
    expect(() => checker.check()).toThrow(/explains this answer:\n.*"balance","account":"alice"\}/u);
  });

  test('and so is a history without its newest transfer', () => {
    const checker = runTampered((outcome, count) => {
      if (outcome.kind !== 'executed' || count < 18) return outcome;
      const text = new TextDecoder().decode(outcome.result);
      if (!text.includes('"entries"')) return outcome;
      return { ...outcome, result: encodeUtf8(text.replace(/\{"sequence[^}]*\},/u, '')) ?? outcome.result };
    });
    expect(() => checker.check()).toThrow('explains this answer');
  });
});
