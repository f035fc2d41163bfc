import { describe, expect, test } from 'vitest';
import { CRASH_PHASES, VERSION_PHASES } from '../../src/simulation/crash-trap.ts';
import type { CrashTrap } from '../../src/simulation/crash-trap.ts';
import { ScenarioWorld } from '../../src/simulation/scenario-world.ts';

// Power is lost at every step of a request: before the sync of a record, after it, half-way through what it held back, and after that. The checkers
// see to it that nobody contradicts an earlier vote, that nothing acknowledged is lost, and that nothing is executed twice.

const RECORDS = ['accepted', 'prepared', 'executed', 'stable', 'truncate'] as const;
const POINTS: readonly (readonly [string, CrashTrap])[] = [
  ...RECORDS.flatMap((record) =>
    CRASH_PHASES.map((phase) => [`${record}, ${phase}`, { kind: 'record', record, phase, survivors: 0 }] as const),
  ),
  ...VERSION_PHASES.map(
    (phase) => [`state of a checkpoint, ${phase}`, { kind: 'version', phase, survivors: 0 }] as const,
  ),
];
const DOWN_US = 30_000;

function makeScene(replicaCount: number): ScenarioWorld {
  const scene = new ScenarioWorld({ checkpointInterval: 2, replicaCount, clientCount: 2 });
  scene.world.restartPolicy = () => DOWN_US;
  return scene;
}

function order(scene: ScenarioWorld): void {
  for (const client of [1, 2]) {
    for (let amount = 1; amount <= 3; amount += 1) scene.request(client, { operation: 'transfer', amount });
  }
}

function expectAllIsWell(scene: ScenarioWorld): void {
  expect(scene.runUntilAnswered()).toBe(true);
  scene.run(5_000_000);
  expect(scene.answers.map(({ kind }) => kind)).toEqual(Array.from({ length: 6 }, () => 'executed'));
  expect(scene.isConverged()).toBe(true);
  const [first, ...others] = scene.correctNodes().map((node) => node.status.stateRoot);
  for (const root of others) expect(root).toBe(first);
  expect(scene.suspicions().filter(({ certainty }) => certainty === 'certain')).toEqual([]);
}

describe.each(POINTS)('%s', (_, trap) => {
  test.each([1, 2, 4])('node%i loses its power and starts again', (index) => {
    for (const survivors of [0, 1]) {
      const scene = makeScene(4);
      scene.node(index).setTrap({ ...trap, survivors });
      order(scene);
      expectAllIsWell(scene);
      expect(scene.node(index).incarnation).toBe(2);
    }
  });

  test.each([1, 2, 3, 4])('all of %i nodes lose their power there and start again', (replicaCount) => {
    const scene = makeScene(replicaCount);
    for (const node of scene.world.nodes) node.setTrap(trap);
    order(scene);
    expectAllIsWell(scene);
    for (const node of scene.world.nodes) expect(node.incarnation).toBe(2);
  });
});

// The gaps between all outputs of the first requests, one after the other, and the middle of each message.
describe.each(Array.from({ length: 24 }, (_, at) => at + 1))('after output %i', (count) => {
  test.each([1, 2])('node%i loses its power and starts again', (index) => {
    for (const receivers of [undefined, 0b0101]) {
      const scene = makeScene(4);
      scene.node(index).setTrap({ kind: 'output', of: undefined, count, receivers, survivors: 0 });
      order(scene);
      expectAllIsWell(scene);
      expect(scene.node(index).incarnation).toBe(2);
    }
  });
});
