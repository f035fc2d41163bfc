// Graves G07, G10, G11, G15 and G16: whole clusters that leave views, with all checkers; each ends in convergence.
import { describe, expect, test } from 'vitest';
import { typeOfFrame } from '../../src/simulation/link-faults.ts';
import { CRASH_PHASES, VERSION_PHASES } from '../../src/simulation/crash-trap.ts';
import type { CrashTrap } from '../../src/simulation/crash-trap.ts';
import { ScenarioWorld } from '../../src/simulation/scenario-world.ts';
import type { TwinSide } from '../../src/simulation/twins.ts';
import { Bench } from '../support/bench.ts';
import { asView } from '../../src/base/ids.ts';
import { addTwin, lose, record, settle, transfers, trouble, viewsOf } from '../support/scenes.ts';
import { viewChangeOf } from '../support/view-messages.ts';

const SECOND = 1_000_000;

/** All choices of `count` of these. */
function choices<Item>(items: readonly Item[], count: number): readonly (readonly Item[])[] {
  if (count === 0) return [[]];
  return items.flatMap((item, at) => choices(items.slice(at + 1), count - 1).map((rest) => [item, ...rest]));
}

describe('G07: twins, two instances of one replica', () => {
  const SIDES: readonly TwinSide[] = ['first', 'second'];
  const SPLITS = SIDES.flatMap((two) => SIDES.flatMap((three) => SIDES.map((four) => [two, three, four] as const)));

  /** node1 stands still for so long: the view after its own is led by node2, which is two. */
  function pauseFor(scene: ScenarioWorld, us: number): void {
    scene.run(5000);
    trouble(scene, 'pause node1');
    scene.run(us);
    trouble(scene, 'resume node1');
  }

  test.each([1, 2])('node%i and its twin: every split of the others, changed in the middle, breaks nothing', (twin) => {
    let isLed = 0;
    for (const [at, first] of SPLITS.entries()) {
      const scene = new ScenarioWorld({ checkpointInterval: 2 });
      let sides: readonly TwinSide[] = first;
      addTwin(scene, twin, (party) => {
        // Client 1 is with one instance, client 2 with the other: as primary each of them proposes something else.
        if (party.kind === 'client') return party.client.startsWith('c1') ? 'first' : 'second';
        return sides[[0, 1, 2, 3].filter((other) => other !== twin - 1).indexOf(party.replica)] ?? 'both';
      });
      for (const client of [1, 2]) transfers(scene, 4, client);
      if (twin === 2) pauseFor(scene, SECOND);
      scene.run(1.5 * SECOND);
      sides = SPLITS[(at * 3 + 5) % SPLITS.length] ?? first;
      scene.run(1.5 * SECOND);
      sides = ['both', 'both', 'both'];
      // One that saw the primary equivocate may be ahead of all others, in a view change that it cannot force on them.
      expect(scene.runUntilAnswered(), `${first.join(' ')}`).toBe(true);
      expect(
        scene.runUntil(() => scene.isConverged()),
        `${first.join(' ')}`,
      ).toBe(true);
      isLed += Math.max(...viewsOf(scene));
    }
    // Without a view change nothing would have been at stake.
    expect(isLed).toBeGreaterThan(0);
  });
});

describe('G10: a primary that censors', () => {
  test.each([4, 7])('n = %i: it is voted out, and the requests it orders meanwhile do not help it', (replicaCount) => {
    const scene = new ScenarioWorld({ replicaCount, checkpointInterval: 4 });
    const started = record(scene, 'view-change-started');
    scene.behave(1, 'censor');
    transfers(scene, 1, 1);
    transfers(scene, 120, 2);
    const isServed = scene.runUntil(() => scene.answers.some(({ client }) => client === 1), 5 * SECOND);
    const before = scene.answers.filter(({ client }) => client === 2).length;
    expect(isServed).toBe(true);
    expect(before).toBeGreaterThan(20);
    expect(started.some(({ event }) => event.reason === 'timeout' || event.reason === 'slow-primary')).toBe(true);
    expect(Math.max(...viewsOf(scene))).toBe(1);
    expect(settle(scene, 60 * SECOND)).toBe(true);
  });

  test('so is each that censors after it, f in a row', () => {
    const scene = new ScenarioWorld({ replicaCount: 7, checkpointInterval: 4 });
    for (const liar of [1, 2]) scene.behave(liar, 'censor');
    transfers(scene, 1, 1);
    transfers(scene, 40, 2);
    expect(settle(scene, 10 * SECOND)).toBe(true);
    expect(new Set(viewsOf(scene))).toEqual(new Set([2]));
  });
});

describe('G11: lost messages of a view change', () => {
  /** node1 is down, requests wait, and these messages are lost the first time they are sent; a link is `node2>node3`. */
  function isMended(types: readonly string[], links: readonly string[]): boolean {
    const scene = new ScenarioWorld();
    const left = new Set(links);
    scene.world.network.addRule((from, to, frame) => {
      const type = typeOfFrame(frame) ?? '';
      return types.includes(type) && left.delete(`${from}>${to}`) ? 'drop' : undefined;
    });
    transfers(scene, 2);
    scene.run(2000);
    scene.node(1).crash('at rest', 0);
    // All of them were sent, and lost.
    return settle(scene, 10 * SECOND) && left.size === 0;
  }

  const LIVE = [2, 3, 4];
  const LINKS = LIVE.flatMap((from) => LIVE.filter((to) => to !== from).map((to) => `node${from}>node${to}`));

  test('f … 2f VIEW-CHANGEs are lost, all choices of them: the rest converges', () => {
    const cases = [1, 2].flatMap((count) => choices(LINKS, count));
    expect(cases).toHaveLength(6 + 15);
    expect(cases.filter((links) => !isMended(['view-change'], links))).toEqual([]);
  });

  test('the NEW-VIEW is lost, to one or to all', () => {
    const cases = [['node2>node3'], ['node2>node4'], ['node2>node3', 'node2>node4']];
    expect(cases.filter((links) => !isMended(['new-view'], links))).toEqual([]);
  });

  test('NEW-VIEW arrives, the VIEW-CHANGEs in it never did: it is enough by itself', () => {
    const scene = new ScenarioWorld();
    lose(scene, ['view-change'], (_from, to) => to === 'node4');
    transfers(scene, 2);
    scene.run(2000);
    scene.node(1).crash('at rest', 0);
    expect(settle(scene, 10 * SECOND)).toBe(true);
    expect(viewsOf(scene)).toEqual([1, 1, 1]);
  });

  test('VIEW-CHANGEs are spread two against two for a minute, then the network heals', () => {
    const scene = new ScenarioWorld();
    transfers(scene, 2);
    scene.run(2000);
    // Each of the two sees one more beside itself: no quorum, and no timer that would lead them further apart.
    trouble(scene, 'partition node1 node2 | node3 node4');
    transfers(scene, 2, 2);
    scene.run(60 * SECOND);
    trouble(scene, 'heal');
    expect(settle(scene, 10 * SECOND)).toBe(true);
  });

  test('two of seven go on to higher views alone, then hear the others again', () => {
    const scene = new ScenarioWorld({ replicaCount: 7 });
    trouble(scene, 'partition node1 node2 node3 node4 node5 | node6 node7');
    transfers(scene, 5);
    scene.run(20 * SECOND);
    trouble(scene, 'partition node1 node2 node3 | node4 node5 node6 node7');
    transfers(scene, 2);
    scene.run(20 * SECOND);
    trouble(scene, 'heal');
    expect(settle(scene, 10 * SECOND)).toBe(true);
  });
});

describe('G15: views that run away, and timers that grow', () => {
  test.each([4, 7])('n = %i: f replicas that shout v + 1000 and more move nobody, and the cluster goes on', (n) => {
    const bench = new Bench({ n });
    const f = (n - 1) / 3;
    const liars = bench.nodes.map(({ id }) => id).slice(n - f);
    const honest = bench.nodes.map(({ id }) => id).slice(0, n - f);
    for (const [at, view] of [1000, 1001, 2 ** 40, 2 ** 52].entries()) {
      for (const liar of liars) {
        const { viewChange, signature } = viewChangeOf(bench.kit, liar, view);
        bench.forge(liar, viewChange, honest, signature);
        bench.forge(liar, bench.kit.status(liar, { view: asView(view), inViewChange: true }), honest);
        bench.forge(liar, bench.kit.commit(liar, 1, bench.kit.digestOfBatch(undefined), view), honest);
      }
      bench.run();
      bench.execute(bench.kit.signed('x', { timestamp: at + 1 }));
      bench.pass(3 * SECOND);
    }
    for (const index of honest) {
      expect(bench.node(index).status).toMatchObject({ view: 0, inViewChange: false });
      expect(bench.node(index).count('x')).toBe(4);
    }
  });

  test('one more than f moves them, to a view that a correct one named', () => {
    const bench = new Bench();
    for (const [from, view] of [
      [3, 1000],
      [2, 6],
    ] as const) {
      const { viewChange, signature } = viewChangeOf(bench.kit, from, view);
      bench.forge(from, viewChange, [0, 1], signature);
    }
    bench.run();
    expect([0, 1].map((index) => bench.node(index).status.view)).toEqual([6, 6]);
  });

  test.each([10, 100, 300])('cut off for %i s with requests that wait: back within 10 s of the healing', (seconds) => {
    const scene = new ScenarioWorld();
    transfers(scene, 2);
    scene.run(2000);
    trouble(scene, 'partition node1 node2 | node3 node4');
    transfers(scene, 2, 2);
    scene.run(seconds * SECOND);
    trouble(scene, 'heal');
    expect(settle(scene, 10 * SECOND)).toBe(true);
    expect(Math.max(...viewsOf(scene))).toBeLessThan(5);
  });

  test('all NEW-VIEWs lost for a minute: the timeouts double up to a cap, and the healed cluster is back within two of them', () => {
    const scene = new ScenarioWorld({ tuning: { maxTimeoutUs: 8 * SECOND } });
    const started = record(scene, 'view-change-started');
    lose(scene, ['new-view'], () => true);
    transfers(scene, 2);
    scene.run(2000);
    scene.node(1).crash('at rest', 0);
    scene.run(90 * SECOND);
    const times = started.filter(({ node }) => node === 3).map(({ time }) => time);
    const waits = times.slice(1).map((time, at) => Math.round((time - (times[at] ?? 0)) / SECOND));
    expect(waits.slice(0, 4)).toEqual([1, 2, 4, 8]);
    expect(Math.max(...waits)).toBe(8);
    trouble(scene, 'heal');
    expect(settle(scene, 16 * SECOND)).toBe(true);
  });
});

describe('G16: crashes inside a view change', () => {
  /** node1 is gone; `victim` loses its power at the trap, starts again 20 ms later, and everything is answered. */
  function crashed(victim: number, trap: CrashTrap): boolean {
    const scene = new ScenarioWorld({ checkpointInterval: 2 });
    let crashes = 0;
    scene.world.restartPolicy = (node) => {
      if (node.id === 0) return undefined;
      crashes += 1;
      return 20_000;
    };
    transfers(scene, 3);
    scene.run(2000);
    scene.node(1).crash('at rest', 0);
    scene.node(victim).setTrap(trap);
    expect(settle(scene, 15 * SECOND), `node${victim} ${JSON.stringify(trap)}`).toBe(true);
    return crashes > 0;
  }

  test.each([
    [2, 'the new primary'],
    [3, 'a backup'],
  ] as const)('node%i, %s: at every record of the change, unsynced, synced, half sent and sent', (victim, _role) => {
    const happened: string[] = [];
    for (const kind of ['view-change', 'new-view', 'accepted', 'prepared'] as const)
      for (const phase of CRASH_PHASES)
        if (crashed(victim, { kind: 'record', record: kind, phase, survivors: 0 })) happened.push(`${kind} ${phase}`);
    for (const phase of VERSION_PHASES)
      if (crashed(victim, { kind: 'version', phase, survivors: 0 })) happened.push(`state ${phase}`);
    expect(happened).toHaveLength(18);
  });

  test.each([2, 3])('node%i: after each message of it, with each part of the others reached', (victim) => {
    const types =
      victim === 2 ? (['view-change', 'new-view', 'commit'] as const) : (['view-change', 'prepare', 'commit'] as const);
    for (const of of types)
      for (const receivers of [0, 0b0100, 0b0010, 0b1000, 0b1111])
        expect(crashed(victim, { kind: 'output', of, count: 1, receivers, survivors: 0 }), `${of} ${receivers}`).toBe(
          true,
        );
  });

  test('all of them at once, in the middle, again and again: a restart enters no view without a NEW-VIEW', () => {
    const scene = new ScenarioWorld();
    const entered = record(scene, 'view-entered');
    lose(scene, ['new-view'], () => true);
    transfers(scene, 2);
    scene.run(2000);
    scene.node(1).crash('at rest', 0);
    for (let round = 0; round < 4; round += 1) {
      scene.run(1.2 * SECOND);
      for (const index of [2, 3, 4]) scene.node(index).crash('at rest', 0);
      for (const index of [2, 3, 4]) scene.world.restart(scene.node(index));
    }
    // A primary enters by the NEW-VIEW that it made itself.
    expect(entered.filter(({ node, event }) => event.view > 0 && node !== (event.view % 4) + 1)).toEqual([]);
    trouble(scene, 'heal');
    expect(settle(scene, 20 * SECOND)).toBe(true);
  });

  test('after a state transfer the new view is entered', () => {
    const scene = new ScenarioWorld({ checkpointInterval: 4 });
    const transferred = record(scene, 'transferred');
    const entered = record(scene, 'view-entered');
    trouble(scene, 'cut node4 all');
    transfers(scene, 3);
    scene.run(100_000);
    trouble(scene, 'cut node1 all');
    transfers(scene, 1);
    scene.run(1.2 * SECOND);
    trouble(scene, 'mend node1 node2');
    trouble(scene, 'mend node1 node3');
    transfers(scene, 30);
    expect(scene.runUntilAnswered()).toBe(true);
    expect(scene.node(4).status).toMatchObject({ view: 0, lastExecuted: 0 });
    trouble(scene, 'mend node4 all');
    expect(settle(scene, 10 * SECOND)).toBe(true);
    expect(transferred.map(({ node }) => node)).toContain(4);
    expect(entered.filter(({ node }) => node === 4).map(({ event }) => event.view)).toContain(1);
    transfers(scene, 1);
    scene.node(1).crash('at rest', 0);
    // It is needed now: without its votes there is no quorum.
    expect(settle(scene, 10 * SECOND)).toBe(true);
  });
});
