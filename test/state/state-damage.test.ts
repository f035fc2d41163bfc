import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { asSequence } from '../../src/base/ids.ts';
import { change, openState } from './contents.ts';

const SEQUENCES = 8;
const KEYS = 200;
/** Coprime to all sizes of the format, so that every kind of byte has its turn. */
const STEP = 2503;
const SILENCE_MS = 20_000;

const folder = mkdtempSync(join(tmpdir(), 'state-damage-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What the child says of each position from `from` on; `died` for the one it did not survive. */
async function outcomes(database: string, from: number): Promise<ReadonlyMap<number, string>> {
  const copy = join(folder, 'copy');
  mkdirSync(copy, { recursive: true });
  const args = [join(import.meta.dirname, 'flip-child.ts'), database, copy, from, STEP, SEQUENCES, KEYS].map(String);
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  // Pages that lead in a circle make a read that never ends.
  let silence = setTimeout(() => child.kill('SIGKILL'), SILENCE_MS);
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => {
    output += chunk;
    clearTimeout(silence);
    silence = setTimeout(() => child.kill('SIGKILL'), SILENCE_MS);
  });
  await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(silence);
  const lines = output.split('\n').filter((line) => line !== '');
  return new Map(lines.map((line) => [Number.parseInt(line, 10), line.replace(/^\d+ /, '') || 'died']));
}

/** Where the database has lost the count of its rows a range misses some, which nothing says until a row is asked for by its key, or the scrub. */
const isUnscrubbed = (outcome: string): boolean => outcome.includes('WRONG range') && !outcome.includes('scrub');

it('a flipped byte anywhere in the database is found or harmless', async () => {
  const database = join(folder, 'database');
  const state = await openState(database);
  for (let sequence = 1; sequence <= SEQUENCES; sequence += 1) {
    change(state, sequence, KEYS);
    state.seal(asSequence(sequence));
    state.store(asSequence(sequence));
    await state.idle();
  }
  state.collect(asSequence(SEQUENCES - 2));
  await state.idle();
  await state.close();
  const size = statSync(join(database, 'data.mdb')).size;
  const results = new Map<number, string>();
  for (let from = 5; from < size; from = Math.max(from, ...results.keys()) + STEP) {
    for (const [position, outcome] of await outcomes(database, from)) results.set(position, outcome);
  }
  expect(results.size).toBe(Math.ceil((size - 5) / STEP));
  const isFound = (outcome: string): boolean =>
    /^(?:right|died|found: )/.test(outcome) && !/WRONG (?:root|value)/.test(outcome) && !isUnscrubbed(outcome);
  expect([...results].filter(([, outcome]) => !isFound(outcome))).toEqual([]);
  expect([...results.values()].filter((outcome) => outcome.startsWith('found')).length).toBeGreaterThan(10);
});
