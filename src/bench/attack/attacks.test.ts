import { expect, test } from 'vitest';
import { parseOrder } from '../../byzantine/index.ts';
import { ATTACK_NAMES, ATTACKS, isFlood } from './attacks.ts';
import { trialsOf } from './run-attacks.ts';

test('each name has one attack, in this order', () => {
  expect(ATTACKS.map(({ name }) => name)).toEqual(ATTACK_NAMES);
});

test('what a node is told is a behaviour', () => {
  const told = ATTACKS.flatMap(({ how }) => (how.kind === 'behaviour' ? [how.behaviour] : []));
  expect(told.map((text) => parseOrder(text)?.name)).toEqual([
    'slow',
    'slow',
    'slow',
    'silent',
    'equivocate',
    'wrong-reply',
  ]);
});

test('who floods burns CPU, nobody else does', () => {
  expect(ATTACKS.filter(isFlood).map(({ name }) => name)).toEqual(['client-flood', 'replica-flood']);
});

test('the fault-free trial comes first, and behind each flood one that is robbed of as much CPU', () => {
  expect(trialsOf(['silent-backup', 'client-flood'])).toEqual([
    { kind: 'fault-free' },
    { kind: 'attack', attack: 'client-flood' },
    { kind: 'burn', attack: 'client-flood' },
    { kind: 'attack', attack: 'silent-backup' },
  ]);
});
