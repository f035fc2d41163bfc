import { describe, expect, test } from 'vitest';
import { seq } from '../../test/support/core-kit.ts';
import { Log } from './log.ts';

describe('the window', () => {
  test('places: voted on in it, kept up to one window above it, else nothing', () => {
    const log = new Log(4, 8);
    expect([0, 1, 8, 9, 16, 17, Number.MAX_SAFE_INTEGER].map((sequence) => log.place(seq(sequence)))).toEqual([
      'below',
      'window',
      'window',
      'above',
      'above',
      'far-above',
      'far-above',
    ]);
    log.collect(seq(5));
    expect([5, 6, 13, 14, 21, 22].map((sequence) => log.place(seq(sequence)))).toEqual([
      'below',
      'window',
      'window',
      'above',
      'above',
      'far-above',
    ]);
    expect([log.low, log.high]).toEqual([5, 13]);
  });

  test('h never falls', () => {
    const log = new Log(4, 8);
    log.collect(seq(5));
    expect(() => log.collect(seq(4))).toThrow('the low water mark never falls');
    log.collect(seq(5));
    expect(log.low).toBe(5);
  });

  test('no slot outside it', () => {
    const log = new Log(4, 8);
    expect(() => log.at(seq(0))).toThrow('a slot lies within two windows');
    expect(() => log.at(seq(17))).toThrow('a slot lies within two windows');
    expect(log.find(seq(17))).toBeUndefined();
  });
});

describe('slots', () => {
  test('are made once and found again, in ascending order', () => {
    const log = new Log(4, 8);
    const slot = log.at(seq(7));
    log.at(seq(2));
    expect(log.at(seq(7))).toBe(slot);
    expect([...log.from(0)].map(({ sequence }) => sequence)).toEqual([2, 7]);
    expect([...log.from(3)].map(({ sequence }) => sequence)).toEqual([7]);
    expect([log.top, log.slotCount]).toEqual([7, 2]);
  });

  test('at or below h are forgotten, those above stay', () => {
    const log = new Log(4, 8);
    for (const sequence of [1, 4, 5]) log.at(seq(sequence));
    log.collect(seq(4));
    expect([...log.from(0)].map(({ sequence }) => sequence)).toEqual([5]);
    expect(log.slotCount).toBe(1);
  });

  test('h far above everything, as after a state transfer', () => {
    const log = new Log(4, 8);
    log.at(seq(3));
    log.collect(seq(1000));
    expect([log.top, log.slotCount, log.low]).toEqual([1000, 0, 1000]);
    expect([...log.from(0)]).toEqual([]);
  });
});
