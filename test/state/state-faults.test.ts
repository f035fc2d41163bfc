import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { asSequence } from '../../src/base/ids.ts';
import { DatabaseState } from '../../src/node/index.ts';
import { change, modelUntil, openState, sha256, text } from './contents.ts';

const folder = mkdtempSync(join(tmpdir(), 'state-faults-'));
afterAll(() => rmSync(folder, { recursive: true }));

const run = promisify(execFile);

describe('a state database', () => {
  it('stays readable when its file may not grow, and goes on when it may', async () => {
    const limited = 'ulimit -S -f 1500; exec "$0" "$1" "$2"';
    const child = join(import.meta.dirname, 'full-child.ts');
    const { stdout } = await run('sh', ['-c', limited, process.execPath, child, join(folder, 'full')]);
    const lines = stdout.trim().split('\n');
    expect(lines.filter((line) => /^fault (?:failed|disk_full) true/.test(line)).length).toBeGreaterThan(0);
    expect(lines.filter((line) => !line.startsWith('fault'))).toEqual([
      'waiting 3, versions 0 more',
      'reads true',
      'then versions true, roots true',
      'reads true',
    ]);
  });

  it('says why it cannot be opened', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, 'no folder');
    const opened = await DatabaseState.open({ sha256, path: join(file, 'state'), durability: 'sync' });
    expect(opened).toMatchObject({ ok: false, error: { code: 'failed', path: join(file, 'state') } });
    const garbage = join(folder, 'garbage');
    mkdirSync(garbage);
    writeFileSync(join(garbage, 'data.mdb'), 'x'.repeat(9000));
    const damaged = await DatabaseState.open({ sha256, path: garbage, durability: 'sync' });
    expect(damaged).toMatchObject({ ok: false, error: { code: 'damaged' } });
  });

  it('says that its folder may not be written', async () => {
    const closed = join(folder, 'closed');
    mkdirSync(closed);
    chmodSync(closed, 0o500);
    chmodSync(folder, 0o755);
    const script = `const { openState } = await import(${JSON.stringify(join(import.meta.dirname, 'contents.ts'))});
      if (process.getuid() === 0) process.setuid(65534);
      try { await openState(process.argv[1]); } catch (error) { console.log(error.message); }`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script, join(closed, 'state')]);
    expect(stdout).toMatch(/cannot be used: .*Give the user of this process the right to write there/);
  });

  it('refuses the format of another program', async () => {
    const path = join(folder, 'format');
    await (await openState(path)).close();
    const { StateDatabase } = await import('../../src/node/state/database.ts');
    const { putMeta, NEW_META } = await import('../../src/node/state/state-meta.ts');
    const database = StateDatabase.open({ path, durability: 'async' });
    if (!database.ok) throw new Error(database.error.message);
    putMeta(database.value, { ...NEW_META, format: 2 } as typeof NEW_META);
    await database.value.committed();
    await database.value.close();
    const opened = await DatabaseState.open({ sha256, path, durability: 'sync' });
    expect(opened).toMatchObject({ ok: false, error: { code: 'wrong_format' } });
  });

  it('is copied while it is in use', async () => {
    const state = await openState(join(folder, 'original'));
    for (let sequence = 1; sequence <= 5; sequence += 1) {
      change(state, sequence);
      state.seal(asSequence(sequence));
      state.store(asSequence(sequence));
    }
    await state.idle();
    const copied = state.backup(join(folder, 'copy'));
    change(state, 6);
    state.seal(asSequence(6));
    state.store(asSequence(6));
    await copied;
    await state.idle();
    await state.close();
    const copy = await openState(join(folder, 'copy'));
    const sequence = copy.versions().at(-1)?.sequence ?? 0;
    expect([5, 6]).toContain(sequence);
    expect(copy.versions().at(-1)?.root).toBe(modelUntil(sequence).at(-1)?.root);
    for await (const step of copy.scrub()) expect(step.kind).toBe('progress');
    expect(copy.get(text('key1'))).toEqual(modelUntil(sequence).at(-1)?.get(text('key1')));
    await copy.close();
  });
});
