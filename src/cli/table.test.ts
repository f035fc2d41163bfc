import { styleText } from 'node:util';
import { expect, test } from 'vitest';
import { formatTable } from './table.ts';

test('columns are as wide as their widest cell, colours have no width, and no line ends in spaces', () => {
  const red = styleText('red', 'down', { validateStream: false });
  expect(
    formatTable([
      ['NODE', 'ROLE'],
      ['node1', 'primary'],
      ['n', red, 'more'],
      ['last', ''],
    ]),
  ).toEqual(['NODE   ROLE', 'node1  primary', `n      ${red}     more`, 'last']);
});
