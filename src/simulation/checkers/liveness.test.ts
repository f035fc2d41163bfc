import { describe, expect, test } from 'vitest';
import { ScenarioWorld } from '../scenario-world.ts';
import { checkQuietEnd, checkTogether } from './liveness.ts';
import { LostVotesChecker } from './lost-votes.ts';

const T_US = 500_000;
const QUIET_US = 4_000_000;

/** What is said of the end of this scene. */
function judge(scene: ScenarioWorld): void {
  const { world, coverage, execution } = scene;
  checkQuietEnd({ world, coverage, execution, lostVotes: new LostVotesChecker(), clients: [] });
}

function askOnce(scene: ScenarioWorld): ScenarioWorld {
  scene.request(1, { operation: 'transfer', amount: 1 });
  expect(scene.runUntilAnswered()).toBe(true);
  return scene;
}

describe('the end of a quiet run', () => {
  test('has a checkpoint of all that was executed', () => {
    const scene = askOnce(new ScenarioWorld());
    expect(() => judge(scene)).toThrow('quiet, executed 1, but the last checkpoint is 0');
    scene.run(QUIET_US);
    expect(() => judge(scene)).not.toThrow();
  });

  // Seed 1223768: it heard too late that what it had proposed was executed.
  test('has none where the primary has left its view alone, until the others come along', () => {
    const scene = new ScenarioWorld();
    const setDeaf = (isDeaf: boolean): void => {
      for (const from of ['node1', 'node3', 'node4']) scene.world.network.setCut(from, 'node2', isDeaf);
    };
    // node2 is to be the primary: who is looked at first is another one.
    scene.node(1).crash('at rest', 0);
    askOnce(scene);
    scene.world.restart(scene.node(1));
    scene.run(QUIET_US);
    setDeaf(true);
    askOnce(scene).run(2 * T_US);
    setDeaf(false);
    scene.run(QUIET_US);
    const { lastExecuted } = scene.node(1).status;
    expect(scene.node(1).status).toMatchObject({ view: 1, primary: scene.node(2).id });
    expect(scene.node(2).status).toMatchObject({ view: 2, inViewChange: true, lastExecuted });
    expect(scene.node(1).status.stateRootSequence).toBeLessThan(lastExecuted);
    expect(() => judge(scene)).not.toThrow();
    expect(() => checkTogether(scene.world)).toThrow(
      'long after everything was mended, node1 in 1, node2 between views before 2, node3 in 1, node4 in 1',
    );
    scene.run(20 * T_US + QUIET_US);
    for (const index of [1, 2, 3, 4])
      expect(scene.node(index).status).toMatchObject({
        view: 2,
        inViewChange: false,
        stateRootSequence: lastExecuted + 1,
      });
    expect(() => judge(scene)).not.toThrow();
    expect(() => checkTogether(scene.world)).not.toThrow();
  });
});
