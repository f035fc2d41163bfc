import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { plainAddress } from '../../src/lab/link-fragment.ts';
import { LabEngine } from './lab-engine.ts';
import { LabStore } from './lab-store.ts';
import type { FromWorker, Order, ToWorker } from './worker-messages.ts';

// The page's side and the Worker's, without browser and Worker: messages are copied and delivered as they are there.

/** A Worker whose engine works in this thread. */
class TestWorker extends EventTarget {
  readonly orders: Order[] = [];
  readonly numbers: number[] = [];
  isTerminated = false;
  /** Takes orders, and never answers. */
  isStuck = false;
  /** Orders that it has answered. */
  answered = 0;
  readonly #engine: LabEngine;

  constructor() {
    super();
    this.#engine = new LabEngine(
      { now: () => performance.now(), pause: async () => setImmediate(), answer: (message) => this.tell(message) },
      'test',
    );
    void setImmediate().then(() => this.tell({ kind: 'ready' }));
  }

  tell(message: FromWorker): void {
    if (message.kind !== 'ready' && message.kind !== 'opened' && message.kind !== 'progress') this.answered += 1;
    if (!this.isTerminated) this.dispatchEvent(new MessageEvent('message', { data: structuredClone(message) }));
  }

  postMessage(message: ToWorker): void {
    this.orders.push(message.order);
    this.numbers.push(message.number);
    if (!this.isStuck) this.#engine.hear(structuredClone(message));
  }

  terminate(): void {
    this.isTerminated = true;
  }
}

/** What stands for its global events. */
const browser = new EventTarget();

class TestPage {
  readonly workers: TestWorker[] = [];
  readonly store = new LabStore(() => {
    const worker = new TestWorker();
    this.workers.push(worker);
    return worker;
  });
  readonly #end: () => void;

  constructor(hash: string) {
    vi.stubGlobal('location', { hash });
    this.#end = this.store.begin();
  }

  get worker(): TestWorker {
    const worker = this.workers.at(-1);
    if (worker === undefined) throw new Error('a Worker was made');
    return worker;
  }

  get stage(): string {
    return this.store.view.value.stage.kind;
  }

  get step(): number | undefined {
    return this.store.view.value.standing?.sight.step;
  }

  /** As somebody does who follows a link, or writes an address. */
  goTo(hash: string): void {
    vi.stubGlobal('location', { hash });
    browser.dispatchEvent(new Event('hashchange'));
  }

  /** Waits for the run to stand at this step. */
  async stands(step: number): Promise<void> {
    const stands = (): void => {
      if (this.step !== step) throw new Error(`it stands at ${this.step ?? 'no step'}`);
    };
    await vi.waitFor(stands, { timeout: 50_000, interval: 2 });
  }

  end(): void {
    this.#end();
  }
}

const text = (...commands: readonly string[]): string =>
  plainAddress('test', { kind: 'text', text: commands.map((command) => `> ${command}\n`).join('') });
const SHORT = text(
  'cluster nodes 4 clients 1',
  'request client1 {"operation":"put","key":"x","value":"1"}',
  'run until answered',
  'run 50ms',
);
/** Some ten thousand events more than are told at once. */
const LONG = text('cluster nodes 4 clients 2', 'load 200 every 2ms', 'run until answered');

let page: TestPage;
beforeEach(() => {
  vi.stubGlobal('addEventListener', browser.addEventListener.bind(browser));
  vi.stubGlobal('removeEventListener', browser.removeEventListener.bind(browser));
});
afterEach(() => {
  page.end();
  vi.unstubAllGlobals();
});

describe('what happened', () => {
  test('is listed as it was in the run, however somebody moves in it', async () => {
    page = new TestPage(SHORT);
    await page.stands(0);
    const { store } = page;
    store.seek(60);
    await page.stands(60);
    const ids = store.happenings.map(({ event }) => event.id);
    for (const step of [20, 21, 60, 0, 60]) {
      store.seek(step);
      await page.stands(step);
      const expected = ids.filter((id) => Number(id.split('-', 1)[0]) <= step);
      expect(store.happenings.map(({ event }) => event.id)).toEqual(expected);
    }
    expect(store.view.value.forgotten).toBe(0);
  });

  test('is there after going back beyond what was told, and at every step from there on', async () => {
    page = new TestPage(LONG);
    await page.stands(0);
    const { store } = page;
    store.seek(100);
    await page.stands(100);
    const early = store.happenings.map(({ event }) => event.id);
    store.toEnd();
    await vi.waitFor(() => expect(store.view.value.standing?.sight.isScriptOver).toBe(true), 50_000);
    expect(store.view.value.forgotten).toBeGreaterThan(early.length);
    for (const step of [99, 100]) {
      store.seek(step);
      await page.stands(step);
    }
    expect(store.happenings.map(({ event }) => event.id)).toEqual(early);
    expect(store.view.value.forgotten).toBe(0);
    store.step(1);
    await page.stands(101);
    expect(store.happenings.map(({ event }) => event.id).slice(0, early.length)).toEqual(early);
  });
});

describe('the address', () => {
  test('of a place in the page leaves the run alone', async () => {
    page = new TestPage(SHORT);
    await page.stands(0);
    page.store.seek(5);
    await page.stands(5);
    page.goTo('#main');
    expect(page.stage).toBe('run');
    expect(page.step).toBe(5);
    expect(page.worker.orders.map(({ kind }) => kind)).toEqual(['open', 'seek']);
  });

  test('of no run ends the one that is open, and what is still said of it is not heard', async () => {
    page = new TestPage(LONG);
    await page.stands(0);
    page.store.toEnd();
    page.goTo('');
    expect(page.worker.orders.map(({ kind }) => kind)).toEqual(['open', 'end', 'stop']);
    await vi.waitFor(() => expect(page.worker.answered).toBe(3), 50_000);
    expect(page.stage).toBe('nothing');
    expect(page.step).toBeUndefined();
    expect(page.store.work.value).toBeUndefined();
    page.goTo(SHORT);
    await page.stands(0);
    expect(page.workers).toHaveLength(1);
  });

  test('of a run is opened by another Worker after the first one could not be loaded', async () => {
    page = new TestPage('');
    page.worker.dispatchEvent(Object.assign(new Event('error', { cancelable: true }), { message: '' }));
    expect(page.stage).toBe('failed');
    expect(page.worker.isTerminated).toBe(true);
    page.goTo(SHORT);
    await page.stands(0);
    expect(page.workers).toHaveLength(2);
  });
});

describe('orders', () => {
  test('to go to a step are sent one at a time, and then the newest wish alone', async () => {
    page = new TestPage(SHORT);
    await page.stands(0);
    const { store } = page;
    for (const step of [60, 50, 40, 30, 20]) store.seek(step);
    await page.stands(20);
    expect(page.worker.orders.slice(1)).toEqual([
      { kind: 'seek', step: 60 },
      { kind: 'seek', step: 20 },
    ]);
    for (const by of [1, 1, -1, 1]) store.step(by);
    await page.stands(22);
  });

  test('for the next event go no further when they are given twice at once', async () => {
    page = new TestPage(SHORT);
    await page.stands(0);
    const { store } = page;
    store.nextEvent({ kind: 'answered' });
    store.nextEvent({ kind: 'answered' });
    await vi.waitFor(() => expect(page.worker.answered).toBe(3), 50_000);
    const last = store.happenings.findLast(({ event }) => event.kind === 'answered');
    expect(last?.step).toBe(page.step);
    expect(store.view.value.standing?.problem).toBeUndefined();
  });

  test('that have an answer leave nothing behind that looks like work', async () => {
    page = new TestPage(SHORT);
    await page.stands(0);
    const { store } = page;
    store.trace(() => undefined);
    page.worker.tell({ kind: 'progress', number: 2, step: 7 });
    expect(store.work.value).toEqual({ step: 7 });
    await vi.waitFor(() => expect(page.worker.answered).toBe(2), 50_000);
    expect(store.work.value).toBeUndefined();
  });

  test('that a run never answers end it when it is told to stop', async () => {
    page = new TestPage('');
    await vi.waitFor(() => expect(page.stage).toBe('nothing'));
    page.worker.isStuck = true;
    page.goTo(SHORT);
    const opened = { title: 'A run', build: 'test', told: undefined, isChallenge: false, text: undefined };
    page.worker.tell({ kind: 'opened', number: page.worker.numbers.at(-1) ?? 0, title: opened });
    await vi.waitFor(() => expect(page.store.work.value).toEqual({ step: undefined }));
    page.store.stop();
    await vi.waitFor(() => expect(page.stage).toBe('failed'), 5000);
    expect(page.worker.isTerminated).toBe(true);
    page.store.restart();
    await page.stands(0);
  });

  test('that hang do not keep another run from being opened', async () => {
    page = new TestPage(LONG);
    await page.stands(0);
    page.worker.isStuck = true;
    page.store.toEnd();
    page.goTo(SHORT);
    await page.stands(0);
    expect(page.workers).toHaveLength(2);
    expect(page.worker.orders.map(({ kind }) => kind)).toEqual(['open']);
  });

  test('that the Worker does not hear are given to another one, where the run stood last', async () => {
    page = new TestPage(SHORT);
    await page.stands(0);
    const { store } = page;
    store.seek(25);
    await page.stands(25);
    page.worker.isStuck = true;
    store.toEnd();
    await vi.waitFor(() => expect(store.work.value).toEqual({ step: undefined }));
    store.stop();
    await vi.waitFor(() => expect(page.workers).toHaveLength(2), 5000);
    expect(page.workers[0]?.isTerminated).toBe(true);
    await page.stands(25);
    expect(store.work.value).toBeUndefined();
  });
});
