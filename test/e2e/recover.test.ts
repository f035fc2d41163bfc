// A node whose log is deleted under load is brought back by `pbft recover`: it casts no vote at or below its mark, and is useful again.
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LogBody } from '../../src/api/index.ts';
import { eventually, Workplace } from './local-cluster.ts';
import type { CliProcess } from './local-cluster.ts';
import { SteadyLoad } from './support/steady-load.ts';

const NAMES = ['node1', 'node2', 'node3', 'node4'];
const LOST = 'node4';
/** Of messages with a sequence number; node4 is the primary of views 3, 7, 11 … */
const VOTES = new Set(['pre-prepare', 'prepare', 'commit', 'checkpoint']);

let place: Workplace;
let nodes: Map<string, CliProcess>;
let load: SteadyLoad | undefined;
beforeEach(() => {
  place = new Workplace();
  nodes = new Map();
});
afterEach(async () => {
  await load?.close();
  load = undefined;
  for (const node of nodes.values()) node.signal('SIGCONT');
  await place.clear();
});

const directoryOf = (name: string): string => `pbft-data/${name}`;
const fileOf = (name: string, ...parts: readonly string[]): string => join(place.folder, directoryOf(name), ...parts);

async function run(command: 'start' | 'recover', name: string): Promise<void> {
  const node = place.start([command, '--directory', directoryOf(name)]);
  nodes.set(name, node);
  const early = node.ended.then(({ code, stderr }): never => {
    throw new Error(`${name} ended with ${code}: ${stderr}`);
  });
  early.catch(() => undefined);
  const serving = eventually(`${name} serves`, async () => (await place.status(name)).node_id === name, 60_000);
  await Promise.race([serving, early]);
}

async function startAll(): Promise<void> {
  await place.makeFolder();
  await Promise.all(NAMES.map(async (name) => run('start', name)));
  await Promise.all(NAMES.map(async (name) => place.ready(name)));
}

/** The votes of a node for these numbers, as it recorded what it sent. */
async function votesSent(name: string, to: number): Promise<readonly unknown[]> {
  const { body } = await place.get(name, `/pbft/log?messages=true&from=1&to=${to}`);
  return ((body as unknown as LogBody).messages ?? []).filter(({ direction, message }) => {
    const { type = '', node_id: author = name } = message as { readonly type?: string; readonly node_id?: string };
    return direction === 'sent' && VOTES.has(type) && author === name;
  });
}

test('its log deleted under load, a node is back by `pbft recover`, without a vote at or below its mark', async () => {
  await startAll();
  load = new SteadyLoad(place);
  // Enough for a checkpoint, also where each batch holds a request of every session.
  await load.progress(3000, 60_000);
  nodes.get(LOST)?.signal('SIGKILL');
  await nodes.get(LOST)?.ended;
  rmSync(fileOf(LOST, 'log'), { recursive: true });
  await load.progress(50, 30_000);

  await run('recover', LOST);
  const votes: unknown[] = [];
  let mark: number | undefined;
  let explained = '';
  await eventually(
    `${LOST} has recovered`,
    async () => {
      const { recovery } = await place.status(LOST);
      mark ??= recovery?.mark ?? undefined;
      if (mark !== undefined) votes.push(...(await votesSent(LOST, mark)));
      if (recovery === null) return mark !== undefined;
      explained ||= String((await place.get(LOST, '/pbft/explain')).body['summary']);
      return false;
    },
    60_000,
  );
  expect(mark).toBeGreaterThan(256);
  expect(explained).toContain('lost its log');
  await load.progress(100, 30_000);
  if (mark !== undefined) votes.push(...(await votesSent(LOST, mark)));
  expect(votes).toEqual([]);
  await eventually(`${LOST} votes again`, async () => (await votesSent(LOST, 2 ** 40)).length > 0);

  // With another one silent, the quorum needs it.
  nodes.get('node3')?.signal('SIGSTOP');
  await load.progress(50, 60_000);
  nodes.get('node3')?.signal('SIGCONT');
  await load.stop();
  const statuses = await place.sameRoots(30_000);
  await load.check(place, NAMES);
  const certain = statuses.flatMap(({ suspicions }) => suspicions.filter(({ certainty }) => certainty === 'certain'));
  expect(certain).toEqual([]);
}, 240_000);

test('a node with its log, or without its keys, is not recovered', async () => {
  await startAll();
  const answer = await place.post('node1', '/pbft/request?wait=true', { operation: 'transfer', amount: 1 });
  expect(answer.body).toMatchObject({ status: 'executed' });
  const inUse = await place.run(['recover', '--directory', directoryOf(LOST)]);
  expect(inUse).toMatchObject({ code: 2 });
  expect(inUse.stderr).toMatch(/in use by process \d+/);
  nodes.get(LOST)?.signal('SIGTERM');
  await nodes.get(LOST)?.ended;
  const refused = await place.run(['recover', '--directory', directoryOf(LOST)]);
  expect(refused).toMatchObject({ code: 2 });
  expect(refused.stderr).toContain('node4 has its log');
  expect(refused.stderr).toContain('--discard-log');
  expect(existsSync(fileOf(LOST, 'log'))).toBe(true);
  renameSync(fileOf(LOST, 'keys', 'node.key'), fileOf(LOST, 'keys', 'elsewhere'));
  const keyless = await place.run(['recover', '--directory', directoryOf(LOST)]);
  expect(keyless).toMatchObject({ code: 2 });
  expect(keyless.stderr).toContain('config.json of every node');
  renameSync(fileOf(LOST, 'keys', 'elsewhere'), fileOf(LOST, 'keys', 'node.key'));
  nodes.set(LOST, place.start(['recover', '--discard-log', '--directory', directoryOf(LOST)]));
  await eventually(`${LOST} has recovered`, async () => (await place.status(LOST)).recovery === null, 60_000);
  await eventually(
    'it is in the view of the others',
    async () => {
      const statuses = await place.statuses();
      return statuses.every(
        ({ view, in_view_change: isChanging }) => !isChanging && view === statuses[0]?.view && view > 0,
      );
    },
    30_000,
  );
  expect(await place.balance(LOST, 'default')).toBe(1);
}, 240_000);
