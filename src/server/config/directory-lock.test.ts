import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { must } from '../../../test/support/must.ts';
import { lockDirectory, lockHolder } from './directory-lock.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pbft-lock-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const MODULE = join(import.meta.dirname, 'directory-lock.ts');

describe('the lock of a directory', () => {
  test('one holder at a time, and nothing is left after its release', () => {
    const first = must(lockDirectory(folder));
    expect(lockHolder(folder)).toBe(process.pid);
    expect(lockDirectory(folder)).toMatchObject({ ok: false, error: { code: 'in-use', pid: process.pid } });
    first.release();
    first.release();
    expect(lockHolder(folder)).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
    expect(lockDirectory(folder).ok).toBe(true);
  });

  test('a process that was killed holds nothing', async () => {
    const script = `import { lockDirectory } from ${JSON.stringify(MODULE)}; console.log(lockDirectory(${JSON.stringify(folder)}).ok); setInterval(() => {}, 1e6);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    expect(line.toString().trim()).toBe('true');
    expect(lockDirectory(folder)).toMatchObject({ ok: false, error: { code: 'in-use', pid: child.pid } });
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(lockHolder(folder)).toBeUndefined();
    expect(lockDirectory(folder).ok).toBe(true);
  });

  test.each(['', 'garbage', '{"pid":-1,"started":""}', `{"pid":${process.pid},"started":"another boot 12"}`])(
    'a lock file that names nobody alive is taken over: %s',
    (content) => {
      writeFileSync(join(folder, 'lock'), content);
      expect(lockDirectory(folder).ok).toBe(true);
    },
  );

  test('a directory that is not there', () => {
    expect(lockDirectory(join(folder, 'none'))).toMatchObject({ ok: false, error: { code: 'unwritable' } });
  });
});
