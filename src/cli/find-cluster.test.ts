import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { generateCluster } from '../server/config/index.ts';
import { EXIT } from './exit-code.ts';
import { findCluster } from './find-cluster.ts';

let folder = '';
let errors = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pbft-find-'));
  errors = '';
  vi.stubEnv('PBFT_URL', '');
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    errors += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

describe('which cluster', () => {
  test('--url comes first, then PBFT_URL; only the origin counts', () => {
    vi.stubEnv('PBFT_URL', 'http://b:2/');
    expect(findCluster({ url: 'http://a:1/pbft/status' })).toEqual({
      ok: true,
      value: [{ name: undefined, url: 'http://a:1' }],
    });
    expect(findCluster({})).toEqual({ ok: true, value: [{ name: undefined, url: 'http://b:2' }] });
  });

  test('--data names a folder, and is not overruled by PBFT_URL', () => {
    vi.stubEnv('PBFT_URL', 'http://b:2/');
    const nodes = [0, 1].map((index) => ({ host: '127.0.0.1', peerPort: 7001 + index, httpPort: 8001 + index }));
    generateCluster(join(folder, 'c'), { nodes });
    expect(findCluster({ data: join(folder, 'c') })).toEqual({
      ok: true,
      value: [
        { name: 'node1', url: 'http://127.0.0.1:8001' },
        { name: 'node2', url: 'http://127.0.0.1:8002' },
      ],
    });
  });

  test.each([
    [{ url: 'not a url' }, '--url is not a URL: not a url'],
    [{ url: 'ftp://a' }, '--url is not a URL: ftp://a'],
    [{ data: 'no-such-folder' }, 'no cluster found: there is no no-such-folder/cluster.json'],
  ])('%j is refused', (options, line) => {
    expect(findCluster(options)).toEqual({ ok: false, error: EXIT.usage });
    expect(errors).toContain(line);
  });

  test('a damaged cluster.json says what is wrong with it', () => {
    writeFileSync(join(folder, 'cluster.json'), '{"format":1}');
    expect(findCluster({ data: folder })).toEqual({ ok: false, error: EXIT.usage });
    expect(errors).toContain('cluster_id is missing');
  });
});
