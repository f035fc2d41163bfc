import { expect, test } from 'vitest';
import { LINK_US, ScenarioWorld, SYNC_US } from '../../src/simulation/scenario-world.ts';

// From request to reply [OSDI'99 §4, figure 1]: to the primary, PRE-PREPARE, PREPARE, COMMIT, reply. Before the three in the middle leave, their sender writes.

test.each([4, 7, 10])('with %i nodes a lone request takes five one-way delays and three writes', (replicaCount) => {
  const scene = new ScenarioWorld({ replicaCount });
  const begun = scene.world.time;
  scene.request(1, { operation: 'transfer', amount: 1 });
  expect(scene.runUntilAnswered()).toBe(true);
  expect(scene.world.time - begun).toBe(5 * LINK_US + 3 * SYNC_US);
});
