import { describe, expect, test } from 'vitest';
import { describeRowProblem, parseRow } from './row-parser.ts';
import { BASE_ROW, baseFor, rowName } from './row.ts';

const rowOf = (text: string): unknown => {
  const parsed = parseRow(text);
  return parsed.ok ? parsed.value : parsed.error.map(describeRowProblem);
};

/** `field: what is allowed` of all problems. */
const problemsOf = (text: string): readonly string[] => {
  const parsed = parseRow(text);
  return parsed.ok ? [] : parsed.error.map(({ field, allowed }) => `${field}: ${allowed}`);
};

describe('a row on top of the base row', () => {
  test('one field changes that field', () => {
    expect(rowOf('sessions=256')).toEqual({ ...BASE_ROW, sessions: 256 });
    expect(rowOf('system=pbft')).toEqual(BASE_ROW);
    expect(rowOf('mac=hmac-sha256')).toEqual({ ...BASE_ROW, mac: 'hmac-sha256' });
    expect(rowOf('mac=blake2b-256')).toEqual(BASE_ROW);
  });

  test('any combination; spaces around words do not matter', () => {
    const text =
      ' sessions = 16, durability=memory,nodes=7 , mode=signature, clients=independent, request=1024, reply=4096, rate=500';
    expect(rowOf(text)).toEqual({
      ...BASE_ROW,
      sessions: 16,
      durability: 'memory',
      nodes: 7,
      mode: 'signature',
      clients: 'independent',
      request: 1024,
      reply: 4096,
      rate: 500,
    });
  });

  test('settings of tuning go by their names in the configuration', () => {
    expect(rowOf('batch_requests=1,pipeline=1')).toEqual({ ...BASE_ROW, tuning: { batch_requests: 1, pipeline: 1 } });
  });

  test('what a system or an application needs otherwise is so of itself', () => {
    expect(rowOf('system=unreplicated')).toEqual({ ...BASE_ROW, system: 'unreplicated', nodes: 1 });
    expect(rowOf('app=kv')).toEqual({ ...BASE_ROW, app: 'kv', request: 64 });
    expect(rowOf('clients=http')).toEqual({ ...BASE_ROW, app: 'kv', request: 64, clients: 'http' });
    expect(rowOf('reads=only')).toEqual({ ...BASE_ROW, reads: 'only' });
    expect(problemsOf('system=unreplicated,reads=on')).toEqual([
      'reads: left out: only system=pbft has requests that it does not order',
    ]);
    expect(rowOf('system=etcd,sessions=256')).toMatchObject({ nodes: 3, app: 'kv', request: 64, sessions: 256 });
  });

  test.each([
    '',
    'system=unreplicated,durability=memory',
    'app=kv,request=100',
    'batch_requests=1,sessions=7',
    'mac=hmac-sha256',
    'system=unreplicated,mac=hmac-sha256',
    'system=etcd',
  ])('the name of a row, without its system, describes the same row: "%s"', (text) => {
    const parsed = parseRow(text === '' ? 'nodes=4' : text);
    if (!parsed.ok) throw new Error('a row was expected');
    const [system, ...fields] = rowName(parsed.value).split(' ');
    expect(rowOf([`system=${system}`, ...fields].join(','))).toEqual(parsed.value);
  });
});

describe('what is no row is refused, each problem with field, value and what is allowed', () => {
  test('a value', () => {
    expect(rowOf('sessions=many')).toEqual(['sessions is "many": allowed is an integer from 1 to 10000']);
  });

  test.each([
    ['sessions=0', ['sessions: an integer from 1 to 10000']],
    ['sessions=10001', ['sessions: an integer from 1 to 10000']],
    ['sessions=1.5', ['sessions: an integer from 1 to 10000']],
    ['sessions=-1', ['sessions: an integer from 1 to 10000']],
    ['sessions=', ['sessions: an integer from 1 to 10000']],
    ['sessions', ['sessions: an integer from 1 to 10000']],
    ['sessions=1025,clients=independent', ['sessions: an integer from 1 to 1024 with clients=independent']],
    ['system=etcd,tentative=on', ['tentative: left out: only system=pbft has what is not committed yet']],
    ['system=etcd,overlap=on', ['overlap: left out: only system=pbft has a primary and backups']],
    ['nodes=32', ['nodes: an integer from 1 to 31']],
    ['rate=0', ['rate: an integer from 1 to 1000000']],
    ['system=raft', ['system: one of pbft, unreplicated, etcd']],
    ['mode=MAC', ['mode: one of mac, signature']],
    ['mac=hmac', ['mac: one of blake2b-256, hmac-sha256']],
    ['mode=signature,mac=hmac-sha256', ['mac: left out with mode=signature, where nobody makes MACs']],
    ['system=etcd,mac=hmac-sha256', ['mac: left out with system=etcd, which authenticates nobody']],
    ['durability=disk', ['durability: one of sync, async, memory']],
    ['app=ledger', ['app: one of null, kv']],
    ['clients=many', ['clients: one of multiplexed, independent, http']],
    ['clients=http,app=null', ['app: kv with clients=http, whose operations are JSON']],
    ['system=unreplicated,clients=http', ['clients: multiplexed or independent: only system=pbft has an HTTP API']],
    ['request=65536', ['request: an integer from 0 to 65532']],
    ['reply=262145', ['reply: an integer from 0 to 262144']],
    ['sessions=1,sessions=2', ['sessions: each field once']],
    ['app=kv,request=8', ['request: a value of 32 to 65280 bytes with app=kv']],
    ['app=kv,reply=1', ['reply: 0 with app=kv, whose results have the size they have']],
    ['system=unreplicated,nodes=4', ['nodes: 1 with system=unreplicated']],
    ['system=unreplicated,pipeline=1', ['pipeline: a setting with system=pbft only']],
    ['system=etcd,app=null', ['app: kv with system=etcd']],
    ['system=etcd,mode=signature', ['mode: left out with system=etcd, which authenticates nobody']],
    ['system=etcd,durability=async', ['durability: sync or memory with system=etcd']],
    ['system=etcd,clients=independent', ['clients: multiplexed with system=etcd']],
    ['system=etcd,rate=5', ['rate: left out with system=etcd, whose load is a closed loop']],
    ['pipeline=0', ['pipeline: an integer from 1 to 65536']],
    ['batch_requests=5000', ['batch_requests: at most 4096']],
    ['request_timeout_ms=40000', ['max_timeout_ms: at least the request timeout']],
  ])('%s', (text, problems) => {
    expect(problemsOf(text)).toEqual(problems);
  });

  test('an unknown field, with the one that was probably meant', () => {
    expect(rowOf('sesions=4')).toEqual([expect.stringMatching(/^sesions is "4": .*\(did you mean sessions\?\)$/)]);
    expect(rowOf('pipelines=4')).toEqual([expect.stringMatching(/^pipelines is "4": .*\(did you mean pipeline\?\)$/)]);
    expect(rowOf('')).toEqual([expect.stringMatching(/^a field is "": allowed is field=value, fields are system, /)]);
  });

  test('all problems at once', () => {
    expect(problemsOf('sessions=0,nodes=99,mode=none,app=kv,reply=5,what=ever')).toHaveLength(5);
  });
});

test('the base of a system differs from the base row only where it must', () => {
  expect(baseFor('pbft')).toEqual(BASE_ROW);
  expect(baseFor('unreplicated')).toEqual({ ...BASE_ROW, system: 'unreplicated', nodes: 1 });
});
