import { setImmediate } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { plainAddress } from '../../src/lab/link-fragment.ts';
import { LabEngine } from './lab-engine.ts';
import type { FromWorker, Order, Standing } from './worker-messages.ts';

const FRAGMENT = plainAddress('test', {
  kind: 'text',
  text: '> cluster nodes 4 clients 1\n> request client1 {"operation":"put","key":"x","value":"1"}\n> run until answered\n> run 50ms\n',
});

/** An engine for which every step takes as long as a slice: it listens after each. */
class SlowEngine {
  readonly answers: FromWorker[] = [];
  pauses = 0;
  onPause: () => void = () => undefined;
  #now = 0;
  #number = 0;
  readonly #engine = new LabEngine(
    {
      now: () => (this.#now += 1000),
      pause: async () => {
        this.pauses += 1;
        await setImmediate();
        this.onPause();
      },
      answer: (message) => this.answers.push(message),
    },
    'test',
  );

  give(order: Order): number {
    this.#number += 1;
    this.#engine.hear({ number: this.#number, order });
    return this.#number;
  }

  /** How the run stands by the answer to this order. */
  async standing(number: number): Promise<Standing> {
    return vi.waitFor(() => {
      const found = this.answers.find((message) => message.kind === 'standing' && message.number === number);
      if (found?.kind !== 'standing') throw new Error('no answer yet');
      return found.standing;
    });
  }

  async open(step: number): Promise<void> {
    this.give({ kind: 'open', fragment: FRAGMENT });
    await this.standing(this.give({ kind: 'seek', step }));
    this.pauses = 0;
  }
}

test('the clock is looked at after every step: one may take long', async () => {
  const engine = new SlowEngine();
  await engine.open(10);
  await engine.standing(engine.give({ kind: 'seek', step: 20 }));
  expect(engine.pauses).toBe(10);
});

test.each<[string, Order]>([
  ['back', { kind: 'seek', step: 30 }],
  ['to undo something', { kind: 'undo' }],
])('on the way %s a newer order is heard, and the run stands where it stood', async (_what, order) => {
  const engine = new SlowEngine();
  await engine.open(30);
  await engine.standing(engine.give({ kind: 'act', action: { do: 'crash', node: 'node4' } }));
  await engine.standing(engine.give({ kind: 'seek', step: 40 }));
  engine.pauses = 0;
  let stop = 0;
  engine.onPause = () => {
    if (engine.pauses === 5) stop = engine.give({ kind: 'stop' });
  };
  const back = await engine.standing(engine.give(order));
  expect(engine.pauses).toBe(5);
  expect([back.sight.step, back.interventions.length, back.problem]).toEqual([40, 1, undefined]);
  expect((await engine.standing(stop)).sight.step).toBe(40);
});

test('on the way back it is told how far it is', async () => {
  const engine = new SlowEngine();
  await engine.open(40);
  const number = engine.give({ kind: 'seek', step: 20 });
  expect((await engine.standing(number)).sight.step).toBe(20);
  const steps = engine.answers.flatMap((message) =>
    message.kind === 'progress' && message.number === number ? [message.step] : [],
  );
  expect(steps.slice(0, 3)).toEqual([1, 2, 3]);
});

test('a text of the run that a newer order ends is none', async () => {
  const engine = new SlowEngine();
  await engine.open(40);
  engine.onPause = () => {
    if (engine.pauses === 5) engine.give({ kind: 'stop' });
  };
  const number = engine.give({ kind: 'trace' });
  const answer = { kind: 'trace', number, text: undefined };
  await vi.waitFor(() => expect(engine.answers).toContainEqual(answer));
});
