import { execFile, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DurableLog } from './durable-log.ts';
import type { OpenedLog } from './durable-log.ts';
import { DurabilityLost } from './log-fault.ts';
import type { LogFault } from './log-fault.ts';
import { FILE_HEADER_BYTES, RECORD_HEADER_BYTES } from './log-format.ts';

let folder: string;
let file: string;
let open: DurableLog[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pbft-log-'));
  file = join(folder, 'log');
});
afterEach(async () => {
  for (const log of open) await log.close();
  open = [];
  rmSync(folder, { recursive: true });
});

const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value));
const read = (records: readonly Uint8Array[]): string[] => records.map((record) => Buffer.from(record).toString());

async function openLog(options: Parameters<typeof DurableLog.open>[1] = {}): Promise<OpenedLog> {
  const opened = await DurableLog.open(file, options);
  if (!opened.ok) throw new Error(opened.error.reason);
  open.push(opened.value.log);
  return opened.value;
}

async function faultOf(path = file): Promise<LogFault> {
  const opened = await DurableLog.open(path);
  if (opened.ok) {
    await opened.value.log.close();
    throw new Error('it opened');
  }
  return opened.error;
}

/** Writes each list of records as one group. */
async function writeGroups(groups: readonly (readonly string[])[]): Promise<void> {
  const { log } = await openLog();
  for (const group of groups) {
    for (const record of group) log.append(text(record));
    await log.durable();
  }
  await log.close();
}

async function reopen(): Promise<{ readonly records: string[]; readonly cutBytes: number }> {
  const { log, records, cutBytes } = await openLog();
  await log.close();
  return { records: read(records), cutBytes };
}

describe('a durable log', () => {
  it('returns what was appended, in order, after it was closed', async () => {
    const first = await openLog();
    expect(first.isNew).toBe(true);
    const written = Array.from({ length: 500 }, (_, i) => `record ${i}`);
    for (const record of written) first.log.append(text(record));
    first.log.append(new Uint8Array(0));
    first.log.append(new Uint8Array(300_000).fill(7));
    await first.log.close();
    const { log, records, isNew, cutBytes } = await openLog();
    expect(isNew).toBe(false);
    expect(cutBytes).toBe(0);
    expect(read(records.slice(0, 500))).toEqual(written);
    expect(records.slice(500).map(({ length }) => length)).toEqual([0, 300_000]);
    expect(records.every((record) => record.constructor === Uint8Array)).toBe(true);
    await log.close();
  });

  it('is readable by its owner alone', async () => {
    await writeGroups([['secret']]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('collects what is appended during a sync into the next one', async () => {
    const { log } = await openLog();
    const order: string[] = [];
    log.append(text('a'));
    const first = log.durable().then(() => order.push('first'));
    await new Promise((resolve) => setImmediate(resolve));
    for (let i = 0; i < 100; i += 1) log.append(text(`b${i}`));
    const second = log.durable().then(() => order.push('second'));
    await Promise.all([second, first]);
    expect(order).toEqual(['first', 'second']);
    expect(log.pendingBytes).toBe(0);
    await log.durable();
    expect((await groupsOf()).length).toBe(2);
  });

  it('goes on after a reopening', async () => {
    await writeGroups([['a'], ['b', 'c']]);
    await writeGroups([['d']]);
    expect((await reopen()).records).toEqual(['a', 'b', 'c', 'd']);
  });

  it('refuses a second use, by this process or another, and frees the lock at the end', async () => {
    const { log } = await openLog();
    expect((await faultOf()).code).toBe('in-use');
    expect((await faultOf()).reason).toContain(`${file}.lock`);
    const script = `import { DurableLog } from ${JSON.stringify(join(import.meta.dirname, 'durable-log.ts'))};
      const opened = await DurableLog.open(process.argv[1]); console.log(opened.ok ? 'opened' : opened.error.code);`;
    const other = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, file]);
    expect(other.stdout.trim()).toBe('in-use');
    await log.close();
    expect((await reopen()).records).toEqual([]);
  });

  it('names what is in the way of opening it', async () => {
    writeFileSync(join(folder, 'plain'), '');
    expect((await faultOf(join(folder, 'plain', 'log'))).code).toBe('unusable');
    mkdirSync(join(folder, 'folder'));
    const fault = await faultOf(join(folder, 'folder'));
    expect(fault).toMatchObject({ code: 'unusable', file: join(folder, 'folder') });
    expect(fault.reason).toContain('name a file');
  });
});

/** Start and end of every group in the file, found by its records' headers. */
async function groupsOf(): Promise<{ readonly start: number; readonly end: number }[]> {
  const content = readFileSync(file);
  const groups: { start: number; end: number }[] = [];
  let at = FILE_HEADER_BYTES;
  while (at < content.length) {
    const group = content.readUInt32BE(at + 8);
    const end = at + RECORD_HEADER_BYTES + content.readUInt32BE(at + 4);
    const known = groups[group - 1];
    if (known === undefined) groups.push({ start: at, end });
    else known.end = end;
    at = end;
  }
  return groups;
}

describe('recovery', () => {
  const GROUPS = [['one', 'two'], ['three'], ['four', 'five', 'six']];
  const BEFORE_LAST = ['one', 'two', 'three'];
  const LAST = ['four', 'five', 'six'];

  it('cuts a torn tail at every byte of the last group, and goes on behind it', async () => {
    await writeGroups(GROUPS);
    const whole = readFileSync(file);
    const last = (await groupsOf()).at(-1);
    if (last === undefined) throw new Error('three groups were written');
    const ends = LAST.reduce<number[]>(
      (all, record) => [...all, (all.at(-1) ?? last.start) + RECORD_HEADER_BYTES + record.length],
      [],
    );
    for (let length = last.start; length < whole.length; length += 1) {
      writeFileSync(file, whole.subarray(0, length));
      const kept = [...BEFORE_LAST, ...LAST.filter((_, i) => (ends[i] ?? 0) <= length)];
      const { log, records, cutBytes } = await openLog();
      expect(read(records)).toEqual(kept);
      expect(cutBytes).toBe(length - (ends.findLast((end) => end <= length) ?? last.start));
      log.append(text('after'));
      await log.close();
      expect((await reopen()).records).toEqual([...kept, 'after']);
    }
  });

  it('cuts at the first bad checksum of the last group, whatever stands behind it in that group', async () => {
    await writeGroups(GROUPS);
    const whole = readFileSync(file);
    const last = (await groupsOf()).at(-1);
    if (last === undefined) throw new Error('three groups were written');
    for (let at = last.start; at < whole.length; at += 1) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] ?? 0) ^ 0x10;
      writeFileSync(file, flipped);
      const { records, cutBytes } = await reopen();
      expect(records.slice(0, 3)).toEqual(BEFORE_LAST);
      expect(records.length).toBeLessThan(6);
      expect(cutBytes).toBeGreaterThan(0);
    }
  });

  it('stops at a flipped byte anywhere else, names file and offset, and leaves the file as it is', async () => {
    await writeGroups(GROUPS);
    const whole = readFileSync(file);
    const last = (await groupsOf()).at(-1);
    if (last === undefined) throw new Error('three groups were written');
    for (let at = 0; at < last.start; at += 1) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] ?? 0) ^ 0x01;
      writeFileSync(file, flipped);
      const fault = await faultOf();
      expect(fault.code).toBe('damaged');
      expect(fault.offset).toBeLessThanOrEqual(at);
      expect(fault.reason).toContain(`${file} is damaged at byte ${fault.offset}`);
      expect(readFileSync(file).equals(flipped)).toBe(true);
    }
  });

  it('stops when bytes are missing from the middle', async () => {
    await writeGroups(GROUPS);
    const whole = readFileSync(file);
    const [first, second] = await groupsOf();
    if (first === undefined || second === undefined) throw new Error('three groups were written');
    writeFileSync(file, Buffer.concat([whole.subarray(0, first.end), whole.subarray(second.end)]));
    expect((await faultOf()).code).toBe('damaged');
    writeFileSync(file, Buffer.concat([whole.subarray(0, second.start + 3), whole.subarray(second.start + 4)]));
    expect((await faultOf()).code).toBe('damaged');
  });

  it('is not fooled by the records of another log behind a torn tail', async () => {
    await writeGroups([['x'], ['y'], ['z']]);
    const other = readFileSync(file);
    rmSync(file);
    await writeGroups([['a']]);
    writeFileSync(file, Buffer.concat([readFileSync(file), other.subarray(FILE_HEADER_BYTES)]));
    expect(await reopen()).toEqual({ records: ['a'], cutBytes: other.length - FILE_HEADER_BYTES });
  });

  it('cuts zeros that a file system left for a write that never came', async () => {
    await writeGroups([['a'], ['b']]);
    writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.alloc(8192)]));
    expect(await reopen()).toEqual({ records: ['a', 'b'], cutBytes: 8192 });
  });

  it('refuses what is no log, an empty file too', async () => {
    for (const content of ['', 'x', 'x'.repeat(100)]) {
      writeFileSync(file, content);
      expect(await faultOf()).toMatchObject({ code: 'damaged', offset: 0 });
    }
  });
});

describe('rewriting', () => {
  it('replaces all that was appended before, and keeps what is appended after', async () => {
    const { log } = await openLog();
    for (const record of ['a', 'b', 'c']) log.append(text(record));
    await log.durable();
    log.append(text('d'));
    log.rewrite([text('a+b+c+d'), text('more')]);
    log.append(text('e'));
    await log.durable();
    log.append(text('f'));
    await log.close();
    expect((await reopen()).records).toEqual(['a+b+c+d', 'more', 'e', 'f']);
    expect(existsSync(`${file}.new`)).toBe(false);
  });

  it('waits for a sync under way, and may be empty and repeated', async () => {
    const { log } = await openLog();
    log.append(text('a'));
    await new Promise((resolve) => setImmediate(resolve));
    log.rewrite([text('first')]);
    log.rewrite([]);
    log.append(text('b'));
    await log.durable();
    await log.close();
    expect((await reopen()).records).toEqual(['b']);
  });

  it('leaves the old log whole when it was interrupted', async () => {
    await writeGroups([['a'], ['b']]);
    const whole = readFileSync(file);
    await writeGroups([['c']]);
    const longer = readFileSync(file);
    writeFileSync(file, whole);
    for (const length of [0, 1, FILE_HEADER_BYTES, longer.length - 1, longer.length]) {
      writeFileSync(`${file}.new`, longer.subarray(0, length));
      expect((await reopen()).records).toEqual(['a', 'b']);
      expect(readdirSync(folder).toSorted()).toEqual(['log', 'log.lock']);
    }
  });

  it('is a fault when the new file cannot be made; nothing is promised any more', async () => {
    const faults: LogFault[] = [];
    const { log } = await openLog({ onFault: (fault) => faults.push(fault) });
    log.append(text('kept'));
    await log.durable();
    mkdirSync(`${file}.new`);
    log.rewrite([text('new')]);
    await expect(log.durable()).rejects.toBeInstanceOf(DurabilityLost);
    log.append(text('after'));
    await expect(log.durable()).rejects.toBeInstanceOf(DurabilityLost);
    expect(faults.map(({ code }) => code)).toEqual(['write-failed']);
    expect(faults[0]?.reason).toContain(file);
    await log.close();
    rmSync(`${file}.new`, { recursive: true });
    expect((await reopen()).records).toEqual(['kept']);
  });
});

describe('in a process of its own', () => {
  const source = JSON.stringify(join(import.meta.dirname, 'durable-log.ts'));

  it('keeps what it said is durable over kill -9 (G20)', async () => {
    const script = `import { DurableLog } from ${source};
      const { value } = await DurableLog.open(process.argv[1]);
      for (let i = 0; ; i += 1) {
        value.log.append(new Uint8Array(Buffer.from('r' + i)));
        if (i % 50 === 49) value.log.rewrite([new Uint8Array(Buffer.from('all up to ' + i))]);
        await value.log.durable();
        console.log(i);
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let acknowledged = -1;
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged = Number(line);
      if (acknowledged === 120) child.kill('SIGKILL');
    }
    const { records } = await reopen();
    const covered = Number(/^all up to (\d+)$/.exec(records[0] ?? '')?.[1]);
    expect(covered).toBeGreaterThanOrEqual(99);
    expect(records.slice(1)).toEqual(Array.from({ length: records.length - 1 }, (_, i) => `r${covered + 1 + i}`));
    expect(covered + records.length - 1).toBeGreaterThanOrEqual(acknowledged);
  });

  it('faults once when the file may not grow, and recovers what was durable', async () => {
    const script = `import { DurableLog } from ${source};
      const { value } = await DurableLog.open(process.argv[1], { onFault: (fault) => console.log('fault ' + fault.code) });
      for (let i = 0; i < 100; i += 1) {
        value.log.append(new Uint8Array(10000).fill(i));
        try { await value.log.durable(); console.log('durable ' + i); }
        catch (error) { console.log(error.name); }
      }
      await value.log.close();`;
    const limited = 'ulimit -f 64; exec "$0" --input-type=module -e "$1" "$2"';
    const { stdout } = await promisify(execFile)('sh', ['-c', limited, process.execPath, script, file]);
    const lines = stdout.trim().split('\n');
    const durable = lines.filter((line) => line.startsWith('durable')).length;
    expect(durable).toBeGreaterThan(1);
    expect(lines.filter((line) => line === 'fault write-failed')).toHaveLength(1);
    expect(lines.filter((line) => line === 'DurabilityLost')).toHaveLength(100 - durable);
    const { log, records } = await openLog();
    expect(records.map((record) => record[0])).toEqual(Array.from({ length: durable }, (_, i) => i));
    await log.close();
  });
});

it('says when the folder may not be written', async () => {
  const closed = join(folder, 'closed');
  mkdirSync(closed);
  chmodSync(closed, 0o500);
  const script = `import { DurableLog } from ${JSON.stringify(join(import.meta.dirname, 'durable-log.ts'))};
    if (process.getuid() === 0) process.setuid(65534);
    const opened = await DurableLog.open(process.argv[1]); console.log(opened.ok ? 'opened' : opened.error.code);`;
  chmodSync(folder, 0o755);
  const other = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, join(closed, 'log')]);
  expect(other.stdout.trim()).toBe('unusable');
});
