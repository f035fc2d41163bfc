import { describe, expect, test } from 'vitest';
import { batchDigest } from '../../src/messages/index.ts';
import type { Batch } from '../../src/messages/index.ts';
import { asSequence, asView } from '../../src/base/ids.ts';
import { areTogether } from '../../src/simulation/checkers/liveness.ts';
import { ScenarioWorld } from '../../src/simulation/scenario-world.ts';
import { record, transfers, viewsOf } from '../support/scenes.ts';
import { Voice } from '../support/voice.ts';

// A replica that left its view alone, and liars that would keep it there.

const T_US = 500_000;
const PATIENCE_US = 20 * T_US;
const QUIET_US = 4_000_000;

function quietScene(options: ConstructorParameters<typeof ScenarioWorld>[0] = {}): ScenarioWorld {
  const scene = new ScenarioWorld(options);
  transfers(scene, 1);
  expect(scene.runUntilAnswered()).toBe(true);
  scene.run(QUIET_US);
  return scene;
}

/** node4 hears nothing while something is executed, and gives up. */
function strand(scene: ScenarioWorld): void {
  const setDeaf = (isDeaf: boolean): void => {
    for (const from of ['node1', 'node2', 'node3']) scene.world.network.setCut(from, 'node4', isDeaf);
  };
  setDeaf(true);
  transfers(scene, 1);
  expect(scene.runUntilAnswered()).toBe(true);
  scene.run(3 * T_US);
  setDeaf(false);
  scene.run(T_US);
  expect(scene.node(4).status).toMatchObject({ view: 1, inViewChange: true });
}

const left = (scene: ScenarioWorld): readonly string[] =>
  scene.correctNodes().map(({ status: { view, inViewChange } }) => `${inViewChange ? 'before' : 'in'} ${view}`);

test('one that gave up alone is joined though nobody asks for anything, with no more time for the next view than for the last', () => {
  const scene = quietScene({ shownShare: 1 });
  strand(scene);
  const reasons = record(scene, 'view-change-started');
  scene.run(PATIENCE_US);
  expect(left(scene)).toEqual(['in 1', 'in 1', 'in 1', 'in 1']);
  expect(reasons.map(({ event }) => event.reason)).toEqual(['stray', 'stray', 'stray']);
  const timeouts = [1, 2, 3, 4].map((index) => scene.node(index).replica?.inside().timeoutUs);
  expect(timeouts).toEqual([T_US, T_US, T_US, 2 * T_US]);
  expect(scene.suspicions().filter(({ certainty }) => certainty === 'certain')).toEqual([]);
});

describe('a liar that is the primary of the view that somebody alone has left for', () => {
  test('does not drive it further by a NEW-VIEW that follows from nothing: it is joined there', () => {
    const scene = quietScene({ shownShare: 1 });
    const liar = new Voice(scene, 2);
    strand(scene);
    liar.begin([4], 1);
    scene.run(T_US);
    expect(left(scene)).toEqual(['in 0', 'in 0', 'before 1']);
    expect(scene.suspicions()).toContainEqual(
      expect.objectContaining({ by: 3, node: 1, kind: 'wrong-new-view', certainty: 'certain' }),
    );
    scene.run(PATIENCE_US);
    expect(areTogether(scene.world)).toBe(true);
    expect(viewsOf(scene)).toEqual([1, 1, 1]);
  });

  test('nor do two, of which the first made it leave', () => {
    const scene = quietScene({ replicaCount: 7 });
    const [first, second] = [new Voice(scene, 1), new Voice(scene, 2)];
    const sequence = asSequence(scene.node(7).status.highestAccepted + 1);
    for (const ago of [1, 2]) {
      const batch: Batch = { timestamp: Math.floor(scene.node(7).now.wall) - ago, flags: 1, requests: [] };
      const digest = batchDigest(scene.world.codec, batch);
      first.say([7], { type: 'pre-prepare', view: asView(0), sequence, digest, batch });
    }
    scene.run(T_US);
    second.begin([7], 1);
    scene.run(T_US);
    expect(left(scene)).toEqual(['in 0', 'in 0', 'in 0', 'in 0', 'before 1']);
    scene.run(PATIENCE_US);
    expect(areTogether(scene.world)).toBe(true);
    expect(viewsOf(scene)).toEqual([1, 1, 1, 1, 1]);
  });
});

describe('a liar that poses as one that left alone', () => {
  test('to one replica: all hear of it, and none of them stands alone for longer than T', () => {
    const scene = quietScene({ replicaCount: 7 });
    const liar = new Voice(scene, 7);
    liar.leave([3], 1);
    expect(scene.runUntil(() => scene.node(3).status.view === 1, 2 * PATIENCE_US)).toBe(true);
    scene.run(2 * T_US);
    expect(left(scene)).toEqual(Array.from({ length: 6 }, () => 'in 1'));
  });

  test('wears out nobody but itself, and gives the views after it no more time', () => {
    const scene = quietScene({ shownShare: 1 });
    const liar = new Voice(scene, 4);
    const waits: number[] = [];
    for (let view = 1; view <= 4; view += 1) {
      const since = scene.world.time;
      liar.leave([1, 2, 3], view);
      expect(scene.runUntil(() => left(scene).every((where) => where === `in ${view}`), 80 * PATIENCE_US)).toBe(true);
      waits.push(Math.floor((scene.world.time - since) / PATIENCE_US));
    }
    expect(waits).toEqual([1, 2, 4, 8]);
    expect([1, 2, 3].map((index) => scene.node(index).replica?.inside().timeoutUs)).toEqual([T_US, T_US, T_US]);
  });
});
