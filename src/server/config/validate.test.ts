import fc from 'fast-check';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEFAULT_TUNING } from '../../protocol/config.ts';
import type { FileProblem } from './checklist.ts';
import { must } from '../../../test/support/must.ts';
import { configWarnings, toClusterDescription, toReplicaConfig } from './convert.ts';
import { generateCluster } from './generate.ts';
import { describeProblem, readNodeConfig } from './load.ts';
import { validateNodeConfig } from './validate.ts';

type Json = Record<string, unknown>;

interface FileShape extends Json {
  http: Json;
  replicas: [Json, Json, Json, Json];
  clients: [Json, Json, Json, Json];
}

const drop = (file: Json, field: string): boolean => delete file[field];

let folder = '';
let text = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pbft-config-'));
  const nodes = [0, 1, 2, 3].map((index) => ({ host: '127.0.0.1', peerPort: 7001 + index, httpPort: 8001 + index }));
  must(generateCluster(join(folder, 'cluster'), { nodes }));
  text = readFileSync(join(folder, 'cluster/node2/config.json'), 'utf8');
  writeFileSync(join(folder, 'tokens'), 'operator:0123456789abcdef\n');
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const valid = (): FileShape => JSON.parse(text) as FileShape;

function problemsOf(change: (file: FileShape) => void): readonly FileProblem[] {
  const file = valid();
  change(file);
  const judged = validateNodeConfig(file, folder);
  return judged.ok ? [] : judged.error;
}

describe('a valid file', () => {
  test('becomes a configuration with every default filled in', () => {
    const judged = validateNodeConfig(valid(), folder);
    expect(judged).toMatchObject({
      ok: true,
      value: {
        self: 1,
        http: { host: '127.0.0.1', port: 8002, allowedHosts: [], tokensFile: undefined, insecureNoCredentials: false },
        peer: { host: '127.0.0.1', port: 7002 },
        application: { kind: 'builtin', name: 'ledger' },
        authentication: 'mac',
        quorumRule: 'intersecting',
        checkpointInterval: 128,
        openClients: false,
        lab: false,
        tuning: DEFAULT_TUNING,
      },
    });
  });

  test('is what replica and clients need', () => {
    const config = must(
      validateNodeConfig({ ...valid(), tuning: { request_timeout_ms: 250, clock_skew_ms: 7 } }, folder),
    );
    const replica = toReplicaConfig(config);
    expect(replica.tuning).toEqual({ ...DEFAULT_TUNING, requestTimeoutUs: 250_000, clockSkewMs: 7 });
    expect(replica.cluster.clients).toEqual(valid().clients.map(({ signing }) => signing));
    expect(replica.cluster.sessionHorizonUs).toBe(600_000_000);
    const description = toClusterDescription(config);
    expect(description.replicas.map(({ port }) => port)).toEqual([7001, 7002, 7003, 7004]);
    expect(configWarnings(config)).toEqual([]);
  });

  test('of before there was the choice of MACs means HMAC', () => {
    const { mac, ...before } = valid() as FileShape & { mac?: unknown };
    expect(mac).toBe('blake2b-256');
    expect(must(validateNodeConfig(before, folder)).mac).toBe('hmac-sha256');
  });

  test.each(['blake2b-256', 'hmac-sha256'] as const)(
    'may name how MACs are made: %s, for replica and clients',
    (mac) => {
      const config = must(validateNodeConfig({ ...valid(), mac }, folder));
      expect([config.mac, toReplicaConfig(config).cluster.mac, toClusterDescription(config).mac]).toEqual([
        mac,
        mac,
        mac,
      ]);
    },
  );

  test('may name another host, with tokens or with the word that none are wanted', () => {
    expect(problemsOf((file) => (file.http = { host: '0.0.0.0', port: 1, tokens_file: 'tokens' }))).toEqual([]);
    expect(problemsOf((file) => (file.http = { host: '::', port: 1, insecure_no_credentials: true }))).toEqual([]);
  });

  test('with the bare rule 2f+1 and three nodes is warned about', () => {
    const file = valid();
    const three = { ...file, node_id: 'node1', quorum_rule: '2f+1', replicas: file.replicas.slice(0, 3) };
    expect(configWarnings(must(validateNodeConfig(three, folder)))).toEqual([
      expect.stringContaining('unsafe with 3 nodes') as string,
    ]);
  });

  test.each(['async', 'memory'] as const)(
    'with durability "%s" is warned about, and what counts as a fault is told',
    (durability) => {
      const config = must(validateNodeConfig({ ...valid(), durability }, folder));
      expect(config.durability).toBe(durability);
      expect(configWarnings(config)).toEqual([
        expect.stringMatching(
          new RegExp(`^durability "${durability}".*count every .*restart .*one of the f faults`),
        ) as string,
      ]);
    },
  );
});

const LOW_ORDER = '00'.repeat(32);

describe('each fault is told with path, value and what is allowed', () => {
  const cases: readonly (readonly [path: string, allowed: string, change: (file: FileShape) => void])[] = [
    ['durability', '"sync" or "async" or "memory"', (file) => (file['durability'] = 'fsync')],
    ['format', 'only format', (file) => (file['format'] = 2)],
    ['cluster_id', 'hexadecimal', (file) => (file['cluster_id'] = 'AB')],
    ['node_id', 'one of node1', (file) => (file['node_id'] = 'node5')],
    ['node_id', 'one of node1', (file) => drop(file, 'node_id')],
    ['replicas', '1 to 31', (file) => Object.assign(file, { replicas: [] })],
    [
      'replicas',
      '1 to 31',
      (file) => Object.assign(file, { replicas: Array.from({ length: 32 }, () => file.replicas[0]) }),
    ],
    ['replicas[1].node_id', 'in order', (file) => (file.replicas[1]['node_id'] = 'node3')],
    ['replicas[0].host', 'host name', (file) => (file.replicas[0]['host'] = 'a b')],
    ['replicas[0].host', 'host name', (file) => (file.replicas[0]['host'] = '300.1.1.1')],
    ['replicas[3].peer_port', '1 to 65535', (file) => (file.replicas[3]['peer_port'] = 65_536)],
    ['replicas[3].peer_port', 'one address for each', (file) => (file.replicas[3]['peer_port'] = 7001)],
    ['replicas[3].http_url', 'one URL for each', (file) => (file.replicas[3]['http_url'] = 'http://127.0.0.1:8001')],
    ['replicas[3].http_url', 'http://host:port', (file) => (file.replicas[3]['http_url'] = 'ftp://x')],
    ['replicas[3].http_url', 'without path', (file) => (file.replicas[3]['http_url'] = 'http://x/pbft')],
    ['replicas[2].signing', 'small-order', (file) => (file.replicas[2]['signing'] = LOW_ORDER)],
    ['replicas[2].agreement', 'small-order', (file) => (file.replicas[2]['agreement'] = LOW_ORDER)],
    [
      'clients[0].signing',
      'replicas[0] has this one',
      (file) => (file.clients[0]['signing'] = file.replicas[0]['signing']),
    ],
    ['clients[1].name', 'a name of its own', (file) => (file.clients[1]['name'] = file.clients[0]['name'])],
    ['clients[1].name', '1 to 64', (file) => (file.clients[1]['name'] = 'a b')],
    ['clients', 'a list', (file) => drop(file, 'clients')],
    ['http', 'an object', (file) => drop(file, 'http')],
    ['http.port', '0 to 65535', (file) => (file.http['port'] = '8001')],
    ['http.host', 'tokens_file', (file) => (file.http['host'] = '0.0.0.0')],
    ['http.tokens_file', 'exists', (file) => (file.http['tokens_file'] = 'no-such-file')],
    ['http.allowed_hosts[1]', 'each host once', (file) => (file.http['allowed_hosts'] = ['a', 'a'])],
    ['http.allowed_hosts[0]', 'without a port', (file) => (file.http['allowed_hosts'] = ['a:80'])],
    ['peer.port', '1 to 65535', (file) => (file['peer'] = { port: 0 })],
    ['application', '"ledger", "counter"', (file) => (file['application'] = 'bank')],
    ['application', 'exists', (file) => (file['application'] = './no-such-module.ts')],
    ['authentication', '"mac" or "signature"', (file) => (file['authentication'] = 'none')],
    ['mac', '"blake2b-256" or "hmac-sha256"', (file) => (file['mac'] = 'hmac')],
    ['mac', '"blake2b-256" or "hmac-sha256"', (file) => (file['mac'] = true)],
    ['quorum_rule', '"intersecting" or "2f+1"', (file) => (file['quorum_rule'] = '2f')],
    ['checkpoint_interval', '1 to', (file) => (file['checkpoint_interval'] = 0)],
    ['checkpoint_interval', '1 to', (file) => (file['checkpoint_interval'] = 1.5)],
    ['lab', 'true or false', (file) => (file['lab'] = 'yes')],
    ['tuning.batch_requests', '1 to', (file) => (file['tuning'] = { batch_requests: -1 })],
    ['tuning.pipeline', 'window', (file) => (file['tuning'] = { pipeline: 300 })],
  ];

  test.each(cases)('%s: %s', (path, allowed, change) => {
    const problems = problemsOf(change);
    expect(problems).toContainEqual(
      expect.objectContaining({ path, allowed: expect.stringContaining(allowed) as string }),
    );
  });

  test.each([
    ['checkpoint_intervall', 'checkpoint_interval'],
    ['quorumRule', 'quorum_rule'],
    ['banana', undefined],
  ])('an unknown field %s is an error, with the nearest known one: %s', (name, nearest) => {
    expect(problemsOf((file) => (file[name] = 1))).toEqual([
      expect.objectContaining({ path: name, value: 1, nearest }),
    ]);
  });

  test('all of them at once', () => {
    const problems = problemsOf((file) => {
      file['format'] = 0;
      file.http['port'] = -1;
      file['lab'] = 1;
      file['tunning'] = {};
      file.replicas[0]['signing'] = 'x';
    });
    expect(problems.map(({ path }) => path).toSorted()).toEqual([
      'format',
      'http.port',
      'lab',
      'replicas[0].signing',
      'tunning',
    ]);
  });

  test.each([null, 1, 'text', [], true, undefined])('%j is no configuration', (value) => {
    expect(validateNodeConfig(value, folder).ok).toBe(false);
  });
});

/** Replaces, drops or adds something somewhere in `value`; which, `choices` say. */
function mutate(value: unknown, choices: readonly number[], replacement: unknown): unknown {
  const [choice = 0, ...rest] = choices;
  if (typeof value !== 'object' || value === null || rest.length === 0) return replacement;
  const entries: [string, unknown][] = Object.entries(value);
  const at = choice % (entries.length + 2);
  if (at === entries.length)
    return Array.isArray(value) ? [...(value as unknown[]), replacement] : { ...value, extra: replacement };
  if (at === entries.length + 1) return Object.fromEntries(entries.slice(1));
  const changed = entries.map(
    ([name, part], index) => [name, index === at ? mutate(part, rest, replacement) : part] as const,
  );
  return Array.isArray(value) ? changed.map(([, part]) => part) : Object.fromEntries(changed);
}

test('whatever is done to a valid file: no exception, and either a configuration or problems that can be shown', () => {
  const mutation = fc.tuple(fc.array(fc.nat(40), { minLength: 1, maxLength: 4 }), fc.anything());
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
      const file = mutations.reduce<unknown>(
        (value, [choices, replacement]) => mutate(value, choices, replacement),
        valid(),
      );
      const judged = validateNodeConfig(file, folder);
      const shown = judged.ok ? configWarnings(judged.value) : judged.error.map(describeProblem);
      if (judged.ok) toReplicaConfig(judged.value);
      return judged.ok || (shown.length > 0 && shown.every((line) => line !== ''));
    }),
    { numRuns: 500 },
  );
});

test.each([
  ['/dev/zero', 'it is no file'],
  [tmpdir(), 'it is a directory'],
])('%s as the file is refused before it is read', (file, reason) => {
  expect(readNodeConfig(file)).toEqual({ ok: false, error: { code: 'config-unreadable', file, reason } });
});
