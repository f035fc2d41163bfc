import { describe, expect, test } from 'vitest';
import { parseRow } from './row-parser.ts';
import { BASE_ROW, rowName } from './row.ts';
import { defaultSuite, rowsNamed } from './suite.ts';

const suite = defaultSuite();
const names = suite.map(rowName);

describe('the default suite', () => {
  test('is this', () => {
    expect(names).toEqual([
      'pbft',
      'unreplicated',
      'pbft durability=memory',
      'unreplicated durability=memory',
      'pbft request=1024',
      'pbft reply=4096',
      'pbft sessions=1',
      'unreplicated sessions=1',
      'pbft sessions=16',
      'pbft sessions=256',
      'pbft sessions=1024',
      'pbft clients=independent sessions=1',
      'pbft clients=independent',
      'pbft clients=independent sessions=256',
      'pbft nodes=7',
      'pbft nodes=10',
      'pbft mode=signature',
      'pbft mac=hmac-sha256',
      'pbft tentative=on sessions=1',
      'pbft tentative=on overlap=on sessions=1',
      'pbft reads=on sessions=1',
      'pbft reads=only sessions=1',
      'pbft asked=all',
      'pbft compound=off',
      'pbft compound=off batch_requests=1',
      'pbft full_result_bytes=1',
      'pbft pipeline=1',
      'pbft app=kv clients=http',
      'pbft app=kv sessions=256',
      'etcd sessions=256',
    ]);
  });

  test('begins with the base row', () => {
    expect(suite[0]).toEqual(BASE_ROW);
  });

  test('no row stands in it twice', () => {
    expect(new Set(names).size).toBe(names.length);
  });

  test.each(suite.map((row) => ({ row, name: rowName(row) })))('$name can be asked for by --row', ({ row, name }) => {
    const [system, ...fields] = name.split(' ');
    expect(parseRow([`system=${system}`, ...fields].join(','))).toEqual({ ok: true, value: row });
  });
});

test('--only takes the rows whose name contains the text', () => {
  expect(rowsNamed(suite, 'unreplicated').map(rowName)).toEqual([
    'unreplicated',
    'unreplicated durability=memory',
    'unreplicated sessions=1',
  ]);
  expect(rowsNamed(suite, 'nothing like it')).toEqual([]);
});
