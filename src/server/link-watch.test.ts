import { expect, test } from 'vitest';
import { asReplicaId } from '../base/ids.ts';
import { LinkWatch } from './link-watch.ts';

const [one, two, three] = [asReplicaId(0), asReplicaId(1), asReplicaId(2)];

test('since when each link is down: since the start, or since it broke, not since it failed to come back', () => {
  let now = 5;
  const watch = new LinkWatch([three, two, one], () => now);
  expect(watch.down().map(({ replica, sinceUs }) => [replica, sinceUs])).toEqual([
    [0, 5],
    [1, 5],
    [2, 5],
  ]);
  now = 10;
  watch.onConnected(three);
  watch.onConnected(one);
  expect([watch.up(), watch.upCount, watch.down()]).toEqual([[0, 2], 2, [{ replica: 1, sinceUs: 5 }]]);
  now = 20;
  watch.onDisconnected(three);
  now = 30;
  watch.onDisconnected(three);
  expect(watch.down()).toEqual([
    { replica: 1, sinceUs: 5 },
    { replica: 2, sinceUs: 20 },
  ]);
  expect(watch.up()).toEqual([0]);
});
