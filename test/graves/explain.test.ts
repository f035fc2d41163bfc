// Grave G26: nobody can tell why it is stuck. Every node says what is missing, from whom, and since when.
import { describe, expect, test } from 'vitest';
import type { ExplainBody } from '../../src/api/index.ts';
import { MAX_NUMBER, asSequence } from '../../src/base/ids.ts';
import { explainBody } from '../../src/server/explanation.ts';
import { ScenarioWorld } from '../../src/simulation/scenario-world.ts';
import { settle, transfers, trouble } from '../support/scenes.ts';

const SECOND = 1_000_000;

/** What `pbft explain` would print about the node, but for its links: the simulator's have no state. */
function explain(scene: ScenarioWorld, index: number): ExplainBody {
  const node = scene.node(index);
  const { status, replica } = node;
  const openSlots = replica.slots(asSequence(status.lastExecuted + 1), asSequence(MAX_NUMBER));
  const moment = { nowUs: node.now.monotonic, status, waits: replica.waits(), openSlots };
  return explainBody(moment, { downLinks: [], stopped: undefined, room: undefined });
}

describe('G26: two against two, and nothing moves', () => {
  test('each node says for the view whose VIEW-CHANGEs it has, whose are missing, and since when; healed, there is progress within 10 s', () => {
    const scene = new ScenarioWorld();
    transfers(scene, 3);
    expect(settle(scene)).toBe(true);
    trouble(scene, 'partition node1 node2 | node3 node4');
    transfers(scene, 1);
    scene.run(60 * SECOND);
    const executed = scene.node(1).status.lastExecuted;
    for (const index of [1, 2, 3, 4]) {
      const told = explain(scene, index);
      const others = index <= 2 ? ['node3', 'node4'] : ['node1', 'node2'];
      const missing = [
        ...(told.view_change?.missing ?? []),
        ...told.slots.flatMap(({ waiting_for: { missing: from } }) => from),
      ];
      expect(missing, `node${index}: ${told.summary}`).toEqual(expect.arrayContaining(others));
      const since = [told.view_change?.since_ms ?? 0, ...told.slots.map(({ waiting_for: wait }) => wait.since_ms)];
      expect(Math.max(...since), `node${index}: ${told.summary}`).toBeGreaterThan(50_000);
      expect(told.summary).toContain(others[0]);
    }
    trouble(scene, 'heal');
    expect(settle(scene, 10 * SECOND)).toBe(true);
    expect(scene.node(1).status.lastExecuted).toBeGreaterThan(executed);
    for (const index of [1, 2, 3, 4]) expect(explain(scene, index).view_change).toBeNull();
  });
});

describe('G26: one link or one node short', () => {
  test('a slot that lacks COMMITs names who has sent one and who has not', () => {
    const scene = new ScenarioWorld();
    for (const other of [3, 4]) trouble(scene, `oneway node${other} node1`);
    transfers(scene, 1);
    scene.run(0.2 * SECOND);
    const [slot] = explain(scene, 1).slots;
    expect(slot?.waiting_for).toMatchObject({
      what: 'prepares',
      needed: 2,
      have: ['node2'],
      missing: ['node3', 'node4'],
    });
    expect(slot?.waiting_for.since_ms).toBeGreaterThan(150);
  });

  test('a NEW-VIEW that does not come names its primary', () => {
    const scene = new ScenarioWorld();
    transfers(scene, 1);
    scene.run(500);
    for (const index of [1, 2]) scene.node(index).crash('at rest', 0);
    scene.run(10 * SECOND);
    const told = explain(scene, 3);
    expect(told.in_view_change).toBe(true);
    expect(told.view_change).toMatchObject({
      view: 1,
      have: ['node3', 'node4'],
      missing: ['node1', 'node2'],
      needed: 3,
    });
    expect(told.view_change?.since_ms).toBeGreaterThan(8000);
  });
});
