import { expect, test } from 'vitest';
import { cpuUs, parseCpuUs, peakRssBytes } from './process-usage.ts';

test('user and system time are found behind any name', () => {
  const behind = ['S', ...Array.from({ length: 10 }, (_, index) => index), 1234, 66, 0, 0].join(' ');
  expect(parseCpuUs(`42 (node) ${behind}`)).toBe(13_000_000);
  expect(parseCpuUs(`42 (a) b (c 1 2) ${behind}`)).toBe(13_000_000);
});

test('the kernel tells both of a process that is there, and nothing of one that is not', () => {
  expect(cpuUs(process.pid)).toBeGreaterThan(0);
  expect(peakRssBytes(process.pid)).toBeGreaterThan(2 ** 20);
  expect(() => cpuUs(2 ** 30)).toThrow('ENOENT');
});
