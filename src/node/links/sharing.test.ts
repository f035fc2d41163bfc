import { describe, expect, it } from 'vitest';
import { ByteBudget } from './byte-budget.ts';
import { FairPool } from './fair-pool.ts';
import { neighbourhood } from './transport.ts';

describe('a fair pool', () => {
  it('has room until it is full', () => {
    const pool = new FairPool<string>(2);
    expect(pool.whoGivesWay('a')).toBeUndefined();
    pool.add('a1', 'a');
    expect(pool.whoGivesWay('a')).toBeUndefined();
    pool.add('a2', 'a');
    expect(pool.whoGivesWay('a')).toEqual({ member: 'a1', group: 'a' });
    pool.delete('a1');
    pool.delete('a1');
    expect(pool.whoGivesWay('a')).toBeUndefined();
    expect(pool.size).toBe(1);
  });

  it('takes from the largest group, its oldest first', () => {
    const pool = new FairPool<string>(4);
    for (const member of ['b1', 'a1', 'a2', 'a3']) pool.add(member, member.charAt(0));
    expect(pool.whoGivesWay('c')).toEqual({ member: 'a1', group: 'a' });
    expect(pool.whoGivesWay('b')).toEqual({ member: 'a1', group: 'a' });
    expect(pool.whoGivesWay('a')).toEqual({ member: 'a1', group: 'a' });
  });

  it('takes from the newcomer when its group would be the largest', () => {
    const pool = new FairPool<string>(4);
    for (const member of ['a1', 'b1', 'a2', 'b2']) pool.add(member, member.charAt(0));
    expect(pool.whoGivesWay('b')).toEqual({ member: 'b1', group: 'b' });
  });

  it('takes the oldest of all when every group has one member', () => {
    const pool = new FairPool<string>(2);
    pool.add('a1', 'a');
    pool.add('b1', 'b');
    expect(pool.whoGivesWay('c')).toEqual({ member: 'a1', group: 'a' });
  });
});

describe('a byte budget', () => {
  it('names who holds most once there is too much', () => {
    const budget = new ByteBudget<string>(100);
    expect(budget.hold('a', 60)).toBeUndefined();
    expect(budget.hold('b', 40)).toBeUndefined();
    expect(budget.hold('b', 41)).toBe('a');
    expect(budget.hold('b', 70)).toBe('b');
    budget.release('b');
    expect(budget.total).toBe(60);
    expect(budget.hold('c', 40)).toBeUndefined();
    expect(budget.hold('a', 0)).toBeUndefined();
    expect(budget.total).toBe(40);
  });
});

describe('a neighbourhood', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::9', '2001:db8:1:2'],
    ['2001:db8::9', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1', 'fe80:0:0:0'],
  ])('of %s is %s', (address, expected) => {
    expect(neighbourhood(address)).toBe(expected);
  });
});
