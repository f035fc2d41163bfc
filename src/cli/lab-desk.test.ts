import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { asReplicaId } from '../base/ids.ts';
import type { LabOrder, LinkOrder } from '../server/index.ts';
import { LabDesk } from './lab-desk.ts';
import { Supervisor } from './supervisor.ts';

const NAMES = ['node1', 'node2', 'node3'];
const [ONE, TWO, THREE] = [asReplicaId(0), asReplicaId(1), asReplicaId(2)];

/** A process that writes down what it is told, and asks for what stands in its file. */
const NODE = (notices: string): string => `
  import { appendFileSync } from 'node:fs';
  process.send({ kind: 'ready', httpUrl: 'http://127.0.0.1:1' });
  process.on('message', (notice) => appendFileSync(${JSON.stringify(notices)}, JSON.stringify(notice) + '\\n'));
  setInterval(() => {}, 1e6);
`;

describe('LabDesk', () => {
  let folder: string;
  let supervisor: Supervisor;
  let desk: LabDesk;
  let pids: Map<string, number>;
  let lastId = 0;

  const noticesOf = (node: string): readonly { kind: string; id?: number; outcome?: unknown }[] =>
    readFileSync(join(folder, `${node}.notices`), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { kind: string });

  const until = async (condition: () => boolean): Promise<void> =>
    void (await vi.waitUntil(condition, { timeout: 20_000, interval: 20 }));

  const isAlive = (pid: number | undefined): boolean => {
    try {
      return process.kill(pid ?? 0, 0);
    } catch {
      return false;
    }
  };

  /** `node` orders; what came of it. */
  async function order(node: string, what: LabOrder): Promise<{ id: number; outcome: unknown }> {
    lastId += 1;
    const id = lastId;
    desk.onRequest(node, { kind: 'lab', id, order: what });
    const answer = (): ReturnType<typeof noticesOf>[number] | undefined =>
      noticesOf(node).find((notice) => notice.kind === 'lab-outcome' && notice.id === id);
    await until(() => answer() !== undefined);
    return { id, outcome: answer()?.outcome };
  }

  const link = (from: typeof ONE, to: typeof ONE, how: LinkOrder): LabOrder => ({ kind: 'link', from, to, order: how });
  const act = (node: typeof ONE, action: 'kill' | 'restart' | 'pause' | 'resume'): LabOrder => ({
    kind: 'node',
    node,
    action,
  });
  const states = (...all: readonly string[]): object =>
    expect.objectContaining({ nodes: NAMES.map((name, index) => ({ node_id: name, state: all[index] })) }) as object;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pbft-desk-'));
    pids = new Map();
    const nodes = NAMES.map((name) => {
      const directory = join(folder, name);
      mkdirSync(directory);
      const notices = join(folder, `${name}.notices`);
      writeFileSync(notices, '');
      writeFileSync(join(directory, 'process.mjs'), NODE(notices));
      return { name, directory, args: [join(directory, 'process.mjs')] };
    });
    supervisor = new Supervisor(nodes, {
      onEvent: (event) => {
        if (event.kind === 'ready') pids.set(event.node, event.pid);
      },
      onRequest: (node, request) => desk.onRequest(node, request),
    });
    desk = new LabDesk({ nodes: NAMES, inLab: new Set(['node1', 'node2']), supervisor });
    supervisor.start();
    await until(() => supervisor.ready.length === NAMES.length);
  });
  afterEach(async () => {
    supervisor.kill();
    await supervisor.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('says how all stand', async () => {
    const { outcome } = await order('node1', { kind: 'look' });
    expect(outcome).toEqual({
      ok: true,
      value: { nodes: NAMES.map((name) => ({ node_id: name, state: 'running' })), links: [] },
    });
  });

  test('refuses an order for a node that there is not', async () => {
    const refused = { ok: false, error: { code: 'unknown_node', details: { nodes: NAMES } } };
    const nobody = asReplicaId(9);
    expect((await order('node1', act(nobody, 'kill'))).outcome).toMatchObject(refused);
    expect((await order('node1', link(nobody, ONE, { state: 'cut' }))).outcome).toMatchObject(refused);
    expect((await order('node1', link(ONE, nobody, { state: 'cut' }))).outcome).toMatchObject(refused);
    desk.onRequest('node1', { kind: 'lab-answered', id: 99 });
    expect((await order('node1', { kind: 'look' })).outcome).toMatchObject({ ok: true, value: { links: [] } });
  });

  test('kills another node at once, and answers', async () => {
    const { outcome } = await order('node1', act(TWO, 'kill'));
    expect(outcome).toMatchObject({ ok: true, value: states('running', 'killed', 'running') });
    await until(() => !isAlive(pids.get('node2')));
  });

  test('kills the node that orders it only once that has answered', async () => {
    const { id, outcome } = await order('node1', act(ONE, 'kill'));
    expect(outcome).toMatchObject({ ok: true, value: states('killed', 'running', 'running') });
    expect(isAlive(pids.get('node1'))).toBe(true);
    desk.onRequest('node1', { kind: 'lab-answered', id: id + 1 });
    desk.onRequest('node2', { kind: 'lab-answered', id });
    expect(isAlive(pids.get('node1'))).toBe(true);
    desk.onRequest('node1', { kind: 'lab-answered', id });
    await until(() => !isAlive(pids.get('node1')));
  });

  test('kills it all the same when it never says so', async () => {
    await order('node1', act(ONE, 'kill'));
    await until(() => !isAlive(pids.get('node1')));
    expect((await order('node2', { kind: 'look' })).outcome).toMatchObject({
      value: states('killed', 'running', 'running'),
    });
  });

  test('tells the sender how its links are to be, lists them, and forgets them with its process', async () => {
    const { outcome } = await order('node2', link(ONE, TWO, { state: 'cut' }));
    const cut = { from: 'node1', to: 'node2', state: 'cut', delay_ms: null };
    expect(outcome).toMatchObject({ ok: true, value: { links: [cut] } });
    const slow = { from: 'node2', to: 'node1', state: 'slow', delay_ms: 250 };
    expect((await order('node2', link(TWO, ONE, { state: 'slow', delayMs: 250 }))).outcome).toMatchObject({
      value: { links: [cut, slow] },
    });
    const told = (): ReturnType<typeof noticesOf> => noticesOf('node2').filter(({ kind }) => kind === 'link');
    await until(() => told().length === 1);
    expect(told()).toEqual([{ kind: 'link', peer: 0, order: { state: 'slow', delayMs: 250 } }]);
    desk.onEnded('node1');
    expect((await order('node2', { kind: 'look' })).outcome).toMatchObject({ value: { links: [slow] } });
    expect((await order('node2', link(TWO, ONE, { state: 'up' }))).outcome).toMatchObject({ value: { links: [] } });
  });

  test('refuses what needs a process where there is none', async () => {
    await order('node1', act(TWO, 'kill'));
    const refused = { ok: false, error: { code: 'node_not_running', details: { node_id: 'node2' } } };
    for (const action of ['pause', 'resume'] as const)
      expect((await order('node1', act(TWO, action))).outcome).toMatchObject(refused);
    expect((await order('node1', link(TWO, ONE, { state: 'cut' }))).outcome).toMatchObject(refused);
    expect((await order('node1', { kind: 'look' })).outcome).toMatchObject({ value: { links: [] } });
  });

  test('takes no order from a node that is not in lab mode', async () => {
    for (const what of [act(ONE, 'kill'), link(ONE, TWO, { state: 'cut' }), { kind: 'look' } as const])
      expect((await order('node3', what)).outcome).toMatchObject({ ok: false, error: { code: 'lab_mode_off' } });
    expect(isAlive(pids.get('node1'))).toBe(true);
  });

  test('takes none for a node that is not in lab mode either, but lets others cut what they send to it', async () => {
    const refused = {
      ok: false,
      error: {
        code: 'lab_mode_off',
        message: expect.stringContaining('node3 does not run in lab mode') as string,
        details: { node_id: 'node3' },
      },
    };
    for (const action of ['kill', 'restart', 'pause', 'resume'] as const)
      expect((await order('node1', act(THREE, action))).outcome).toMatchObject(refused);
    expect((await order('node1', link(THREE, ONE, { state: 'cut' }))).outcome).toMatchObject(refused);
    expect(noticesOf('node3')).toEqual([]);
    expect((await order('node1', link(ONE, THREE, { state: 'cut' }))).outcome).toMatchObject({
      ok: true,
      value: { links: [{ from: 'node1', to: 'node3' }] },
    });
  });
});
