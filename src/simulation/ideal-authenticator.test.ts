import { describe, expect, test } from 'vitest';
import { asClientId, asReplicaId } from '../base/ids.ts';
import type { Party } from '../protocol/ports.ts';
import { IdealAuthority } from './ideal-authenticator.ts';

const replica = (index: number): Party => ({ kind: 'replica', replica: asReplicaId(index) });
const client: Party = { kind: 'client', client: asClientId('ab'.repeat(32)) };
const bytes = Uint8Array.of(1, 2, 3);

function authority(): IdealAuthority {
  const made = new IdealAuthority();
  made.admitClient('ab'.repeat(32));
  return made;
}

describe('IdealAuthority', () => {
  test('SHA-256 is the real one', () => {
    expect(authority().authenticator(client).sha256(new Uint8Array(0))).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
  });

  test("a signature is its author's, over these bytes, the same each time, and its table's", () => {
    const own = authority();
    const [first, second] = [own.authenticator(replica(0)), own.authenticator(replica(1))];
    const signature = first.sign(bytes);
    expect(signature).toEqual(first.sign(bytes));
    expect(signature).toHaveLength(64);
    expect(second.verifySignature(replica(0), bytes, signature)).toBe(true);
    expect(second.verifySignature(replica(1), bytes, signature)).toBe(false);
    expect(second.verifySignature(client, bytes, signature)).toBe(false);
    expect(second.verifySignature(replica(0), Uint8Array.of(1, 2, 4), signature)).toBe(false);
    expect(second.verifySignature(replica(0), bytes, signature.slice(1))).toBe(false);
    expect(authority().authenticator(replica(1)).verifySignature(replica(0), bytes, signature)).toBe(false);
  });

  test('a MAC is for one receiver', () => {
    const own = authority();
    const mac = own.authenticator(replica(0)).mac(client, bytes);
    expect(mac).toHaveLength(32);
    if (mac === undefined) return;
    expect(own.authenticator(client).verifyMac(replica(0), bytes, mac)).toBe(true);
    expect(own.authenticator(client).verifyMac(replica(1), bytes, mac)).toBe(false);
    expect(own.authenticator(replica(1)).verifyMac(replica(0), bytes, mac)).toBe(false);
    expect(
      own.authenticator(client).verifyMac(
        replica(0),
        bytes,
        mac.map((byte) => byte ^ 1),
      ),
    ).toBe(false);
  });

  test('nobody shares a key with an unknown client', () => {
    const stranger: Party = { kind: 'client', client: asClientId('cd'.repeat(32)) };
    expect(authority().authenticator(replica(0)).mac(stranger, bytes)).toBeUndefined();
    expect(authority().authenticator(replica(0)).verifyMac(stranger, bytes, new Uint8Array(32))).toBe(false);
  });
});
