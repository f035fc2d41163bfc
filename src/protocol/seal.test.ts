import { describe, expect, test } from 'vitest';
import { CoreKit, STRANGER, clientId, replica } from '../../test/support/core-kit.ts';
import { must } from '../../test/support/must.ts';
import { asClientId, asDigest } from '../base/ids.ts';
import { decodeFrame } from '../messages/index.ts';
import type { Message } from '../messages/index.ts';
import type { Party } from './ports.ts';
import { Sealer } from './seal.ts';

const A = asDigest('aa'.repeat(32));
const to = (...indices: readonly number[]): readonly Party[] =>
  indices.map((index) => ({ kind: 'replica', replica: replica(index) }));

function sealerOf(authentication: 'mac' | 'signature'): {
  readonly kit: CoreKit;
  readonly sealer: Sealer;
  readonly proofs: (message: Message, receivers: readonly Party[], signature?: Uint8Array) => readonly string[];
} {
  const kit = new CoreKit({ cluster: { authentication } });
  const sealer = new Sealer(kit.cluster, kit.of(2));
  return {
    kit,
    sealer,
    proofs: (message, receivers, signature) =>
      sealer
        .seal(message, receivers, signature)
        .map((frame) => (frame === undefined ? 'no key' : must(decodeFrame(frame, kit.codec)).proof.kind)),
  };
}

describe('one frame per receiver, in order', () => {
  test('mac mode: a MAC each, all different', () => {
    const { kit, sealer, proofs } = sealerOf('mac');
    expect(proofs(kit.prepare(2, 1, A), to(0, 1, 3))).toEqual(['mac', 'mac', 'mac']);
    const frames = sealer.seal(kit.prepare(2, 1, A), to(0, 1, 3), undefined).map((frame) => frame?.join());
    expect(new Set(frames).size).toBe(3);
  });

  test('signature mode: one signature for all', () => {
    const { kit, sealer, proofs } = sealerOf('signature');
    expect(proofs(kit.prepare(2, 1, A), to(0, 1))).toEqual(['signature', 'signature']);
    const frames = sealer.seal(kit.prepare(2, 1, A), to(0, 1), undefined).map((frame) => frame?.join());
    expect(new Set(frames).size).toBe(1);
  });

  test('a given signature goes with it in both modes: a CHECKPOINT, or somebody’s message passed on', () => {
    for (const mode of ['mac', 'signature'] as const) {
      const { kit, sealer } = sealerOf(mode);
      const { message, signature } = kit.checkpoint(3, 4, A);
      const [frame] = sealer.seal(message, to(0), signature);
      expect(must(decodeFrame(frame ?? new Uint8Array(0), kit.codec)).proof).toEqual({ kind: 'signature', signature });
    }
  });

  test('a CHECKPOINT without its signature is a mistake of ours', () => {
    const { kit, sealer } = sealerOf('mac');
    expect(() => sealer.seal(kit.checkpoint(2, 4, A).message, to(0), undefined)).toThrow(
      'what is always signed brings its signature',
    );
  });

  test('requests go without: each proves itself', () => {
    const { kit, proofs } = sealerOf('mac');
    expect(proofs({ type: 'requests', requests: [kit.signed('x')] }, to(0))).toEqual(['none']);
  });

  test('no frame for whom no key is shared with; the others get theirs', () => {
    const { kit, proofs } = sealerOf('mac');
    const parties: readonly Party[] = [
      { kind: 'client', client: STRANGER },
      { kind: 'client', client: asClientId('ff'.repeat(32)) },
      { kind: 'client', client: clientId(1) },
    ];
    expect(proofs({ type: 'replies', replica: replica(2), client: STRANGER, replies: [] }, parties)).toEqual([
      'mac',
      'no key',
      'mac',
    ]);
    expect(kit.cluster.authentication).toBe('mac');
  });
});
