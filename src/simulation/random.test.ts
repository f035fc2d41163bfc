import { describe, expect, test } from 'vitest';
import { Random } from './random.ts';

const draw = (random: Random, count = 5): readonly number[] => Array.from({ length: count }, () => random.next());

describe('Random', () => {
  test('the same seed and name give the same numbers', () => {
    expect(draw(new Random(7, 'a'))).toEqual(draw(new Random(7, 'a')));
  });

  test('another seed, another name or a fork gives others', () => {
    const numbers = [
      new Random(7, 'a'),
      new Random(8, 'a'),
      new Random(7, 'b'),
      new Random(7, 'a').fork('x'),
      new Random(7 + 2 ** 32, 'a'),
    ];
    expect(new Set(numbers.map((random) => random.next())).size).toBe(5);
  });

  test('drawing from a stream moves no other', () => {
    const parent = new Random(1, 'p');
    const fork = parent.fork('f');
    draw(parent, 100);
    expect(draw(parent.fork('f'))).toEqual(draw(fork));
  });

  test('between reaches both ends and nothing else', () => {
    const random = new Random(1, 'x');
    const seen = new Set(Array.from({ length: 500 }, () => random.between(-1, 2)));
    expect([...seen].toSorted((left, right) => left - right)).toEqual([-1, 0, 1, 2]);
  });

  test('shuffle keeps the elements', () => {
    expect(new Random(3, 'x').shuffle([1, 2, 3, 4]).toSorted((left, right) => left - right)).toEqual([1, 2, 3, 4]);
  });

  test('a fraction is spread over 0 … 1', () => {
    const random = new Random(9, 'x');
    const mean =
      Array.from({ length: 10_000 }, () => random.fraction()).reduce((sum, value) => sum + value, 0) / 10_000;
    expect(mean).toBeGreaterThan(0.48);
    expect(mean).toBeLessThan(0.52);
  });
});
