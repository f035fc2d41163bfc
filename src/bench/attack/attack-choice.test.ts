import { expect, test } from 'vitest';
import { BASE_ROW, baseFor } from '../row.ts';
import { parseAttacks, unfitForAttack } from './attack-choice.ts';
import { ATTACK_NAMES } from './attacks.ts';

test('no name: all of them; names: these, in the order of the table, each once', () => {
  expect(parseAttacks([])).toEqual({ ok: true, value: ATTACK_NAMES });
  expect(parseAttacks(['silent-backup', 'bad-macs', 'silent-backup'])).toEqual({
    ok: true,
    value: ['bad-macs', 'silent-backup'],
  });
});

test('every name that is none is told, with what is allowed and what was meant', () => {
  const parsed = parseAttacks(['slow-10mss', 'silent-backup', 'nothing like it']);
  const problems = parsed.ok ? [] : parsed.error;
  expect(problems).toHaveLength(2);
  expect(problems[0]).toMatch(
    /^"slow-10mss" is no attack: allowed are bad-macs, .*wrong-replies \(did you mean slow-10ms\?\)$/,
  );
  expect(problems[1]).toMatch(/^"nothing like it" is no attack: allowed are .*wrong-replies$/);
});

test.each([
  [BASE_ROW, undefined],
  [{ ...BASE_ROW, nodes: 7 }, undefined],
  [{ ...BASE_ROW, nodes: 3 }, 'nodes is "3": allowed is 4 or more with --attack, so that one may misbehave'],
  [baseFor('unreplicated'), 'system is "unreplicated": allowed is pbft with --attack'],
])('a row must bear somebody who misbehaves (%#)', (row, problem) => {
  expect(unfitForAttack(row)).toBe(problem);
});
