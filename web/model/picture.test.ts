import { describe, expect, it } from 'vitest';
import {
  certificate,
  executed,
  other,
  prePrepared,
  received,
  requestReceived,
  sent,
  suspicion,
  viewChangeStarted,
  viewEntered,
} from '../../test/support/stream-events.ts';
import { fateOf, MAX_ARROWS } from './arrows.ts';
import { MAX_CLIENTS, Picture } from './picture.ts';
import { MAX_REQUESTS, MAX_SLOTS, progressOf } from './slots.ts';
import type { StreamEvent } from './stream-event.ts';

const NODES = ['node1', 'node2', 'node3', 'node4'];
const REQUEST = 'e'.repeat(64);
const OTHER_DIGEST = 'f'.repeat(64);

function pictureOf(...events: readonly StreamEvent[]): Picture {
  const picture = new Picture({ nodes: NODES, faultLimit: 1, quorum: 3, prepares: 2 });
  for (const event of events) picture.apply(event);
  return picture;
}

const everybody = (): boolean => true;

describe('messages become arrows', () => {
  it('that join what was sent and what was received, in either order', () => {
    for (const events of [
      [sent('node1', 'node2', 10), received('node1', 'node2', 15)],
      [received('node1', 'node2', 15), sent('node1', 'node2', 10)],
    ]) {
      const { list } = pictureOf(...events).arrows;
      expect(list).toMatchObject([{ from: 'node1', to: 'node2', sentUs: 10, receivedUs: 15, phase: 'prepare' }]);
    }
  });

  it.each([
    ['other ids', sent('node1', 'node2', 10, { id: '1'.repeat(16) }), received('node1', 'node2', 15)],
    ['other receivers', sent('node1', 'node3', 10), received('node1', 'node2', 15)],
    ['other senders', sent('node3', 'node2', 10), received('node1', 'node2', 15)],
  ])('are two where they have %s', (_, first, second) => {
    expect(pictureOf(first, second).arrows.list).toHaveLength(2);
  });

  it('are one for each time that a message was sent again', () => {
    const { list } = pictureOf(
      sent('node1', 'node2', 10),
      sent('node1', 'node2', 20),
      received('node1', 'node2', 25),
      received('node1', 'node2', 30),
    ).arrows;
    expect(list).toMatchObject([
      { sentUs: 10, receivedUs: 25 },
      { sentUs: 20, receivedUs: 30 },
    ]);
  });

  it('under way at first, and lost when too much time has passed', () => {
    const picture = pictureOf(sent('node1', 'node2', 10));
    const [arrow] = picture.arrows.list;
    if (arrow === undefined) throw new Error('no arrow');
    expect(fateOf(arrow, 1000, everybody)).toBe('in-flight');
    expect(fateOf(arrow, 10_000_000, everybody)).toBe('lost');
    expect(fateOf(arrow, 10_000_000, (party) => party !== 'node2')).toBe('unseen');
  });

  it('that the lab dropped are lost at once, and only those', () => {
    const picture = pictureOf(sent('node1', 'node2', 10), sent('node1', 'node3', 10));
    picture.dropMessage('a'.repeat(16), 'node1', 'node2');
    picture.dropMessage('a'.repeat(16), 'node2', 'node1');
    expect(picture.arrows.list.map((arrow) => fateOf(arrow, 20, everybody))).toEqual(['lost', 'in-flight']);
  });

  it('bear why they were refused', () => {
    const refused = other('node2', 20, { kind: 'refused', type: 'prepare', from: 'node1', code: 'wrong-view' });
    expect(pictureOf(sent('node1', 'node2', 10), received('node1', 'node2', 15), refused).arrows.list).toMatchObject([
      { refused: 'wrong-view' },
    ]);
  });

  it('are bounded: the oldest go', () => {
    const picture = pictureOf();
    for (let at = 0; at < 3 * MAX_ARROWS; at += 1)
      picture.apply(sent('node1', 'node2', at, { id: at.toString(16).padStart(16, '0') }));
    expect(picture.arrows.list.length).toBeLessThanOrEqual(1.5 * MAX_ARROWS);
    expect(picture.arrows.list.at(-1)?.sentUs).toBe(3 * MAX_ARROWS - 1);
    // The end of one that is forgotten begins an arrow of its own.
    picture.apply(received('node1', 'node2', 9e6, { id: '0'.repeat(16) }));
    expect(picture.arrows.list.at(-1)).toMatchObject({ sentUs: undefined, receivedUs: 9e6 });
  });
});

describe('slots fill up', () => {
  const progress = (picture: Picture) => progressOf(picture.slots.get(1), picture.quorums);

  it('vote by vote, to what each phase takes', () => {
    const picture = pictureOf(prePrepared('node1', 1, { requests: [REQUEST] }), prePrepared('node2', 2));
    expect(progress(picture)).toMatchObject({
      prePrepare: { done: true },
      prepare: { done: false, votes: 0, needed: 2 },
      commit: { needed: 3 },
      reply: { needed: 2 },
    });
    picture.apply(sent('node2', 'node1', 3));
    picture.apply(sent('node2', 'node3', 3));
    expect(progress(picture).prepare).toMatchObject({ done: false, votes: 1, nodes: ['node2'] });
    picture.apply(sent('node3', 'node1', 4));
    expect(progress(picture).prepare).toMatchObject({ done: true, votes: 2 });
    for (const node of ['node1', 'node2']) picture.apply(sent(node, 'node4', 5, { type: 'commit' }));
    expect(progress(picture).commit).toMatchObject({ done: false, votes: 2 });
  });

  it.each([
    ['another batch', { digest: OTHER_DIGEST }],
    ['another view', { view: 1 }],
    ['another number', { sequence: 2 }],
    ['no batch at all', { digest: null }],
  ])('but not by a vote for %s', (_, vote) => {
    const picture = pictureOf(prePrepared('node1', 1), sent('node2', 'node1', 3, vote));
    expect(progress(picture).prepare.votes).toBe(0);
  });

  it('by a certificate too, whose votes nobody has seen', () => {
    expect(progress(pictureOf(prePrepared('node1', 1), certificate('prepared', 'node1', 2))).prepare).toMatchObject({
      done: true,
      votes: 2,
    });
    expect(progress(pictureOf(prePrepared('node1', 1), certificate('committed', 'node1', 2)))).toMatchObject({
      prepare: { done: true },
      commit: { done: true, votes: 3 },
    });
  });

  it('anew in a higher view, and not by what comes late from a lower one', () => {
    const picture = pictureOf(prePrepared('node1', 1), sent('node2', 'node1', 2), prePrepared('node2', 3, { view: 1 }));
    expect(progress(picture).prepare.votes).toBe(0);
    picture.apply(certificate('prepared', 'node3', 4, { view: 0 }));
    expect(progress(picture).prepare.done).toBe(false);
    expect(picture.slots.get(1)?.view).toBe(1);
  });

  it('show that a primary proposed two batches for one number', () => {
    const picture = pictureOf(prePrepared('node2', 1), prePrepared('node3', 1, { digest: OTHER_DIGEST }));
    expect(new Set(picture.slots.get(1)?.proposed.values()).size).toBe(2);
  });

  it('are bounded, and so are requests', () => {
    const picture = pictureOf();
    for (let sequence = 1; sequence <= 2 * MAX_SLOTS; sequence += 1)
      picture.apply(prePrepared('node1', sequence, { sequence, requests: [String(sequence).padStart(64, '0')] }));
    expect(picture.slots.size).toBe(MAX_SLOTS);
    expect(picture.requests.size).toBe(MAX_REQUESTS);
    expect(picture.slots.has(2 * MAX_SLOTS)).toBe(true);
  });
});

describe('requests', () => {
  it('go from the client to the end, and how long that took counts once', () => {
    const picture = pictureOf(
      requestReceived('node2', 2000, REQUEST),
      requestReceived('node1', 1000, REQUEST),
      prePrepared('node1', 1500, { requests: [REQUEST] }),
      executed('node3', 6000, { requests: [REQUEST] }),
      executed('node1', 7000, { requests: [REQUEST] }),
    );
    expect(picture.requests.get(REQUEST)).toMatchObject({
      client: 'client:0a0a0a0a',
      receivedUs: 1000,
      executedUs: 6000,
      sequence: 1,
      outcome: 'executed',
      executedBy: new Set(['node3', 'node1']),
    });
    picture.closeSample(1, 1);
    picture.closeSample(2, 1);
    expect(picture.figures.samples).toMatchObject([{ requestsPerSecond: 1, batchSize: 1 }, { p50Ms: 5 }]);
  });

  it('count from when the first node had them, also where that node tells it last', () => {
    const picture = pictureOf(
      prePrepared('node2', 4000, { requests: [REQUEST] }),
      executed('node2', 6000, { requests: [REQUEST] }),
    );
    picture.closeSample(1, 1);
    picture.apply(requestReceived('node1', 1000, REQUEST));
    picture.closeSample(2, 1);
    expect(picture.figures.samples.at(-1)?.p50Ms).toBe(5);
  });

  it('of which nobody told when they came do not count', () => {
    const picture = pictureOf(executed('node2', 6000, { requests: [REQUEST] }));
    for (const second of [1, 2, 3]) picture.closeSample(second, 1);
    expect(picture.figures.samples.map(({ p50Ms }) => p50Ms)).toEqual([undefined, undefined, undefined]);
  });

  it('are not brought back by a node that comes late with what is forgotten', () => {
    const name = (sequence: number): string => String(sequence).padStart(64, '0');
    const picture = pictureOf();
    for (let sequence = 1; sequence <= MAX_SLOTS + 10; sequence += 1)
      picture.apply(executed('node1', sequence, { sequence, requests: [name(sequence)] }));
    for (const late of [3, 10]) picture.apply(executed('node4', 9999, { sequence: late, requests: [name(late)] }));
    expect([picture.slots.has(3), picture.requests.has(name(3)), picture.requests.has(name(10))]).toEqual([
      false,
      false,
      false,
    ]);
    expect([...picture.requests.keys()].at(-1)).toBe(name(MAX_SLOTS + 10));
  });

  it('wait for as long as all is told, and else are not waited for', () => {
    const picture = pictureOf(requestReceived('node1', 1000, REQUEST));
    const request = picture.requests.get(REQUEST);
    if (request === undefined) throw new Error('it is kept');
    picture.apply(executed('node1', 9_000_000, { sequence: 5, requests: [] }));
    expect(picture.isOpen(request)).toBe(true);
    picture.apply(other('node2', 9_000_001, { kind: 'lost', count: 3 }));
    expect(picture.isOpen(request)).toBe(false);
  });

  it('are executed although the list of the batch was left out', () => {
    const picture = pictureOf(
      prePrepared('node1', 1, { requests: [REQUEST] }),
      executed('node1', 9, { requests: [REQUEST], isShort: true }),
    );
    expect(picture.requests.get(REQUEST)).toMatchObject({ executedUs: 9 });
  });

  it('say nothing of the view: that of an execution is the one that the node is in', () => {
    const picture = pictureOf(
      prePrepared('node1', 1, { requests: [REQUEST] }),
      executed('node1', 9, { view: 3, requests: [REQUEST] }),
    );
    expect(picture.slots.get(1)?.view).toBe(0);
  });
});

describe('nodes', () => {
  it('are in the view that most are in: one that has left is alone', () => {
    const picture = pictureOf(viewChangeStarted('node1', 1, 1));
    expect(picture.view).toBe(0);
    for (const node of ['node2', 'node3', 'node4']) picture.apply(viewEntered(node, 2, 1, 'node2'));
    expect(picture.view).toBe(1);
    expect(picture.viewChanges.list).toMatchObject([{ view: 1, primary: 'node2' }]);
    expect([...(picture.viewChanges.list[0]?.entered.keys() ?? [])]).toEqual(['node2', 'node3', 'node4']);
  });

  it('are where they say when asked, unless events said more', () => {
    const picture = pictureOf(executed('node1', 1, { sequence: 9 }));
    const standing = {
      view: 4,
      in_view_change: false,
      last_executed: 7,
      sequence: 8,
      low_water_mark: 5,
      suspicions: [],
    };
    picture.applyStatus('node1', standing);
    expect(picture.nodes.get('node1')).toMatchObject({ view: 4, lastExecuted: 9, highestAccepted: 9, stable: 5 });
    picture.applyStatus('node9', standing);
    expect(picture.nodes.size).toBe(4);
  });

  it('misbehave, lose links and start anew', () => {
    const picture = pictureOf(
      other('node2', 1, { kind: 'behaviour', behaviour: 'corrupt' }),
      other('node2', 2, { kind: 'link', peer: 'node3', state: 'down' }),
      other('node2', 2, { kind: 'link', peer: 'node4', state: 'down' }),
      other('node2', 3, { kind: 'link', peer: 'node4', state: 'up' }),
    );
    expect(picture.nodes.get('node2')).toMatchObject({ behaviour: 'corrupt', downLinks: new Set(['node3']) });
    picture.apply(other('node2', 4, { kind: 'started', view: 2, last_executed: 3, low_water_mark: 2 }));
    expect(picture.nodes.get('node2')).toMatchObject({ behaviour: null, downLinks: new Set(), view: 2 });
  });

  it('stand as they say when they answer; another process has done nothing yet', () => {
    const hello = (atUs: number, boot: string, behaviour: string | null, down: readonly string[]): StreamEvent =>
      other('node2', atUs, {
        kind: 'hello',
        version: '1',
        n: 4,
        f: 1,
        quorum: 3,
        view: 1,
        in_view_change: false,
        lab: true,
        boot,
        behaviour,
        down_links: [...down],
      });
    const picture = pictureOf(hello(1, 'a', 'corrupt', ['node3']), executed('node2', 2, { sequence: 9 }));
    expect(picture.nodes.get('node2')).toMatchObject({ behaviour: 'corrupt', downLinks: new Set(['node3']) });
    picture.apply(hello(3, 'a', 'corrupt', []));
    expect(picture.nodes.get('node2')).toMatchObject({ lastExecuted: 9, wholeSinceUs: 1, downLinks: new Set() });
    picture.apply(hello(4, 'b', null, []));
    expect(picture.nodes.get('node2')).toMatchObject({ behaviour: null, lastExecuted: 0, wholeSinceUs: 4 });
  });

  it('that lost events are whole only from then on: what they received before may not have been told', () => {
    const picture = pictureOf(sent('node1', 'node2', 10), other('node2', 20, { kind: 'lost', count: 5 }));
    picture.apply(executed('node1', 9_000_000));
    const [arrow] = picture.arrows.list;
    if (arrow === undefined) throw new Error('it is kept');
    expect(picture.fateOf(arrow, everybody)).toBe('unseen');
  });

  it('that are no members say nothing', () => {
    const picture = pictureOf(executed('node9', 1), sent('node9', 'node1', 2));
    expect([picture.version, picture.slots.size, picture.arrows.list.length]).toEqual([0, 0, 0]);
  });

  it('that tell only a part are not whole until then', () => {
    const picture = pictureOf(other('node2', 1000, { kind: 'sampled', kept: 1, of: 10, since_us: 0 }));
    expect([
      picture.isWholeAt('node2', 900),
      picture.isWholeAt('node2', 1100),
      picture.isWholeAt('node1', 900),
    ]).toEqual([false, true, true]);
  });
});

describe('clients', () => {
  it('have lanes, and the one that was silent longest loses its own', () => {
    const names = Array.from({ length: MAX_CLIENTS + 1 }, (_, index) => `client:${String(index).repeat(8)}`);
    const picture = pictureOf();
    for (const [index, name] of names.slice(0, MAX_CLIENTS).entries())
      picture.apply(requestReceived('node1', index + 1, REQUEST, name));
    picture.apply(requestReceived('node1', 50, REQUEST, names[0]));
    picture.apply(requestReceived('node1', 60, REQUEST, names[MAX_CLIENTS]));
    expect(picture.clients).toEqual([names[0], ...names.slice(2)]);
  });
});

describe('suspicions', () => {
  it('are one for a node, kind and certainty, whoever says so, however often', () => {
    const picture = pictureOf(suspicion('node1', 1), suspicion('node3', 2), suspicion('node1', 3, { count: 2 }));
    const [only, ...more] = picture.suspicions.sorted();
    expect(more).toEqual([]);
    expect([...(only?.observers.keys() ?? [])]).toEqual(['node1', 'node3']);
    expect(only?.observers.get('node1')?.count).toBe(2);
  });

  it('keep what is certain apart from what is not, and put it first', () => {
    const picture = pictureOf(
      suspicion('node1', 1, { last_seen_ms: 1 }),
      suspicion('node1', 2, { certainty: 'uncertain', node_id: 'node3', kind: 'unresponsive', last_seen_ms: 9 }),
    );
    expect(picture.suspicions.sorted().map(({ node, certainty }) => [node, certainty])).toEqual([
      ['node2', 'certain'],
      ['node3', 'uncertain'],
    ]);
    expect(picture.suspicions.certainNodes()).toEqual(new Set(['node2']));
  });
});
