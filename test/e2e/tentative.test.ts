// Clients are told before a batch is committed, and what they were told is kept.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Workplace } from './local-cluster.ts';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(async () => {
  await place.clear();
});

/** Slots that came so far at a node. */
async function slotsOf(name: string, phase: string): Promise<number> {
  const metrics = await (await fetch(`${place.url(name)}/metrics`)).text();
  return Number(new RegExp(`^pbft_slots_total\\{phase="${phase}"\\} (\\d+)$`, 'm').exec(metrics)?.[1] ?? 0);
}

test.each([[['--tentative-execution']], [['--tentative-execution', '--overlapped-sync']]])(
  'with %j: what was told before it was committed is there when all nodes were killed and have started again',
  async (switches) => {
    const up = await place.up(...switches);
    const pay = async (name: string): Promise<void> => {
      const body = { operation: 'transfer', to: 'rent', amount: 1 };
      const answer = await place.post(name, '/pbft/request?wait=true', body);
      expect(answer.body).toMatchObject({ status: 'executed', consensus: true });
    };
    // Each gateway finds out by itself, in one of sixteen turns, that replies are tentative.
    for (let round = 0; round < 40; round += 1) await pay('node2');
    expect(await slotsOf('node1', 'tentatively-executed')).toBeGreaterThan(5);
    await place.killAll(up);
    await place.up();
    expect(await place.balance('node3', 'rent')).toBe(40);
    await pay('node4');
    const statuses = await place.sameRoots();
    expect(statuses.flatMap(({ suspicions }) => suspicions.filter(({ certainty }) => certainty === 'certain'))).toEqual(
      [],
    );
    // A primary that has proposed there may not go on in its view.
    expect(Math.min(...statuses.map(({ view }) => view))).toBeGreaterThanOrEqual(switches.length - 1);
  },
);
