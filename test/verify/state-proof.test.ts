import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { stateProofBody } from '../../src/api/index.ts';
import type { CertifiedValue } from '../../src/api/index.ts';
import { runCli } from '../../src/cli/program.ts';
import { Identity } from '../../src/node/index.ts';
import { generateCluster } from '../../src/server/config/index.ts';
import { must } from '../support/must.ts';
import { StateProofMaker, utf8 } from '../support/state-proofs.ts';

// `pbft verify` on state proofs, with the keys of a cluster.json. On evidence: test/e2e/verify.test.ts.

let folder = '';
let maker: StateProofMaker;
let stdout = '';
let stderr = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pbft-verify-'));
  const nodes = [1, 2, 3, 4].map((port) => ({ host: '127.0.0.1', peerPort: port, httpPort: 10 + port }));
  const data = join(folder, 'data');
  must(generateCluster(data, { lab: false, nodes }));
  const identities = nodes.map((_, index) => must(Identity.load(join(data, `node${index + 1}`, 'keys/node.key'))));
  const { cluster_id: clusterId } = JSON.parse(readFileSync(join(data, 'cluster.json'), 'utf8')) as {
    readonly cluster_id: string;
  };
  maker = new StateProofMaker(identities, clusterId);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

beforeEach(() => {
  [stdout, stderr] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += String(text);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
});

async function verify(content: CertifiedValue | string, ...options: readonly string[]): Promise<number> {
  const file = join(folder, 'proof.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(stateProofBody(content)));
  return runCli(['verify', file, '--cluster', join(folder, 'data/cluster.json'), ...options]);
}

describe('pbft verify of a state proof', () => {
  test('a value: what is stored where, as of when, by whom', async () => {
    expect(await verify(maker.certified('account/alice'))).toBe(0);
    expect(stdout).toBe(
      'account/alice, as of sequence 128: {"balance":5,"transfers":1}\n' +
        'proven by node1 node2 node4, unless more nodes lie than the cluster can bear\n',
    );
    expect(stderr).toBe('');
  });

  test('nothing there', async () => {
    expect(await verify(maker.certified('account/dave'))).toBe(0);
    expect(stdout).toContain('account/dave, as of sequence 128: nothing is stored there\nproven by node1');
  });

  test('what is stored does not steer the terminal, nor fill it', async () => {
    expect(await verify(maker.certified('kv/ä "quoted"'))).toBe(0);
    expect(stdout).toContain(': "\u{fffd}\u{fffd}[31m \u{1f600}"\n');
    stdout = '';
    expect(await verify(maker.certified('binary'))).toBe(0);
    expect(stdout).toContain(': base64url _wD-\n');
    stdout = '';
    expect(await verify(maker.certified('large'))).toBe(0);
    expect(stdout).toContain(`: ${'x'.repeat(1000)}… and 4000 more characters (--json)\n`);
  });

  test('--json', async () => {
    expect(await verify(maker.certified('binary'), '--json')).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      result: 'proven',
      key: { utf8: 'binary' },
      value: { base64url: '_wD-' },
      as_of_sequence: 128,
      root: maker.version.root,
      nodes: ['node1', 'node2', 'node4'],
    });
    stdout = '';
    expect(await verify({ ...maker.certified('binary'), value: undefined }, '--json')).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      result: 'does-not-hold',
      fault: { code: 'wrong-path', problem: 'other-claim' },
    });
  });

  test('one that does not hold: exit code 1 and the reason', async () => {
    const certified = maker.certified('account/alice');
    expect(await verify({ ...certified, value: utf8('{"balance":500,"transfers":1}') })).toBe(1);
    expect(stdout).toMatch(/^state proof: does not hold: the Merkle path does not lead to the root/);
    stdout = '';
    expect(await verify({ ...certified, certificate: certified.certificate.slice(1) })).toBe(1);
    expect(stdout).toBe('state proof: does not hold: 2 nodes signed the checkpoint, and it takes 3\n');
  });

  test('one that cannot be judged: exit code 2 and the reason', async () => {
    expect(await verify(new StateProofMaker().certified('account/alice'))).toBe(2);
    expect(stdout).toContain('state proof: cannot be read: it is about another cluster');
    stdout = '';
    expect(await verify('{"format": "pbft-state-proof/2"}')).toBe(2);
    expect(stdout).toContain('another `format` than pbft-state-proof/1');
    stdout = '';
    expect(await verify('{"format": "pbft-state-proof/1", "cluster_id": 7}')).toBe(2);
    expect(stdout).toContain('cluster_id must be 64 lowercase hexadecimal characters');
    stdout = '';
    expect(await verify(`{"format": "pbft-state-proof/1", "pad": "${'x'.repeat(9 * 1024 * 1024)}"}`, '--json')).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ result: 'unreadable', fault: { code: 'too-large' } });
  });
});
