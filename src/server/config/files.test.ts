import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { must } from '../../../test/support/must.ts';
import { describeCluster, readClusterFile } from './cluster-file.ts';
import { generateCluster } from './generate.ts';
import type { ClusterPlan } from './generate.ts';
import { describeConfigFault, loadNodeConfig } from './load.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pbft-files-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const plan: ClusterPlan = {
  nodes: [0, 1, 2, 3].map((index) => ({ host: '127.0.0.1', peerPort: 7001 + index, httpPort: 8001 + index })),
  quorumRule: 'intersecting',
  lab: true,
};

describe('the files of a new cluster', () => {
  test('each node loads its own, and cluster.json says the same', () => {
    expect(generateCluster(join(folder, 'c'), plan).ok).toBe(true);
    const { clusterId, replicas, checkpointInterval } = must(readClusterFile(join(folder, 'c/cluster.json')));
    for (const [index, name] of ['node1', 'node2', 'node3', 'node4'].entries()) {
      const config = loadNodeConfig(join(folder, 'c', name));
      expect(config).toMatchObject({
        ok: true,
        value: { self: index, clusterId, replicas, checkpointInterval },
      });
    }
  });

  test('say how MACs are made, BLAKE2b unless told otherwise; files of before do not, and mean HMAC', () => {
    for (const [name, mac] of [
      ['new', undefined],
      ['blake', 'blake2b-256'],
      ['hmac', 'hmac-sha256'],
    ] as const) {
      const made = mac ?? 'blake2b-256';
      generateCluster(join(folder, name), { ...plan, ...(mac === undefined ? {} : { mac }) });
      for (const file of [join(folder, name, 'cluster.json'), join(folder, name, 'node1/config.json')])
        expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ mac: made });
      const cluster = must(readClusterFile(join(folder, name, 'cluster.json')));
      expect([cluster.mac, describeCluster(cluster).mac]).toEqual([made, made]);
      expect(loadNodeConfig(join(folder, name, 'node1'))).toMatchObject({ ok: true, value: { mac: made } });
    }
    const file = join(folder, 'new/cluster.json');
    const { mac, ...before } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    expect(mac).toBe('blake2b-256');
    writeFileSync(file, JSON.stringify(before));
    expect(must(readClusterFile(file)).mac).toBe('hmac-sha256');
    writeFileSync(file, JSON.stringify({ ...before, mac: 'md5' }));
    expect(readClusterFile(file)).toMatchObject({
      ok: false,
      error: { reason: 'mac is "md5"; allowed: "blake2b-256" or "hmac-sha256"' },
    });
  });

  test('an older cluster.json does not say K; one that no such cluster can have is refused', () => {
    const file = join(folder, 'c/cluster.json');
    generateCluster(join(folder, 'c'), { ...plan, checkpointInterval: 7 });
    const fields = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    expect(fields['checkpoint_interval']).toBe(7);
    const read = (interval: unknown): ReturnType<typeof readClusterFile> => {
      writeFileSync(file, JSON.stringify({ ...fields, checkpoint_interval: interval }));
      return readClusterFile(file);
    };
    expect(must(read(undefined)).checkpointInterval).toBeUndefined();
    for (const interval of [0, 1.5, '128', 2049]) expect(read(interval).ok).toBe(false);
    const replicas = Array.from({ length: 31 }, (_, index) => ({
      host: '127.0.0.1',
      peerPort: 7001 + index,
      httpPort: 8001 + index,
    }));
    generateCluster(join(folder, 'many'), { ...plan, nodes: replicas, checkpointInterval: 2048 });
    const many = readClusterFile(join(folder, 'many/cluster.json'));
    expect(many).toMatchObject({
      ok: false,
      error: {
        reason: 'checkpoint_interval is 2048; allowed: less, so that a NEW-VIEW of 31 replicas fits into a frame',
      },
    });
  });

  test('[G27] no default keys: two clusters share nothing, and no node has a secret of another', () => {
    generateCluster(join(folder, 'a'), plan);
    generateCluster(join(folder, 'b'), plan);
    const secrets = new Map<string, string>();
    for (const cluster of ['a', 'b']) {
      for (const node of ['node1', 'node2', 'node3', 'node4']) {
        for (const key of ['node.key', 'gateway.key']) {
          const file = join(folder, cluster, node, 'keys', key);
          expect(statSync(file).mode & 0o777).toBe(0o600);
          const text = readFileSync(file, 'utf8');
          for (const [secret] of text.matchAll(/(?<="secret":\s*")[0-9a-f]{64}/g)) {
            expect(secrets.get(secret)).toBeUndefined();
            secrets.set(secret, file);
          }
        }
      }
    }
    expect(secrets.size).toBe(2 * 4 * 2 * 2);
    const [a, b] = ['a', 'b'].map((name) => must(readClusterFile(join(folder, name, 'cluster.json'))).clusterId);
    expect(a).not.toBe(b);
    for (const [secret, file] of secrets) {
      for (const config of ['a/node1/config.json', 'a/cluster.json', 'b/node4/config.json']) {
        expect(readFileSync(join(folder, config), 'utf8').includes(secret), `${file} in ${config}`).toBe(false);
      }
    }
  });

  test('[G27] no key gets into the repository: wherever a cluster is made, git ignores its keys', () => {
    const ignored = readFileSync(join(import.meta.dirname, '../../../.gitignore'), 'utf8').split('\n');
    expect(ignored).toEqual(expect.arrayContaining(['pbft-data/', 'pbft-cluster/', '*.key']));
    generateCluster(join(folder, 'c'), plan);
    for (const name of readdirSync(join(folder, 'c/node1/keys'))) expect(name).toMatch(/\.key$/);
  });

  test('nothing is overwritten, and nothing half made is left', () => {
    mkdirSync(join(folder, 'c'));
    writeFileSync(join(folder, 'c/precious'), 'data');
    expect(generateCluster(join(folder, 'c'), plan)).toMatchObject({ ok: false, error: { code: 'exists' } });
    expect(readdirSync(folder)).toEqual(['c']);
    expect(readdirSync(join(folder, 'c'))).toEqual(['precious']);
    writeFileSync(join(folder, 'file'), '');
    expect(generateCluster(join(folder, 'file/c'), plan)).toMatchObject({ ok: false, error: { code: 'unwritable' } });
    expect(readdirSync(folder)).toEqual(['c', 'file']);
  });
});

describe('a configuration that cannot be taken says why', () => {
  const lines = (): string => {
    const config = loadNodeConfig(folder);
    return config.ok ? 'ok' : describeConfigFault(config.error).join('\n');
  };

  test('absent', () => {
    expect(lines()).toBe(`cannot read ${join(folder, 'config.json')}: there is no such file`);
  });

  test('a directory', () => {
    mkdirSync(join(folder, 'config.json'));
    expect(lines()).toContain('it is a directory');
  });

  test('no JSON', () => {
    writeFileSync(join(folder, 'config.json'), '{');
    expect(lines()).toContain('is not JSON');
  });

  test('a field twice, and whatever else is wrong', () => {
    writeFileSync(join(folder, 'config.json'), '{"format":1,"format":1}');
    expect(lines()).toMatch(/has \d+ problems:\nformat is "given twice"; allowed: each field once\n/);
  });
});

describe('cluster.json', () => {
  test.each([
    ['{', 'unusable'],
    ['[]', 'unusable'],
    ['{"format":1}', 'unusable'],
  ])('%s: %s', (text, code) => {
    writeFileSync(join(folder, 'cluster.json'), text);
    expect(readClusterFile(join(folder, 'cluster.json'))).toMatchObject({ ok: false, error: { code } });
  });

  test('absent', () => {
    expect(readClusterFile(join(folder, 'no/cluster.json'))).toMatchObject({ ok: false, error: { code: 'absent' } });
  });
});
