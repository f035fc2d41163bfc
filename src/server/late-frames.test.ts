import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { asReplicaId } from '../base/ids.ts';
import type { Message } from '../messages/index.ts';
import type { Party } from '../protocol/ports.ts';
import { LateFrames } from './late-frames.ts';

const party = (replica: number): Party => ({ kind: 'replica', replica: asReplicaId(replica) });
const MESSAGE: Message = { type: 'decided', replica: asReplicaId(0), decisions: [] };
const frame = (byte: number): Uint8Array => Uint8Array.of(byte);

describe('late frames', () => {
  let sent: string[];
  let late: LateFrames;
  beforeEach(() => {
    vi.useFakeTimers();
    sent = [];
    late = new LateFrames({
      clock: () => Math.round(performance.now() * 1000),
      send: (to, bytes) => void sent.push(`${to.kind === 'replica' ? to.replica : to.client}:${bytes[0]}`),
      frames: 4,
      bytes: 1000,
    });
  });
  afterEach(() => {
    late.stop();
    vi.useRealTimers();
  });

  it('lets the frames of a correct node straight through', () => {
    late.send(party(1), frame(1), MESSAGE, 0);
    expect(sent).toEqual(['1:1']);
  });

  it('sends each frame once, when its time has come, in order', () => {
    late.send(party(1), frame(1), MESSAGE, 400_000);
    vi.advanceTimersByTime(100);
    late.send(party(2), frame(2), MESSAGE, 400_000);
    late.send(party(1), frame(3), MESSAGE, 400_000);
    vi.advanceTimersByTime(299);
    expect(sent).toEqual([]);
    vi.advanceTimersByTime(2);
    expect(sent).toEqual(['1:1']);
    vi.advanceTimersByTime(100);
    expect(sent).toEqual(['1:1', '2:2', '1:3']);
    vi.advanceTimersByTime(1000);
    expect(sent).toHaveLength(3);
  });

  it('sends what is held before the first frame that is not late: no frame overtakes another', () => {
    late.send(party(1), frame(1), MESSAGE, 400_000);
    late.send(party(1), frame(2), MESSAGE, 0);
    expect(sent).toEqual(['1:1', '1:2']);
    vi.advanceTimersByTime(1000);
    expect(sent).toHaveLength(2);
    late.send(party(1), frame(3), MESSAGE, 100_000);
    vi.advanceTimersByTime(101);
    expect(sent).toEqual(['1:1', '1:2', '1:3']);
  });

  it('drops what is beyond its bound', () => {
    for (let byte = 1; byte <= 9; byte += 1) late.send(party(1), frame(byte), MESSAGE, 1000);
    vi.advanceTimersByTime(1000);
    expect(sent).toEqual(['1:1', '1:2', '1:3', '1:4']);
  });

  it('stopped: what is held never leaves', () => {
    late.send(party(1), frame(1), MESSAGE, 1000);
    late.stop();
    vi.advanceTimersByTime(1000);
    expect(sent).toEqual([]);
  });
});
