import { describe, expect, test } from 'vitest';
import { checkGraves, checkLockfile, checkManifest, checkText, gravesNamedIn } from '../../scripts/house.ts';

// Joined here, so that the paths themselves stand nowhere in the tree.
const MACHINE_PATH = ['', 'work', 'main', 'README.md'].join('/');
const OUTSIDE_PATH = ['..', 'shared', 'design', 'DESIGN.md'].join('/');

const advice = (path: string, text: string): string => checkText(path, text)[0]?.advice ?? 'nothing';

describe('each house rule sees its breach', () => {
  test.each([
    ['src/base/bytes.ts', '// TODO later', 'TODO'],
    ['src/base/bytes.ts', 'const x: any = 1;', ': any'],
    ['src/base/bytes.ts', 'const x = y as any;', 'as any'],
    ['src/base/bytes.ts', 'const x = y as unknown as Bytes;', 'as unknown as'],
    ['src/base/bytes.ts', '// @ts-ignore', '@ts-ignore'],
    ['src/base/bytes.test.ts', "test.only('x', run);", 'test.only'],
    ['test/paper/quorum.test.ts', "describe.skip('x', run);", 'describe.skip'],
    ['src/protocol/replica.ts', 'const now = Date.now();', 'Date.now'],
    ['src/apps/ledger.ts', 'const dice = Math.random();', 'Math.random'],
    ['src/protocol/replica.ts', 'setTimeout(run, 5);', 'setTimeout'],
    ['src/state/tree.ts', 'const path = process.env.PBFT;', 'process.e'],
    ['src/messages/codec.ts', 'console.log(1);', 'console.'],
    ['src/protocol/replica.ts', 'export async function run() {}', 'async'],
    ['src/node/link.ts', 'console.log(1);', 'console.'],
    ['src/node/link.ts', 'let open = 0;', 'let'],
    ['src/protocol/replica.ts', "import { readFileSync } from 'node:fs';", 'node:fs'],
    ['src/protocol/replica.ts', "import fastify from 'fastify';", 'fastify'],
    ['src/protocol/replica.ts', '/** The leader proposes. */', 'leader'],
    ['src/protocol/viewChange.ts', '', 'kebab-case'],
    ['src/protocol/replica.ts', 'line\n'.repeat(601), '601 lines'],
    ['README.md', `see ${MACHINE_PATH}`, MACHINE_PATH.slice(0, 6)],
    ['docs/start.md', `see ${OUTSIDE_PATH}`, OUTSIDE_PATH.slice(0, 10)],
    ['.npmrc', 'registry=https://example.org/', 'registry='],
    ['docs/start.md', 'https://registry.example.org/pbft', 'https://registry.example.org'],
  ])('%s: %s', (path, text, expected) => {
    expect(advice(path, text)).toContain(expected);
  });

  test('a dependency whose version is a range', () => {
    const [problem] = checkManifest('package.json', '{\n  "dependencies": {\n    "pino": "^10.4.0"\n  }\n}\n');
    expect(problem).toMatchObject({ line: 3, advice: expect.stringContaining('^10.4.0') as string });
  });

  test('a lockfile that names a host', () => {
    expect(checkLockfile('package-lock.json', '"resolved": "https://example.org/a.tgz"')).toHaveLength(1);
  });
});

describe('no false alarm', () => {
  test.each([
    ['src/protocol/replica.ts', '// as any other replica, it leaves the process. No Date.now here'],
    ['src/protocol/replica.ts', '/** Never reads Date.now or process.env. */'],
    ['src/protocol/replica.ts', 'line\n'.repeat(600)],
    ['src/protocol/replica.test.ts', "import { test } from 'vitest';"],
    ['src/simulation/ideal.ts', "import { sha256 } from '@noble/hashes/sha2.js';"],
    ['src/cli/up.ts', 'console.log(1);'],
    ['src/node/clock.ts', 'const now = Date.now();'],
    ['docs/start.md', 'src/work/ and https://www.npmjs.com/package/pino'],
  ])('%s: %s', (path, text) => {
    expect(advice(path, text)).toBe('nothing');
  });
});

describe('graves', () => {
  const ROWS = '| G01 | one | |\n| G02 | two | it needs a disk |\n';
  const problems = (list: string, text: string): readonly string[] =>
    checkGraves(list, new Map([['test/graves/x.test.ts', text]])).map((problem) => problem.advice);

  test.each(["test('G01: x', run);", "test('[G01] x', run);", "it('x (G01)', run);", "test.each(CASES)(\n  'G01: x',"])(
    'a title names one: %s',
    (text) => {
      expect(problems(ROWS, text)).toEqual([]);
    },
  );

  test.each(['// G01: as above', '/** G01: so */', "test('x', run); // 'G01: later'", "const G01 = 'x';"])(
    'this is no title: %s',
    (text) => {
      expect([...gravesNamedIn(text)]).toEqual([]);
      expect(problems(ROWS, text)).toEqual([expect.stringContaining('no test names G01')]);
    },
  );

  test('a number that is left out, an unlisted one, no table at all', () => {
    expect(problems('| G01 | one | |\n| G03 | three | later |', "test('G01: x', run);")).toEqual([
      expect.stringContaining('G03 where G02 belongs'),
    ]);
    expect(problems(ROWS, "test('G01: x', run); test('G99: x', run);")).toEqual([
      'G99 is not listed in test/graves/README.md',
    ]);
    expect(problems('', '')).toEqual(['the table of the graves is missing']);
  });
});
