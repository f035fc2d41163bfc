/** `pbft events`: what happens in a running cluster, through the breaks. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StreamEvent } from '../../src/api/index.ts';
import { eventually, Workplace } from './local-cluster.ts';
import type { CliProcess } from './local-cluster.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');

const eventsOf = ({ stdout }: CliProcess): readonly StreamEvent[] =>
  stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as StreamEvent);

describe('pbft events', () => {
  let place: Workplace;
  beforeAll(async () => {
    place = new Workplace();
    await place.up();
  });
  afterAll(async () => {
    await place.clear();
  });

  async function follow(...options: readonly string[]): Promise<CliProcess> {
    const running = place.start(['events', ...options]);
    const nodes = options.includes('--node') ? 1 : 4;
    await eventually('all streams are open', () => running.stdout.split('hello').length > nodes);
    return running;
  }

  async function transfer(): Promise<void> {
    expect(await place.run(['request', 'transfer', 'amount=1'])).toMatchObject({ code: 0 });
  }

  async function interrupt(running: CliProcess): Promise<void> {
    running.signal('SIGINT');
    expect(await running.ended).toMatchObject({ code: 0 });
  }

  test('a line an event, from all nodes, until Ctrl-C', async () => {
    const running = await follow('--kinds', 'executed,pre-prepared');
    await transfer();
    await eventually('all have executed it', () => running.stdout.split(' executed ').length > 4);
    await interrupt(running);
    expect(running.stdout).toMatch(/^\d\d:\d\d:\d\d\.\d{6} node\d hello +view 0; 4 nodes, f = 1, quorum 3, lab mode\n/);
    for (const name of ['node1', 'node2', 'node3', 'node4'])
      expect(running.stdout).toMatch(
        new RegExp(`\\d ${name} executed +number \\d+ in view 0, batch \\w{10}, 1 request\\n`),
      );
    expect(running.stdout).not.toContain('committed');
    expect(running.stderr).toBe('');
  });

  test('--node and --json: the events of one node for programs; nothing twice through its restart', async () => {
    const running = await follow('--node', 'node2', '--json');
    await transfer();
    await eventually('it is executed', () => eventsOf(running).some(({ kind }) => kind === 'executed'));
    await place.post('node1', '/pbft/lab/nodes/node2', { action: 'restart' });
    await eventually('it is back', () => eventsOf(running).filter(({ kind }) => kind === 'hello').length === 2, 40_000);
    await eventually('it serves', async () => (await place.get('node2', '/readyz')).status === 200, 40_000);
    await transfer();
    await eventually(
      'it has executed that too',
      () => eventsOf(running).at(-1) !== undefined && running.stdout.split('"executed"').length > 2,
    );
    await interrupt(running);
    const events = eventsOf(running);
    expect(new Set(events.map(({ node }) => node))).toEqual(new Set(['node2']));
    const ids = events.filter(({ kind }) => kind !== 'hello' && kind !== 'lost').map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(running.stderr).toContain('node2: ');
  });

  test('ends when nobody reads any more', async () => {
    const [line] = await place.shell([`"${process.execPath}" "${MAIN}" events | head -n 1`]);
    expect(line).toContain(' hello ');
  });

  test.each([
    [['events', '--kinds', 'executed,finished'], 'There is no kind "finished"'],
    [['events', '--node', 'node7'], 'this cluster has no node7'],
    [['events', '--url', 'nonsense'], '--url is not a URL'],
    [['events', 'executed'], 'too many arguments'],
  ])('%j is a wrong call: exit code 2', async (args, reason) => {
    const ended = await place.run(args);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain(reason);
  });

  test('exit code 3 when no node answers, 1 when what answers refuses', async () => {
    const nobody = await place.run(['events', '--url', 'http://127.0.0.1:9']);
    expect(nobody).toMatchObject({ code: 3, stdout: '' });
    const server = createServer((_, response) => {
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end('{"error":{"code":"unauthorized","message":"a token is needed","details":{}}}');
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as AddressInfo;
    const refused = await place.run(['events', '--url', `http://127.0.0.1:${port}`]);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('refused: unauthorized');
    server.closeAllConnections();
    server.close();
  });
});
