import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Alarm } from './alarm.ts';

describe('one timer for many deadlines', () => {
  const fired: number[] = [];
  const nowUs = (): number => performance.now() * 1000;
  let alarm = new Alarm(nowUs, () => undefined);
  let start = 0;

  beforeEach(() => {
    vi.useFakeTimers();
    fired.length = 0;
    start = nowUs();
    alarm = new Alarm(nowUs, () => fired.push(Math.round((nowUs() - start) / 1000)));
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  test('fires once, at the earliest', () => {
    for (const ms of [70, 30, 50]) alarm.setNoLaterThan(start + ms * 1000);
    vi.advanceTimersByTime(200);
    expect(fired).toEqual([30]);
  });

  test('fires again when it is set again', () => {
    alarm.setNoLaterThan(start + 30_000);
    vi.advanceTimersByTime(40);
    alarm.setNoLaterThan(start + 50_000);
    vi.advanceTimersByTime(200);
    expect(fired).toEqual([30, 50]);
  });

  test('fires soon for a time that has passed, and not at once for one that is very far', () => {
    alarm.setNoLaterThan(start + 1e18);
    vi.advanceTimersByTime(1000);
    expect(fired).toEqual([]);
    alarm.setNoLaterThan(start - 5);
    vi.advanceTimersByTime(1);
    expect(fired).toEqual([1000]);
  });

  test('is silent once it is stopped', () => {
    alarm.setNoLaterThan(start + 30_000);
    alarm.stop();
    vi.advanceTimersByTime(200);
    expect(fired).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
