import { describe, expect, test } from 'vitest';
import { CoreKit, SESSION, clientId, replica } from '../../test/support/core-kit.ts';
import { Rig } from '../../test/support/rig.ts';
import { refusalsOf } from '../../test/support/transcript.ts';
import { batchBytes, heldBytesLimit } from './memory.ts';
import { DEFAULT_TUNING } from './config.ts';
import type { AuthenticatedRequest } from '../messages/index.ts';

const kit = new CoreKit();

/** A request in a bundle with many digests of others, as a liar would make them. */
function bloated(at: number): AuthenticatedRequest {
  const request = kit.authenticated('x', { session: SESSION + at });
  if (request.proof.kind !== 'authenticator') throw new Error('a bundle was asked for');
  const digests = [
    request.digest,
    ...Array.from({ length: 255 }, (_, other) =>
      kit.digestOf(kit.request('x', { client: clientId(3), session: SESSION + other })),
    ),
  ];
  return { ...request, proof: { kind: 'authenticator', bundle: { ...request.proof.bundle, digests }, position: 0 } };
}

describe('the measure of a body', () => {
  test('operations, an overhead for each request, and each bundle once', () => {
    const signed = kit.batch([kit.signed('abc')]);
    expect(batchBytes(undefined)).toBe(0);
    expect(batchBytes(signed)).toBe(512 + 3 + 512);
    const one = bloated(1);
    const shared: AuthenticatedRequest = { ...bloated(2), proof: one.proof };
    const alone = batchBytes(kit.batch([one]));
    expect(alone).toBeGreaterThan(256 * 64);
    expect(batchBytes(kit.batch([one, shared])) - alone).toBe(512 + 1);
    expect(batchBytes(kit.batch([one, bloated(2)]))).toBeGreaterThan(2 * 256 * 64);
  });

  test('a window of the largest batches that a correct primary makes fits, whatever the window', () => {
    for (const checkpointInterval of [1, 128, 2048]) {
      const cluster = { ...kit.cluster, checkpointInterval };
      const window = 2 * checkpointInterval;
      const limit = heldBytesLimit({ self: replica(1), cluster, tuning: DEFAULT_TUNING });
      expect(limit).toBeGreaterThanOrEqual(
        window * (DEFAULT_TUNING.batchBytes + 65_536 + DEFAULT_TUNING.batchRequests * 512),
      );
    }
  });
});

describe('G23: what a primary makes a backup hold', () => {
  const small = { cluster: { checkpointInterval: 4 }, tuning: { batchBytes: 1000, batchRequests: 4 } };

  /** Offers batches of about 250 kB for the numbers given until one is refused for want of room. */
  function offered(
    rig: Rig,
    from: number,
    to: number,
  ): { readonly taken: number; readonly refusals: readonly string[] } {
    const operations = (at: number): readonly AuthenticatedRequest[] =>
      [0, 1, 2, 3].map((part) => rig.kit.signed('x'.repeat(62_000), { session: SESSION + at * 8 + part }));
    let taken = 0;
    const refusals: string[] = [];
    for (let at = from; at <= to; at += 1) {
      const refused = refusalsOf(rig.receive(rig.kit.prePrepare(at, rig.kit.batch(operations(at)))));
      if (refused.length === 0) taken += 1;
      refusals.push(...refused);
    }
    return { taken, refusals };
  }

  test('is bounded within the window, and to half of it above', () => {
    const rig = new Rig(small);
    const above = offered(rig, 9, 16);
    expect(above.refusals).toContain('pre-prepare budget-exhausted');
    const within = offered(rig, 1, 8);
    expect(within.taken).toBeGreaterThan(above.taken);
    expect(within.refusals).toContain('pre-prepare budget-exhausted');
  });

  test('is given back when the slots are collected', () => {
    const rig = new Rig({
      cluster: { checkpointInterval: 1 },
      tuning: { batchBytes: 1000, batchRequests: 1, pipeline: 1 },
    });
    for (let sequence = 1; sequence <= 40; sequence += 1) {
      const outputs = rig.decide(
        sequence,
        rig.kit.batch([rig.kit.signed('x'.repeat(62_000), { session: SESSION + sequence })]),
      );
      expect(refusalsOf(outputs).filter((line) => line.endsWith('budget-exhausted'))).toEqual([]);
      for (const from of [0, 2]) {
        const { message, signature } = rig.kit.checkpoint(from, sequence, rig.status.stateRoot);
        rig.receive(message, { signature });
      }
      expect(rig.status.lowWaterMark).toBe(sequence);
    }
  });
});
