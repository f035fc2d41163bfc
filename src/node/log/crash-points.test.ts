/**
 * Every point at which the power can go. One run of the log tells all it asks of the system; from that each state in which a disk may be
 * found afterwards is made and opened: as it was, without what was not synced, with names but not the data, with data but not the names.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asDigest } from '../../base/ids.ts';
import { DurableLog } from './durable-log.ts';
import type { DurableLogOptions } from './durable-log.ts';

const OPTIONS: DurableLogOptions = {
  owner: { clusterId: asDigest('ab'.repeat(32)), replica: 0 },
  absent: 'make',
  segmentBytes: 260,
  // Some groups go into it, some across its end.
  roomBytes: 100,
};

/**
 * What the log asked of the system, in order, and what it said was durable (`told`: up to which record). `file`: a number for each opened one,
 * which stays the same when its name changes.
 */
type Step =
  | { readonly op: 'create'; readonly file: number; readonly name: string }
  | { readonly op: 'open'; readonly file: number; readonly name: string }
  | { readonly op: 'write'; readonly file: number; readonly at: number; readonly data: string }
  | { readonly op: 'truncate'; readonly file: number; readonly length: number }
  | { readonly op: 'sync'; readonly file: number }
  | { readonly op: 'rename'; readonly name: string; readonly to: string }
  | { readonly op: 'remove'; readonly name: string }
  | { readonly op: 'sync-folder' }
  | { readonly op: 'told'; readonly record: number };

/** Runs in a process of its own, so that what it changes of `node:fs` changes nothing here. */
const RECORDER = `
  import promises from 'node:fs/promises';
  import fs from 'node:fs';
  import { syncBuiltinESMExports } from 'node:module';
  import { basename, dirname } from 'node:path';
  const [source, folder, options] = process.argv.slice(1);
  const { writeSync } = fs;
  const tell = (step) => writeSync(1, JSON.stringify(step) + '\\n');
  const { open, rename, rm } = promises;
  let files = 0;
  const fileOf = new Map();
  fs.writeSync = (fd, bytes, from, length, at) => {
    const file = fileOf.get(fd);
    if (file !== undefined) tellWrite(file, bytes, from, length, at);
    return writeSync(fd, bytes, from, length, at);
  };
  const { fdatasync } = fs;
  fs.fdatasync = (fd, done) =>
    fdatasync(fd, (error) => {
      if (fileOf.has(fd)) tell({ op: 'sync', file: fileOf.get(fd) });
      done(error);
    });
  const tellWrite = (file, bytes, from, length, at) =>
    tell({ op: 'write', file, at, data: Buffer.from(bytes).subarray(from, from + length).toString('base64') });
  promises.open = async (path, flags, mode) => {
    const handle = await open(path, flags, mode);
    const name = basename(path);
    if (path === folder) {
      const { sync } = handle;
      handle.sync = async () => { await sync.call(handle); tell({ op: 'sync-folder' }); };
      return handle;
    }
    if (dirname(path) !== folder) return handle;
    if (flags === 'r') return handle;
    const file = (files += 1);
    tell({ op: flags === 'w' ? 'create' : 'open', file, name });
    const { sync } = handle;
    handle.sync = async () => { await sync.call(handle); tell({ op: 'sync', file }); };
    fileOf.set(handle.fd, file);
    const { write, truncate } = handle;
    handle.truncate = async (length) => {
      await truncate.call(handle, length);
      tell({ op: 'truncate', file, length });
    };
    handle.write = async (bytes, from, length, at) => {
      tellWrite(file, bytes, from, length, at);
      return write.call(handle, bytes, from, length, at);
    };
    return handle;
  };
  promises.rename = async (from, to) => { await rename(from, to); tell({ op: 'rename', name: basename(from), to: basename(to) }); };
  promises.rm = async (path, how) => { await rm(path, how); tell({ op: 'remove', name: basename(path) }); };
  syncBuiltinESMExports();
  const { DurableLog } = await import(source);
  const bytes = (text) => new Uint8Array(Buffer.from(text));
  let record = 0;
  for (let start = 0; start < 2; start += 1) {
    const opened = await DurableLog.open(folder, JSON.parse(options));
    if (!opened.ok) throw new Error(opened.error.reason);
    const { log } = opened.value;
    for (let group = 0; group < 6; group += 1) {
      for (let i = 0; i < 2; i += 1) log.append(bytes('r' + (record += 1)));
      if (group === 4) {
        log.rewrite([bytes('up to ' + record), bytes('and more of it')]);
        log.append(bytes('r' + (record += 1)));
      }
      await log.durable();
      tell({ op: 'told', record });
    }
    await log.close();
  }`;

interface File {
  data: Buffer;
  synced: Buffer;
}

function must(file: File | undefined, name: string): File {
  if (file === undefined) throw new Error(`there is no ${name}`);
  return file;
}

/** A folder on a disk that may lose its power. */
class Disk {
  #names = new Map<string, File>();
  #durableNames = new Map<string, File>();

  readonly #open = new Map<number, File>();

  apply(step: Step): void {
    switch (step.op) {
      case 'create': {
        const file = { data: Buffer.alloc(0), synced: Buffer.alloc(0) };
        this.#names.set(step.name, file);
        this.#open.set(step.file, file);
        return;
      }
      case 'open':
        this.#open.set(step.file, this.#named(step.name));
        return;
      case 'write': {
        const file = this.#opened(step.file);
        const data = Buffer.from(step.data, 'base64');
        const grown = Buffer.alloc(Math.max(file.data.length, step.at + data.length));
        grown.set(file.data);
        grown.set(data, step.at);
        file.data = grown;
        return;
      }
      case 'truncate': {
        const file = this.#opened(step.file);
        file.data = Buffer.from(file.data.subarray(0, step.length));
        return;
      }
      case 'sync': {
        const file = this.#opened(step.file);
        file.synced = file.data;
        return;
      }
      case 'rename':
        this.#names.set(step.to, this.#named(step.name));
        this.#names.delete(step.name);
        return;
      case 'remove':
        this.#names.delete(step.name);
        return;
      case 'sync-folder':
        this.#durableNames = new Map(this.#names);
        return;
      case 'told':
    }
  }

  #named(name: string): File {
    return must(this.#names.get(name), name);
  }

  #opened(file: number): File {
    return must(this.#open.get(file), `file ${file}`);
  }

  /** How it may be found afterwards. */
  states(): ReadonlyMap<string, ReadonlyMap<string, Buffer>> {
    const all = (names: ReadonlyMap<string, File>, content: (file: File) => Buffer): ReadonlyMap<string, Buffer> =>
      new Map([...names].map(([name, file]) => [name, content(file)] as const));
    return new Map([
      ['as it was', all(this.#names, ({ data }) => data)],
      ['only what was synced', all(this.#durableNames, ({ synced }) => synced)],
      ['names without data', all(this.#names, ({ synced }) => synced)],
      ['data without names', all(this.#durableNames, ({ data }) => data)],
      [
        'zeros for data',
        all(this.#names, ({ data, synced }) => {
          const zeros = Buffer.alloc(data.length);
          zeros.set(synced.subarray(0, data.length));
          return zeros;
        }),
      ],
    ]);
  }
}

/** The highest record that a log with these stands for; fails where one is missing in between. */
function highestOf(records: readonly Uint8Array[]): number {
  let highest = 0;
  for (const record of records.map((bytes) => Buffer.from(bytes).toString())) {
    const list = /^up to (\d+)$/.exec(record);
    if (list !== null) highest = Number(list[1]);
    else if (record !== 'and more of it') expect(record).toBe(`r${(highest += 1)}`);
  }
  return highest;
}

const ORDERS = ['beginning', 'end'] as const;

/** A write of which only one half arrived, then all of it. */
function tornOf(write: Extract<Step, { op: 'write' }>, first: (typeof ORDERS)[number]): readonly Step[] {
  const data = Buffer.from(write.data, 'base64');
  const half = Math.floor(data.length / 2);
  const part = first === 'beginning' ? data.subarray(0, half) : data.subarray(half);
  return [{ ...write, at: first === 'beginning' ? write.at : write.at + half, data: part.toString('base64') }, write];
}

describe('G20: whenever the power goes', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pbft-crash-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  async function record(): Promise<readonly Step[]> {
    const source = join(import.meta.dirname, 'durable-log.ts');
    const args = ['--input-type=module', '-e', RECORDER, source, join(folder, 'log'), JSON.stringify(OPTIONS)];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Step);
  }

  /** Opens a log of these files, lets it go on, opens it again; says the highest record that was there. */
  async function openFound(files: ReadonlyMap<string, Buffer>, what: string): Promise<number> {
    const place = join(folder, 'found');
    mkdirSync(place);
    for (const [name, content] of files) writeFileSync(join(place, name), content);
    const opened = await DurableLog.open(place, OPTIONS);
    if (!opened.ok) throw new Error(`${what}: ${opened.error.reason}`);
    const highest = highestOf(opened.value.records);
    opened.value.log.append(Buffer.from(`r${highest + 1}`));
    await opened.value.log.close();
    const again = await DurableLog.open(place, OPTIONS);
    if (!again.ok) throw new Error(`${what}, opened again: ${again.error.reason}`);
    await again.value.log.close();
    expect({ what, highest: highestOf(again.value.records) }).toEqual({ what, highest: highest + 1 });
    rmSync(place, { recursive: true });
    return highest;
  }

  it('between any two things that the log asks of the system, or within one: all that it told is there, in order, and it goes on', async () => {
    const steps = await record();
    const kinds = new Set(steps.map(({ op }) => op));
    expect([...kinds].toSorted()).toEqual(
      ['create', 'open', 'remove', 'rename', 'sync', 'sync-folder', 'told', 'truncate', 'write'].toSorted(),
    );
    const seen = new Set<string>();
    /** The highest record of each folder that was found before. */
    const found = new Map<string, number>();
    for (const order of ORDERS) {
      const disk = new Disk();
      let told = 0;
      for (const [index, step] of steps.entries()) {
        if (step.op === 'told') told = step.record;
        const parts = step.op === 'write' ? tornOf(step, order) : [step];
        for (const part of parts) {
          disk.apply(part);
          for (const [kind, files] of disk.states()) {
            const what = `step ${index} (${step.op}, ${order} first), ${kind}`;
            const key = [...files].map(([name, content]) => `${name} ${content.toString('base64')}`).join('\n');
            const highest = found.get(key) ?? (await openFound(files, what));
            found.set(key, highest);
            if (highest < told) throw new Error(`${what}: ${told} was told, and ${highest} is there`);
            seen.add(`${kind} ${[...files.keys()].filter((name) => name.endsWith('.seg')).length}`);
          }
        }
      }
    }
    // Segments of two chains beside each other were among what was found.
    expect([...seen].toSorted()).toEqual(expect.arrayContaining(['as it was 3', 'only what was synced 3']));
  });
});
