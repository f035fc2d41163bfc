import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
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

  test("keeps each node's output in its log", async () => {
    const running = supervise(
      makeNode('node1', `console.log('one'); console.error('two'); ${READY} setInterval(() => {}, 1e6)`),
    );
    await until(() => running.ready.length === 1);
    await running.stop();
    expect(readFileSync(join(folder, 'node1/node.log'), 'utf8')).toBe('one\ntwo\n');
  });
});
