import { describe, expect, test } from 'vitest';
import { ScenarioWorld } from '../../src/simulation/scenario-world.ts';
import { record, settle, transfers, viewsOf } from '../support/scenes.ts';

// A primary proposes before its vote is on disk, led to where the power goes in between.

function makeScene(): ScenarioWorld {
  const scene = new ScenarioWorld({ overlappedSync: true, clientCount: 2 });
  transfers(scene, 1);
  expect(scene.runUntilAnswered()).toBe(true);
  return scene;
}

/** Backups that the PRE-PREPARE reaches before the power goes, as bits: bit 0 is the primary itself. */
const MASKS = [0, 2, 4, 6, 8, 10, 12, 14];

describe('the power of a primary goes when its second proposal has left and nothing of it is on disk', () => {
  test.each(MASKS)(
    'to backups %i: it never proposes another batch under that number, and the cluster goes on',
    (receivers) => {
      const scene = makeScene();
      const node = scene.node(1);
      node.setTrap({ kind: 'output', of: 'pre-prepare', count: 1, receivers, survivors: 0 });
      const left = record(scene, 'view-change-started');
      transfers(scene, 1);
      expect(scene.runUntil(() => !node.isUp, 1_000_000)).toBe(true);
      scene.run(1000);
      scene.world.restart(node);
      transfers(scene, 3, 2);
      expect(settle(scene)).toBe(true);
      expect(left[0]).toMatchObject({ node: 1, event: { view: 1, reason: 'restart' } });
      expect(new Set(viewsOf(scene))).toEqual(new Set([1]));
      expect(scene.suspicions().filter(({ certainty }) => certainty === 'certain')).toEqual([]);
    },
  );
});

test('a primary that starts again in an idle cluster is followed, and the checkpoint of what was executed is taken', () => {
  const scene = makeScene();
  scene.node(1).crash('here', 0);
  scene.run(1000);
  scene.world.restart(scene.node(1));
  scene.run(10_000_000);
  expect(viewsOf(scene)).toEqual([1, 1, 1, 1]);
  expect(scene.correctNodes().map(({ status }) => [status.inViewChange, status.lowWaterMark])).toEqual(
    Array.from({ length: 4 }, () => [false, 2]),
  );
});

test('a backup that starts again ends no view', () => {
  const scene = makeScene();
  const node = scene.node(3);
  node.setTrap({ kind: 'record', record: 'accepted', phase: 'synced', survivors: 0 });
  transfers(scene, 1);
  expect(scene.runUntil(() => !node.isUp, 1_000_000)).toBe(true);
  scene.world.restart(node);
  transfers(scene, 3, 2);
  expect(settle(scene)).toBe(true);
  expect(new Set(viewsOf(scene))).toEqual(new Set([0]));
});
