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
  isTerminated = false;
  /** Takes orders, and never answers. */
  isStuck = false;
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
    if (!this.isTerminated) this.dispatchEvent(new MessageEvent('message', { data: structuredClone(message) }));
  }

  postMessage(message: ToWorker): void {
    this.orders.push(message.order);
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
    await vi.waitFor(() => expect(this.step).toBe(step), { timeout: 50_000, interval: 2 });
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
});
