import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { delaysOf, DRAWINGS, placesIn, redrawn } from '../../scripts/learn-drawings.ts';

// The drawings of docs/learn are made by runs. After a wanted change: `npm run learn`, and read the difference.

const FOLDER = join(import.meta.dirname, '../../docs/learn');
const pages = readdirSync(FOLDER).filter((name) => name.endsWith('.md'));
const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');

test.each(pages)('%s shows what the simulator does now', (name) => {
  expect(redrawn(read(name))).toBe(read(name));
});

test('every drawing has its place, and every place its drawing', () => {
  const places = pages.flatMap((name) => placesIn(read(name)));
  expect([...new Set(places)].toSorted()).toEqual(Object.keys(DRAWINGS).toSorted());
  expect(() => redrawn('<!-- drawn: nothing -->\n<!-- /drawn -->')).toThrow(/nothing is drawn as "nothing"/);
});

test('a place whose drawing is old is told from one that is current', () => {
  const page = '<!-- drawn: quorums -->\nold\n<!-- /drawn -->';
  expect(redrawn(page)).not.toBe(page);
  expect(redrawn(redrawn(page))).toBe(redrawn(page));
});

describe('a page is found from the first one', () => {
  test.each(pages.filter((name) => name !== 'README.md'))('%s', (name) => {
    expect(read('README.md')).toContain(`(${name})`);
  });
});

test.each([4, 7, 10])('with %i nodes a request is answered after five one-way delays', (nodes) => {
  expect(delaysOf(nodes)).toBe(5);
});
