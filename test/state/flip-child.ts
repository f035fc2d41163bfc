/**
 * Reads everything from copies of a database in which one byte is flipped: `node flip-child.ts FOLDER COPY FROM STEP`. Prints for each position
 * what came of it, before it reads on: whoever started it sees where it died.
 */
import { cpSync, openSync, readSync, writeSync, closeSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseState } from '../../src/node/index.ts';
import { modelUntil, sha256, text } from './contents.ts';

const [folder = '', copy = '', from = '0', step = '1', sequences = '0', keys = '0'] = process.argv.slice(2);
const file = join(folder, 'data.mdb');
const size = statSync(file).size;
const model = modelUntil(Number(sequences), Number(keys));
const latest = model.at(-1);
const expected = Array.from({ length: Number(keys) }, (_, i) => text(`key${i}`)).map((key) => ({
  key,
  value: latest?.get(key),
}));
const present = expected.filter(({ value }) => value !== undefined).toSorted((a, b) => Buffer.compare(a.key, b.key));

function isEqual(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  return one === undefined || other === undefined ? one === other : Buffer.compare(one, other) === 0;
}

/** What reading everything gives: `right`, the name of an error, or what was wrong. */
async function outcome(): Promise<string> {
  const problems = new Set<string>();
  const opened = await DatabaseState.open({
    sha256,
    path: copy,
    durability: 'async',
    onFault: ({ code }) => void problems.add(code),
  });
  if (!opened.ok) return `found: ${opened.error.code}`;
  const state = opened.value;
  const attempt = (work: () => string | undefined): void => {
    try {
      const wrong = work();
      if (wrong !== undefined) problems.add(`WRONG ${wrong}`);
    } catch (error) {
      problems.add(error instanceof Error ? error.name : 'error');
    }
  };
  attempt(() => (state.versions().at(-1)?.root === latest?.root ? undefined : 'root'));
  for (const { key, value } of expected) attempt(() => (isEqual(state.get(key), value) ? undefined : 'value'));
  for (const version of state.versions()) {
    for (const { key } of expected) {
      const right = model.find(({ sequence }) => sequence === version.sequence)?.get(key);
      attempt(() => (isEqual(version.get(key), right) ? undefined : 'value of a version'));
    }
  }
  attempt(() => {
    const entries = state.range(new Uint8Array(0), undefined, 100_000);
    const isRight =
      entries.length === present.length &&
      present.every(({ key, value }, i) => isEqual(entries[i]?.key, key) && isEqual(entries[i]?.value, value));
    return isRight ? undefined : 'range';
  });
  for await (const each of state.scrub()) if (each.kind === 'damage') problems.add('scrub');
  await state.close();
  return problems.size === 0 ? 'right' : `found: ${[...problems].join(', ')}`;
}

for (let position = Number(from); position < size; position += Number(step)) {
  cpSync(file, join(copy, 'data.mdb'));
  const handle = openSync(join(copy, 'data.mdb'), 'r+');
  const byte = new Uint8Array(1);
  readSync(handle, byte, 0, 1, position);
  byte[0] = (byte[0] ?? 0) ^ (1 << (position % 8));
  writeSync(handle, byte, 0, 1, position);
  closeSync(handle);
  process.stdout.write(`${position} `);
  let result: string;
  try {
    result = await outcome();
  } catch (error) {
    result = `found: threw ${String(error)}`;
  }
  process.stdout.write(`${result}\n`);
}
