import { expect, test } from 'vitest';
import { Timers } from './timers.ts';

test('a timer fires once, when its deadline has come', () => {
  const timers = new Timers();
  timers.set('status', 10);
  expect(timers.fires('status', 9)).toBe(false);
  expect(timers.fires('status', 10)).toBe(true);
  expect(timers.fires('status', 11)).toBe(false);
});

test('the earliest deadline is the next one', () => {
  const timers = new Timers();
  expect(timers.next()).toBeUndefined();
  timers.set('status', 10);
  timers.set('request', 7);
  expect(timers.next()).toBe(7);
  timers.clear('request');
  expect(timers.next()).toBe(10);
});

test('set replaces, setNoLaterThan only brings forward', () => {
  const timers = new Timers();
  timers.setNoLaterThan('pending', 10);
  timers.setNoLaterThan('pending', 20);
  expect(timers.next()).toBe(10);
  timers.setNoLaterThan('pending', 5);
  expect(timers.next()).toBe(5);
  timers.set('pending', 30);
  expect(timers.next()).toBe(30);
});

test('all can be cleared at once', () => {
  const timers = new Timers();
  timers.set('status', 10);
  timers.set('request', 7);
  timers.clearAll();
  expect([timers.next(), timers.isSet('status'), timers.isSet('request')]).toEqual([undefined, false, false]);
});

test('a deadline that is moved is forgotten where it was', () => {
  const timers = new Timers();
  timers.set('status', 10);
  timers.set('request', 20);
  timers.set('status', 30);
  expect(timers.next()).toBe(20);
  expect(timers.fires('status', 25)).toBe(false);
  expect(timers.fires('request', 25)).toBe(true);
  expect(timers.next()).toBe(30);
});

test('of two that stand at one time the other is left when one has fired', () => {
  const timers = new Timers();
  timers.set('status', 10);
  timers.set('request', 10);
  expect(timers.fires('status', 10)).toBe(true);
  expect(timers.next()).toBe(10);
  expect(timers.fires('request', 10)).toBe(true);
  expect(timers.next()).toBeUndefined();
});
