import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EventTextReader } from '../../api/index.ts';
import type { StreamEvent, StreamEventKind } from '../../api/index.ts';
import { asClientId, asDigest, asReplicaId, asSequence, asView } from '../../base/ids.ts';
import { DigestList, encodeFrame, encodeMessage } from '../../messages/index.ts';
import type { Message } from '../../messages/index.ts';
import type { Event } from '../../protocol/event.ts';
import type { EventSink } from './consumer.ts';
import { EventHub } from './event-hub.ts';
import type { EventHubLimits } from './event-hub.ts';
import { HELLO } from '../../../test/support/stream-events.ts';

const DIGEST = asDigest('ab'.repeat(32));
const [PEER, VIEW] = [asReplicaId(1), asView(0)];
const TO_PEER = { kind: 'replica', replica: PEER } as const;
const BOOT = '0badcafe';
const REQUEST = {
  client: asClientId('cd'.repeat(32)),
  session: 1,
  timestamp: 2,
  requestDigest: DIGEST,
  outcome: 'executed',
} as const;

const entered = (view: number): Event => ({ kind: 'view-entered', view: asView(view), primary: PEER });
const prepared = (sequence: number): Event => ({
  kind: 'prepared',
  view: VIEW,
  sequence: asSequence(sequence),
  digest: DIGEST,
});
const executed = (sequence: number): Event => ({
  kind: 'executed',
  view: VIEW,
  sequence: asSequence(sequence),
  digest: DIGEST,
  timestamp: 1,
  requests: [REQUEST],
  count: 1,
  operations: 1,
  outcomes: REQUEST.outcome,
  digests: DigestList.of([REQUEST.requestDigest]),
});
const vote = (sequence: number): Message => ({
  type: 'prepare',
  view: VIEW,
  sequence: asSequence(sequence),
  digest: DIGEST,
  replica: PEER,
});
const frameOf = (message: Message): Uint8Array => encodeFrame(encodeMessage(message), { kind: 'none' });

/** One who listens: reads everything at once unless it is told not to. */
class Listener implements EventSink {
  readonly chunks: Uint8Array[] = [];
  reads = true;
  state: 'open' | 'ended' | 'cut' = 'open';
  #unread = 0;

  write(bytes: Uint8Array): void {
    this.chunks.push(bytes);
    if (!this.reads) this.#unread += bytes.length;
  }

  get waitingBytes(): number {
    return this.#unread;
  }

  readAgain(): void {
    this.reads = true;
    this.#unread = 0;
  }

  end(): void {
    this.state = 'ended';
  }

  cut(): void {
    this.state = 'cut';
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }

  get events(): readonly StreamEvent[] {
    return new EventTextReader().read(this.text).map(({ id, data }) => {
      const event = JSON.parse(data) as StreamEvent;
      if (event.id !== id) throw new Error(`the event ${event.id} came as ${id}`);
      return event;
    });
  }

  kinds(): readonly string[] {
    return this.events.map(({ kind }) => kind);
  }

  /** Views of the `view-entered` in order: the tests number events by them. */
  views(): readonly number[] {
    return this.events.flatMap((event) => (event.kind === 'view-entered' ? [event.view] : []));
  }

  get lost(): readonly number[] {
    return this.events.flatMap((event) => (event.kind === 'lost' ? [event.count] : []));
  }
}

describe('EventHub', () => {
  /** What each look at the clock of the thread adds, µs: so much telling takes. */
  let telling = 0;
  let threadUs = 0;
  let processUs = 0;
  let hub: EventHub;

  function make(limits: Partial<EventHubLimits> = {}, boot = BOOT): EventHub {
    return new EventHub({
      self: asReplicaId(0),
      boot,
      hello: () => ({ ...HELLO, view: 7 }),
      clocks: {
        wallUs: () => Date.now() * 1000,
        monotonicUs: () => performance.now() * 1000,
        threadUs: () => (threadUs += telling),
        processUs: () => processUs,
      },
      limits,
    });
  }

  function listen(
    at: EventHub,
    wish: { readonly kinds?: readonly StreamEventKind[]; readonly after?: string } = {},
  ): Listener & { leave: () => void } {
    const sink = new Listener();
    const kinds = wish.kinds === undefined ? undefined : new Set(wish.kinds);
    const result = at.listen({ kinds, lastEventId: wish.after, sink });
    if (!result.ok) throw new Error(result.error.code);
    return Object.assign(sink, { leave: result.value });
  }

  const flush = (): void => void vi.advanceTimersByTime(110);

  beforeEach(() => {
    vi.useFakeTimers();
    [telling, threadUs, processUs] = [0, 0, 0];
    hub = make();
  });
  afterEach(() => {
    hub.close();
    vi.useRealTimers();
  });

  describe('while nobody listens', () => {
    it('does nothing but count: no timer, no time', () => {
      telling = 1;
      for (let view = 1; view <= 1000; view += 1) hub.onEvent(entered(view));
      hub.onSent(TO_PEER, vote(1), frameOf(vote(1)));
      expect(vi.getTimerCount()).toBe(0);
      expect(hub.counts).toEqual({ cpuSeconds: 0, sentEvents: 0, lostEvents: 0, leftOutEvents: 0, listeners: 0 });
    });

    it('does nothing again half a minute after the last one has left', () => {
      listen(hub).leave();
      vi.advanceTimersByTime(29_000);
      expect(vi.getTimerCount()).toBe(1);
      vi.advanceTimersByTime(2000);
      expect(vi.getTimerCount()).toBe(0);
      const { sentEvents } = hub.counts;
      hub.onEvent(entered(1));
      flush();
      expect(hub.counts.sentEvents).toBe(sentEvents);
    });
  });

  describe('to one who listens', () => {
    it('says first who it is, then what happens, in order and with growing ids', () => {
      hub.onEvent(entered(1));
      const listener = listen(hub);
      for (const view of [2, 3]) hub.onEvent(entered(view));
      hub.onLink(PEER, 'down');
      hub.onBehaviour(undefined);
      flush();
      expect(listener.kinds()).toEqual(['hello', 'view-entered', 'view-entered', 'link', 'behaviour']);
      expect(listener.events.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5].map((number) => `${BOOT}-${number}`));
      expect(listener.events[0]).toMatchObject({ node: 'node1', n: 4, view: 7, boot: BOOT, lab: true });
      expect(listener.events[3]).toMatchObject({ peer: 'node2', state: 'down' });
      expect(listener.events[4]).toMatchObject({ behaviour: null });
      expect(listener.text).toMatch(/^retry: \d+\n/);
    });

    it('tells messages with what they say', () => {
      const listener = listen(hub);
      hub.onSent(TO_PEER, vote(5), frameOf(vote(5)));
      const input = { kind: 'message', message: vote(6), author: PEER, signature: undefined, requests: [] } as const;
      hub.onReceived(TO_PEER, input as Parameters<EventHub['onReceived']>[1], frameOf(vote(6)));
      hub.onReceived(TO_PEER, { kind: 'timeout' }, frameOf(vote(6)));
      flush();
      expect(listener.events.slice(1)).toMatchObject([
        { kind: 'message-sent', to: 'node2', message: { type: 'prepare', sequence: 5 } },
        { kind: 'message-received', from: 'node2', message: { type: 'prepare', sequence: 6 } },
      ]);
    });

    it('sends together what happens together, at once where it is much, encoded once for all who want the same', () => {
      hub = make({ pending: 3 });
      const [one, other, some] = [listen(hub), listen(hub), listen(hub, { kinds: ['view-entered'] })];
      for (const view of [1, 2, 3]) hub.onEvent(entered(view));
      expect(one.chunks).toHaveLength(1);
      hub.onEvent(prepared(4));
      expect(one.views()).toEqual([1, 2, 3]);
      expect(one.chunks).toHaveLength(2);
      expect(other.chunks[1]).toBe(one.chunks[1]);
      expect(some.kinds()).toEqual(['hello', 'view-entered', 'view-entered', 'view-entered']);
    });

    it('keeps the connection open while nothing happens', () => {
      const listener = listen(hub);
      vi.advanceTimersByTime(31_000);
      expect(listener.text.match(/^: /gm)).toHaveLength(2);
    });

    it('refuses one more than may listen, by a name, until one has left', () => {
      hub = make({ consumers: 1 });
      const only = listen(hub);
      const refused = hub.listen({ kinds: undefined, lastEventId: undefined, sink: new Listener() });
      expect(refused).toMatchObject({ ok: false, error: { code: 'too_many_streams', retryAfterSeconds: 5 } });
      only.leave();
      expect(listen(hub).kinds()).toEqual(['hello']);
    });

    it('ends its streams when it is closed, with what was waiting, and takes no more', () => {
      const listener = listen(hub);
      hub.onEvent(entered(1));
      hub.close();
      expect(listener.views()).toEqual([1]);
      expect(listener.state).toBe('ended');
      expect(vi.getTimerCount()).toBe(0);
      const refused = hub.listen({ kinds: undefined, lastEventId: undefined, sink: new Listener() });
      expect(refused).toMatchObject({ ok: false, error: { code: 'replica_stopped' } });
    });
  });

  describe('to one who comes back', () => {
    it('gives exactly what it missed, nothing twice', () => {
      const first = listen(hub);
      for (const view of [1, 2, 3]) hub.onEvent(entered(view));
      flush();
      first.leave();
      for (const view of [4, 5]) hub.onEvent(entered(view));
      const again = listen(hub, { after: first.events.at(-1)?.id ?? '' });
      hub.onEvent(entered(6));
      flush();
      expect(again.views()).toEqual([4, 5, 6]);
      expect(again.lost).toEqual([]);
      const ids = [...first.events.slice(1), ...again.events.slice(1)].map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
    });

    it('gives what comes after any event, whichever was the last', () => {
      const all = listen(hub);
      for (let view = 1; view <= 20; view += 1) hub.onEvent(entered(view));
      flush();
      for (const { id } of all.events) {
        const number = Number(id.split('-')[1]);
        expect(listen(hub, { after: id }).views()).toEqual(all.views().filter((view) => view > number));
      }
    });

    it('says how many are missing where the ring no longer has them', () => {
      hub = make({ ring: { events: 4, size: 1e6 } });
      const first = listen(hub);
      for (let view = 1; view <= 10; view += 1) hub.onEvent(entered(view));
      flush();
      const again = listen(hub, { after: `${BOOT}-2` });
      expect(again.kinds().slice(0, 2)).toEqual(['hello', 'lost']);
      expect(again.lost).toEqual([4]);
      expect(again.views()).toEqual([7, 8, 9, 10]);
      // Who is cut off right after that does not lose them a second time.
      const lost = again.events.find(({ kind }) => kind === 'lost');
      expect(listen(hub, { after: lost?.id ?? '' }).lost).toEqual([]);
      expect(first.lost).toEqual([]);
    });

    it('counts what happened while nobody listened', () => {
      const first = listen(hub);
      hub.onEvent(entered(1));
      flush();
      first.leave();
      vi.advanceTimersByTime(40_000);
      for (const view of [2, 3, 4]) hub.onEvent(entered(view));
      expect(listen(hub, { after: first.events.at(-1)?.id ?? '' }).lost).toEqual([3]);
    });

    it('gives of a large gap no more than may wait for anybody, and counts the rest', () => {
      hub = make({ consumer: { waitingBytes: 1000, stalledMs: 1000 } });
      listen(hub);
      for (let view = 1; view <= 100; view += 1) hub.onEvent(entered(view));
      flush();
      const again = listen(hub, { after: `${BOOT}-0` });
      expect(again.views().length).toBeLessThan(10);
      expect(again.views().at(-1)).toBe(100);
      expect(again.lost).toEqual([100 - again.views().length]);
    });

    it('with kinds, gives what is kept of those, however much else there is, and says that nothing is missing', () => {
      hub = make({ ring: { events: 1e6, size: 1e9 }, consumer: { waitingBytes: 2000, stalledMs: 1000 } });
      listen(hub);
      for (let view = 1; view <= 5; view += 1) {
        hub.onEvent(entered(view));
        for (let sequence = 1; sequence <= 100; sequence += 1) hub.onEvent(prepared(sequence));
      }
      flush();
      const again = listen(hub, { kinds: ['view-entered'], after: `${BOOT}-0` });
      expect([again.views(), again.lost]).toEqual([[1, 2, 3, 4, 5], []]);
    });

    it('with kinds, counts as missing only those, whether they went from the ring or nobody listened', () => {
      hub = make({ ring: { events: 20, size: 1e6 } });
      const first = listen(hub, { kinds: ['view-entered', 'link'] });
      hub.onEvent(entered(1));
      for (let sequence = 1; sequence <= 100; sequence += 1) hub.onEvent(prepared(sequence));
      flush();
      const after = first.events.at(-1)?.id ?? '';
      const soon = listen(hub, { kinds: ['view-entered'], after });
      expect(soon.lost).toEqual([]);
      for (const one of [first, soon]) one.leave();
      for (let view = 2; view <= 24; view += 1) hub.onEvent(entered(view));
      const lately = listen(hub, { kinds: ['view-entered'], after });
      expect([lately.lost, lately.views().length]).toEqual([[3], 20]);
      lately.leave();
      vi.advanceTimersByTime(29_950);
      hub.onEvent(entered(25));
      vi.advanceTimersByTime(10_000);
      for (const view of [26, 27]) hub.onEvent(entered(view));
      for (let sequence = 1; sequence <= 100; sequence += 1) hub.onEvent(prepared(sequence));
      expect(listen(hub, { kinds: ['view-entered'], after }).lost).toEqual([26]);
      expect(listen(hub, { kinds: ['link'], after }).lost).toEqual([]);
      expect(listen(hub, { kinds: ['prepared'], after }).lost).toEqual([200]);
    });

    it.each(['1badcafe-1', 'nonsense', `${BOOT}-`, `${BOOT}--1`, `${BOOT}-99999999999999999`])(
      'with the id %s, which is none of this process, gives all that is known of this one',
      (after) => {
        listen(hub);
        for (const view of [1, 2]) hub.onEvent(entered(view));
        flush();
        expect(listen(hub, { after }).views()).toEqual([1, 2]);
      },
    );

    it('with an id that is yet to come, waits for what is new', () => {
      listen(hub);
      hub.onEvent(entered(1));
      const early = listen(hub, { after: `${BOOT}-1000` });
      hub.onEvent(entered(2));
      flush();
      expect(early.views()).toEqual([2]);
    });
  });

  describe('to one who does not read', () => {
    const limits = { pending: 0, consumer: { waitingBytes: 400, stalledMs: 20_000 } };

    it('stops sending at its bound, says how many it lost once it reads, and goes on; others lose nothing', () => {
      hub = make(limits);
      const [slow, quick] = [listen(hub), listen(hub)];
      slow.reads = false;
      for (let view = 1; view <= 20; view += 1) hub.onEvent(entered(view));
      const got = slow.views();
      expect(got.length).toBeGreaterThan(0);
      expect(got.length).toBeLessThan(5);
      slow.readAgain();
      hub.onEvent(entered(21));
      expect(slow.views()).toEqual([...got, 21]);
      expect(slow.lost).toEqual([20 - got.length]);
      expect(slow.kinds().at(-2)).toBe('lost');
      expect(hub.counts.lostEvents).toBe(20 - got.length);
      expect(quick.views()).toEqual(Array.from({ length: 21 }, (_, index) => index + 1));
      expect(quick.lost).toEqual([]);
    });

    it('tells it also where nothing happens any more', () => {
      hub = make(limits);
      const slow = listen(hub);
      slow.reads = false;
      for (let view = 1; view <= 20; view += 1) hub.onEvent(entered(view));
      const got = slow.views().length;
      slow.readAgain();
      vi.advanceTimersByTime(1100);
      expect(slow.lost).toEqual([20 - got]);
    });

    it('cuts it off in the end, and no other', () => {
      hub = make(limits);
      const [slow, quick] = [listen(hub), listen(hub)];
      slow.reads = false;
      for (let view = 1; view <= 20; view += 1) hub.onEvent(entered(view));
      vi.advanceTimersByTime(19_000);
      expect([slow.state, quick.state]).toEqual(['open', 'open']);
      vi.advanceTimersByTime(2500);
      expect([slow.state, quick.state]).toEqual(['cut', 'open']);
      expect(hub.counts.listeners).toBe(1);
    });

    it('counts only what it wanted', () => {
      hub = make(limits);
      const slow = listen(hub, { kinds: ['view-entered'] });
      listen(hub);
      slow.reads = false;
      for (let view = 1; view <= 20; view += 1) {
        hub.onEvent(entered(view));
        hub.onEvent(prepared(view));
      }
      const got = slow.views().length;
      slow.readAgain();
      hub.onEvent(entered(21));
      expect(slow.lost).toEqual([20 - got]);
    });
  });

  describe('where telling takes more than its part', () => {
    /** `slots` slots a second for so many seconds, at a process that has one core to itself. */
    function load(at: EventHub, seconds: number, slots: number): void {
      for (let second = 0; second < seconds; second += 1) {
        for (let slot = 1; slot <= slots; slot += 1) {
          const sequence = second * slots + slot;
          processUs += 1e6 / slots;
          at.onSent(TO_PEER, vote(sequence), frameOf(vote(sequence)));
          at.onEvent(prepared(sequence));
          at.onEvent(executed(sequence));
          vi.advanceTimersByTime(1000 / slots);
        }
      }
    }
    const limits = { pending: 0 };

    it('keeps below 3 % of the CPU by leaving out, and says so', () => {
      hub = make(limits);
      telling = 50;
      const listener = listen(hub);
      load(hub, 10, 500);
      expect(hub.counts.cpuSeconds).toBeLessThan(0.03 * 10);
      expect(hub.counts.cpuSeconds).toBeGreaterThan(0.01 * 10);
      expect(hub.share).toBeLessThan(1);
      const sampled = listener.events.filter((event) => event.kind === 'sampled');
      expect(sampled.length).toBeGreaterThan(5);
      const told = listener.events.filter(({ kind }) => kind === 'prepared' || kind === 'message-sent').length;
      const left = sampled.reduce((sum, { kept, of }) => sum + of - kept, 0);
      expect(hub.counts.leftOutEvents).toBe(left);
      // The last second is not over yet.
      expect(told + left).toBeGreaterThan(9 * 2 * 500);
      expect(told + left).toBeLessThanOrEqual(10 * 2 * 500);
    });

    it('leaves out whole slots: of a slot all is told or nothing but that it was executed', () => {
      hub = make(limits);
      telling = 20;
      const listener = listen(hub);
      load(hub, 6, 500);
      const later = listener.events.slice(Math.floor(listener.events.length / 2));
      const of = (kind: StreamEventKind): readonly number[] =>
        later.flatMap((event) => (event.kind === kind && 'sequence' in event ? [event.sequence ?? 0] : []));
      const shown = later.flatMap((event) =>
        event.kind === 'executed' && event.requests.length > 0 ? [event.sequence] : [],
      );
      const sent = later.flatMap((event) => (event.kind === 'message-sent' ? [event.message.sequence] : []));
      expect(sent.length).toBeGreaterThan(10);
      const prepares = new Set(of('prepared'));
      expect(sent.filter((sequence) => !prepares.has(sequence ?? 0)).length).toBeLessThan(3);
      expect(shown.filter((sequence) => !prepares.has(sequence)).length).toBeLessThan(3);
    });

    it('never leaves out what is executed, or what is rare', () => {
      hub = make(limits);
      telling = 200;
      const listener = listen(hub);
      load(hub, 3, 200);
      hub.onEvent(entered(9));
      hub.onLink(PEER, 'down');
      flush();
      const sequences = listener.events.flatMap((event) => (event.kind === 'executed' ? [event.sequence] : []));
      expect(sequences).toEqual(Array.from({ length: 600 }, (_, index) => index + 1));
      expect(listener.views()).toEqual([9]);
      expect(listener.kinds()).toContain('link');
    });

    it('tells one who wants only what is executed shorter, and keeps nothing from it while there is little', () => {
      hub = make(limits);
      const listener = listen(hub, { kinds: ['executed'] });
      const isWhole = (event: StreamEvent): boolean => event.kind === 'executed' && event.requests.length === 1;
      telling = 200;
      load(hub, 5, 500);
      const told = listener.events.filter(({ kind }) => kind === 'executed');
      expect(told.length).toBe(2500);
      expect(told.slice(0, 250).every(isWhole)).toBe(true);
      expect(told.slice(1000).filter(isWhole).length).toBeLessThan(250);
      load(hub, 5, 50);
      expect(listener.events.slice(-150).every(isWhole)).toBe(true);
    });

    it('tells everything again when there is less to tell', () => {
      hub = make(limits);
      telling = 50;
      const listener = listen(hub);
      load(hub, 5, 500);
      vi.advanceTimersByTime(15_000);
      expect(hub.share).toBe(1);
      const before = listener.kinds().filter((kind) => kind === 'prepared').length;
      for (let sequence = 1; sequence <= 10; sequence += 1) hub.onEvent(prepared(sequence));
      flush();
      expect(listener.kinds().filter((kind) => kind === 'prepared').length).toBe(before + 10);
    });

    it('leaves nothing out of a little, whatever else the process does', () => {
      const listener = listen(hub);
      telling = 20;
      for (let second = 0; second < 10; second += 1) {
        for (let slot = 0; slot < 10; slot += 1) hub.onEvent(prepared(10 * second + slot + 1));
        vi.advanceTimersByTime(1000);
      }
      expect(listener.kinds().filter((kind) => kind === 'prepared').length).toBe(100);
      expect(listener.kinds()).not.toContain('sampled');
    });

    it('does not bother those with it who want nothing that is left out', () => {
      hub = make(limits);
      telling = 50;
      const [some, all] = [listen(hub, { kinds: ['view-entered'] }), listen(hub)];
      const votes = listen(hub, { kinds: ['message-sent'] });
      load(hub, 3, 500);
      expect(all.kinds()).toContain('sampled');
      expect(votes.kinds()).toContain('sampled');
      expect(some.kinds()).toEqual(['hello']);
    });
  });
});
