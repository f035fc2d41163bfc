import { beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_SAMPLER_LIMITS, Sampler } from './sampler.ts';

/** Second after second: `slots` slots of ten events each, every event told taking `costUs`, at a process that takes a whole core. */
class Load {
  readonly sampler: Sampler;
  kept: number[] = [];
  spentUs = 0;

  constructor(sampler = new Sampler()) {
    this.sampler = sampler;
  }

  second(slots: number, costUs: number, from = 1): ReturnType<Sampler['endSecond']> {
    this.kept = [];
    this.spentUs = 0;
    for (let slot = from; slot < from + slots; slot += 1) {
      let told = 0;
      for (let event = 0; event < 10; event += 1) {
        if (!this.sampler.admits(slot)) continue;
        told += 1;
        this.sampler.count();
        this.sampler.spend(costUs);
        this.spentUs += costUs;
      }
      if (told > 0) this.kept.push(slot);
      this.sampler.earn(1e6 / slots, 1e6 / slots);
    }
    return this.sampler.endSecond();
  }
}

describe('Sampler', () => {
  let load: Load;
  beforeEach(() => {
    load = new Load();
  });

  it('keeps everything that its part pays for', () => {
    for (let second = 0; second < 5; second += 1) expect(load.second(200, 5)).toBeUndefined();
    expect(load.sampler.share).toBe(1);
  });

  it('stays below 3 % of the CPU, whatever one event costs', () => {
    for (const costUs of [20, 100, 500]) {
      load = new Load();
      for (let second = 0; second < 6; second += 1) load.second(1000, costUs);
      let spentUs = 0;
      for (let second = 0; second < 10; second += 1) {
        load.second(1000, costUs);
        spentUs += load.spentUs;
      }
      expect(spentUs / 10e6).toBeLessThan(0.03);
      expect(load.sampler.share).toBeLessThan(1);
    }
  });

  it('says how many it kept of how many', () => {
    load.second(1000, 20);
    const sampled = load.second(1000, 20);
    expect(sampled?.of).toBe(10_000);
    expect(sampled?.kept).toBeGreaterThan(0);
    expect(sampled?.kept).toBeLessThan(2000);
  });

  it('keeps the same slots as another that has as much to do, and part of those of one that has less', () => {
    const [busy, alike, idler] = [new Load(), new Load(), new Load()];
    for (let second = 0; second < 6; second += 1) {
      busy.second(1000, 40, 1000 * second);
      alike.second(1000, 40, 1000 * second);
      idler.second(1000, 10, 1000 * second);
    }
    expect(busy.sampler.share).toBeLessThan(idler.sampler.share);
    expect(busy.kept.length).toBeGreaterThan(10);
    expect(busy.kept).toEqual(alike.kept);
    expect(busy.kept.filter((slot) => !idler.kept.includes(slot))).toEqual([]);
  });

  it('leaves nothing out of a few hundred events a second, whatever they cost', () => {
    for (let second = 0; second < 5; second += 1) expect(load.second(30, 2000)).toBeUndefined();
    // And not of a first burst either, up to as many.
    load = new Load();
    load.second(1000, 2000);
    expect(load.kept.slice(0, 30)).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
  });

  it('counts what is told in any case among what is free', () => {
    const whole = (events: number): number => {
      let count = 0;
      for (let slot = 1; slot <= events; slot += 1) {
        if (load.sampler.isWithin(slot)) count += 1;
        load.sampler.count();
        load.sampler.spend(2000);
      }
      load.sampler.earn(1e6, 1e6);
      return count;
    };
    expect(whole(1000)).toBe(300);
    expect(load.sampler.endSecond()).toBeUndefined();
    expect(whole(300)).toBeLessThan(300);
    load.sampler.endSecond();
    expect(whole(300)).toBe(300);
  });

  it('keeps everything again as soon as there is little', () => {
    for (let second = 0; second < 5; second += 1) load.second(1000, 100);
    expect(load.sampler.share).toBeLessThan(1);
    load.second(10, 100);
    expect(load.sampler.share).toBe(1);
    expect(load.second(10, 100)).toBeUndefined();
  });

  it('finds its way back from a second in which everything took far too long', () => {
    load.second(1000, 50_000);
    for (let second = 0; second < 12; second += 1) load.second(1000, 20);
    expect(load.kept.length).toBeGreaterThan(10);
  });

  it('refuses a share that is none', () => {
    expect(() => new Sampler({ ...DEFAULT_SAMPLER_LIMITS, leastShare: 0 })).toThrow('a share is a part');
    expect(() => new Sampler({ ...DEFAULT_SAMPLER_LIMITS, leastShare: 2 })).toThrow('a share is a part');
  });
});
