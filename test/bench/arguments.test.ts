import { describe, expect, test } from 'vitest';
import { oneOf, parseArguments, whole } from '../../bench/support/arguments.ts';

const SPEC = {
  places: [whole('SESSIONS', 256), whole('SECONDS', 5), oneOf(['mac', 'signature'])],
  flags: ['--json'],
} as const;
const USAGE = 'usage: node bench/core.ts [SESSIONS] [SECONDS] [mac|signature] [--json]';

const parsed = (...words: readonly string[]): unknown => {
  const result = parseArguments('core.ts', words, SPEC);
  return result.ok ? [result.value.values, [...result.value.flags]] : result.error;
};

describe('the arguments of a benchmark', () => {
  test('are what is given, and what is usual where nothing is', () => {
    expect(parsed()).toEqual([[256, 5, 'mac'], []]);
    expect(parsed('1')).toEqual([[1, 5, 'mac'], []]);
    expect(parsed('1', '2', 'signature')).toEqual([[1, 2, 'signature'], []]);
  });

  test('may have flags among them', () => {
    expect(parsed('--json', '64')).toEqual([[64, 5, 'mac'], ['--json']]);
    expect(parsed('64', '--json', '3')).toEqual([[64, 3, 'mac'], ['--json']]);
  });

  test.each([
    [['many'], 'SESSIONS is "many"; it has to be a whole number from 1 on'],
    [['0'], 'SESSIONS is "0"; it has to be a whole number from 1 on'],
    [['1.5'], 'SESSIONS is "1.5"; it has to be a whole number from 1 on'],
    [['9'.repeat(30)], `SESSIONS is "${'9'.repeat(30)}"; it has to be a whole number from 1 on`],
    [['1', '1', 'macs'], 'mac|signature is "macs"; it has to be mac|signature'],
    [['1', '1', 'mac', 'x'], '"x" is one argument too many'],
    [['--jsn'], '"--jsn" is no option of core.ts'],
    [['-1'], '"-1" is no option of core.ts'],
  ])('%j: are told what is wrong, and how they are to be', (words, problem) => {
    expect(parsed(...words)).toBe(`${problem}\n${USAGE}`);
  });
});
