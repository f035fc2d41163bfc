/**
 * What the state in a database costs: `node bench/state.ts [keys] [changed per checkpoint] [checkpoints]`. Fills a new database in a temporary
 * folder (or in STATE_FOLDER), then changes keys at random. Prints a table: time and CPU of a checkpoint, the longest synchronous piece of work,
 * what was written, memory.
 */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asSequence } from '../src/base/ids.ts';
import type { Entry } from '../src/base/key-value.ts';
import { sha256 } from '../src/node/sha256.ts';
import { DatabaseState } from '../src/node/state/database-state.ts';
import { argumentsOf, whole } from './support/arguments.ts';

const {
  values: [keys, changed, checkpoints],
} = argumentsOf('state.ts', {
  places: [whole('KEYS', 1_000_000), whole('CHANGED', 10_000), whole('CHECKPOINTS', 10)],
});
const FILL = 50_000;

const path = mkdtempSync(join(process.env['STATE_FOLDER'] ?? tmpdir(), 'bench-state-'));
const opened = await DatabaseState.open({
  sha256,
  path,
  durability: 'sync',
  onFault: (fault) => {
    throw new Error(fault.message);
  },
});
if (!opened.ok) throw new Error(opened.error.message);
const state = opened.value;

const entry = (i: number, round: number): Entry => ({
  key: Buffer.from(`account/${String(i).padStart(9, '0')}`),
  value: Buffer.from(`${round}:${i}`),
});

/** Anonymous memory of the process in MiB: what the system cannot drop and read again. */
function memoryMiB(name: 'RssAnon' | 'VmRSS'): number {
  const line = readFileSync('/proc/self/status', 'utf8').match(new RegExp(`${name}:\\s+(\\d+) kB`));
  return Math.round(Number(line?.[1]) / 1024);
}

/** CPU time of this thread, in milliseconds: slices on a machine that does other things too. */
function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

interface Row {
  readonly keys: number;
  readonly changed: number;
  readonly 'put ms': string;
  readonly 'until durable ms': string;
  readonly 'main thread ms': string;
  readonly 'µs per key': string;
  readonly 'process CPU ms': string;
  readonly 'longest slice ms': string;
  readonly 'of CPU': string;
  readonly 'put MB': string;
  readonly 'file MB': string;
  readonly 'RssAnon MiB': number;
}

let sequence = 0;
let present = 0;

async function checkpoint(count: number, keyOf: (i: number) => number): Promise<Row> {
  sequence += 1;
  const writtenBefore = state.counts().writtenBytes;
  state.resetLongestSlice();
  const startedAt = performance.now();
  const transaction = state.begin();
  for (let i = 0; i < count; i += 1) {
    const { key, value } = entry(keyOf(i), sequence);
    transaction.put(key, value);
  }
  transaction.commit();
  const sealedAt = performance.now();
  const threadBefore = threadCpuMs();
  const cpuBefore = process.cpuUsage();
  state.seal(asSequence(sequence));
  state.store(asSequence(sequence));
  state.collect(asSequence(sequence - 1));
  await state.idle();
  const threadMs = threadCpuMs() - threadBefore;
  const cpu = process.cpuUsage(cpuBefore);
  const counts = state.counts();
  return {
    keys: present,
    changed: count,
    'put ms': (sealedAt - startedAt).toFixed(0),
    'until durable ms': (performance.now() - sealedAt).toFixed(0),
    'main thread ms': threadMs.toFixed(0),
    'µs per key': ((threadMs * 1000) / count).toFixed(1),
    'process CPU ms': ((cpu.user + cpu.system) / 1000).toFixed(0),
    'longest slice ms': (counts.longestSliceUs / 1000).toFixed(1),
    'of CPU': (counts.longestSliceCpuUs / 1000).toFixed(1),
    'put MB': ((counts.writtenBytes - writtenBefore) / 1e6).toFixed(1),
    'file MB': (statSync(join(path, 'data.mdb')).size / 1e6).toFixed(0),
    'RssAnon MiB': memoryMiB('RssAnon'),
  };
}

try {
  const rows: Row[] = [];
  const startedAt = performance.now();
  let highestMiB = 0;
  while (present < keys) {
    const count = Math.min(FILL, keys - present);
    const first = present;
    present += count;
    const row = await checkpoint(count, (i) => first + i);
    highestMiB = Math.max(highestMiB, row['RssAnon MiB']);
    if (present === keys || present % (20 * FILL) === 0) rows.push(row);
  }
  console.log(`filled with ${keys} keys in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  for (let i = 0; i < checkpoints; i += 1) {
    const row = await checkpoint(changed, () => Math.floor(Math.random() * keys));
    highestMiB = Math.max(highestMiB, row['RssAnon MiB']);
    rows.push(row);
  }
  console.table(rows);
  const reads = 20_000;
  const readAt = threadCpuMs();
  for (let i = 0; i < reads; i += 1) state.get(entry(Math.floor(Math.random() * keys), 0).key);
  console.log(`a read at random: ${(((threadCpuMs() - readAt) * 1000) / reads).toFixed(1)} µs`);
  const absentAt = threadCpuMs();
  for (let i = 0; i < reads; i += 1) state.get(Buffer.from(`nothing/${i}`));
  console.log(`a read of nothing: ${(((threadCpuMs() - absentAt) * 1000) / reads).toFixed(1)} µs`);
  if (globalThis.gc !== undefined) globalThis.gc();
  console.log(process.memoryUsage());
  console.log(`memory: RssAnon ${memoryMiB('RssAnon')} MiB (highest ${highestMiB}), VmRSS ${memoryMiB('VmRSS')} MiB`);
} finally {
  await state.close();
  rmSync(path, { recursive: true });
}
