import { describe, expect, test } from 'vitest';
import { Network, PERFECT_LINK } from './network.ts';
import type { LinkQuality } from './network.ts';
import { Random } from './random.ts';

const frame = new Uint8Array(1);

function network(quality: Partial<LinkQuality>): Network {
  return new Network(new Random(1, 'network'), { ...PERFECT_LINK, ...quality });
}

/** Arrivals of `count` frames sent one µs apart. */
function arrivals(net: Network, count: number): readonly (readonly number[])[] {
  return Array.from({ length: count }, (_, at) => net.arrivals(at, 'a', 'b', frame));
}

describe('Network', () => {
  test('a link keeps its order when nothing is reordered', () => {
    const times = arrivals(network({ minDelayUs: 0, maxDelayUs: 1000 }), 200).flat();
    expect(times).toHaveLength(200);
    expect(times).toEqual(times.toSorted((left, right) => left - right));
  });

  test('reordered frames pass each other', () => {
    const times = arrivals(network({ reordering: 0.5, reorderUs: 1000 }), 200).flat();
    expect(times).not.toEqual(times.toSorted((left, right) => left - right));
  });

  test('loss and duplication come as often as they should', () => {
    const counts = arrivals(network({ loss: 0.5, duplication: 0.5 }), 2000).map((times) => times.length);
    const share = (copies: number): number => counts.filter((count) => count === copies).length / 2000;
    expect(share(0)).toBeCloseTo(0.5, 1);
    expect(share(2)).toBeCloseTo(0.25, 1);
  });

  test('a cut is of one direction, and healing mends all', () => {
    const net = network({});
    net.setCut('a', 'b', true);
    net.addRule(() => 'drop');
    expect(net.arrivals(0, 'a', 'b', frame)).toEqual([]);
    net.setCut('a', 'b', false);
    expect(net.arrivals(0, 'b', 'a', frame)).toEqual([]);
    net.heal(PERFECT_LINK);
    expect(net.arrivals(0, 'b', 'a', frame)).toEqual([200]);
  });

  test('a party may fare worse than the rest, a link worse than its parties', () => {
    const net = network({});
    net.setPartyQuality('a', { ...PERFECT_LINK, minDelayUs: 5, maxDelayUs: 5 });
    net.setLinkQuality('a', 'c', { ...PERFECT_LINK, minDelayUs: 9, maxDelayUs: 9 });
    expect([
      net.arrivals(0, 'a', 'b', frame),
      net.arrivals(0, 'a', 'c', frame),
      net.arrivals(0, 'c', 'b', frame),
    ]).toEqual([[5], [9], [200]]);
  });

  test('a rule can be taken away again, and others stay', () => {
    const net = network({});
    const end = net.addRule((from) => (from === 'a' ? 'drop' : undefined));
    net.addRule((_from, to) => (to === 'c' ? 'drop' : undefined));
    expect(net.arrivals(0, 'a', 'b', frame)).toEqual([]);
    end();
    end();
    expect([net.arrivals(0, 'a', 'b', frame), net.arrivals(0, 'a', 'c', frame)]).toEqual([[200], []]);
  });

  test('a burst is neither lost nor reordered, and comes behind what went before', () => {
    const net = network({ loss: 1, reordering: 1, reorderUs: 1000, minDelayUs: 200, maxDelayUs: 5000 });
    const times = Array.from({ length: 50 }, () => net.burstArrival(7, 'a', 'b', frame));
    expect(times).toEqual(Array.from({ length: 50 }, () => 207));
    net.setCut('a', 'b', true);
    expect(net.burstArrival(7, 'a', 'b', frame)).toBeUndefined();
  });

  test('a rule delays', () => {
    const net = network({});
    net.addRule((from) => (from === 'a' ? { extraUs: 50 } : undefined));
    expect([net.arrivals(0, 'a', 'b', frame), net.arrivals(0, 'b', 'a', frame)]).toEqual([[250], [200]]);
  });
});
