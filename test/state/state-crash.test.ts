import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Version } from '../../src/base/key-value.ts';
import { modelUntil, openState, text } from './contents.ts';
import { unusedRecords } from './unused-records.ts';

const KEYS = 500;
const folder = mkdtempSync(join(tmpdir(), 'state-crash-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Lets a process make versions, and kills it some milliseconds after the first one; gives the last version that it said was durable. */
async function killedAfter(path: string, delayMs: number): Promise<number> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'crash-child.ts'), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => {
    if (output === '') setTimeout(() => child.kill('SIGKILL'), delayMs);
    output += chunk;
  });
  await new Promise((resolve) => child.on('close', resolve));
  return Number(output.trim().split('\n').at(-1));
}

function contentOf(version: Version | undefined): readonly (Uint8Array | undefined)[] {
  return Array.from({ length: KEYS }, (_, i) => version?.get(text(`key${i}`)));
}

describe('a state database whose process is killed', () => {
  it('has the last version that was told, or the next, whole, and nothing besides', async () => {
    const path = join(folder, 'state');
    for (let round = 0; round < 8; round += 1) {
      const told = await killedAfter(path, (round * 61) % 240);
      const state = await openState(path);
      const versions = state.versions();
      const last = versions.at(-1)?.sequence ?? 0;
      const model = modelUntil(last, KEYS);
      expect([told, told + 1]).toContain(last);
      expect(versions.map(({ sequence, root }) => [sequence, root])).toEqual(
        model.slice(-versions.length).map(({ sequence, root }) => [sequence, root]),
      );
      expect(contentOf(versions[0])).toEqual(contentOf(model.at(-versions.length)));
      const entries = state.range(new Uint8Array(0), undefined, 10_000);
      expect(entries.map(({ key, value }) => [key, value])).toEqual(
        entries.map(({ key }) => [key, model.at(-1)?.get(key)]),
      );
      expect(entries.length).toBe(contentOf(model.at(-1)).filter((value) => value !== undefined).length);
      for await (const step of state.scrub()) expect(step.kind).toBe('progress');
      await state.idle();
      await state.close();
      expect(await unusedRecords(path)).toEqual([]);
    }
  });
});
