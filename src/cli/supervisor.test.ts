import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { asReplicaId } from '../base/ids.ts';
import type { LabRequest } from './lab-channel.ts';
import { Supervisor } from './supervisor.ts';
import type { SupervisedNode, SupervisorEvent } from './supervisor.ts';

let folder = '';
let supervisor: Supervisor | undefined;
let events: SupervisorEvent[] = [];
let requests: [string, LabRequest][] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pbft-supervisor-'));
  events = [];
  requests = [];
});
afterEach(async () => {
  supervisor?.kill();
  await supervisor?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A node whose process runs `script`. */
function makeNode(name: string, script: string): SupervisedNode {
  const directory = join(folder, name);
  mkdirSync(directory);
  const file = join(directory, 'process.mjs');
  writeFileSync(file, script);
  return { name, directory, args: [file] };
}

function supervise(...nodes: readonly SupervisedNode[]): Supervisor {
  supervisor = new Supervisor(nodes, {
    onEvent: (event) => void events.push(event),
    onRequest: (node, request) => void requests.push([node, request]),
  });
  supervisor.start();
  return supervisor;
}

const READY = "process.send({ kind: 'ready', httpUrl: 'http://127.0.0.1:1' });";
const kinds = (): readonly string[] => events.map(({ kind, node }) => `${node} ${kind}`);
const pidOf = (index: number): number => {
  const ready = events.filter((event) => event.kind === 'ready')[index];
  return ready?.pid ?? 0;
};

async function until(condition: () => boolean): Promise<void> {
  await vi.waitUntil(condition, { timeout: 8000, interval: 20 });
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('the supervisor', () => {
  test('starts a process per node and ends them all', async () => {
    const running = supervise(
      makeNode('node1', `${READY} process.stdin.resume(); setInterval(() => {}, 1e6)`),
      makeNode('node2', `${READY} setInterval(() => {}, 1e6)`),
    );
    await until(() => running.ready.length === 2);
    const pids = [pidOf(0), pidOf(1)];
    expect(pids.every(isAlive)).toBe(true);
    await running.stop();
    expect(pids.some(isAlive)).toBe(false);
    expect(running.ready).toEqual([]);
    expect(events.map(({ kind }) => kind)).toEqual(['ready', 'ready']);
  });

  test('starts a node again that was killed', async () => {
    const running = supervise(makeNode('node1', `${READY} setInterval(() => {}, 1e6)`));
    await until(() => running.ready.length === 1);
    process.kill(pidOf(0), 'SIGKILL');
    await until(() => kinds().length === 3);
    expect(events).toMatchObject([
      { kind: 'ready', restarted: false },
      { kind: 'died', how: 'SIGKILL' },
      { kind: 'ready', restarted: true },
    ]);
  });

  test('leaves a node down that dies five times within a minute, and says what it said', async () => {
    supervise(
      makeNode(
        'node1',
        "process.send({ kind: 'failed', lines: ['the disk is full'] }); process.exitCode = 2; process.disconnect();",
      ),
    );
    await until(() => kinds().includes('node1 down'));
    expect(kinds()).toEqual([...Array.from({ length: 4 }, () => 'node1 died'), 'node1 down']);
    expect(events.at(-1)).toEqual({ kind: 'down', node: 'node1', deaths: 5, why: ['the disk is full'] });
  });

  test('passes over what is no report, says so once, and takes those that are', async () => {
    const ORDER = { kind: 'lab', id: 1, order: { kind: 'node', node: 0, action: 'kill' } } as const;
    const junk = [
      ['ready', 0, [], { kind: 'failed' }, { kind: 'lab', id: 1, order: { kind: 'node', node: 9, action: 'kill' } }],
      [{ ...ORDER, order: { ...ORDER.order, action: 'hang' } }],
    ].flat();
    const running = supervise(
      makeNode(
        'node1',
        `process.send(null); for (const junk of ${JSON.stringify(junk)}) process.send(junk);
         process.send(${JSON.stringify(ORDER)}); ${READY} ${READY} setInterval(() => {}, 1e6)`,
      ),
    );
    await until(() => running.ready.length === 1);
    expect(requests).toEqual([['node1', ORDER]]);
    expect(kinds()).toEqual(['node1 misspoke', 'node1 ready']);
    process.kill(pidOf(0), 'SIGKILL');
    await until(() => kinds().length === 5);
    expect(kinds().slice(2)).toEqual(['node1 died', 'node1 misspoke', 'node1 ready']);
  });

  test('kills a process that does not end when asked', async () => {
    const running = supervise(
      makeNode('node1', `process.on('SIGTERM', () => {}); ${READY} setInterval(() => {}, 1e6)`),
    );
    await until(() => running.ready.length === 1);
    const pid = pidOf(0);
    const before = performance.now();
    await running.stop();
    expect(isAlive(pid)).toBe(false);
    expect(performance.now() - before).toBeLessThan(5000);
  });

  test('says so when a log cannot be opened', async () => {
    const node = makeNode('node1', READY);
    mkdirSync(join(node.directory, 'node.log'));
    supervise(node);
    await until(() => kinds().includes('node1 down'));
    expect(events.at(-1)).toMatchObject({ why: [expect.stringContaining('EISDIR')] });
  });

  test('tries again where a process cannot be started at all, and keeps no log open for it', async () => {
    const open = (): number => readdirSync('/proc/self/fd').length;
    const before = open();
    const node = makeNode('node1', READY);
    const running = supervise({ ...node, args: ['no\0argument'] });
    await until(() => kinds().includes('node1 down'));
    expect(kinds()).toEqual([...Array.from({ length: 4 }, () => 'node1 died'), 'node1 down']);
    expect(events.at(-1)).toMatchObject({ why: [expect.stringContaining('null bytes')] });
    expect(open()).toBeLessThan(before + 4);
    expect(running.ready).toEqual([]);
  });

  test("keeps each node's output in its log", async () => {
    const running = supervise(
      makeNode('node1', `console.log('one'); console.error('two'); ${READY} setInterval(() => {}, 1e6)`),
    );
    await until(() => running.ready.length === 1);
    await running.stop();
    expect(readFileSync(join(folder, 'node1/node.log'), 'utf8')).toBe('one\ntwo\n');
  });

  describe('by order', () => {
    const LIVES = `${READY} process.on('message', ({ peer }) => process.send({ kind: 'lab-answered', id: peer })); setInterval(() => {}, 1e6)`;
    const isStopped = (pid: number): boolean => /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

    async function one(): Promise<Supervisor> {
      const running = supervise(makeNode('node1', LIVES));
      await until(() => running.ready.length === 1);
      return running;
    }

    function act(running: Supervisor, action: 'kill' | 'restart' | 'pause' | 'resume'): void {
      const order = running.order('node1', action);
      expect(order).toBeDefined();
      order?.();
    }

    test('kills a node and leaves it down until it is to start again', async () => {
      const running = await one();
      act(running, 'kill');
      expect(running.labState('node1')).toBe('killed');
      await until(() => !isAlive(pidOf(0)));
      expect(running.order('node1', 'pause')).toBeUndefined();
      expect(running.order('node1', 'resume')).toBeUndefined();
      // Twice is as good as once.
      act(running, 'kill');
      act(running, 'restart');
      await until(() => running.labState('node1') === 'running');
      expect(kinds()).toEqual(['node1 ready', 'node1 ordered', 'node1 ordered', 'node1 ordered', 'node1 ready']);
    });

    test('restarts a node that runs, as often as one likes', async () => {
      const running = await one();
      for (let round = 0; round < 6; round += 1) {
        act(running, 'restart');
        expect(running.labState('node1')).toBe('starting');
        await until(() => running.labState('node1') === 'running' && pidOf(round + 1) > 0);
        expect(isAlive(pidOf(round))).toBe(false);
      }
    });

    test('starts a node again that stayed down, and forgets its deaths', async () => {
      const running = supervise(makeNode('node1', 'process.exitCode = 1; process.disconnect();'));
      await until(() => kinds().includes('node1 down'));
      expect(running.labState('node1')).toBe('down');
      act(running, 'restart');
      await until(() => kinds().filter((kind) => kind === 'node1 died').length > 5);
      act(running, 'kill');
    });

    test('pauses a node and lets it go on', async () => {
      const running = await one();
      act(running, 'pause');
      await until(() => isStopped(pidOf(0)));
      expect(running.labState('node1')).toBe('paused');
      act(running, 'resume');
      await until(() => !isStopped(pidOf(0)));
      expect(running.labState('node1')).toBe('running');
      expect(running.ready).toEqual(['node1']);
    });

    test('ends a paused node in order, and kills or restarts one as well', async () => {
      const running = await one();
      act(running, 'pause');
      await until(() => isStopped(pidOf(0)));
      act(running, 'restart');
      await until(() => running.labState('node1') === 'running');
      expect(isAlive(pidOf(0))).toBe(false);
      act(running, 'pause');
      await until(() => isStopped(pidOf(1)));
      const before = performance.now();
      await running.stop();
      expect(isAlive(pidOf(1))).toBe(false);
      expect(performance.now() - before).toBeLessThan(3000);
    });

    test('carries out nothing on another process than the one that was meant', async () => {
      const running = await one();
      const late = running.order('node1', 'restart');
      process.kill(pidOf(0), 'SIGKILL');
      await until(() => running.labState('node1') === 'running');
      late?.();
      await until(() => requests.length === 0 && isAlive(pidOf(1)));
      expect(running.tell('node1', { kind: 'link', peer: asReplicaId(1), order: { state: 'cut' } })).toBe(true);
      await until(() => requests.length === 1);
      expect(requests).toEqual([['node1', { kind: 'lab-answered', id: 1 }]]);
    });

    test('survives that what it says to a process that has just died does not arrive, however often', async () => {
      const running = await one();
      process.kill(pidOf(0), 'SIGKILL');
      // All in one turn: this process has not learned of the death yet.
      while (!/^State:\s+Z/m.test(readFileSync(`/proc/${pidOf(0)}/status`, 'utf8'))) continue;
      const notice = { kind: 'link', peer: asReplicaId(1), order: { state: 'up' } } as const;
      for (let round = 0; round < 3; round += 1) running.tell('node1', notice);
      await until(() => kinds().length === 3);
      expect(events[1]).toMatchObject({ kind: 'died', how: 'SIGKILL', why: [] });
    });

    test('tells nobody where there is no process', async () => {
      const running = await one();
      act(running, 'kill');
      await until(() => !isAlive(pidOf(0)));
      const notice = { kind: 'link', peer: asReplicaId(1), order: { state: 'up' } } as const;
      await until(() => !running.tell('node1', notice));
      expect(running.tell('node1', notice)).toBe(false);
    });
  });
});
