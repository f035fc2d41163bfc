import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { apiError } from '../api/index.ts';
import type { LabBody } from '../api/index.ts';
import { asReplicaId } from '../base/ids.ts';
import { fail, ok } from '../base/result.ts';
import { ParentSupervision } from './lab-channel.ts';
import type { LabNotice, LabRequest } from './lab-channel.ts';

const BODY: LabBody = { nodes: [{ node_id: 'node1', state: 'running' }], links: [] };
const LOOK = { kind: 'look' } as const;

/** One end of a channel whose other end is the test. */
class Channel extends EventEmitter {
  connected = true;
  readonly sent: LabRequest[] = [];
  readonly send = (message: LabRequest): void => void this.sent.push(message);

  answer(notice: LabNotice): void {
    this.emit('message', notice);
  }
}

describe('ParentSupervision', () => {
  let channel: Channel;
  let parent: ParentSupervision;
  beforeEach(() => {
    vi.useFakeTimers();
    channel = new Channel();
    parent = new ParentSupervision(channel);
  });
  afterEach(() => vi.useRealTimers());

  test('asks, gives what came of it, and says when it was told', async () => {
    const asked = parent.ask({ kind: 'node', node: asReplicaId(1), action: 'kill' });
    expect(channel.sent).toEqual([{ kind: 'lab', id: 1, order: { kind: 'node', node: 1, action: 'kill' } }]);
    channel.answer({ kind: 'lab-outcome', id: 1, outcome: ok(BODY) });
    const outcome = await asked;
    expect(outcome).toMatchObject({ ok: true, value: { body: BODY } });
    if (outcome.ok) outcome.value.answered();
    expect(channel.sent.at(-1)).toEqual({ kind: 'lab-answered', id: 1 });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('gives each answer to its own order, a refusal among them', async () => {
    const [first, second] = [parent.ask(LOOK), parent.ask(LOOK)];
    channel.answer({ kind: 'lab-outcome', id: 2, outcome: ok(BODY) });
    channel.answer({ kind: 'lab-outcome', id: 1, outcome: fail(apiError('node_not_running')) });
    channel.answer({ kind: 'lab-outcome', id: 7, outcome: ok(BODY) });
    expect(await first).toMatchObject({ ok: false, error: { code: 'node_not_running' } });
    expect(await second).toMatchObject({ ok: true });
  });

  test('says so when nobody answers, and takes no answer after that', async () => {
    const asked = parent.ask(LOOK);
    vi.advanceTimersByTime(5001);
    expect(await asked).toMatchObject({ ok: false, error: { code: 'supervisor_silent' } });
    channel.answer({ kind: 'lab-outcome', id: 1, outcome: ok(BODY) });
    const next = parent.ask(LOOK);
    channel.answer({ kind: 'lab-outcome', id: 2, outcome: ok(BODY) });
    expect(await next).toMatchObject({ ok: true });
  });

  test('says so when whoever started it is gone, before or meanwhile', async () => {
    const asked = parent.ask(LOOK);
    channel.connected = false;
    channel.emit('disconnect');
    expect(await asked).toMatchObject({ ok: false, error: { code: 'no_supervisor' } });
    expect(await parent.ask(LOOK)).toMatchObject({ ok: false, error: { code: 'no_supervisor' } });
    expect(channel.sent).toHaveLength(1);
  });

  test('has at most 64 orders under way', async () => {
    const asked = Array.from({ length: 64 }, async () => parent.ask(LOOK));
    expect(await parent.ask(LOOK)).toMatchObject({ ok: false, error: { code: 'overloaded' } });
    vi.advanceTimersByTime(5001);
    await Promise.all(asked);
    const next = parent.ask(LOOK);
    channel.answer({ kind: 'lab-outcome', id: 65, outcome: ok(BODY) });
    expect(await next).toMatchObject({ ok: true });
  });

  test('passes on how links are to be, and does not mind where nobody wants to know', () => {
    const notice = { kind: 'link', peer: asReplicaId(2), order: { state: 'cut' } } as const;
    channel.answer(notice);
    const told: unknown[] = [];
    parent.onLink((peer, order) => told.push([peer, order]));
    channel.answer(notice);
    expect(told).toEqual([[2, { state: 'cut' }]]);
  });
});
