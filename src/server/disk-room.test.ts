import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes } from '../base/bytes.ts';
import { describeFullDisk, DiskRoom } from './disk-room.ts';
import type { FullDisk } from './disk-room.ts';

const RESERVE = 1024 * 1024;
/** With its header in the log. */
const RECORD_BYTES = 24 + 100;

describe('DiskRoom', () => {
  let folder: string;
  let room: DiskRoom;
  let resumed: (readonly Bytes[])[];
  let changes: (FullDisk | undefined)[];
  let records: readonly Bytes[];
  let asked: number;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pbft-room-'));
    resumed = [];
    changes = [];
    records = [new Uint8Array(100)];
    asked = 0;
    room = new DiskRoom({
      resume: (list) => resumed.push(list),
      records: () => {
        asked += 1;
        return records;
      },
      onChange: (full) => changes.push(full),
    });
  });
  afterEach(() => {
    room.stop();
    rmSync(folder, { recursive: true });
  });

  const file = (): string => join(folder, '0000000001.seg');

  it('goes on at once where there is room, with what the replica has then', async () => {
    room.onFull({ code: 'ENOSPC', file: file(), neededBytes: 10 });
    expect(room.full).toMatchObject({ code: 'ENOSPC', path: file() });
    records = [new Uint8Array(100), new Uint8Array(100)];
    await expect.poll(() => resumed).toEqual([records]);
    expect(room.full).toMatchObject({
      neededBytes: 2 * RECORD_BYTES + RESERVE,
      freeBytes: expect.any(Number) as number,
    });
    room.onRoom();
    expect(room.full).toBeUndefined();
    expect(changes).toEqual([expect.objectContaining({ code: 'ENOSPC' }), undefined]);
  });

  it('tries again, less and less often, while the log finds no room; that is told once', async () => {
    const times: number[] = [];
    for (let attempt = 0; attempt < 3; attempt += 1) {
      room.onFull({ code: 'EFBIG', file: file(), neededBytes: 10 });
      await expect.poll(() => resumed.length, { timeout: 5000 }).toBe(attempt + 1);
      times.push(performance.now());
    }
    expect((times[2] ?? 0) - (times[1] ?? 0)).toBeGreaterThan(400);
    expect(changes).toHaveLength(1);
  });

  it('does not try while the file system has less than is needed', async () => {
    // No disk has so much; the bytes are never touched.
    const large = { length: 2 ** 52 } as Bytes;
    records = [large];
    room.onFull({ code: 'ENOSPC', file: file(), neededBytes: 10 });
    await expect.poll(() => asked).toBeGreaterThan(1);
    expect(resumed).toEqual([]);
    const { full } = room;
    if (full === undefined) throw new Error('it is full');
    expect(full.freeBytes).toBeGreaterThan(0);
    expect(describeFullDisk(full)).toBe(
      `room on disk (ENOSPC at ${file()}): ${full.freeBytes} bytes are free and ${2 ** 52 + 24 + RESERVE} are needed; free some space on that disk, and this node goes on by itself`,
    );
  });

  it('of a quota and of a limit the file system knows nothing: it tries', async () => {
    records = [{ length: 2 ** 52 } as Bytes];
    room.onFull({ code: 'EDQUOT', file: file(), neededBytes: 10 });
    await expect.poll(() => resumed.length).toBe(1);
  });

  it('stopped, tries no more', async () => {
    room.onFull({ code: 'EFBIG', file: file(), neededBytes: 10 });
    room.stop();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([asked, resumed.length]).toEqual([0, 0]);
  });
});
