import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FRAME, FRAME_HEADER_BYTES, FrameReader, joinFrames } from './framing.ts';
import type { OutgoingFrame } from './framing.ts';
import { CONTROL_FRAME_BYTES } from './settings.ts';

const LIMIT = 100_000;

const frames = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant(FRAME.message), payload: fc.uint8Array({ maxLength: 9000, size: 'max' }) }),
    fc.record({
      kind: fc.constantFrom(FRAME.ping, FRAME.pong, FRAME.refuse),
      payload: fc.uint8Array({ maxLength: 20 }),
    }),
  ),
  { maxLength: 8 },
);

/** All frames that come out when the bytes go in by chunks of these lengths, over and over. */
function readInChunks(bytes: Uint8Array, lengths: readonly number[], reader = new FrameReader(LIMIT)): OutgoingFrame[] {
  const read: OutgoingFrame[] = [];
  for (let at = 0, i = 0; at < bytes.length; i += 1) {
    const length = lengths[i % lengths.length] ?? 1;
    reader.push(bytes.subarray(at, at + length), (kind, payload) => read.push({ kind, payload }) > 0);
    at += length;
  }
  return read;
}

describe('frames', () => {
  it('come out as they went in, however the stream is cut', () => {
    fc.assert(
      fc.property(
        frames,
        fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 5 }),
        (sent, lengths) => {
          expect(readInChunks(joinFrames(sent), lengths)).toEqual(sent);
        },
      ),
    );
  });

  it('own their bytes: what the socket does with its buffer afterwards is no matter', () => {
    const bytes = joinFrames([{ kind: FRAME.message, payload: Uint8Array.of(1, 2, 3) }]);
    const [frame] = readInChunks(bytes, [bytes.length]);
    bytes.fill(9);
    expect(frame?.payload).toEqual(Uint8Array.of(1, 2, 3));
  });

  it('are never read past a refusal, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300, size: 'max' }), (bytes) => {
        const reader = new FrameReader(LIMIT);
        const refusal = reader.push(bytes, () => true);
        expect(['malformed', 'oversized', undefined]).toContain(refusal?.code);
        expect(reader.heldBytes).toBeLessThanOrEqual(Math.max(4096, 2 * bytes.length));
      }),
    );
  });

  it('cost memory only as their bytes arrive, whatever length they claim', () => {
    const reader = new FrameReader(1 << 30);
    const header = Buffer.alloc(FRAME_HEADER_BYTES);
    header.writeUInt32BE(1 << 30);
    header[4] = FRAME.message;
    reader.push(header, () => true);
    expect(reader.heldBytes).toBe(0);
    expect(reader.isInsideFrame).toBe(true);
    for (let total = 1; total < 100_000; total += 1) reader.push(Uint8Array.of(1), () => true);
    expect(reader.heldBytes).toBeLessThan(2 * 100_000);
  });

  it('are taken up to their limit and refused one byte above', () => {
    for (const [kind, limit] of [
      [FRAME.message, LIMIT],
      [FRAME.hello, CONTROL_FRAME_BYTES],
    ] as const) {
      expect(readInChunks(joinFrames([{ kind, payload: new Uint8Array(limit) }]), [777])).toHaveLength(1);
      const over = joinFrames([{ kind, payload: new Uint8Array(limit + 1) }]).subarray(0, FRAME_HEADER_BYTES);
      expect(new FrameReader(LIMIT).push(over, () => true)?.code).toBe('oversized');
    }
  });

  it('with messages are refused until messages are allowed', () => {
    const message = joinFrames([{ kind: FRAME.message, payload: new Uint8Array(0) }]);
    const reader = new FrameReader(0);
    expect(new FrameReader(0).push(message, () => true)?.code).toBe('unexpected-frame');
    reader.allowMessages(10);
    expect(readInChunks(message, [5], reader)).toHaveLength(1);
  });

  it('stop when their taker says so', () => {
    const two = joinFrames([
      { kind: FRAME.ping, payload: new Uint8Array(0) },
      { kind: FRAME.ping, payload: new Uint8Array(0) },
    ]);
    let taken = 0;
    new FrameReader(LIMIT).push(two, () => {
      taken += 1;
      return false;
    });
    expect(taken).toBe(1);
  });
});
