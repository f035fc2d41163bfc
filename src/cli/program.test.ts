import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { makeProgram } from './program.ts';

const ROOT = join(import.meta.dirname, '../..');
const program = makeProgram(() => undefined);

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** Every command line that a page shows, in a block or within a sentence. */
function commandLines(page: string): readonly string[] {
  const inBlocks = [...page.matchAll(/^(?:[^\n|`]*\| )?npx pbft ([^\n#]*)/gm)].map(([, line = '']) => line);
  const inSentences = [...page.matchAll(/`(?:npx )?pbft ([^`]*)`/g)].map(([, line = '']) => line);
  return [...inBlocks, ...inSentences].map((line) => line.trim());
}

/** The command that a line calls, config check and the like included. */
function commandOf(line: string): Command | undefined {
  let command: Command | undefined = program;
  for (const word of line.split(' ')) {
    const inner: Command | undefined = command.commands.find((candidate) => candidate.name() === word);
    if (inner === undefined) break;
    command = inner;
  }
  return command === program ? undefined : command;
}

const PAGES = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
];

describe('what the pages tell people to type exists', () => {
  test.each(PAGES)('%s', (page) => {
    const strange = commandLines(read(page)).filter((line) => {
      if (/^(?:--?\w|help\b|<command>)/.test(line)) return false;
      const command = commandOf(line);
      const known = command?.options.flatMap(({ long }) => (long === null || long === undefined ? [] : [long])) ?? [];
      const used = [...line.matchAll(/(?<= )--[a-z-]+/g)].map(([option]) => option);
      return command === undefined || used.some((option) => !known.includes(option));
    });
    expect(strange).toEqual([]);
  });
});

test('docs/cli.md lists every command, and no other', () => {
  const [table = ''] = read('docs/cli.md').split('## ');
  const listed = [...table.matchAll(/^\| `([a-z]+)[^`]*` \| /gm)].map(([, name = '']) => name);
  expect(new Set(listed)).toEqual(new Set(program.commands.map((command) => command.name())));
});

test('every command has a description and examples', () => {
  const leaves = program.commands.flatMap((command) => (command.commands.length === 0 ? [command] : command.commands));
  const lacking = leaves.filter((command) => {
    let help = '';
    command.configureOutput({ writeOut: (text) => (help += text) });
    command.outputHelp();
    return command.description() === '' || !help.includes('Examples:');
  });
  expect(lacking.map((command) => command.name())).toEqual([]);
});
