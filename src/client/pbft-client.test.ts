import { afterEach, describe, expect, test, vi } from 'vitest';
import { must } from '../../test/support/must.ts';
import { bytesOf, echo, ScriptedReplicas } from '../../test/support/scripted-replicas.ts';
import type { ReplicaId } from '../base/ids.ts';
import { asReplicaId, asSequence } from '../base/ids.ts';
import { CodecContext, EVERYBODY, REQUEST_READ_ONLY, askedBy, readStatement, replicaSetOf } from '../messages/index.ts';
import type { Reply } from '../messages/index.ts';
import { Identity, makeSignatureVerifier, sha256 } from '../node/index.ts';
import type { MacPrimitive } from '../protocol/config.ts';
import { ReceiptVerifier } from '../protocol/receipts.ts';
import { tableErrorResult, makeTableError } from '../protocol/table-error.ts';
import { PbftClient } from './pbft-client.ts';
import type { PbftClientOptions, WrongReply } from './pbft-client.ts';

const clients: PbftClient[] = [];
const clusters: ScriptedReplicas[] = [];
afterEach(async () => {
  await Promise.all(clients.splice(0).map(async (client) => client.close()));
  await Promise.all(clusters.splice(0).map(async (cluster) => cluster.close()));
});

async function makeCluster(mode: 'mac' | 'signature' = 'mac', mac?: MacPrimitive): Promise<ScriptedReplicas> {
  const cluster = new ScriptedReplicas(4, mode, mac);
  clusters.push(cluster);
  await cluster.listen();
  return cluster;
}

/** Retransmissions come within a test. */
const IMPATIENT = { requestTimeoutUs: 200_000, retryCapUs: 400_000 };

/** A client of it that sends nothing twice, however slow the machine, unless it is told to be impatient. */
function makeClient(cluster: ScriptedReplicas, options: Partial<PbftClientOptions> = {}): PbftClient {
  const timing = { requestTimeoutUs: 60_000_000, retryCapUs: 60_000_000 };
  const client = new PbftClient({ cluster: cluster.describe(), identity: Identity.generate(), timing, ...options });
  clients.push(client);
  return client;
}

async function connected(client: PbftClient, count = 4): Promise<void> {
  await vi.waitUntil(() => client.stats.connected.length === count, { timeout: 5000, interval: 5 });
}

const isFrom = (replica: ReplicaId, ...ids: readonly number[]): boolean => ids.includes(replica);
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

describe('a read', () => {
  async function reader(isOn = true): Promise<[ScriptedReplicas, PbftClient]> {
    const cluster = await makeCluster();
    cluster.readOnlyRequests = isOn;
    cluster.script = (request, replica) => {
      if ((request.request.flags & REQUEST_READ_ONLY) === 0) return echo(request, replica);
      return { ...echo(request, replica), outcome: 'read', since: asSequence(1) };
    };
    const client = makeClient(cluster);
    await connected(client);
    return [cluster, client];
  }

  test('is answered by a quorum, without being ordered', async () => {
    const [cluster, client] = await reader();
    const outcome = await client.read(bytesOf('hello'));
    expect(outcome).toMatchObject({ kind: 'read', sequence: 1 });
    expect(outcome.kind === 'read' && textOf(outcome.result)).toBe('HELLO');
    expect(outcome.kind === 'read' && outcome.replies.length).toBeGreaterThanOrEqual(3);
    expect(client.stats.reads).toEqual({ answered: 1, ordered: 0 });
    expect(
      cluster.received.every(({ requests }) => requests.every(({ request }) => request.flags === REQUEST_READ_ONLY)),
    ).toBe(true);
  });

  test('whose answers do not agree is ordered', async () => {
    const [cluster, client] = await reader();
    const { script } = cluster;
    cluster.script = (request, replica) => {
      const said = script(request, replica);
      const isRead = (request.request.flags & REQUEST_READ_ONLY) !== 0;
      return isRead && replica > 1 ? { ...said, result: bytesOf(`other ${replica}`) } : said;
    };
    expect(await client.read(bytesOf('x'))).toMatchObject({ kind: 'executed', sequence: 1 });
    expect(client.stats.reads).toEqual({ answered: 0, ordered: 1 });
  });

  test('is ordered at once where the cluster answers none', async () => {
    const [cluster, client] = await reader(false);
    expect(await client.read(bytesOf('x'))).toMatchObject({ kind: 'executed' });
    expect(cluster.received.some(({ requests }) => requests.some(({ request }) => request.flags !== 0))).toBe(false);
  });

  test('when its client is closed meanwhile was not submitted', async () => {
    const [cluster, client] = await reader();
    cluster.script = () => undefined;
    const outcome = client.read(bytesOf('x'));
    await client.close();
    expect(await outcome).toMatchObject({ kind: 'rejected', code: 'not_submitted' });
    expect(await client.read(bytesOf('x'))).toMatchObject({ kind: 'rejected', code: 'not_submitted' });
  });

  test('given up before it began goes nowhere', async () => {
    const [cluster, client] = await reader();
    const outcome = await client.read(bytesOf('x'), { signal: AbortSignal.abort() });
    expect(outcome).toMatchObject({ kind: 'rejected', code: 'not_submitted' });
    expect(cluster.received).toEqual([]);
  });

  test('ends at its own timeout, however much patience there is, and nothing is ordered then', async () => {
    const [cluster, client] = await reader();
    cluster.script = () => undefined;
    const outcome = await client.read(bytesOf('x'), { timeoutMs: 20 });
    expect(outcome).toMatchObject({ kind: 'rejected', code: 'not_submitted' });
    expect(client.stats).toMatchObject({ reads: { answered: 0, ordered: 0 }, underWay: 0, queued: 0 });
  });

  test('ends at the signal of its caller, and nothing is ordered then', async () => {
    const [cluster, client] = await reader();
    cluster.script = () => undefined;
    const caller = new AbortController();
    const outcome = client.read(bytesOf('x'), { signal: caller.signal });
    caller.abort();
    expect(await outcome).toMatchObject({ kind: 'rejected', code: 'not_submitted' });
    expect(client.stats).toMatchObject({ underWay: 0, queued: 0 });
  });
});

describe('a request', () => {
  test('given up by its caller when he hears of it ends at once, and nothing of it is sent', async () => {
    const cluster = await makeCluster();
    const client = makeClient(cluster);
    await connected(client);
    const caller = new AbortController();
    const outcome = await client.submit(bytesOf('x'), { signal: caller.signal, onIssued: () => caller.abort() });
    expect(outcome.kind).not.toBe('executed');
    expect(client.stats).toMatchObject({ underWay: 0, queued: 0 });
    expect(await client.submit(bytesOf('y'))).toMatchObject({ kind: 'executed' });
    expect(cluster.received.flatMap(({ requests }) => requests)).toHaveLength(1);
  });

  test('submitted when its caller hears of another counts among those under way', async () => {
    const cluster = await makeCluster();
    const client = makeClient(cluster, { sessions: 1 });
    await connected(client);
    let most = 0;
    const calls: Promise<unknown>[] = [];
    const first = client.submit(bytesOf('x'), {
      onIssued: () => {
        calls.push(client.submit(bytesOf('y')));
        most = client.stats.underWay;
      },
    });
    expect(await Promise.all([first, ...calls])).toMatchObject([{ kind: 'executed' }, { kind: 'executed' }]);
    expect(most).toBe(1);
  });

  test.each(['mac', 'signature'] as const)('is executed when f+1 replicas say the same (%s)', async (mode) => {
    const cluster = await makeCluster(mode);
    const client = makeClient(cluster);
    await connected(client);
    const outcome = await client.submit(bytesOf('hello'));
    expect(outcome).toMatchObject({ kind: 'executed', sequence: 1, view: 0, replayed: false });
    expect(outcome.kind === 'executed' && textOf(outcome.result)).toBe('HELLO');
    expect(outcome.kind === 'executed' && outcome.replies.length).toBeGreaterThanOrEqual(2);
    expect(cluster.proofs(0)).toEqual([mode]);
  });

  test('that is ready with others goes out with them: one frame, one authenticator', async () => {
    const cluster = await makeCluster();
    const client = makeClient(cluster, { compound: false });
    await connected(client);
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => client.submit(bytesOf(`n${index}`))),
    );
    expect(outcomes.map((outcome) => outcome.kind === 'executed' && textOf(outcome.result))).toEqual(
      Array.from({ length: 50 }, (_, index) => `N${index}`),
    );
    const toPrimary = cluster.received.filter(({ replica }) => replica === 0);
    expect(toPrimary.map(({ requests }) => requests.length)).toEqual([50]);
    const bundles = new Set(
      toPrimary.flatMap(({ requests }) =>
        requests.map(({ proof }) => (proof.kind === 'authenticator' ? proof.bundle : undefined)),
      ),
    );
    expect(bundles.size).toBe(1);
    expect(new Set(cluster.proofs(0))).toEqual(new Set(['mac']));
  });

  test('of more than a bundle holds goes out in several', async () => {
    const cluster = await makeCluster();
    const client = makeClient(cluster, { sessions: 600, compound: false });
    await connected(client);
    await Promise.all(Array.from({ length: 600 }, async (_, index) => client.submit(bytesOf(`n${index}`))));
    expect(cluster.received.filter(({ replica }) => replica === 0).map(({ requests }) => requests.length)).toEqual([
      256, 256, 88,
    ]);
  });

  test('tells when it is issued and how its replies come in', async () => {
    const cluster = await makeCluster();
    const client = makeClient(cluster);
    await connected(client);
    const issued: string[] = [];
    const progress: number[] = [];
    const outcome = await client.submit(bytesOf('x'), {
      onIssued: (digest) => issued.push(digest),
      onProgress: ({ matching, needed }) => progress.push(matching.length * 10 + needed),
    });
    expect(issued).toEqual([outcome.requestDigest]);
    expect(progress.slice(0, 2)).toEqual([12, 22]);
  });

  test('gets its answer although one replica lies, and the liar is named', async () => {
    const cluster = await makeCluster();
    const wrong: WrongReply[] = [];
    const client = makeClient(cluster, { onWrongReply: (reply) => wrong.push(reply) });
    await connected(client);
    cluster.script = (request, replica) => (isFrom(replica, 2) ? { result: bytesOf('LIE') } : echo(request, replica));
    const outcome = await client.submit(bytesOf('truth'));
    expect(outcome.kind === 'executed' && textOf(outcome.result)).toBe('TRUTH');
    await vi.waitUntil(() => wrong.length > 0);
    expect(wrong).toMatchObject([{ replica: 2, view: 0, sequence: 1, frames: [] }]);
    expect(wrong[0]?.summary).toContain('node3');
  });

  test('[signature mode] a lie comes with the statements of the liar and of f+1 others that prove it, and a bad signature counts for nothing', async () => {
    const cluster = await makeCluster('signature');
    const wrong: WrongReply[] = [];
    const refused: string[] = [];
    const client = makeClient(cluster, {
      replies: 'all',
      onWrongReply: (reply) => wrong.push(reply),
      onRefused: (replica, code) => refused.push(`${replica} ${code}`),
    });
    await connected(client);
    const receipt = { leaves: 1, position: 0, siblings: [], signature: new Uint8Array(64) };
    const forged: Partial<Reply> = { result: bytesOf('FORGED'), receipt };
    cluster.script = (request, replica) =>
      isFrom(replica, 1) ? forged : isFrom(replica, 2) ? { result: bytesOf('LIE') } : echo(request, replica);
    const outcome = await client.submit(bytesOf('truth'));
    expect(outcome).toMatchObject({ kind: 'executed', replies: [0, 3], receipt: [{ replica: 0 }, { replica: 3 }] });
    await vi.waitUntil(() => wrong.length > 0);
    const [lie] = wrong;
    const codec = new CodecContext(cluster.clusterId, sha256);
    const said = (lie?.frames ?? []).map((frame) => must(readStatement(codec, frame)).content);
    expect(lie?.replica).toBe(2);
    expect(said.map((content) => content.type === 'reply' && content.replica)).toEqual([2, 0, 3]);
    expect(refused).toEqual(['1 not-authentic']);
  });

  test.each(['mac', 'signature'] as const)(
    'gets a receipt that is asked for, and anyone can check it (%s)',
    async (mode) => {
      const cluster = await makeCluster(mode);
      const client = makeClient(cluster);
      await connected(client);
      const outcome = await client.submit(bytesOf('truth'), { receipt: true });
      const receipt = outcome.kind === 'executed' ? (outcome.receipt ?? []) : [];
      expect(receipt.length).toBeGreaterThanOrEqual(2);
      const signingKeys = cluster.identities.map((identity) => identity.public.signing);
      const receipts = new ReceiptVerifier(
        new CodecContext(cluster.clusterId, sha256),
        makeSignatureVerifier(signingKeys),
      );
      for (const reply of receipt) {
        expect(receipts.isValid(reply)).toBe(true);
        expect(receipts.isValid({ ...reply, sequence: asSequence(reply.sequence + 1) })).toBe(false);
      }
    },
  );

  test('never waits for the full result from a replica whose link is down', async () => {
    const cluster = await makeCluster();
    const client = makeClient(cluster);
    await connected(client);
    await cluster.shut(3);
    await connected(client, 3);
    for (let index = 0; index < 12; index += 1) {
      expect(await client.submit(bytesOf(`n${index}`))).toMatchObject({ kind: 'executed' });
    }
    const repliers = cluster.received.flatMap(({ requests }) => requests.map(({ request }) => Number(request.replier)));
    expect(new Set(repliers)).toEqual(new Set([1, 2]));
  });

  test.each(['mac', 'signature'] as const)(
    'asks as many replicas as have to agree, and the others when one does not answer, long before it is sent again (%s)',
    async (mode) => {
      const cluster = await makeCluster(mode);
      cluster.script = (request, replica) => (isFrom(replica, 2) ? undefined : echo(request, replica));
      // Nothing is sent again within this test, and an answer may take a tenth of a second.
      const client = makeClient(cluster, { timing: { requestTimeoutUs: 1_000_000, retryCapUs: 60_000_000 } });
      await connected(client);
      const outcomes = await Promise.all(
        Array.from({ length: 3 }, async (_, index) => client.submit(bytesOf(`n${index}`))),
      );
      for (let index = 0; index < 12; index += 1) outcomes.push(await client.submit(bytesOf(`m${index}`)));
      for (const outcome of outcomes) expect(outcome).toMatchObject({ kind: 'executed' });
      const first = cluster.received.filter(({ replica }) => isFrom(replica, 0));
      const asked = first.flatMap(({ requests }) => requests.map(({ proof }) => askedBy(proof)));
      // Whoever was late is left out for a while: two of three sets would name it else.
      const some = asked.filter((set) => set !== EVERYBODY);
      expect(some.filter((set) => (set & replicaSetOf([asReplicaId(2)])) !== 0).length).toBeLessThan(some.length / 2);
      const direct = cluster.received.filter(({ replica }) => !isFrom(replica, 0));
      expect(direct.length).toBeGreaterThanOrEqual(1);
      expect(direct.length).toBeLessThan(outcomes.length);
    },
  );

  test('of many under way at once some are shown to all replicas under a signature', async () => {
    const cluster = await makeCluster();
    const client = makeClient(cluster);
    await connected(client);
    const many = async (): Promise<unknown> =>
      Promise.all(Array.from({ length: 80 }, async (_, index) => client.submit(bytesOf(`n${index}`))));
    await many();
    await vi.waitUntil(async () => {
      await many();
      return cluster.proofs(3).includes('signature');
    });
    for (const replica of [0, 1, 2, 3]) {
      const signed = cluster.proofs(replica).filter((proof) => proof === 'signature');
      expect(signed.length).toBeGreaterThanOrEqual(1);
      expect(signed.length).toBeLessThanOrEqual(16);
    }
  });

  test('that are one compound request as well: it counts for as many as it holds', async () => {
    const cluster = await makeCluster();
    const client = makeClient(cluster);
    await connected(client);
    await Promise.all(Array.from({ length: 64 }, async (_, index) => client.submit(bytesOf(`n${index}`))));
    for (const replica of [0, 1, 2, 3]) expect(cluster.proofs(replica)[0]).toBe('signature');
  });

  test('asks everybody where that is wished', async () => {
    const cluster = await makeCluster();
    const client = makeClient(cluster, { replies: 'all' });
    await connected(client);
    for (let index = 0; index < 4; index += 1) await client.submit(bytesOf(`n${index}`));
    const asked = cluster.received.flatMap(({ requests }) => requests.map(({ proof }) => askedBy(proof)));
    expect(asked).toEqual([EVERYBODY, EVERYBODY, EVERYBODY, EVERYBODY]);
  });

  test('under an idempotency key that came before says so', async () => {
    const cluster = await makeCluster();
    const client = makeClient(cluster);
    await connected(client);
    cluster.script = () => ({ outcome: 'replayed', result: bytesOf('first') });
    const outcome = await client.submit(bytesOf('x'), { idempotency: { scope: '', key: 'k' } });
    expect(outcome).toMatchObject({ kind: 'executed', replayed: true });
    expect(cluster.received[0]?.requests[0]?.request.idempotency).toEqual({ scope: '', key: 'k' });
  });
});

describe('[G25] every call ends', () => {
  test('at its deadline, as unknown; until then the same request is signed and sent to all, and its session is given up', async () => {
    const cluster = await makeCluster();
    const client = makeClient(cluster, { timing: IMPATIENT });
    await connected(client);
    cluster.script = () => undefined;
    const outcome = await client.submit(bytesOf('x'), { timeoutMs: 700 });
    expect(outcome).toMatchObject({ kind: 'unknown', code: 'deadline' });
    for (const replica of [1, 2, 3]) expect(cluster.proofs(replica)).toContain('signature');
    const digests = new Set(cluster.received.flatMap(({ requests }) => requests.map(({ digest }) => digest)));
    expect(digests).toEqual(new Set([outcome.requestDigest]));
    const [before] = cluster.received;
    cluster.script = echo;
    cluster.received.length = 0;
    expect(await client.submit(bytesOf('y'))).toMatchObject({ kind: 'executed' });
    expect(cluster.received[0]?.requests[0]?.request).toMatchObject({ timestamp: 1 });
    expect(cluster.received[0]?.requests[0]?.request.session).toBeGreaterThan(
      before?.requests[0]?.request.session ?? 0,
    );
  });

  test('one answer short of f+1: unknown', async () => {
    const cluster = await makeCluster();
    const client = makeClient(cluster);
    await connected(client);
    cluster.script = (request, replica) => (isFrom(replica, 3) ? echo(request, replica) : undefined);
    expect(await client.submit(bytesOf('x'), { timeoutMs: 300 })).toMatchObject({ kind: 'unknown', code: 'deadline' });
  });

  test('as rejected when no replica could be reached, since nothing was sent', async () => {
    const cluster = await makeCluster();
    const client = makeClient(cluster);
    await cluster.close();
    const outcome = await client.submit(bytesOf('x'), { timeoutMs: 300 });
    expect(outcome).toMatchObject({ kind: 'rejected', code: 'not_submitted' });
  });

  test('and goes out at once when a link comes up meanwhile', async () => {
    const cluster = new ScriptedReplicas(4);
    clusters.push(cluster);
    await cluster.listen([]);
    const client = makeClient(cluster);
    const outcome = client.submit(bytesOf('early'));
    await cluster.listen([1, 2, 3]);
    await connected(client, 3);
    await cluster.listen([0]);
    expect(await outcome).toMatchObject({ kind: 'executed' });
  });

  test('at the signal of its caller: unknown when it was sent, rejected when not, and then nothing goes out', async () => {
    const cluster = await makeCluster();
    const client = makeClient(cluster);
    await connected(client);
    cluster.script = () => undefined;
    const sent = new AbortController();
    const first = client.submit(bytesOf('sent'), { signal: sent.signal });
    await vi.waitUntil(() => cluster.received.length === 1);
    sent.abort();
    expect(await first).toMatchObject({ kind: 'unknown', code: 'abandoned' });
    const unsent = new AbortController();
    const second = client.submit(bytesOf('unsent'), { signal: unsent.signal });
    unsent.abort();
    expect(await second).toMatchObject({ kind: 'rejected', code: 'not_submitted' });
    expect(await client.submit(bytesOf('x'), { signal: AbortSignal.abort() })).toMatchObject({ kind: 'rejected' });
    cluster.script = echo;
    await client.submit(bytesOf('last'));
    const operations = cluster.received.flatMap(({ requests }) =>
      requests.map(({ request }) => textOf(request.operation)),
    );
    expect(operations).toEqual(['sent', 'last']);
  });

  test('when all sessions are busy it waits, when too many wait it is rejected at once, and when its time is over too', async () => {
    const cluster = await makeCluster();
    const client = makeClient(cluster, { sessions: 2, queued: 2, timing: IMPATIENT });
    await connected(client);
    cluster.script = () => undefined;
    const busy = [client.submit(bytesOf('a'), { timeoutMs: 2000 }), client.submit(bytesOf('b'), { timeoutMs: 2000 })];
    const impatient = client.submit(bytesOf('c'), { timeoutMs: 100 });
    const patient = client.submit(bytesOf('d'), { timeoutMs: 5000 });
    const one = await client.submit(bytesOf('e'));
    expect(one).toMatchObject({
      kind: 'rejected',
      code: 'not_submitted',
      message: expect.stringContaining('2 requests wait already') as unknown,
    });
    expect(client.stats).toMatchObject({ underWay: 2, queued: 2 });
    expect(await impatient).toMatchObject({ kind: 'rejected', code: 'not_submitted' });
    cluster.script = echo;
    expect(await Promise.all(busy)).toMatchObject([{ kind: 'executed' }, { kind: 'executed' }]);
    expect(await patient).toMatchObject({ kind: 'executed' });
  });

  test('when the client closes: unknown or rejected, and nothing is taken afterwards', async () => {
    const cluster = await makeCluster();
    const client = makeClient(cluster, { sessions: 1 });
    await connected(client);
    cluster.script = () => undefined;
    const sent = client.submit(bytesOf('a'));
    const queued = client.submit(bytesOf('b'));
    await vi.waitUntil(() => cluster.received.length === 1);
    await Promise.all([client.close(), client.close()]);
    expect(await sent).toMatchObject({ kind: 'unknown', code: 'abandoned' });
    expect(await queued).toMatchObject({ kind: 'rejected', code: 'not_submitted' });
    expect(await client.submit(bytesOf('c'))).toMatchObject({ kind: 'rejected', message: 'this client is closed' });
  });
});

describe('what is not allowed', () => {
  test.each([
    [{ operation: new Uint8Array(64 * 1024 + 1) }, 'operation_too_large'],
    [{ operation: bytesOf('x'), idempotency: { scope: '', key: '' } }, 'bad_idempotency_key'],
    [{ operation: bytesOf('x'), idempotency: { scope: '', key: 'ä' } }, 'bad_idempotency_key'],
  ])('is rejected by name: case %#', async ({ operation, ...options }, code) => {
    const cluster = await makeCluster();
    const client = makeClient(cluster);
    await connected(client);
    expect(await client.submit(operation, options)).toMatchObject({ kind: 'rejected', code });
    expect(cluster.received).toEqual([]);
    expect(await client.submit(bytesOf('fine'))).toMatchObject({ kind: 'executed' });
  });
});

describe('session numbers', () => {
  test('are the clock in µs, and grow; sessions are used again', async () => {
    const cluster = await makeCluster();
    const client = makeClient(cluster, { compound: false });
    await connected(client);
    const from = Date.now() * 1000;
    await Promise.all([client.submit(bytesOf('a')), client.submit(bytesOf('b'))]);
    await client.submit(bytesOf('c'));
    const sessions = cluster.received.flatMap(({ requests }) => requests.map(({ request }) => request));
    const [a, b, c] = sessions;
    expect(a?.session).toBeGreaterThanOrEqual(from);
    expect(b?.session).toBeGreaterThan(a?.session ?? 0);
    expect(c).toMatchObject({ timestamp: 2 });
    expect(client.stats.idleSessions).toBe(2);
  });

  test('a clock that is behind: the refused request, which surely was not executed, is issued under a number above floor and agreed time', async () => {
    const cluster = await makeCluster();
    const client = makeClient(cluster);
    await connected(client);
    const agreedTime = Date.now() * 1000 + 900_000_000;
    cluster.script = (request, replica) => {
      const { session } = request.request;
      if (session > agreedTime) return echo(request, replica);
      const error = makeTableError('session_refused', { sessionFloor: 5, agreedTime });
      return { outcome: 'table-error', result: tableErrorResult(error) };
    };
    const issued: string[] = [];
    const outcome = await client.submit(bytesOf('late'), { onIssued: (digest) => issued.push(digest) });
    expect(outcome).toMatchObject({ kind: 'executed' });
    expect(issued).toHaveLength(2);
    expect(outcome.requestDigest).toBe(issued[1]);
    expect(cluster.received.map(({ requests }) => requests[0]?.request.session)).toEqual([
      expect.any(Number),
      agreedTime + 1,
    ]);
  });

  test('a session that the cluster has forgotten: the outcome is unknown, the request is not sent again under another', async () => {
    const cluster = await makeCluster();
    const client = makeClient(cluster);
    await connected(client);
    const error = makeTableError('session_expired', { sessionFloor: 5, agreedTime: 6 });
    cluster.script = () => ({ outcome: 'table-error', result: tableErrorResult(error) });
    expect(await client.submit(bytesOf('x'))).toMatchObject({ kind: 'unknown', code: 'session_expired' });
    expect(
      new Set(cluster.received.flatMap(({ requests }) => requests.map(({ request }) => request.session))).size,
    ).toBe(1);
  });
});

describe('MACs', () => {
  test('by HMAC, where the cluster makes them so', async () => {
    const cluster = await makeCluster('mac', 'hmac-sha256');
    const client = makeClient(cluster);
    await connected(client);
    expect(await client.submit(bytesOf('hello'))).toMatchObject({ kind: 'executed' });
  });

  test('made otherwise than in the cluster: every link is refused, and says why', async () => {
    const cluster = await makeCluster();
    const refused: string[] = [];
    const client = makeClient(cluster, {
      cluster: { ...cluster.describe(), mac: 'hmac-sha256' },
      onRefused: (replica, code, reason) => refused.push(`${replica} ${code} ${reason}`),
    });
    await vi.waitUntil(() => new Set(refused.map(([replica]) => replica)).size === 4, { timeout: 5000 });
    for (const line of refused) expect(line).toMatch(/^\d mac-mismatch .*MACs are hmac-sha256 here, blake2b-256 there/);
    expect(client.stats.connected).toEqual([]);
  });
});

describe('[G22] what a replica sends', () => {
  test('garbage, foreign or forged frames are dropped and counted; the call ends all the same', async () => {
    const cluster = await makeCluster();
    const refused: string[] = [];
    const client = makeClient(cluster, { onRefused: (replica, code) => refused.push(`${replica} ${code}`) });
    await connected(client);
    const replies = { type: 'replies', replica: asReplicaId(1), client: client.id, replies: [] } as const;
    cluster.sendBytes(1, bytesOf('garbage'), client.id);
    cluster.send(2, replies, client.id);
    cluster.send(1, { type: 'requests', requests: [] }, client.id);
    cluster.sendBytes(1, new Uint8Array(0), client.id);
    await vi.waitUntil(() => refused.length >= 3);
    expect(new Set(refused)).toContain('2 wrong-replica');
    expect(new Set(refused)).toContain('1 malformed');
    expect(await client.submit(bytesOf('x'))).toMatchObject({ kind: 'executed' });
  });

  test('replies to other sessions and requests are ignored', async () => {
    const cluster = await makeCluster();
    const client = makeClient(cluster, { replies: 'all' });
    await connected(client);
    cluster.script = (request, replica) =>
      isFrom(replica, 1)
        ? { ...echo(request, replica), session: 1 }
        : isFrom(replica, 2)
          ? { ...echo(request, replica), timestamp: 9 }
          : echo(request, replica);
    expect(await client.submit(bytesOf('x'))).toMatchObject({ kind: 'executed', replies: [0, 3] });
  });
});
