/** What every authority of a simulated world must do, ideal or real: one suite. */
import { expect, test } from 'vitest';
import { asClientId, asDigest, asReplicaId } from '../../src/base/ids.ts';
import { DEFAULT_CLUSTER } from '../../src/protocol/config.ts';
import type { Party } from '../../src/protocol/ports.ts';
import type { MakeAuthority } from '../../src/simulation/authority.ts';

const LISTED = asClientId('ab'.repeat(32));
const UNLISTED = asClientId('0ff'.padEnd(64, '0'));

const replica = (index: number): Party => ({ kind: 'replica', replica: asReplicaId(index) });
const client: Party = { kind: 'client', client: LISTED };
const late: Party = { kind: 'client', client: UNLISTED };
const stranger: Party = { kind: 'client', client: asClientId('cd'.repeat(32)) };
const bytes = Uint8Array.of(1, 2, 3);
const others = Uint8Array.of(1, 2, 4);

const CLUSTER = { ...DEFAULT_CLUSTER, clusterId: asDigest('5e'.repeat(32)), replicaCount: 4, clients: [LISTED] };

function must<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('it is missing');
  return value;
}

/** Declares the tests of the suite: call it within a `describe`. */
export function testAuthority(make: MakeAuthority): void {
  const world = (seed = 1): ReturnType<MakeAuthority> => {
    const made = make(CLUSTER, seed);
    made.admitClient(LISTED);
    return made;
  };

  test('SHA-256 is the real one', () => {
    expect(world().authenticator(client).sha256(new Uint8Array(0))).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
  });

  test("a signature is its author's, over these bytes, the same each time, and of this world", () => {
    const own = world();
    const [first, second] = [own.authenticator(replica(0)), own.authenticator(replica(1))];
    const signature = first.sign(bytes);
    expect(signature).toEqual(first.sign(bytes));
    expect(signature).toEqual(own.authenticator(replica(0)).sign(bytes));
    expect(signature).toHaveLength(64);
    expect(second.verifySignature(replica(0), bytes, signature)).toBe(true);
    expect(second.verifySignature(replica(1), bytes, signature)).toBe(false);
    expect(second.verifySignature(client, bytes, signature)).toBe(false);
    expect(second.verifySignature(replica(0), others, signature)).toBe(false);
    expect(second.verifySignature(replica(0), bytes, signature.slice(1))).toBe(false);
    expect(world(2).authenticator(replica(1)).verifySignature(replica(0), bytes, signature)).toBe(false);
  });

  test('the same seed gives the same bytes', () => {
    const [first, second] = [world().authenticator(replica(0)), world().authenticator(replica(0))];
    expect(first.sign(bytes)).toEqual(second.sign(bytes));
    expect(must(first.mac(client, bytes))).toEqual(must(second.mac(client, bytes)));
  });

  test('a client has a signature under the id that the world knows it by', () => {
    const own = world();
    const signature = own.authenticator(client).sign(bytes);
    expect(own.authenticator(replica(2)).verifySignature(client, bytes, signature)).toBe(true);
    expect(own.authenticator(replica(2)).verifySignature(replica(0), bytes, signature)).toBe(false);
    expect(own.authenticator(replica(2)).verifySignature(stranger, bytes, signature)).toBe(false);
  });

  test('a MAC is for one receiver, and of one sender', () => {
    const own = world();
    const mac = must(own.authenticator(replica(0)).mac(client, bytes));
    expect(mac).toHaveLength(32);
    expect(own.authenticator(client).verifyMac(replica(0), bytes, mac)).toBe(true);
    expect(own.authenticator(client).verifyMac(replica(1), bytes, mac)).toBe(false);
    expect(own.authenticator(client).verifyMac(replica(0), others, mac)).toBe(false);
    expect(own.authenticator(replica(1)).verifyMac(replica(0), bytes, mac)).toBe(false);
    const spoilt = mac.map((byte) => byte ^ 1);
    expect(own.authenticator(client).verifyMac(replica(0), bytes, spoilt)).toBe(false);
    const back = must(own.authenticator(client).mac(replica(0), bytes));
    expect(own.authenticator(replica(0)).verifyMac(client, bytes, back)).toBe(true);
    // What one said to the other proves nothing the other way round.
    expect(own.authenticator(replica(0)).verifyMac(client, bytes, mac)).toBe(false);
  });

  test('a client that comes late is known to those who were there', () => {
    const own = world();
    const early = own.authenticator(replica(0));
    expect(early.mac(late, bytes)).toBeUndefined();
    own.admitClient(UNLISTED);
    own.admitClient(UNLISTED);
    const comer = own.authenticator(late);
    expect(comer.verifyMac(replica(0), bytes, must(early.mac(late, bytes)))).toBe(true);
    expect(early.verifyMac(late, bytes, must(comer.mac(replica(0), bytes)))).toBe(true);
    expect(early.verifySignature(late, bytes, comer.sign(bytes))).toBe(true);
  });

  test('nobody shares a key with an unknown client', () => {
    const own = world().authenticator(replica(0));
    expect(own.mac(stranger, bytes)).toBeUndefined();
    expect(own.verifyMac(stranger, bytes, new Uint8Array(32))).toBe(false);
    expect(own.verifySignature(stranger, bytes, new Uint8Array(64))).toBe(false);
  });
}
