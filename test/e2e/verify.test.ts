import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EvidenceMaker } from '../support/evidence.ts';
import { Workplace } from './local-cluster.ts';
import type { Ended } from './local-cluster.ts';

interface Found {
  readonly result: string;
  readonly fault?: { readonly code: string };
}

describe('pbft verify', () => {
  let place: Workplace;
  let maker: EvidenceMaker;
  beforeAll(async () => {
    place = new Workplace();
    await place.makeFolder();
    maker = new EvidenceMaker(join(place.folder, 'pbft-data'));
  });
  afterAll(async () => {
    await place.clear();
  });

  async function verify(evidence: unknown, ...options: readonly string[]): Promise<Ended> {
    maker.write(join(place.folder, 'evidence.json'), evidence);
    return place.run(['verify', 'evidence.json', ...options]);
  }

  test('proven: one item, an array, or what a node answers; the keys come from the data folder', async () => {
    const one = await verify(maker.item());
    expect(one).toMatchObject({ code: 0, stderr: '' });
    expect(one.stdout).toBe(
      'node2 wrong-checkpoint (view 0, sequence 8): proven, unless more nodes lie than the cluster can bear\n' +
        '  signed root bbbbbbbbbbbb… at sequence 8, where aaaaaaaaaaaa… is stable\n',
    );
    const own = maker.item({ statements: [maker.checkpoint(2, 'a'), maker.checkpoint(2, 'b')] });
    const all = await verify({ node_id: 'node1', suspicions: [maker.item({ provable: true }), own] });
    expect(all).toMatchObject({ code: 0, stderr: '' });
    expect(all.stdout).toContain('proven, by what it signed itself\n');
  });

  test('not provable, or nobody accused: nothing that is claimed fails', async () => {
    const silent = maker.item({ kind: 'unresponsive', statements: [], provable: false });
    const ended = await verify([silent]);
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stdout).toContain('not provable to third parties');
    expect(await verify([])).toMatchObject({ code: 0, stdout: '', stderr: 'evidence.json accuses nobody\n' });
  });

  test('--json: one object an item, with its result and its fault', async () => {
    const statements = [maker.checkpoint(2, 'b'), maker.checkpoint(1, 'a')];
    const ended = await verify(
      [
        maker.item(),
        maker.item({ node: 'node1' }),
        maker.item({ node: 'node9' }),
        maker.item({ statements }),
        maker.item({ statements, provable: false }),
        maker.item({ statements: [], provable: true }),
        maker.item({ cluster_id: 'ab'.repeat(32) }),
        maker.item({ format: 'pbft-evidence/2' }),
        maker.item({ statements: ['not base64url!'] }),
        maker.item({ kind: 'rudeness' }),
        maker.item({ view: -1 }),
        7,
      ],
      '--json',
    );
    const found = JSON.parse(ended.stdout) as readonly Found[];
    expect(found.map(({ result, fault }) => [result, fault?.code])).toEqual([
      ['proven', undefined],
      ['does-not-hold', 'too-few-signers'],
      ['does-not-hold', 'unknown-node'],
      ['does-not-hold', 'too-few-signers'],
      ['not-provable', undefined],
      ['does-not-hold', 'no-statements'],
      ['unreadable', 'foreign-cluster'],
      ['unreadable', 'unknown-format'],
      ['unreadable', 'damaged-base64'],
      ['unreadable', 'unknown-kind'],
      ['unreadable', 'bad-field'],
      ['unreadable', 'not-an-object'],
    ]);
    expect(found[0]).toMatchObject({ node: 'node2', kind: 'wrong-checkpoint', view: 0, sequence: 8 });
    expect(ended).toMatchObject({ code: 1, stderr: '' });
  });

  test.each<readonly [string, number, string, object]>([
    ['a damaged signature', 1, 'the signature of statement 1 is not by node2', { statements: 'damaged' }],
    ['another cluster', 2, 'it is about another cluster', { cluster_id: '00'.repeat(32) }],
    ['damaged base64', 2, 'statement 1 is not base64url', { statements: ['A'] }],
  ])('%s: exit code %i and the reason', async (_, code, reason, change) => {
    const [first = '', ...others] = (maker.item() as { statements: readonly string[] }).statements;
    const flipped = [`${first.startsWith('A') ? 'B' : 'A'}${first.slice(1)}`, ...others];
    const isDamaged = 'statements' in change && change.statements === 'damaged';
    const ended = await verify(maker.item(isDamaged ? { statements: flipped } : change));
    expect(ended.stdout).toContain(reason);
    expect(ended.code).toBe(code);
  });

  test('what a file says does not steer the terminal', async () => {
    const ended = await verify(maker.item({ summary: 'red \u001b[31m\u0007' }));
    expect(ended.stdout).toContain('red \u{fffd}[31m\u{fffd}\n');
  });

  test.each<readonly [string, string, string]>([
    ['not JSON', '{', 'it is not JSON'],
    ['text', '"evidence"', 'is no evidence: it must hold one item'],
  ])('a file that is no evidence (%s): exit code 2', async (_, content, reason) => {
    const ended = await verify(content);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain(reason);
  });

  test('no file, a folder, no keys, an argument too few: exit code 2', async () => {
    expect(await place.run(['verify', 'nowhere.json'])).toMatchObject({
      code: 2,
      stderr: 'pbft: cannot read nowhere.json: there is no such file\n',
    });
    expect((await place.run(['verify', 'pbft-data'])).stderr).toContain('it is a directory');
    const keyless = await verify(maker.item(), '--cluster', 'nowhere/cluster.json');
    expect(keyless).toMatchObject({ code: 2, stdout: '' });
    expect(keyless.stderr).toContain('there is no nowhere/cluster.json');
    expect((await verify(maker.item(), '--cluster', 'evidence.json')).stderr).toContain('cannot use evidence.json');
    expect((await place.run(['verify'])).code).toBe(2);
  });
});
