import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LogBody } from '../../src/api/index.ts';
import { eventually, Workplace } from './local-cluster.ts';
import { limitFiles, mayMount, mountSmallDisk } from './support/small-disk.ts';
import type { SmallDisk } from './support/small-disk.ts';

const NODES = ['node1', 'node2', 'node3', 'node4'];

let place: Workplace;
let disk: SmallDisk | undefined;
beforeEach(() => {
  place = new Workplace();
});
afterEach(async () => {
  await place.clear();
  await disk?.end();
  disk = undefined;
});

/** All four nodes, the log of node4 on `small`. */
const startAll = async (small: SmallDisk): Promise<void> =>
  place.startNodes(NODES, (name) => (name === 'node4' ? small.within : []));

let paid = 0;
async function pay(gateway: string, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    paid += 1;
    const key = { 'idempotency-key': `pay-${paid}` };
    await eventually('a transfer is executed', async () => {
      const body = { operation: 'transfer', to: 'load', amount: 1 };
      const answer = await place.post(gateway, '/pbft/request?wait=true', body, key);
      return answer.body['status'] === 'executed';
    });
  }
}

/** Fills the disk of node4 and lets the others go on until it says so; what it says. */
async function fillUp(small: SmallDisk): Promise<Record<string, unknown>> {
  small.fill(place.pid('node4'));
  return eventually(
    'node4 says that its disk is full',
    async () => {
      await pay('node1', 5);
      const { status, body } = await place.get('node4', '/readyz');
      const { details } = body['error'] as { readonly details: { readonly disk?: Record<string, unknown> } };
      return status === 503 && details.disk !== undefined && { ...details, ...details.disk };
    },
    30_000,
  );
}

/** True when a vote of node4 for any number from `first` on has come to one of the others. */
async function hasVoted(first: number): Promise<boolean> {
  const logs = await Promise.all(
    ['node1', 'node2', 'node3'].map(async (name) => (await place.get(name, `/pbft/log?from=${first}`)).body),
  );
  const slots = (logs as unknown as LogBody[]).flatMap((log) => log.slots);
  expect(slots.length).toBeGreaterThan(0);
  return slots.some(({ prepares, commits }) => [...prepares, ...commits].includes('node4'));
}

const KINDS = mayMount()
  ? (['a file system of 30 MB', 'a limit of the size of files'] as const)
  : (['a limit of the size of files'] as const);

describe.each(KINDS)('G20: a disk that fills up: %s', { timeout: 180_000 }, (kind) => {
  async function smallDisk(): Promise<SmallDisk> {
    await place.makeFolder();
    const made =
      kind === 'a limit of the size of files'
        ? limitFiles()
        : await mountSmallDisk(join(place.folder, 'pbft-data/node4/log'));
    disk = made;
    return made;
  }

  test('the node lives, says what it needs and votes no more, the others go on; with room it votes again by itself, and nothing is lost', async () => {
    const small = await smallDisk();
    await startAll(small);
    paid = 0;
    await pay('node2', 5);
    const told = await fillUp(small);
    expect(told).toMatchObject({
      code: small.code,
      path: expect.stringMatching(/node4\/log\/\d+\.seg$/) as string,
      free_bytes: expect.any(Number) as number,
      needed_bytes: expect.any(Number) as number,
      waiting_for: expect.arrayContaining([expect.stringContaining(`room on disk (${small.code} at `)]) as string[],
    });
    // A limit of the size of files says nothing about what is free.
    const isShort = Number(told['free_bytes']) < Number(told['needed_bytes']);
    expect(isShort || small.code === 'EFBIG').toBe(true);
    expect((await place.get('node4', '/healthz')).status).toBe(200);
    const { warnings } = await place.status('node4');
    expect(warnings).toEqual([expect.stringContaining('votes no more, waits for room on disk')]);
    expect((await place.get('node4', '/pbft/explain')).body['summary']).toContain('waits for room on disk');
    // Votes that were on disk before it was full may still be under way; after those there is none.
    await pay('node1', 5);
    const { last_executed: since } = await place.status('node1');
    await pay('node1', 20);
    expect(await hasVoted(since + 1)).toBe(false);

    small.makeRoom(place.pid('node4'));
    await eventually('node4 is ready', async () => (await place.get('node4', '/readyz')).status === 200, 60_000);
    expect((await place.status('node4')).warnings).toEqual([]);
    await pay('node4', 5);
    await place.sameRoots();
    // With another one silent, the quorum needs its vote.
    process.kill(place.pid('node3'), 'SIGSTOP');
    try {
      await pay('node1', 5);
    } finally {
      process.kill(place.pid('node3'), 'SIGCONT');
    }
    expect(await place.balance('node4', 'load')).toBe(paid);
    await place.sameRoots();
    const suspicions = (await place.statuses()).flatMap(({ suspicions: all }) => all);
    expect(suspicions.filter(({ certainty }) => certainty === 'certain')).toEqual([]);
  });

  test('killed while it is full and started with room, the node goes on where it was', async () => {
    const small = await smallDisk();
    await startAll(small);
    paid = 0;
    await fillUp(small);
    const pid = place.pid('node4');
    process.kill(pid, 'SIGKILL');
    small.makeRoom(process.pid);
    await eventually('it is gone', async () =>
      place.get('node4', '/healthz').then(
        () => false,
        () => true,
      ),
    );
    await place.startNodes(['node4'], () => small.within);
    process.kill(place.pid('node3'), 'SIGSTOP');
    try {
      await pay('node1', 5);
    } finally {
      process.kill(place.pid('node3'), 'SIGCONT');
    }
    expect(await place.balance('node4', 'load')).toBe(paid);
    await place.sameRoots();
  });
});
