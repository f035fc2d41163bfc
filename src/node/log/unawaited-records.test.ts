/** Records of the log that nobody waits for. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { asDigest } from '../../base/ids.ts';
import { DurableLog } from './durable-log.ts';
import type { OpenedLog } from './durable-log.ts';

const OWNER = { clusterId: asDigest('ab'.repeat(32)), replica: 2 };

let folder: string;
let open: DurableLog[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pbft-log-'));
});
afterEach(async () => {
  for (const log of open) await log.close();
  open = [];
  rmSync(folder, { recursive: true });
});

const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value));
const isThere = (word: string): boolean =>
  readdirSync(folder).some((name) => readFileSync(join(folder, name)).includes(word));

async function openLog(): Promise<OpenedLog> {
  const opened = await DurableLog.open(folder, { owner: OWNER, absent: 'make' });
  if (!opened.ok) throw new Error(opened.error.reason);
  open.push(opened.value.log);
  return opened.value;
}

/** What a process that starts now finds. Requires: the log was closed. */
async function found(): Promise<readonly string[]> {
  const { records } = await openLog();
  return records.map((record) => Buffer.from(record).toString());
}

describe('what nobody waits for', () => {
  it('is written with the next that somebody waits for, in its order', async () => {
    const { log } = await openLog();
    log.append(text('unawaited'));
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect([isThere('unawaited'), log.pendingBytes > 0]).toEqual([false, true]);
    log.append(text('awaited'));
    await log.durable();
    expect(isThere('unawaited')).toBe(true);
    await log.close();
    expect(await found()).toEqual(['unawaited', 'awaited']);
  });

  it('is written after a while all the same, and again what comes while that is under way', async () => {
    const { log } = await openLog();
    for (const word of ['first', 'second', 'third']) {
      log.append(text(word));
      await vi.waitUntil(() => isThere(word), { timeout: 10_000, interval: 5 });
    }
    await log.close();
    expect(await found()).toEqual(['first', 'second', 'third']);
  });

  it('is written when the log is closed', async () => {
    const { log } = await openLog();
    log.append(text('last'));
    await log.close();
    expect(await found()).toEqual(['last']);
  });
});
