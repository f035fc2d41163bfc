import { describe, expect, test } from 'vitest';
import { PLAIN_OPTIONS } from '../simulation/options-json.ts';
import type { Intervention } from './intervention.ts';
import { isLink, LONGEST_LINK, plainAddress, refusalOf } from './link-fragment.ts';
import { readLink, runSourceOf, writeLink } from './link.ts';
import type { LabLink } from './link.ts';
import { toldText } from './told/library.ts';

const EVERY_ACTION: readonly Intervention[] = [
  { at: 0, action: { do: 'drop', message: 12 } },
  { at: 3, action: { do: 'delay', message: 12, byUs: 5000 } },
  { at: 3, action: { do: 'duplicate', message: 13, afterUs: 0 } },
  { at: 4, action: { do: 'crash', node: 'node1' } },
  { at: 5, action: { do: 'restart', node: 'node1' } },
  { at: 5, action: { do: 'pause', node: 'node13' } },
  { at: 6, action: { do: 'resume', node: 'node13' } },
  { at: 6, action: { do: 'lose-disk', node: 'node2' } },
  { at: 7, action: { do: 'cut', from: 'node1', to: 'client2' } },
  { at: 7, action: { do: 'mend', from: 'node1', to: 'client2' } },
  { at: 8, action: { do: 'behave', node: 'node2', behaviour: 'equivocate', variant: 3 } },
  { at: 9, action: { do: 'behave', node: 'node2', behaviour: null, variant: 0 } },
  { at: 10, action: { do: 'request', client: 1, operation: '{"operation":"put","key":"a.b~c&d=e%","value":"ü ~. "}' } },
];

const SOURCES: readonly (readonly [string, LabLink['source']])[] = [
  ['a seed', { kind: 'seed', seed: 17, overrides: {} }],
  [
    'a seed with all that can be decided for it',
    {
      kind: 'seed',
      seed: 17,
      overrides: {
        replicaCount: 7,
        liar: { behaviour: 'equivocate', isPrimary: true },
        lostDisks: true,
        reads: true,
        tentative: true,
        overlap: true,
        compound: true,
      },
    },
  ],
  ['options', { kind: 'swarm', options: { ...PLAIN_OPTIONS, seed: 4, replicaCount: 7 } }],
  ['a told scenario', { kind: 'told', id: 'normal-case', isChallenge: false }],
  ['a challenge', { kind: 'told', id: 'normal-case', isChallenge: true }],
  ['a text', { kind: 'text', text: '# one & two = 100 %\n> cluster nodes 4\n> run 1ms\n' }],
];

describe('a link', () => {
  test.each(SOURCES)('to %s reads as it was written', (_what, source) => {
    const link: LabLink = { build: '1a2b3c4-dirty', source, interventions: EVERY_ACTION, at: 77 };
    const text = writeLink(link);
    expect(text).toMatch(/^[\x21-\x7e]+$/);
    expect(readLink(`#${text}`)).toEqual({ ok: true, value: link });
    expect(readLink(text)).toEqual({ ok: true, value: link });
  });

  test('is short where there is little to say', () => {
    const source = { kind: 'seed', seed: 17, overrides: {} } as const;
    expect(writeLink({ build: '1a2b3c4', source, interventions: [], at: 0 })).toBe('v=1&build=1a2b3c4&seed=17');
  });

  test('of requests holds what they ask for encoded once', () => {
    const operation = JSON.stringify({ operation: 'put', key: 'k', value: '{"ü":[1.5]}'.repeat(100) });
    const interventions = [{ at: 1, action: { do: 'request', client: 1, operation } }] as const;
    const link: LabLink = { build: 'a', source: { kind: 'seed', seed: 1, overrides: {} }, interventions, at: 0 };
    expect(writeLink(link).length).toBeLessThan(encodeURIComponent(operation).length * 1.2);
    expect(readLink(writeLink(link))).toEqual({ ok: true, value: link });
    // As it was written before, with every word encoded by itself as well.
    const before = `v=1&build=a&seed=1&do=${encodeURIComponent(`1.request.1.${encodeURIComponent(operation).replaceAll('.', '%2E')}`)}`;
    expect(readLink(before)).toEqual({ ok: true, value: link });
  });

  test('that would not open is told from one that does', () => {
    const text = 'v=1&build=a&seed=1';
    const longest = `${text}${'&'.repeat(LONGEST_LINK - text.length)}`;
    const isTooLong = (fragment: string): boolean => {
      const read = readLink(`#${fragment}`);
      return !read.ok && read.error.some(({ code }) => code === 'too-long');
    };
    expect([isTooLong(longest), refusalOf(longest)]).toEqual([false, undefined]);
    expect([isTooLong(`${longest}&`), refusalOf(`${longest}&`)]).toEqual([
      true,
      expect.stringContaining('at most 32768'),
    ]);
  });

  test.each([
    ['nothing', '', 'version'],
    ['a later version', 'v=2&build=a&seed=1', 'version'],
    ['no build', 'v=1&seed=1', 'bad-value'],
    ['a build that is none', 'v=1&build=%3Cb%3E&seed=1', 'bad-value'],
    ['no source', 'v=1&build=a', 'source'],
    ['two sources', 'v=1&build=a&seed=1&told=normal-case', 'source'],
    ['an unknown field', 'v=1&build=a&seed=1&speed=9', 'unknown-field'],
    ['a field twice', 'v=1&build=a&seed=1&seed=2', 'repeated-field'],
    ['a seed that is no number', 'v=1&build=a&seed=x', 'bad-value'],
    ['a seed below 0', 'v=1&build=a&seed=-1', 'bad-value'],
    ['a seed with a fraction', 'v=1&build=a&seed=1.5', 'bad-value'],
    ['an unknown liar', 'v=1&build=a&seed=1&liar=joke:primary', 'bad-value'],
    ['fewer nodes than bear the liar', 'v=1&build=a&seed=1&nodes=3&liar=lie:backup', 'bad-value'],
    ['a flag that is none', 'v=1&build=a&seed=1&disks=found', 'bad-value'],
    ['options that are no JSON', 'v=1&build=a&swarm=%7B', 'bad-value'],
    ['options of another kind', 'v=1&build=a&swarm=%7B%22seed%22%3A-1%7D', 'bad-value'],
    ['a name that is none', 'v=1&build=a&told=..%2Fetc', 'bad-value'],
    ['a text without commands', 'v=1&build=a&text=hello', 'bad-value'],
    ['a text that is too long', `v=1&build=a&text=%3E%20${'x'.repeat(17_000)}`, 'bad-value'],
    ['a broken escape', 'v=1&build=a&text=%E0%A4', 'bad-value'],
    ['a position that is none', 'v=1&build=a&seed=1&at=-3', 'bad-value'],
    ['a position beyond all runs', 'v=1&build=a&seed=1&at=99999999', 'bad-value'],
    ['an action that is none', 'v=1&build=a&seed=1&do=1.explode.node1', 'bad-value'],
    ['an action without its step', 'v=1&build=a&seed=1&do=drop.5', 'bad-value'],
    ['an action with a word too many', 'v=1&build=a&seed=1&do=1.drop.5.6', 'bad-value'],
    ['an action on no node', 'v=1&build=a&seed=1&do=1.crash.%2F%2F', 'bad-value'],
    ['a behaviour that is none', 'v=1&build=a&seed=1&do=1.behave.node1.joke.0', 'bad-value'],
    ['a delay beyond a minute', 'v=1&build=a&seed=1&do=1.delay.5.60000001', 'bad-value'],
    ['steps that go back', 'v=1&build=a&seed=1&do=5.drop.1~4.drop.2', 'bad-value'],
    [
      'too many interventions',
      `v=1&build=a&seed=1&do=${Array.from({ length: 501 }, () => '1.drop.2').join('~')}`,
      'too-many',
    ],
    ['a link that is too long', 'x'.repeat(LONGEST_LINK + 1), 'too-long'],
  ])('is refused: %s', (_what, text, code) => {
    const read = readLink(text);
    expect(read.ok ? [] : read.error.map((problem) => problem.code)).toContain(code);
  });

  const textOf = (...commands: readonly string[]): string =>
    ['cluster nodes 31 clients 1', ...commands].map((command) => `> ${command}\n`).join('');
  const optionsOf = (options: object): string => JSON.stringify({ ...options, sessionsPerClient: 1e9 });
  test.each([
    ['sessions', 'swarm', optionsOf({ sessionsAtOnce: 1e8 }), /sessionsAtOnce is 100000000: .* at most 64/],
    ['requests', 'swarm', optionsOf({ requestsPerClient: 1e8 }), /requestsPerClient is .* at most 10000/],
    ['load', 'text', textOf(...Array.from({ length: 500 }, () => 'load 10000 every 1s')), /5000000: .* at most 10000/],
    ['rules', 'text', textOf(...Array.from({ length: 700 }, () => 'drop commit')), /"> drop" is 700: .* at most 100/],
    ['sessions in a text', 'text', `> swarm ${optionsOf({ sessionsAtOnce: 65 })}\n> verdict\n`, /sessionsAtOnce is 65/],
  ])('is refused where it asks for more at once than the lab can be stopped at: %s', (_what, field, value, words) => {
    const read = readLink(`v=1&build=a&${field}=${encodeURIComponent(value)}`);
    const problems = read.ok ? [] : read.error;
    expect(problems.map((problem) => [problem.code, problem.field])).toEqual([['too-many', field]]);
    expect(problems[0]?.message).toMatch(words);
  });

  test('opens with all that the lab bears', () => {
    const text = textOf(
      'load 4000 every 1ms',
      'load 6000 every 1ms',
      ...Array.from({ length: 100 }, () => 'drop commit'),
    );
    expect(readLink(`v=1&build=a&text=${encodeURIComponent(text)}`).ok).toBe(true);
    const swarm = optionsOf({ sessionsAtOnce: 64, requestsPerClient: 10_000 });
    expect(readLink(`v=1&build=a&swarm=${encodeURIComponent(swarm)}`).ok).toBe(true);
  });

  test('all that is wrong is told at once', () => {
    const read = readLink('v=3&build=&speed=9&do=x');
    const fields = read.ok ? [] : read.error.map(({ field }) => field);
    expect(fields).toEqual(expect.arrayContaining(['v', 'build', 'speed', 'do']));
  });

  test('names a told scenario that this build may not have', () => {
    expect(runSourceOf({ kind: 'told', id: 'gone', isChallenge: false }, toldText)).toBeUndefined();
    expect(runSourceOf({ kind: 'told', id: 'normal-case', isChallenge: true }, toldText)).toMatchObject({
      kind: 'scenario',
    });
  });
});

test.each([
  ['nothing', '', false],
  ['a place in the page', '#main', false],
  ['a link', plainAddress('1a2b3c4', { kind: 'seed', seed: 1 }), true],
  ['a link that says nothing good', '#v=7&speed', true],
])('what an address ends in is for the lab, or is not: %s', (_what, fragment, expected) => {
  expect(isLink(fragment)).toBe(expected);
});
