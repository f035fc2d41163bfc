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
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asDigest } from '../../base/ids.ts';
import { DurableLog } from './durable-log.ts';
import type { DurableLogOptions, OpenedLog } from './durable-log.ts';
import { DurabilityLost } from './log-fault.ts';
import type { LogFault } from './log-fault.ts';
import { RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES } from './segment-format.ts';

const OWNER = { clusterId: asDigest('ab'.repeat(32)), replica: 2 };

let folder: string;
/** Of the log. */
let place: string;
/** Its first segment. */
let file: string;
let open: DurableLog[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pbft-log-'));
  place = join(folder, 'log');
  file = segment(1);
});
afterEach(async () => {
  for (const log of open) await log.close();
  open = [];
  rmSync(folder, { recursive: true });
});

/** The options of {@link openLog} in the text of a script. */
const OPEN = JSON.stringify({ owner: OWNER, absent: 'make' });

const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value));
const read = (records: readonly Uint8Array[]): string[] => records.map((record) => Buffer.from(record).toString());

const segment = (number: number): string => join(place, `${String(number).padStart(10, '0')}.seg`);
const files = (): readonly string[] => readdirSync(place).toSorted();

async function openLog(options: Partial<DurableLogOptions> = {}): Promise<OpenedLog> {
  const opened = await DurableLog.open(place, { owner: OWNER, absent: 'make', ...options });
  if (!opened.ok) throw new Error(opened.error.reason);
  open.push(opened.value.log);
  return opened.value;
}

async function faultOf(path = place, options: Partial<DurableLogOptions> = {}): Promise<LogFault> {
  const opened = await DurableLog.open(path, { owner: OWNER, absent: 'refuse', ...options });
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

  describe('makes room ahead', () => {
    const lengthWith = async (options: Partial<DurableLogOptions>, ...groups: readonly string[]): Promise<number> => {
      const { log } = await openLog(options);
      for (const group of groups) {
        log.append(text(group));
        await log.durable();
      }
      const { size } = statSync(file);
      await log.close();
      expect((await reopen()).records).toEqual(groups);
      return size;
    };
    const written = (...groups: readonly string[]): number =>
      SEGMENT_HEADER_BYTES + groups.reduce((sum, group) => sum + RECORD_HEADER_BYTES + group.length, 0);

    it('into which small groups go, and gives it back at the end', async () => {
      const room = 200;
      const first = SEGMENT_HEADER_BYTES + room;
      expect(await lengthWith({ roomBytes: room }, 'a', 'b')).toBe(first);
      expect(statSync(file).size).toBe(written('a', 'b'));
    });

    it('again where a small group goes beyond it, and not for a large one', async () => {
      const room = 40;
      const small = ['a', 'b'.repeat(30)];
      expect(await lengthWith({ roomBytes: room }, ...small)).toBe(written(...small) + room);
      rmSync(place, { recursive: true });
      const large = ['a', 'b'.repeat(10_000)];
      expect(await lengthWith({ roomBytes: room }, ...large)).toBe(written(...large));
    });

    it('only where something is synced', async () => {
      expect(await lengthWith({ waitFor: 'write' }, 'a')).toBe(written('a'));
    });

    it('and leaves a file alone whose sync failed', async () => {
      const script = `
        import fs from 'node:fs';
        import { syncBuiltinESMExports } from 'node:module';
        const [source, folder, options] = process.argv.slice(1);
        const { fdatasync } = fs;
        let isBroken = false;
        fs.fdatasync = (fd, done) => (isBroken ? done(Object.assign(new Error('broken'), { code: 'EIO' })) : fdatasync(fd, done));
        syncBuiltinESMExports();
        const { DurableLog } = await import(source);
        const { value } = await DurableLog.open(folder, JSON.parse(options));
        value.log.append(new Uint8Array([1]));
        await value.log.durable();
        isBroken = true;
        value.log.append(new Uint8Array([2]));
        const fault = await value.log.durable().catch(({ fault }) => fault.code);
        const before = fs.readFileSync(folder + '/0000000001.seg').toString('base64');
        await value.log.close();
        console.log(JSON.stringify([fault, fs.readFileSync(folder + '/0000000001.seg').toString('base64') === before]));`;
      const args = ['--input-type=module', '-e', script, join(import.meta.dirname, 'durable-log.ts'), place, OPEN];
      const { stdout } = await promisify(execFile)(process.execPath, args);
      expect(JSON.parse(stdout)).toEqual(['write-failed', true]);
    });

    it('if it can: without room it is a log all the same', async () => {
      expect(await lengthWith({ roomBytes: Number.MAX_SAFE_INTEGER }, 'a', 'b')).toBe(written('a', 'b'));
    });
  });

  it('goes on after a reopening', async () => {
    await writeGroups([['a'], ['b', 'c']]);
    await writeGroups([['d']]);
    expect((await reopen()).records).toEqual(['a', 'b', 'c', 'd']);
  });

  it('refuses a second use, by this process or another, and frees the lock at the end', async () => {
    const { log } = await openLog();
    expect((await faultOf()).code).toBe('in-use');
    expect((await faultOf()).reason).toContain(join(place, 'lock'));
    const script = `import { DurableLog } from ${JSON.stringify(join(import.meta.dirname, 'durable-log.ts'))};
      const opened = await DurableLog.open(process.argv[1], ${OPEN}); console.log(opened.ok ? 'opened' : opened.error.code);`;
    const other = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, place]);
    expect(other.stdout.trim()).toBe('in-use');
    await log.close();
    expect((await reopen()).records).toEqual([]);
  });

  it('names what is in the way of opening it', async () => {
    writeFileSync(join(folder, 'plain'), '');
    expect((await faultOf(join(folder, 'plain', 'log'), { absent: 'make' })).code).toBe('unusable');
    mkdirSync(file, { recursive: true });
    const fault = await faultOf();
    expect(fault).toMatchObject({ code: 'unusable', file });
    expect(fault.reason).toContain('it is a folder where a file should be');
  });

  it('is made only where it may be, and what is missing is told with the way back', async () => {
    for (const made of [false, true]) {
      if (made) mkdirSync(place);
      const fault = await faultOf();
      expect(fault).toMatchObject({ code: 'missing', file: place });
      expect(fault.reason).toContain('pbft recover');
      expect(existsSync(place)).toBe(made);
    }
    expect((await openLog()).isNew).toBe(true);
  });

  it.each([
    ['another node', { replica: 1 }, 'it belongs to node3 of cluster abab'],
    ['another cluster', { clusterId: asDigest('cd'.repeat(32)) }, 'and this is node3 of cluster cdcd'],
  ])('of %s is refused', async (_, other, words) => {
    await writeGroups([['mine']]);
    const fault = await faultOf(place, { owner: { ...OWNER, ...other } });
    expect(fault).toMatchObject({ code: 'foreign', file, offset: 0 });
    expect(`it ${fault.reason.slice(file.length + 1)}`).toContain(words);
  });

  it('of a newer format is refused, and that is no damage', async () => {
    await writeGroups([['mine']]);
    const content = readFileSync(file);
    content.writeUInt8(9, 7);
    content.fill(0x55, 8, 40);
    writeFileSync(file, content);
    const fault = await faultOf();
    expect(fault).toMatchObject({ code: 'newer-format', file });
    expect(fault.reason).toContain('has format 9, and this version reads up to 3');
  });

  it('of an older format is refused, and that is no damage', async () => {
    await writeGroups([['mine']]);
    const content = readFileSync(file);
    const checksumAt = SEGMENT_HEADER_BYTES - 4;
    content.writeUInt8(2, 7);
    content.writeUInt32BE(crc32(content.subarray(0, checksumAt)), checksumAt);
    writeFileSync(file, content);
    const fault = await faultOf();
    expect(fault).toMatchObject({ code: 'older-format', file });
    expect(fault.reason).toContain('has format 2, and this version reads 3');
    content.writeUInt8(1, 7);
    writeFileSync(file, content);
    expect(await faultOf()).toMatchObject({ code: 'damaged' });
  });
});

/** Start and end of every group in the file, found by its records' headers. */
async function groupsOf(): Promise<{ readonly start: number; readonly end: number }[]> {
  const content = readFileSync(file);
  const groups: { start: number; end: number }[] = [];
  let at = SEGMENT_HEADER_BYTES;
  // Up to the room ahead.
  while (at < content.length && content[at] !== 0) {
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
      const torn = whole.subarray(ends.findLast((end) => end <= length) ?? last.start, length);
      // Zeros at its end are as good as room.
      expect(cutBytes).toBe(torn.findLastIndex((byte) => byte !== 0) + 1);
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
    writeFileSync(file, Buffer.concat([readFileSync(file), other.subarray(SEGMENT_HEADER_BYTES)]));
    expect(await reopen()).toEqual({ records: ['a'], cutBytes: other.length - SEGMENT_HEADER_BYTES });
  });

  it('cuts zeros that a file system left for a write that never came: as good as room', async () => {
    await writeGroups([['a'], ['b']]);
    writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.alloc(8192)]));
    expect(await reopen()).toEqual({ records: ['a', 'b'], cutBytes: 0 });
    writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.alloc(8191), Buffer.alloc(1, 1)]));
    expect(await reopen()).toEqual({ records: ['a', 'b'], cutBytes: 8192 });
    // Of a torn write in room: what was written.
    writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.alloc(24, 1), Buffer.alloc(8192)]));
    expect(await reopen()).toEqual({ records: ['a', 'b'], cutBytes: 24 });
  });

  it('refuses what is no log, an empty file too', async () => {
    mkdirSync(place);
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

  it('is made anew when the list alone was to be there', async () => {
    const { log } = await openLog();
    log.append(text('a'));
    log.rewrite([]);
    await log.close();
    expect(files()).toEqual(['0000000002.seg', 'lock']);
    expect((await reopen()).records).toEqual([]);
  });

  it('is a fault when the new segment cannot be made; nothing is promised any more', async () => {
    const faults: LogFault[] = [];
    const { log } = await openLog({ onFault: (fault) => faults.push(fault) });
    log.append(text('kept'));
    await log.durable();
    mkdirSync(`${segment(2)}.new`);
    log.rewrite([text('new')]);
    await expect(log.durable()).rejects.toBeInstanceOf(DurabilityLost);
    log.append(text('after'));
    await expect(log.durable()).rejects.toBeInstanceOf(DurabilityLost);
    expect(faults.map(({ code }) => code)).toEqual(['write-failed']);
    expect(faults[0]?.reason).toContain(file);
    await log.close();
    rmSync(`${segment(2)}.new`, { recursive: true });
    expect((await reopen()).records).toEqual(['kept']);
  });
});

describe('a chain of segments', () => {
  /** Five groups, a segment after each two of them. */
  async function writeChain(): Promise<readonly string[]> {
    const { log } = await openLog({ segmentBytes: SEGMENT_HEADER_BYTES + 2 * (RECORD_HEADER_BYTES + 4) });
    const records = ['one.', 'two.', 'thre', 'four', 'five'];
    for (const record of records) {
      log.append(text(record));
      await log.durable();
    }
    await log.close();
    expect(files()).toEqual(['0000000001.seg', '0000000002.seg', '0000000003.seg', 'lock']);
    return records;
  }

  it('grows at the bound, is read in order, and goes with the next rewrite', async () => {
    const records = await writeChain();
    const { log, records: found } = await openLog();
    expect(read(found)).toEqual(records);
    log.append(text('six.'));
    log.rewrite([text('all')]);
    await log.durable();
    await log.close();
    expect(files()).toEqual(['0000000004.seg', 'lock']);
    expect((await reopen()).records).toEqual(['all']);
  });

  it('has a torn tail in its last segment only', async () => {
    const records = await writeChain();
    const last = readFileSync(segment(3));
    writeFileSync(segment(3), last.subarray(0, last.length - 1));
    expect((await reopen()).records).toEqual(records.slice(0, -1));
    const before = readFileSync(segment(2));
    for (const length of [before.length - 1, before.length - RECORD_HEADER_BYTES - 4, SEGMENT_HEADER_BYTES, 0]) {
      writeFileSync(segment(2), before.subarray(0, length));
      const fault = await faultOf();
      expect(fault).toMatchObject({ code: 'damaged', file: segment(2) });
      expect(fault.offset).toBeLessThanOrEqual(length);
    }
    writeFileSync(segment(2), Buffer.concat([before, Buffer.alloc(6), Buffer.alloc(1, 1)]));
    expect(await faultOf()).toMatchObject({ code: 'damaged', file: segment(2), offset: before.length });
  });

  it('may have room behind each of its segments, which a process that was killed leaves there', async () => {
    const records = await writeChain();
    for (const number of [1, 2, 3])
      writeFileSync(segment(number), Buffer.concat([readFileSync(segment(number)), Buffer.alloc(500)]));
    expect(await reopen()).toEqual({ records, cutBytes: 0 });
  });

  it.each([
    ['the first', 1, 2],
    ['one in the middle', 2, 3],
  ])('without %s is damaged', async (_, missing, told) => {
    await writeChain();
    rmSync(segment(missing));
    expect(await faultOf()).toMatchObject({ code: 'damaged', file: segment(told) });
  });

  it('with segments in each other\u2019s place, or of another chain, is damaged', async () => {
    await writeChain();
    const [second, third] = [readFileSync(segment(2)), readFileSync(segment(3))];
    writeFileSync(segment(2), third);
    expect(await faultOf()).toMatchObject({ code: 'damaged', file: segment(2), offset: 44 });
    rmSync(place, { recursive: true });
    await writeChain();
    writeFileSync(segment(2), second);
    expect(await faultOf()).toMatchObject({ code: 'damaged', file: segment(2), offset: 52 });
  });

  it('is not what counts when a newer list is there; a damaged list is never passed over for it', async () => {
    await writeChain();
    const old = [1, 2, 3].map((number) => readFileSync(segment(number)));
    const { log } = await openLog();
    log.rewrite([text('all'), text('of it')]);
    await log.close();
    const list = readFileSync(segment(4));
    const restore = (): void => {
      for (const [index, content] of old.entries()) writeFileSync(segment(index + 1), content);
    };
    for (let at = 0; at < list.length; at += 1) {
      restore();
      const flipped = Buffer.from(list);
      flipped[at] = (flipped[at] ?? 0) ^ 0x40;
      writeFileSync(segment(4), flipped);
      expect(['damaged', 'newer-format']).toContain((await faultOf()).code);
      expect(files()).toHaveLength(5);
    }
    for (let length = 0; length < list.length; length += 1) {
      writeFileSync(segment(4), list.subarray(0, length));
      expect((await faultOf()).code).toBe('damaged');
    }
    writeFileSync(segment(4), list);
    rmSync(segment(1));
    expect((await reopen()).records).toEqual(['all', 'of it']);
    expect(files()).toEqual(['0000000004.seg', 'lock']);
  });
});

describe('with durability "write"', () => {
  it('everything is there after the end of the process, segments and lists too', async () => {
    const script = `import { DurableLog } from ${JSON.stringify(join(import.meta.dirname, 'durable-log.ts'))};
      const { value } = await DurableLog.open(process.argv[1], { ...${OPEN}, waitFor: 'write', segmentBytes: 300 });
      for (let i = 0; i < 40; i += 1) {
        value.log.append(new Uint8Array(Buffer.from('r' + i)));
        if (i === 20) value.log.rewrite([new Uint8Array(Buffer.from('all up to 20'))]);
        await value.log.durable();
      }
      process.kill(process.pid, 'SIGKILL');`;
    const child = execFile(process.execPath, ['--input-type=module', '-e', script, place]);
    await new Promise((resolve) => child.once('close', resolve));
    expect(files().length).toBeGreaterThan(2);
    expect((await reopen()).records).toEqual(['all up to 20', ...Array.from({ length: 19 }, (_, i) => `r${i + 21}`)]);
  });
});

describe('in a process of its own', () => {
  const source = JSON.stringify(join(import.meta.dirname, 'durable-log.ts'));

  it('keeps what it said is durable over kill -9 (G20)', async () => {
    const script = `import { DurableLog } from ${source};
      const { value } = await DurableLog.open(process.argv[1], ${OPEN});
      for (let i = 0; ; i += 1) {
        value.log.append(new Uint8Array(Buffer.from('r' + i)));
        if (i % 50 === 49) value.log.rewrite([new Uint8Array(Buffer.from('all up to ' + i))]);
        await value.log.durable();
        console.log(i);
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, place], {
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
});

it('says when the folder may not be written', async () => {
  const closed = join(folder, 'closed');
  mkdirSync(closed);
  chmodSync(closed, 0o500);
  const script = `import { DurableLog } from ${JSON.stringify(join(import.meta.dirname, 'durable-log.ts'))};
    if (process.getuid() === 0) process.setuid(65534);
    const opened = await DurableLog.open(process.argv[1], ${OPEN}); console.log(opened.ok ? 'opened' : opened.error.code);`;
  chmodSync(folder, 0o755);
  const other = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, join(closed, 'log')]);
  expect(other.stdout.trim()).toBe('unusable');
});
