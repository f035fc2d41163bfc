/** The folder of a node from the command line: what it holds, what is wrong with it, and when a node must not start from it. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually, isAlive, Workplace } from './local-cluster.ts';

const NODES = ['node1', 'node2', 'node3', 'node4'];

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(async () => {
  await place.clear();
});

const inFolder = (...path: readonly string[]): string => join(place.folder, 'pbft-data', ...path);

/** A cluster that has executed something, and runs. */
async function running(): Promise<void> {
  await place.startNodes(NODES);
  const answer = await place.post('node1', '/pbft/request?wait=true', { operation: 'transfer', amount: 1 });
  expect(answer.body).toMatchObject({ status: 'executed' });
}

async function end(): Promise<void> {
  const pids = place.pids();
  for (const pid of pids) process.kill(pid, 'SIGTERM');
  await eventually('all have ended', () => !pids.some(isAlive));
}

test('inspect and check: a new node, one that runs, one that is stopped, one that is damaged', async () => {
  await place.makeFolder();
  expect(await place.run(['check', 'pbft-data/node1'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('this node is new') as string,
  });
  await running();
  const whileItRuns = await place.run(['inspect', 'pbft-data/node1', '--json']);
  expect(JSON.parse(whileItRuns.stdout)).toMatchObject({
    node_id: 'node1',
    new: false,
    process: place.pid('node1'),
    log: { view: 0, segments: [{ kind: 'base', damages: [] }] },
  });
  expect(await place.run(['check', 'pbft-data/node1'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/in use by process \d+: stop that node first/) as string,
  });
  await end();

  const table = await place.run(['inspect', 'pbft-data/node1']);
  expect(table.stdout).toMatch(/^runs {8}no$/m);
  expect(table.stdout).toMatch(/^\d{10}\.seg {2}base {2}\s*\d+ {2}.*\d+ (?:accepted|stable)/m);
  expect(await place.run(['check', 'pbft-data/node1'])).toMatchObject({ code: 0, stderr: '' });

  const [name = ''] = readdirSync(inFolder('node1/log')).filter((each) => each.endsWith('.seg'));
  const content = readFileSync(inFolder('node1/log', name));
  content[40] = (content[40] ?? 0) ^ 1;
  writeFileSync(inFolder('node1/log', name), content);
  const damaged = await place.run(['check', 'pbft-data/node1']);
  expect(damaged).toMatchObject({ code: 1, stderr: expect.stringContaining('damaged in 1 place') as string });
  expect(damaged.stdout).toContain(`${name} at byte 0`);
  const json = JSON.parse((await place.run(['check', 'pbft-data/node1', '--json'])).stdout) as object;
  expect(json).toMatchObject({
    sound: false,
    parts: [
      { part: 'log', damages: [{ offset: 0 }] },
      { part: 'state', damages: [] },
    ],
  });
  expect(await place.run(['start', '--directory', 'pbft-data/node1'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(`${name} is damaged at byte 0`) as string,
  });
  for (const command of ['inspect', 'check'])
    expect(await place.run([command, 'nowhere'])).toMatchObject({ code: 2, stdout: '' });
});

test('a node without its log is refused; under `pbft up` the others go on without it', async () => {
  await place.makeFolder();
  await running();
  await end();
  expect(NODES.filter((name) => existsSync(inFolder(name, 'new')))).toEqual([]);
  rmSync(inFolder('node4/log'), { recursive: true });
  const refused = await place.run(['start', '--directory', 'pbft-data/node4']);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toMatch(/node4\/log holds no log, and this node is not new.*pbft recover/);
  expect(existsSync(inFolder('node4/log'))).toBe(false);

  const up = place.start(['up']);
  await eventually('three go on', () => up.stdout.includes('Ctrl-C ends it'), 40_000);
  expect(up.stderr).toContain('holds no log, and this node is not new');
  expect(await place.balance('node1', 'default')).toBe(1);
  up.signal('SIGTERM');
  await up.ended;
});

test('where too many have lost their log, `pbft up` refuses before it starts any', async () => {
  await place.makeFolder();
  for (const name of ['node2', 'node4']) rmSync(inFolder(name, 'new'));
  const refused = await place.run(['up']);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toContain(
    'node2, node4 in pbft-data have no log and are not new, and 3 of 4 nodes are needed',
  );
  expect(refused.stderr).toContain('pbft recover');
  expect(place.pids()).toEqual([]);
});
