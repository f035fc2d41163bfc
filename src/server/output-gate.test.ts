import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writtenBytes } from '../../test/support/written-bytes.ts';
import { asDigest, asReplicaId, asSequence, asView } from '../base/ids.ts';
import { DurableLog } from '../node/index.ts';
import type { Output } from '../protocol/output.ts';
import { encodeRecord } from '../protocol/record-codec.ts';
import { OutputGate } from './output-gate.ts';
import type { GateLog } from './output-gate.ts';

const DIGEST = asDigest('d'.repeat(64));
const slot = (sequence: number) => ({ view: asView(0), sequence: asSequence(sequence), digest: DIGEST });
const persist = (sequence: number): Output => ({ kind: 'persist', record: { kind: 'prepared', ...slot(sequence) } });
const hint = (sequence: number): Output => ({
  kind: 'persist',
  record: { kind: 'executed', ...slot(sequence), batch: undefined },
});
const send = (sequence: number): Output => ({
  kind: 'send',
  to: [asReplicaId(1)],
  message: { type: 'commit', ...slot(sequence), replica: asReplicaId(0) },
  signature: undefined,
});

describe('OutputGate on a real log', () => {
  let directory: string;
  let log: DurableLog;
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'pbft-gate-'));
    const opened = await DurableLog.open(join(directory, 'log'), {
      owner: { clusterId: asDigest('ab'.repeat(32)), replica: 0 },
      absent: 'make',
    });
    if (!opened.ok) throw new Error(opened.error.reason);
    ({ log } = opened.value);
  });
  afterEach(async () => {
    await log.close();
    rmSync(directory, { recursive: true });
  });

  /** Bytes of the log's first segment that are there now. */
  const onDisk = (): number => writtenBytes(join(directory, 'log', '0000000001.seg'));

  function makeGate(gateLog: GateLog = log, heldOutputs = 100) {
    const left: { readonly sequence: number; readonly onDisk: number }[] = [];
    const faults: unknown[] = [];
    const syncs: number[] = [];
    const gate = new OutputGate({
      log: gateLog,
      encode: encodeRecord,
      release: (outputs) => {
        for (const output of outputs) {
          if (output.kind === 'send' && 'sequence' in output.message)
            left.push({ sequence: output.message.sequence, onDisk: onDisk() });
        }
      },
      onFault: (error) => faults.push(error),
      onSync: (records) => syncs.push(records),
      heldOutputs,
      pendingBytes: 1_000_000,
    });
    const sequences = (): readonly number[] => left.map(({ sequence }) => sequence);
    return { gate, left, faults, syncs, sequences };
  }

  it('lets out at once what no record stands before', () => {
    const { gate, sequences } = makeGate();
    gate.put([send(1), send(2)]);
    expect(sequences()).toEqual([1, 2]);
  });

  it('lets nothing out that stands behind a record which is not on disk', async () => {
    const { gate, left, sequences } = makeGate();
    const before = onDisk();
    gate.put([send(1), persist(2), send(2)]);
    gate.put([send(3)]);
    expect(sequences()).toEqual([1]);
    await log.durable();
    await expect.poll(sequences).toEqual([1, 2, 3]);
    expect(left[1]?.onDisk).toBeGreaterThan(before);
  });

  it('keeps the order over many steps, and one sync covers many records', async () => {
    const { gate, syncs, sequences } = makeGate(log, 10_000);
    const expected = Array.from({ length: 500 }, (_, index) => index + 1);
    for (const sequence of expected) gate.put([persist(sequence), send(sequence)]);
    await expect.poll(() => sequences().length).toBe(500);
    expect(sequences()).toEqual(expected);
    expect(syncs.length).toBeLessThan(20);
    expect(syncs.reduce((sum, records) => sum + records, 0)).toBe(500);
  });

  it('lets nothing wait for a record that only spares asking again', () => {
    const { gate, sequences } = makeGate();
    gate.put([hint(1), send(1)]);
    expect(sequences()).toEqual([1]);
  });

  it('after a rewrite still waits for what comes behind it', async () => {
    const { gate, sequences } = makeGate();
    gate.put([persist(1), send(1), { kind: 'truncate', records: [] }, persist(2), send(2)]);
    expect(sequences()).toEqual([]);
    await expect.poll(sequences).toEqual([1, 2]);
  });

  it('is full while the disk does not keep up, and no longer when it has', async () => {
    const { gate } = makeGate(log, 3);
    gate.put([persist(1), send(1), send(2), send(3)]);
    expect(gate.isFull).toBe(false);
    gate.put([send(4)]);
    expect(gate.isFull).toBe(true);
    await expect.poll(() => gate.isFull).toBe(false);
  });

  it('lets nothing out any more once the log has failed, and says so once', async () => {
    const broken: GateLog = {
      append: () => undefined,
      rewrite: () => undefined,
      durable: async () => Promise.reject(new Error('EIO: the disk is gone')),
    };
    const { gate, faults, sequences } = makeGate(broken);
    gate.put([persist(1), send(1)]);
    await expect.poll(() => faults.length).toBe(1);
    gate.put([send(2), persist(3), send(3)]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(sequences()).toEqual([]);
    expect(faults).toHaveLength(1);
  });

  it('holds nothing back and asks a log that keeps nothing for nothing, and counts what it would have kept', () => {
    const useless = (): never => {
      throw new Error('it has no use for it');
    };
    const { gate, syncs, sequences } = makeGate({
      append: useless,
      rewrite: useless,
      durable: useless,
      keepsNothing: true,
    });
    gate.put([send(1), persist(2), persist(3), send(3), { kind: 'truncate', records: [] }, hint(4), send(4)]);
    expect(sequences()).toEqual([1, 3, 4]);
    expect([syncs, gate.heldOutputs, gate.isFull]).toEqual([[2], 0, false]);
    gate.close();
    gate.put([send(5)]);
    expect(sequences()).toEqual([1, 3, 4]);
  });

  it('closed, lets nothing out, whatever becomes durable', async () => {
    const { gate, sequences } = makeGate();
    gate.put([persist(1), send(1)]);
    gate.close();
    await log.durable();
    await new Promise((resolve) => setImmediate(resolve));
    expect(sequences()).toEqual([]);
  });
});
