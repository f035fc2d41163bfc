/** [G22, G23] Whatever the bytes: a message that encodes to the same bytes, or a refusal with a reason. Never an exception. */
import fc from 'fast-check';
import type { Arbitrary } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MESSAGE_OF_TYPE, batch as anyBatch, context, message, proof } from '../../test/support/arbitrary-messages.ts';
import { mutated } from '../../test/support/mutated-bytes.ts';
import { must } from '../../test/support/must.ts';
import { equalBytes, toHex } from '../base/bytes.ts';
import { NULL_DIGEST, asClientId, asReplicaId, asSequence, asView } from '../base/ids.ts';
import { batch } from './batch.ts';
import { decodeFrame, decodeValue, encodeFrame, encodeMessage, encodeValue } from './frame.ts';
import { LIMITS } from './limits.ts';
import { MESSAGES, MESSAGE_TYPES } from './registry.ts';
import { REFUSAL_CODES } from './refusal.ts';
import type { DecodeRefusal, RefusalCode } from './refusal.ts';

const CODES_OF_JSON_ALONE: readonly RefusalCode[] = ['wrong-type', 'missing-field', 'unknown-field'];
const OUTCOMES_OF_BYTES = [undefined, ...REFUSAL_CODES.filter((code) => !CODES_OF_JSON_ALONE.includes(code))];

const frames: Arbitrary<Uint8Array> = fc
  .tuple(message, proof)
  .map(([value, evidence]) => encodeFrame(encodeMessage(value), evidence));

/** The refusal, or undefined. Throws (plainly: the matchers are slower than the codec) if there is neither a reason nor the same bytes. */
function checkFrame(frame: Uint8Array): DecodeRefusal | undefined {
  const decoded = decodeFrame(frame, context);
  const again = decoded.ok ? encodeFrame(encodeMessage(decoded.value.message), decoded.value.proof) : frame;
  const refusal = decoded.ok ? undefined : decoded.error;
  if (!equalBytes(again, frame)) throw new Error(`${toHex(frame)} encodes to ${toHex(again)}`);
  if (!OUTCOMES_OF_BYTES.includes(refusal?.code)) throw new Error(`${toHex(frame)}: ${refusal?.code}`);
  return refusal;
}

describe('frames', () => {
  test('random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void checkFrame(bytes)),
      { numRuns: 2000 },
    );
  });

  test('random bytes behind each tag', () => {
    const tags = MESSAGES.map((schema) => schema.tag);
    fc.assert(
      fc.property(
        fc.constantFrom(...tags),
        fc.uint8Array({ maxLength: 400, size: 'max' }),
        (tag, bytes) => void checkFrame(Uint8Array.from([tag, ...bytes])),
      ),
      { numRuns: 2000 },
    );
  });

  test('zeros, ones and counting bytes of every length behind each tag', () => {
    for (const { tag } of MESSAGES) {
      for (let length = 0; length < 200; length += 1) {
        checkFrame(Uint8Array.from({ length }, (_, i) => (i === 0 ? tag : 0)));
        checkFrame(Uint8Array.from({ length }, (_, i) => (i === 0 ? tag : 255)));
        checkFrame(Uint8Array.from({ length }, (_, i) => (i === 0 ? tag : i)));
      }
    }
  });

  test('every beginning of a valid frame is refused', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        for (let length = 0; length < frame.length; length += 1) {
          if (checkFrame(frame.subarray(0, length)) === undefined)
            throw new Error(`${length} bytes of ${toHex(frame)}`);
        }
      }),
      { numRuns: 20 },
    );
  });

  test('a valid frame with more bytes behind it is refused', () => {
    fc.assert(
      fc.property(frames, fc.uint8Array({ minLength: 1, maxLength: 80 }), (frame, more) => {
        expect(checkFrame(Uint8Array.from([...frame, ...more]))?.code).toBe('trailing-bytes');
      }),
    );
  });

  test.each(MESSAGE_TYPES)(
    'bits of a valid %s, flipped: all of a short one, some of every stretch of a long one',
    (type) => {
      fc.assert(
        fc.property(MESSAGE_OF_TYPE[type], proof, fc.nat(), (value, evidence, offset) => {
          const frame = encodeFrame(encodeMessage(value), evidence);
          const altered = frame.slice();
          const step = 1 + Math.floor((8 * frame.length) / 6000);
          for (let bit = offset % step; bit < 8 * frame.length; bit += step) {
            const at = bit >> 3;
            altered[at] = (frame[at] ?? 0) ^ (1 << (bit & 7));
            checkFrame(altered);
            altered[at] = frame[at] ?? 0;
          }
        }),
        { numRuns: 3 },
      );
    },
  );

  test('valid frames, altered once or often', () => {
    fc.assert(
      fc.property(mutated(frames), (bytes) => void checkFrame(bytes)),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(mutated(mutated(mutated(frames))), (bytes) => void checkFrame(bytes)),
      { numRuns: 1000 },
    );
  });

  test('the head of one frame with the tail of another', () => {
    fc.assert(
      fc.property(frames, frames, fc.nat(), fc.nat(), (left, right, cut, from) => {
        checkFrame(Uint8Array.from([...left.subarray(0, cut % left.length), ...right.subarray(from % right.length)]));
      }),
      { numRuns: 1000 },
    );
  });

  test('a frame above the limit is refused before it is looked at', () => {
    const refusal = decodeFrame(new Uint8Array(LIMITS.frameBytes + 1), context);
    expect(refusal).toEqual({ ok: false, error: { code: 'oversized', at: '' } });
  });
});

describe('batches without a digest around them', () => {
  const encodings = anyBatch.map((value) => encodeValue(batch, value));

  function checkBatch(bytes: Uint8Array): boolean {
    const decoded = decodeValue(batch, bytes, context);
    const again = decoded.ok ? encodeValue(batch, decoded.value) : bytes;
    if (!equalBytes(again, bytes)) throw new Error(`${toHex(bytes)} encodes to ${toHex(again)}`);
    if (!OUTCOMES_OF_BYTES.includes(decoded.ok ? undefined : decoded.error.code)) throw new Error(toHex(bytes));
    return decoded.ok;
  }

  test('altered once or often: same bytes again, or refused', () => {
    const accepted = { count: 0 };
    fc.assert(
      fc.property(mutated(encodings), (bytes) => {
        accepted.count += checkBatch(bytes) ? 1 : 0;
      }),
      { numRuns: 1500 },
    );
    fc.assert(
      fc.property(mutated(mutated(encodings)), (bytes) => void checkBatch(bytes)),
      { numRuns: 2000 },
    );
    // Much of a request can be changed and still be a request: what is accepted must be seen too.
    expect(accepted.count).toBeGreaterThan(100);
  });
});

test('a refusal names the field', () => {
  const at = (bytes: readonly number[]): DecodeRefusal => {
    const decoded = decodeFrame(Uint8Array.from(bytes), context);
    return decoded.ok ? { code: 'unknown-type', at: 'nothing was refused' } : decoded.error;
  };
  expect(at([])).toEqual({ code: 'truncated', at: '' });
  expect(at([200])).toEqual({ code: 'unknown-type', at: 'type' });
  expect(at([2, 0, 0, 0])).toEqual({ code: 'truncated', at: 'view' });
  expect(at([2, 0, 32, 0, 0, 0, 0, 0, 0])).toEqual({ code: 'out-of-range', at: 'view' });
  expect(at([2, ...new Array<number>(49).fill(0)])).toEqual({ code: 'truncated', at: 'proof' });
  expect(at([2, ...new Array<number>(49).fill(0), 4])).toEqual({ code: 'out-of-range', at: 'proof' });
  expect(at([2, ...new Array<number>(49).fill(0), 3])).toEqual({ code: 'truncated', at: 'proof.leaves' });
  expect(at([2, ...new Array<number>(49).fill(0), 1, 15])).toEqual({ code: 'out-of-range', at: 'proof' });
  expect(at([2, ...new Array<number>(49).fill(0), 1, 33])).toEqual({ code: 'oversized', at: 'proof' });
  expect(at([8, ...new Array<number>(26).fill(0), 0x10, 0x01])).toEqual({ code: 'oversized', at: 'slots' });
  expect(at([8, ...new Array<number>(26).fill(0), 0x0f, 0xff])).toEqual({ code: 'truncated', at: 'slots' });
});

test.each([2, 3, 128, 255])('a value is there or not: a byte of %d says neither', (present) => {
  const reply = encodeMessage({
    type: 'reply',
    view: asView(0),
    sequence: asSequence(1),
    digest: NULL_DIGEST,
    replica: asReplicaId(0),
    client: asClientId(NULL_DIGEST),
    session: 1,
    timestamp: 1,
    requestDigest: NULL_DIGEST,
    outcome: 'executed',
    resultDigest: NULL_DIGEST,
    since: undefined,
    result: undefined,
    receipt: undefined,
  });
  const frame = encodeFrame(reply, { kind: 'none' });
  for (const [offset, field] of [
    [0, 'result'],
    [1, 'receipt'],
  ] as const) {
    const altered = frame.slice();
    altered[reply.contentEnd + offset] = present;
    expect(checkFrame(altered)).toEqual({ code: 'out-of-range', at: field });
  }
});

test('a refusal inside a list of requests names the request', () => {
  fc.assert(
    fc.property(
      anyBatch.filter((value) => value.requests.length > 1),
      (value) => {
        const bytes = encodeValue(batch, value);
        const first = value.requests[0]?.request;
        // Timestamp, flags, count, then the first request's client, session, timestamp and flags.
        bytes[8 + 1 + 2 + 32 + 8 + 8] = 0xff;
        const decoded = decodeValue(batch, bytes, context);
        expect(first).toBeDefined();
        expect(decoded).toEqual({ ok: false, error: { code: 'out-of-range', at: 'requests[0].flags' } });
      },
    ),
    { numRuns: 20 },
  );
});

test('the refused bytes of one frame leave no trace in the next', () => {
  fc.assert(
    fc.property(mutated(frames), message, proof, (bytes, value, evidence) => {
      decodeFrame(bytes, context);
      const frame = encodeFrame(encodeMessage(value), evidence);
      expect(must(decodeFrame(frame, context)).message).toStrictEqual(value);
    }),
  );
});
