import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventually, isAlive, Workplace } from './local-cluster.ts';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(async () => {
  await place.clear();
});

describe('`pbft up`', () => {
  test('says what runs and what to try; each command that it prints works; a signal ends everything within 5 s', async () => {
    const up = await place.up();
    const pids = place.pids();
    expect(pids.filter(isAlive)).toHaveLength(4);
    const commands = up.stdout.split('\n').filter((line) => line.startsWith('  curl'));
    expect(commands).toHaveLength(3);
    const answers = await place.shell(commands);
    expect(answers.map((answer) => JSON.parse(answer) as unknown)).toMatchObject([
      { node_id: 'node1', primary: 'node1', is_primary: true, view: 0, sequence: 0, f: 1, quorum_size: 3 },
      { status: 'executed', consensus: true, sequence: 1, result: { amount: 100, to_balance: 100 } },
      { node_id: 'node2', enabled: true, byzantine_nodes: ['node2'] },
    ]);
    const before = Date.now();
    up.signal('SIGINT');
    expect(await up.ended).toMatchObject({ code: 0, signal: null });
    expect(Date.now() - before).toBeLessThan(5000);
    expect(pids.some(isAlive)).toBe(false);
    expect(up.stderr).toBe('ending …\n');
  });

  test('started again with the same folder goes on where it was', async () => {
    const first = await place.up();
    const moved = await place.post('node1', '/pbft/request?wait=true', { operation: 'transfer', amount: 100 });
    expect(moved.body).toMatchObject({ sequence: 1 });
    first.signal('SIGTERM');
    expect(await first.ended).toMatchObject({ code: 0 });
    const second = await place.up();
    expect(second.stdout).toContain('Its data goes on in ./pbft-data');
    expect(await place.balance('node3', 'default')).toBe(100);
    const next = await place.post('node2', '/pbft/request?wait=true', { operation: 'transfer', amount: 1 });
    expect(next.body['sequence']).toBeGreaterThan(1);
    expect(next.body).toMatchObject({ result: { to_balance: 101 } });
  });

  test('killed itself, it takes its nodes with it, and the next one has the folder', async () => {
    const up = await place.up();
    const pids = place.pids();
    up.signal('SIGKILL');
    await up.ended;
    await eventually('the nodes have ended', () => !pids.some(isAlive), 5000);
    await place.up();
    expect((await place.statuses()).map(({ node_id: node }) => node)).toEqual(['node1', 'node2', 'node3', 'node4']);
  });

  test('ends its nodes, a paused one too, when it fails itself, and says at what', async () => {
    // What is no message at all on the channel between them is an error that nobody catches.
    const application = join(place.folder, 'application.mjs');
    writeFileSync(
      application,
      `import { writeSync } from 'node:fs';
       export default { execute: () => { writeSync(3, 'no message\\n'); return new Uint8Array(); } };`,
    );
    const up = await place.up('--nodes', '4', '--application', application);
    const pids = place.pids();
    await place.post('node1', '/pbft/lab/nodes/node4', { action: 'pause' });
    await place.post('node1', '/pbft/request', { operation: 'any' });
    expect(await up.ended).toMatchObject({ code: 1, signal: null });
    expect(up.stderr).toContain('pbft: this is a bug in pbft, please report it: ');
    expect(up.stderr).toContain('no message');
    await eventually('the nodes have ended', () => !pids.some(isAlive), 2000);
  });

  test('ends with the npm that started it, which passes a signal on to its shell only', async () => {
    const shell = place.startInShell(['up', '--port', '0', '--peer-port', '0'], { npm_lifecycle_event: 'start' });
    await eventually('it is ready', () => shell.stdout.includes('Ctrl-C ends it'), 20_000);
    const pids = place.pids();
    shell.signal('SIGTERM');
    await eventually('the nodes have ended', () => !pids.some(isAlive), 5000);
    expect(shell.stderr).toBe('ending …\n');
  });

  test('three nodes under the rule 2f+1 are warned about, at the start and in the status', async () => {
    const up = await place.up('--nodes', '3', '--quorum-rule', '2f+1');
    expect(up.stderr).toContain('warning: quorum_rule "2f+1" is unsafe with 3 nodes');
    expect(await place.status('node1')).toMatchObject({
      f: 0,
      quorum_size: 1,
      warnings: [expect.stringContaining('unsafe')],
    });
    const status = await place.run(['status']);
    expect(status.stderr).toContain('warning: quorum_rule "2f+1" is unsafe');
  });

  test('three nodes need two votes without it', async () => {
    const up = await place.up('--nodes', '3', '--no-lab');
    expect(up.stderr).toBe('');
    expect(await place.status('node1')).toMatchObject({ f: 0, quorum_size: 2, warnings: [], lab: false });
  });
});

describe('`pbft up` refuses with one line, exit code 2 and nothing left running', () => {
  test('a folder in use', async () => {
    await place.up();
    const second = await place.run(['up']);
    expect(second).toMatchObject({ code: 2, stdout: '' });
    expect(second.stderr).toMatch(
      /^pbft: pbft-data is in use by another `pbft up` \(process \d+\): end that one, or give another folder with --data\n$/,
    );
    expect(place.pids().every(isAlive)).toBe(true);
  });

  test.each([
    ['--nodes', '7', 'made with --nodes 4, not 7'],
    ['--quorum-rule', '2f+1', 'made with --quorum-rule intersecting, not 2f+1'],
    ['--authentication', 'signature', 'made with --authentication mac, not signature'],
    ['--mac', 'hmac-sha256', 'made with --mac blake2b-256, not hmac-sha256'],
    ['--application', 'counter', 'made with --application ledger, not counter'],
  ])('a folder made without %s %s', async (option, value, reason) => {
    await place.makeFolder();
    const second = await place.run(['up', option, value]);
    expect(second).toMatchObject({ code: 2, stdout: '' });
    expect(second.stderr).toContain(
      `pbft: pbft-data was ${reason}: leave the option out, or give another folder with --data`,
    );
    expect(place.pids()).toEqual([]);
  });

  test('a taken port', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    const refused = await place.run(['up', '--nodes', '1', '--port', String(port), '--peer-port', '0']);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toBe(
      `pbft: port ${port} (HTTP of node1) is taken by another program: end that program, or choose other ports with --port\n`,
    );
    expect(existsSync(join(place.folder, 'pbft-data'))).toBe(false);
    await new Promise((resolve) => other.close(resolve));
  });

  test('a new port that the folder has already, for something else', async () => {
    await place.makeFolder();
    const { replicas } = JSON.parse(readFileSync(join(place.folder, 'pbft-data/cluster.json'), 'utf8')) as {
      replicas: { peer_port: number }[];
    };
    const port = replicas[0]?.peer_port ?? 0;
    const refused = await place.run(['up', '--port', String(port)]);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toBe(`pbft: port ${port} would be used twice: choose others with --port or --peer-port\n`);
    expect(place.pids()).toEqual([]);
  });

  test('a folder that is not its own', async () => {
    mkdirSync(join(place.folder, 'pbft-data'));
    writeFileSync(join(place.folder, 'pbft-data/thesis.txt'), 'precious');
    const refused = await place.run(['up']);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('pbft-data is not empty and holds no cluster.json');
    expect(readdirSync(join(place.folder, 'pbft-data'))).toEqual(['thesis.txt']);
  });

  test('something that is no folder', async () => {
    writeFileSync(join(place.folder, 'thesis.txt'), 'precious');
    const file = await place.run(['up', '--data', 'thesis.txt']);
    expect(file).toMatchObject({ code: 2, stderr: 'pbft: thesis.txt is not a folder: give another one with --data\n' });
    expect(readFileSync(join(place.folder, 'thesis.txt'), 'utf8')).toBe('precious');
    const empty = await place.run(['up', '--data', '']);
    expect(empty).toMatchObject({ code: 2, stderr: 'pbft: --data is empty: give the name of a folder\n' });
  });

  test('a damaged configuration', async () => {
    await place.makeFolder();
    writeFileSync(join(place.folder, 'pbft-data/node2/config.json'), '{"format":1,"labb":true}');
    const refused = await place.run(['up']);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('labb is true (did you mean "lab"?)');
    expect(place.pids()).toEqual([]);
  });

  test('the folder of another node or cluster under the name of a node', async () => {
    await place.makeFolder();
    const folder = join(place.folder, 'pbft-data');
    const config = join(folder, 'node2/config.json');
    const own = readFileSync(config, 'utf8');
    writeFileSync(config, readFileSync(join(folder, 'node3/config.json')));
    const node = await place.run(['up']);
    expect(node.code).toBe(2);
    expect(node.stderr).toContain('node2 belongs to node3, not to node2');
    writeFileSync(config, own.replace(/"cluster_id": "[0-9a-f]{64}"/, `"cluster_id": "${'0'.repeat(64)}"`));
    const cluster = await place.run(['up']);
    expect(cluster.code).toBe(2);
    expect(cluster.stderr).toContain('belongs to node2 of another cluster');
    expect(place.pids()).toEqual([]);
  });

  test('a damaged configuration, when ports are to change: it is named, and nothing is changed', async () => {
    await place.makeFolder();
    const before = readFileSync(join(place.folder, 'pbft-data/node1/config.json'), 'utf8');
    writeFileSync(join(place.folder, 'pbft-data/node2/config.json'), '{"format":1,');
    const refused = await place.run(['up', '--port', '0', '--peer-port', '0']);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/^pbft: cannot change \S*pbft-data\/node2\/config\.json: /);
    expect(readFileSync(join(place.folder, 'pbft-data/node1/config.json'), 'utf8')).toBe(before);
  });

  test.each([
    [['up', '--nodes', '0'], 'An integer from 1 to 31 is allowed.'],
    [['up', '--port', 'http'], 'An integer from 0 to 65535 is allowed.'],
    [['up', '--quorum-rule', 'majority'], 'Allowed choices are intersecting, 2f+1.'],
    [['up', '--application', 'legder'], 'did you mean ledger?'],
    [['up', '--port', '7001'], '--port and --peer-port overlap at 7001'],
    [['up', '--port', '65534'], 'there is no port 65536'],
    [['up', '--nods', '4'], "unknown option '--nods'"],
  ])('%j', async (args, line) => {
    const refused = await place.run(args);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(/^pbft: /);
    expect(refused.stderr).toContain(line);
    expect(readdirSync(place.folder)).toEqual([]);
  });
});
