import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { figuresOf, findEtcd } from './etcd-system.ts';

describe('what etcd takes is looked for', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pbft-etcd-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test('the server in PATH, the load by its variable', () => {
    const [server, load] = [join(folder, 'etcd'), join(folder, 'load')];
    for (const file of [server, load]) writeFileSync(file, '');
    expect(findEtcd({ PATH: `/nowhere${delimiter}${folder}`, PBFT_ETCD_LOAD: load })).toEqual({ server, load });
  });

  test('what is missing is said in one line', () => {
    expect(findEtcd({})).toBe('there is no program `etcd` in PATH');
    writeFileSync(join(folder, 'etcd'), '');
    const env = { PATH: folder };
    expect(findEtcd(env)).toBe('PBFT_ETCD_LOAD does not name a program that makes the load');
    expect(findEtcd({ ...env, PBFT_ETCD_LOAD: '/nowhere/load' })).toBe(
      'PBFT_ETCD_LOAD names /nowhere/load, which is not there',
    );
  });
});

describe('the line of the load', () => {
  const line = '{"system":"etcd","clients":256,"ops_per_s":12677,"p50_us":19000,"p99_us":44000,"errors":0}';

  test('has the figures; whatever else was printed does not matter', () => {
    expect(figuresOf(`E0000 a library warns\n${line}\nbye\n`, [100, 300, 200])).toEqual({
      figures: { ops_per_s: 12_677, p50_us: 19_000, p99_us: 44_000, peak_rss_bytes: 300 },
      peakRssBytes: [100, 300, 200],
      checkedOperations: undefined,
    });
  });

  test.each([
    ['nothing', '', 'the load printed no JSON: '],
    ['no JSON', 'usage: put-load', 'the load printed no JSON: usage: put-load'],
    ['no figures', '{"ops_per_s":5}', 'the load printed no figures: {"ops_per_s":5}'],
    ['no operation', line.replace('12677', '0'), 'the load printed no figures'],
    ['failed puts', line.replace('"errors":0', '"errors":3'), '3 puts failed'],
  ])('%s is no figure', (_what, output, reason) => {
    expect(() => figuresOf(output, [1])).toThrow(reason);
  });
});
