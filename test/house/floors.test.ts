import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

// The compiler keeps the floors apart. This holds the configuration to it: one breach per row goes into a copy of the
// empty house, and the build must refuse exactly those files. A floor's rows differ in what they import: the compiler
// complains once per forbidden file.

const ROOT = join(import.meta.dirname, '../..');

const REFUSED = [
  ['protocol', "import { readFileSync as it } from 'node:fs';"],
  ['protocol', "import { it } from '../state/floor.ts';"],
  ['protocol', "import { it } from '../simulation/floor.ts';"],
  ['protocol', 'const it = setTimeout;'],
  ['protocol', 'const it = new TextEncoder();'],
  ['messages', "import { it } from '../protocol/floor.ts';"],
  ['messages', "import type { it } from '../node/floor.ts';"],
  ['messages', 'const it = process.pid;'],
  ['state', "import { it } from '../messages/floor.ts';"],
  ['state', "import { it } from '../node/floor.ts';"],
  ['apps', 'const it = crypto.randomUUID();'],
  ['simulation', "import { it } from '../node/floor.ts';"],
  ['simulation', "import { createHash as it } from 'node:crypto';"],
  ['node', "import { it } from '../apps/floor.ts';"],
  ['node', "import { it } from '../server/floor.ts';"],
  ['api', "import { it } from '../node/floor.ts';"],
  ['client', "import { it } from '../server/floor.ts';"],
  ['server', "import { it } from '../cli/floor.ts';"],
  ['server', "import { it } from '../bench/floor.ts';"],
  ['bench', "import { it } from '../cli/floor.ts';"],
  ['lab', "import { it } from '../node/floor.ts';"],
  ['lab', "import { it } from '../server/floor.ts';"],
  ['lab', "import { createHash as it } from 'node:crypto';"],
  ['lab', 'const it = document;'],
  ['web', "import { it } from '../src/server/floor.ts';"],
  ['web', "import { it } from '../src/node/floor.ts';"],
  ['web', "import { readFileSync as it } from 'node:fs';"],
  ['web', 'const it = process.pid;'],
] as const;

const ACCEPTED = [
  ['protocol', "import { it } from '../messages/floor.ts';"],
  ['apps', "import { it } from '../state/floor.ts';"],
  ['simulation', "import { it } from '../apps/floor.ts';"],
  ['node', "import { readFileSync as it } from 'node:fs';"],
  ['server', "import { it } from '../simulation/floor.ts';"],
  ['bench', "import { it } from '../server/floor.ts';"],
  ['cli', "import { it } from '../client/floor.ts';"],
  ['cli', "import { it } from '../bench/floor.ts';"],
  ['lab', "import { it } from '../simulation/floor.ts';"],
  ['web', "import { it } from '../src/simulation/floor.ts';"],
  ['web', "import { it } from '../src/lab/floor.ts';"],
  ['web', "import { it } from '../src/api/floor.ts';"],
  ['web', 'const it = document;'],
] as const;

/** The pages are a floor too, though they stand beside `src`. */
const folderOf = (floor: string): string => (floor === 'web' ? floor : `src/${floor}`);
const fileOf = (kind: 'refused' | 'accepted', floor: string, row: number): string =>
  `${folderOf(floor)}/${kind}-${row}.ts`;

describe('a floor imports only from the floors below it', () => {
  let house = '';
  let complaints = '';

  beforeAll(() => {
    house = mkdtempSync(join(tmpdir(), 'pbft-floors-'));
    symlinkSync(join(ROOT, 'node_modules'), join(house, 'node_modules'));
    writeFileSync(join(house, 'package.json'), '{ "type": "module" }');
    cpSync(join(ROOT, 'tsconfig.base.json'), join(house, 'tsconfig.base.json'));
    const folders = [...readdirSync(join(ROOT, 'src')), 'web'].map(folderOf);
    for (const folder of folders) {
      mkdirSync(join(house, folder), { recursive: true });
      cpSync(join(ROOT, folder, 'tsconfig.json'), join(house, folder, 'tsconfig.json'));
      writeFileSync(join(house, folder, 'floor.ts'), 'export const it: number = 1;\n');
    }
    const write = (path: string, line: string): void => {
      const use = line.startsWith('import type') ? 'export type Used = typeof it;' : 'export const used: unknown = it;';
      writeFileSync(join(house, path), `${line}\n${use}\n`);
    };
    for (const [row, [floor, line]] of REFUSED.entries()) write(fileOf('refused', floor, row), line);
    for (const [row, [floor, line]] of ACCEPTED.entries()) write(fileOf('accepted', floor, row), line);
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    complaints = spawnSync(process.execPath, [tsc, '-b', ...folders], { cwd: house, encoding: 'utf8' }).stdout;
  });

  afterAll(() => {
    rmSync(house, { recursive: true, force: true });
  });

  test.each(REFUSED.map(([floor, line], row) => ({ floor, line, row })))('$floor may not: $line', (breach) => {
    expect(complaints).toContain(`${fileOf('refused', breach.floor, breach.row)}(1,`);
  });

  test.each(ACCEPTED.map(([floor, line], row) => ({ floor, line, row })))('$floor may: $line', (use) => {
    expect(complaints).not.toContain(fileOf('accepted', use.floor, use.row));
  });
});
