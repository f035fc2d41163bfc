import { existsSync, readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ExecutedBody, ExplainBody, StatusBody } from '../../src/api/index.ts';
import { findFreePorts } from '../../src/cli/ports.ts';
import { eventually, isAlive, Workplace } from './local-cluster.ts';

describe('the commands on a running cluster', () => {
  let place: Workplace;
  beforeAll(async () => {
    place = new Workplace();
    await place.up();
  });
  afterAll(async () => {
    await place.clear();
  });

  test('request: words or JSON; the result on stdout, the rest on stderr', async () => {
    const words = await place.run(['request', 'transfer', 'to=anna', 'amount=100']);
    expect(words).toMatchObject({ code: 0 });
    expect(JSON.parse(words.stdout)).toMatchObject({ to: 'anna', amount: 100, to_balance: 100 });
    expect(words.stderr).toMatch(/^executed as number \d+ in view 0; [234] nodes agree: node\d/);
    const json = await place.run(['request', '{"operation":"balance","account":"anna"}', '--json']);
    const body = JSON.parse(json.stdout) as ExecutedBody;
    expect(body).toMatchObject({ status: 'executed', consensus: true, result: { account: 'anna', balance: 100 } });
    expect(body.replies.length).toBeGreaterThanOrEqual(2);
    expect(json.stderr).toBe('');
  });

  test('request - reads standard input', async () => {
    const running = place.start(['request', '-']);
    running.child.stdin?.end('{"operation":"balance","account":"nobody"}\n');
    const ended = await running.ended;
    expect(ended).toMatchObject({ code: 0 });
    expect(JSON.parse(ended.stdout)).toEqual({ account: 'nobody', balance: 0 });
  });

  test('request --no-wait prints the sequence number', async () => {
    const ended = await place.run(['request', 'put', 'key=a', 'value=1', '--no-wait']);
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stdout).toMatch(/^consensus started: sequence \d+, request [0-9a-f]{64}\n$/);
  });

  test('request --idempotency-key: a repeat is not executed again, another request under the key is refused', async () => {
    const pay = ['request', 'transfer', 'to=rent', 'amount=7', '--idempotency-key', 'rent-may'];
    const first = await place.run(pay);
    const again = await place.run([...pay, '--url', place.url('node3')]);
    expect(again.stdout).toBe(first.stdout);
    expect(await place.balance('node2', 'rent')).toBe(7);
    const other = await place.run(['request', 'transfer', 'to=rent', 'amount=8', '--idempotency-key', 'rent-may']);
    expect(other).toMatchObject({ code: 1, stdout: '' });
    expect(other.stderr).toContain('refused: idempotency_key_reused');
  });

  test('what the application refuses was ordered: exit code 1, the reason on stderr', async () => {
    const ended = await place.run(['request', 'transfer', 'from=poor', 'amount=1']);
    expect(ended).toMatchObject({ code: 1 });
    expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code: 'insufficient_funds' } });
    expect(ended.stderr).toContain('pbft: the application refused it: insufficient_funds');
  });

  test('status: a table for people, JSON for programs, no colour in a pipe', async () => {
    const table = await place.run(['status']);
    expect(table).toMatchObject({ code: 0, stderr: '' });
    expect(table.stdout).toMatch(
      /^4 nodes, f = 1, quorum 3 \(intersecting\), ledger, mac \(blake2b-256\), lab mode\n\nNODE +ROLE +VIEW/,
    );
    for (const name of ['node1', 'node2', 'node3', 'node4']) expect(table.stdout).toContain(`\n${name}  `);
    expect(table.stdout).not.toContain('\u001b');
    const json = await place.run(['status', '--json']);
    const nodes = JSON.parse(json.stdout) as readonly { name: string; status: StatusBody }[];
    expect(nodes.map(({ name, status }) => [name, status.node_id, status.quorum_size])).toEqual(
      ['node1', 'node2', 'node3', 'node4'].map((name) => [name, name, 3]),
    );
  });

  test('status --url and PBFT_URL ask that node alone', async () => {
    const byOption = await place.run(['status', '--url', place.url('node3')]);
    expect(byOption.stdout).toMatch(/\nnode3 /);
    expect(byOption.stdout).not.toMatch(/\nnode1 /);
    const byVariable = await place.run(['status'], { PBFT_URL: place.url('node2') });
    expect(byVariable.stdout).toMatch(/\nnode2 /);
  });

  test('byzantine: lists, explains, switches, and refuses what does not exist', async () => {
    const list = await place.run(['byzantine', '--list']);
    expect(list).toMatchObject({ code: 0, stderr: '' });
    expect(list.stdout).toMatch(/corrupt .*\(default\)/);
    const explained = await place.run(['byzantine', '--list', 'forge']);
    expect(explained.stdout).toMatch(/^forge: [^]*As primary: [^]*What others see: /);
    const strange = await place.run(['byzantine', 'node2', 'levitate']);
    expect(strange.code).toBe(1);
    expect(strange.stderr).toMatch(/refused: unknown_behaviour[^]*behaviours: .*corrupt/);
    const nobody = await place.run(['byzantine', 'node9']);
    expect(nobody.code).toBe(1);
    expect(nobody.stderr).toContain('refused: unknown_node');
    expect(await place.run(['byzantine', 'node4', 'silent'])).toMatchObject({
      code: 0,
      stdout: 'node4 misbehaves from now on: silent\n',
    });
    expect(await place.run(['byzantine', 'node4', 'silent', '--off'])).toMatchObject({
      code: 0,
      stdout: 'node4 no longer misbehaves: silent\n',
    });
  });

  test('status shows a node that does not answer, and the others', async () => {
    const pid = place.pid('node4');
    process.kill(pid, 'SIGSTOP');
    const ended = await place.run(['status', '--timeout', '300']);
    process.kill(pid, 'SIGCONT');
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/\nnode4 +no answer +http:\/\/127.0.0.1:\d+: no answer within 300 ms\n/);
    expect(ended.stdout).toMatch(/\nnode1 +primary/);
  });
});

describe('explain', () => {
  let place: Workplace;
  beforeAll(async () => {
    place = new Workplace();
    await place.up();
  });
  afterAll(async () => {
    await place.clear();
  });

  test('one sentence per node, all of them or one; JSON for programs', async () => {
    const all = await place.run(['explain']);
    expect(all).toMatchObject({ code: 0, stderr: '' });
    for (const name of ['node1', 'node2', 'node3', 'node4'])
      expect(all.stdout).toMatch(new RegExp(`^${name}: .+\\.$`, 'm'));
    const one = await place.run(['explain', '--node', 'node3', '--json']);
    const answers = JSON.parse(one.stdout) as readonly { name: string; explanation: ExplainBody }[];
    expect(answers.map(({ name, explanation }) => [name, explanation.node_id])).toEqual([['node3', 'node3']]);
    expect(await place.run(['explain', '--node', 'node9'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: 'pbft: no node "node9" is known\n  there are node1, node2, node3, node4\n',
    });
  });

  test('names the nodes that do not answer, and ends with 3 when none does', async () => {
    const pid = place.pid('node4');
    process.kill(pid, 'SIGSTOP');
    const some = await place.run(['explain', '--timeout', '300']);
    const none = await place.run(['explain', '--timeout', '300', '--node', 'node4']);
    process.kill(pid, 'SIGCONT');
    expect(some.code).toBe(0);
    expect(some.stdout).toMatch(/^node4: no answer {2}http:\/\/127.0.0.1:\d+: no answer within 300 ms$/m);
    expect(none).toMatchObject({ code: 3 });
    expect(none.stderr).toContain('pbft: the node did not answer');
  });
});

describe('each refusal: its exit code, one line on stderr, nothing on stdout', () => {
  let place: Workplace;
  beforeEach(() => {
    place = new Workplace();
  });
  afterEach(async () => {
    await place.clear();
  });

  test.each([
    [[], 2, 'Usage: pbft'],
    [['upp'], 2, "unknown command 'upp'"],
    [['request'], 2, "missing required argument 'operation'"],
    [['request', 'amount=1'], 2, "the first word is the operation's name"],
    [['request', '{"operation":'], 2, 'this is not JSON'],
    [['request', 'read', '--idempotency-key', ''], 2, 'an idempotency key has 1 to 64 printable ASCII characters'],
    [['request', 'read', '--timeout', '0'], 2, 'An integer from 1 to 60000 is allowed.'],
    [['request', 'read'], 2, 'no cluster found: there is no pbft-data/cluster.json'],
    [['status'], 2, 'no cluster found'],
    [['status', '--url', 'localhost'], 2, '--url is not a URL: localhost'],
    [['byzantine'], 2, 'which node?'],
    [['byzantine', 'node1', 'silent', '--list'], 2, '--list takes the name of a behaviour at most'],
    [['start'], 2, "required option '--directory <directory>' not specified"],
    [['start', '--directory', 'nowhere'], 2, 'there is no directory nowhere'],
    [['init'], 2, "required option '--hosts <hosts>' not specified"],
    [['init', '--hosts', 'a,b c'], 2, '"b c" is no host name or IP address.'],
    [['config', 'check', 'nowhere.json'], 2, 'there is no such file'],
    [['config', 'chek'], 2, "unknown command 'chek'"],
  ])('%j: %i', async (args, code, line) => {
    const ended = await place.run(args);
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toContain(line);
    expect(readdirSync(place.folder)).toEqual([]);
  });

  test('a cluster that does not run: 3', async () => {
    await place.makeFolder();
    for (const args of [['status'], ['request', 'balance'], ['byzantine', 'node1']]) {
      const ended = await place.run(args);
      expect(ended.code).toBe(3);
      expect(ended.stderr).toMatch(/pbft: no node of the cluster (answered|can be reached)/);
    }
  });

  /** Runs `pbft request` against something that only looks like a node. */
  async function against(listener: RequestListener, ...more: readonly string[]): ReturnType<Workplace['run']> {
    const server = createServer(listener);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      return await place.run(['request', 'balance', '--url', url, ...more]);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  test('an outcome that is unknown: 4', async () => {
    const late = { error: { code: 'outcome_unknown', message: 'No answer in time.', details: {} } };
    const answered = await against((_, response) => void response.writeHead(504).end(JSON.stringify(late)));
    expect(answered).toMatchObject({ code: 4, stdout: '' });
    expect(answered.stderr).toContain('pbft: the outcome is unknown');
    const broken = await against((request) => request.socket.destroy(), '--idempotency-key', 'k1');
    expect(broken).toMatchObject({ code: 4, stdout: '' });
    expect(broken.stderr).toContain('repeat it with --idempotency-key k1: it is executed once at most');
  });

  test.each(['<html>', '', '[]', 'null', '{"status":"executed"}', '{"error":"x"}'])(
    'something that is no node: 3 (%s)',
    async (body) => {
      for (const more of [[], ['--json']]) {
        const ended = await against((_, response) => void response.writeHead(200).end(body), ...more);
        expect(ended).toMatchObject({ code: 3, stdout: '' });
        expect(ended.stderr).toMatch(
          /^pbft: http:\/\/127.0.0.1:\d+ is no node of a cluster: it answered with HTTP 200\n$/,
        );
      }
    },
  );

  test('config check: everything at once', async () => {
    await place.makeFolder();
    expect(await place.run(['config', 'check', 'pbft-data/node1'])).toMatchObject({
      code: 0,
      stdout: 'pbft-data/node1/config.json: no problem\n',
      stderr: '',
    });
    const refused = await place.run(['config', 'check', 'pbft-data/cluster.json']);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/cluster.json has 3 problems:\n {2}[^]*node_id is missing[^]*http is missing/);
    const json = await place.run(['config', 'check', 'pbft-data/cluster.json', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      ok: false,
      problems: expect.arrayContaining([expect.objectContaining({ path: 'http' })]) as unknown,
    });
  });
});

describe('a cluster made with `pbft init`', () => {
  let place: Workplace;
  beforeEach(() => {
    place = new Workplace();
  });
  afterEach(async () => {
    await place.clear();
  });

  test('one folder per node, each started by itself; the log goes to stdout', async () => {
    const [port = 0] = await findFreePorts('127.0.0.1', 1);
    // Consecutive ports that are all free are rare to miss and checked by the start itself.
    const made = await place.run([
      'init',
      '--hosts',
      '127.0.0.1,127.0.0.1,127.0.0.1,127.0.0.1',
      '--directory',
      'pbft-data',
      '--port',
      String(port),
      '--peer-port',
      String(port + 10),
    ]);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(made.stdout).toContain('pbft start --directory node1');
    for (const name of ['node1', 'node2', 'node3', 'node4']) {
      expect(statSync(join(place.folder, 'pbft-data', name, 'keys/node.key')).mode & 0o777).toBe(0o600);
    }
    expect(await place.run(['init', '--hosts', 'a', '--directory', 'pbft-data'])).toMatchObject({
      code: 2,
      stdout: '',
    });
    const nodes = ['node1', 'node2', 'node3', 'node4'].map((name) =>
      place.start(['start', '--directory', `pbft-data/${name}`]),
    );
    await eventually('a request is executed', async () => {
      const { body } = await place.post(
        'node2',
        '/pbft/request?wait=true',
        { operation: 'transfer', amount: 5 },
        { 'idempotency-key': 'once' },
      );
      return body['status'] === 'executed';
    });
    expect(await place.balance('node4', 'default')).toBe(5);
    const lab = await place.run(['byzantine', 'node2']);
    expect(lab.stderr).toContain('refused: lab_mode_off');
    const second = await place.run(['start', '--directory', 'pbft-data/node1']);
    expect(second).toMatchObject({ code: 2 });
    expect(second.stderr).toMatch(/pbft: pbft-data\/node1 is in use by process \d+/);
    for (const node of nodes) node.signal('SIGTERM');
    for (const ended of await Promise.all(nodes.map(async (node) => node.ended))) {
      expect(ended.code).toBe(0);
      expect(
        ended.stdout
          .split('\n')
          .filter((line) => line !== '')
          .every((line) => line.startsWith('{')),
      ).toBe(true);
    }
    expect(place.pids().some(isAlive)).toBe(false);
    expect(existsSync(join(place.folder, 'pbft-data/node1/pid'))).toBe(false);
  });
});
