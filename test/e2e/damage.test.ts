// One byte of a disk is another one: found, named, and repaired from the others or refused; never voted on.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually, Workplace } from './local-cluster.ts';
import type { CliProcess } from './local-cluster.ts';

const NAMES = ['node1', 'node2', 'node3', 'node4'];
const DAMAGED = 'node4';
/** Long enough to be found in the file. */
const VALUE = 'a value that is found again among the bytes of the database';

let place: Workplace;
let nodes: Map<string, CliProcess>;
beforeEach(async () => {
  place = new Workplace();
  nodes = new Map();
  await place.makeFolder();
  await Promise.all(NAMES.map(async (name) => start(name)));
  await Promise.all(NAMES.map(async (name) => place.ready(name)));
});
afterEach(async () => {
  await place.clear();
});

const fileOf = (name: string, ...parts: readonly string[]): string => join(place.folder, 'pbft-data', name, ...parts);

async function start(name: string, command = 'start'): Promise<void> {
  nodes.set(
    name,
    place.start([command, '--directory', `pbft-data/${name}`, ...(command === 'recover' ? ['--discard-log'] : [])]),
  );
  await eventually(`${name} serves`, async () => (await place.status(name)).node_id === name, 60_000);
}

async function stop(name: string): Promise<void> {
  nodes.get(name)?.signal('SIGTERM');
  await nodes.get(name)?.ended;
}

async function execute(operation: object): Promise<unknown> {
  const { body } = await place.post('node1', '/pbft/request?wait=true&timeout_ms=30000', operation);
  expect(body).toMatchObject({ status: 'executed' });
  return body['result'];
}

/** Of all nodes, at a checkpoint that has what was executed last. */
async function checkpoint(): Promise<void> {
  await eventually(
    'a checkpoint has all that was executed',
    async () => {
      const statuses = await place.statuses();
      // A node that is behind may well be at a checkpoint, an earlier one.
      const last = Math.max(...statuses.map((each) => each.last_executed));
      return statuses.every((each) => each.state_root_sequence === last && each.last_executed === last);
    },
    30_000,
  );
}

/** Changes one bit at each place where `text` stands in the file; how many there are. */
function flip(file: string, text: string): number {
  const content = readFileSync(file);
  let count = 0;
  for (let at = content.indexOf(text); at >= 0; at = content.indexOf(text, at + 1)) {
    content[at + 9] = (content[at + 9] ?? 0) ^ 0x04;
    count += 1;
  }
  writeFileSync(file, content);
  return count;
}

test('in the state of a node: the check names it, the running node finds it when it reads there, and repairs it', async () => {
  await execute({ operation: 'put', key: 'k', value: VALUE });
  await checkpoint();
  await stop(DAMAGED);
  expect(flip(fileOf(DAMAGED, 'state', 'data.mdb'), VALUE)).toBeGreaterThan(0);
  const found = await place.run(['check', `pbft-data/${DAMAGED}`]);
  expect(found.code).toBe(1);
  expect(found.stdout).toMatch(/state: .*table (?:leaves|pages), record \d+/);

  await start(DAMAGED);
  // Reads the value: with another one here this node would answer otherwise, and take another checkpoint.
  expect(await execute({ operation: 'get', key: 'k' })).toMatchObject({ value: VALUE });
  await execute({ operation: 'cas', key: 'k', expected: VALUE, value: `${VALUE}, changed` });
  await place.ready(DAMAGED);
  await execute({ operation: 'put', key: 'other', value: 1 });
  await checkpoint();
  await place.sameRoots(30_000);
  const suspicions = (await place.statuses()).flatMap(({ suspicions: of }) =>
    of.filter(({ certainty }) => certainty === 'certain'),
  );
  expect(suspicions).toEqual([]);
  await stop(DAMAGED);
  expect(await place.run(['check', `pbft-data/${DAMAGED}`])).toMatchObject({ code: 0 });
}, 240_000);

test('in the log of a node: it is refused with file and byte, and `pbft recover` brings the node back', async () => {
  for (let amount = 1; amount <= 20; amount += 1) await execute({ operation: 'transfer', amount });
  await stop(DAMAGED);
  const log = fileOf(DAMAGED, 'log');
  const [segment = ''] = readdirSync(log).filter((name) => name.endsWith('.seg'));
  const content = readFileSync(join(log, segment));
  const at = Math.floor(content.length / 3);
  content[at] = (content[at] ?? 0) ^ 0x10;
  writeFileSync(join(log, segment), content);
  const refused = await place.run(['start', '--directory', `pbft-data/${DAMAGED}`]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain(segment);
  expect(refused.stderr).toMatch(/byte \d+/);
  expect(refused.stderr).toContain('pbft recover');

  await start(DAMAGED, 'recover');
  await eventually(`${DAMAGED} has recovered`, async () => (await place.status(DAMAGED)).recovery === null, 60_000);
  await execute({ operation: 'transfer', amount: 1 });
  await place.sameRoots(30_000);
}, 240_000);

test('its state gone and its log not: refused, and back after `pbft recover`', async () => {
  await execute({ operation: 'put', key: 'k', value: VALUE });
  await checkpoint();
  await stop(DAMAGED);
  rmSync(fileOf(DAMAGED, 'state'), { recursive: true });
  const refused = await place.run(['start', '--directory', `pbft-data/${DAMAGED}`]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('pbft recover');
  await start(DAMAGED, 'recover');
  await eventually(`${DAMAGED} has recovered`, async () => (await place.status(DAMAGED)).recovery === null, 60_000);
  expect((await place.get(DAMAGED, '/pbft/state/k')).status).toBe(200);
  await place.sameRoots(30_000);
}, 240_000);
