import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { INVARIANTS } from './invariant-names.ts';

// The checkers name what they demand in their source: each of these names has its words here, and nothing else has.

const SIMULATION = join(import.meta.dirname, '../simulation');
const CHECKERS = join(SIMULATION, 'checkers');
/** Named outside the checkers: by the runs themselves, and where a node is started. */
const ELSEWHERE = ['assertion', 'exception', 'durability'];

const sources = readdirSync(CHECKERS)
  .filter((name) => !name.endsWith('.test.ts'))
  .map((name) => readFileSync(join(CHECKERS, name), 'utf8'));

/** The second argument of each `demand(…)`, and the name of each Violation that is thrown. */
function namesIn(source: string): readonly string[] {
  const demanded = source
    .split('demand(')
    .slice(1)
    .flatMap((call) => {
      const name = /,\s*'(?<name>[a-z ]+)',\s*(?:\(\) =>|\(\)=>)/.exec(call)?.groups?.['name'];
      return name === undefined ? [] : [name];
    });
  const thrown = [...source.matchAll(/new (?:Violation|Demand)\(\s*'([a-z ]+)'/g)].map(([, name = '']) => name);
  return [...demanded, ...thrown];
}

test('every invariant that a checker demands is told in words, and no other', () => {
  const named = new Set([...sources.flatMap(namesIn), ...ELSEWHERE]);
  expect([...named].toSorted()).toEqual(INVARIANTS.map(({ name }) => name).toSorted());
});

test('the words are sentences', () => {
  for (const { says } of INVARIANTS) expect(says).toMatch(/^[A-Z].*\.$/);
});
