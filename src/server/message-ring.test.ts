import { describe, expect, it } from 'vitest';
import { asReplicaId } from '../base/ids.ts';
import { MessageRing } from './message-ring.ts';
import type { RecordedFrame } from './message-ring.ts';

const recorded = (atMs: number, bytes = 1): RecordedFrame => ({
  atMs,
  direction: 'sent',
  peer: { kind: 'replica', replica: asReplicaId(1) },
  frame: new Uint8Array(bytes),
});

describe('MessageRing', () => {
  it('keeps the newest frames, oldest first', () => {
    const ring = new MessageRing({ frames: 3, bytes: 1000 });
    for (let atMs = 0; atMs < 20; atMs += 1) ring.add(recorded(atMs));
    expect(ring.all().map(({ atMs }) => atMs)).toEqual([17, 18, 19]);
    expect(ring.size).toBe(3);
  });

  it('holds no more bytes than it may, except for one frame that is larger', () => {
    const ring = new MessageRing({ frames: 100, bytes: 10 });
    for (let atMs = 0; atMs < 20; atMs += 1) ring.add(recorded(atMs, 4));
    expect(ring.all().map(({ atMs }) => atMs)).toEqual([18, 19]);
    expect(ring.bytes).toBe(8);
    ring.add(recorded(99, 50));
    expect(ring.all().map(({ atMs }) => atMs)).toEqual([99]);
  });
});
