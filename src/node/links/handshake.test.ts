import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../base/bytes.ts';
import { asClientId, asDigest, asReplicaId } from '../../base/ids.ts';
import { MAC_PRIMITIVES } from '../../protocol/config.ts';
import { Identity } from '../identity.ts';
import {
  decodeGreeting,
  decodeHello,
  encodeAccept,
  encodeGreeting,
  encodeHello,
  judgeMac,
  verifyAccept,
  verifyHello,
} from './handshake.ts';

const acceptor = Identity.generate();
const dialler = Identity.generate();
const clusterId = asDigest('c1'.repeat(32));
const MAC = 'blake2b-256';
const greeting = encodeGreeting({ clusterId, replica: asReplicaId(2), mac: MAC, nonce: new Uint8Array(32).fill(1) });
const hello = {
  clusterId,
  target: asReplicaId(2),
  party: { kind: 'client', client: asClientId(dialler.public.signing) },
  mac: MAC,
  identity: dialler.public,
  nonce: new Uint8Array(32).fill(2),
} as const;
const sign = (bytes: Uint8Array): Uint8Array => dialler.sign(bytes);
const NEWER_MINOR = 1;

describe('the handshake', () => {
  it('reads what it writes', () => {
    const decoded = decodeHello(encodeHello(hello, greeting, sign));
    expect(decoded.ok && decoded.value).toMatchObject(hello);
    const replica = { ...hello, party: { kind: 'replica', replica: asReplicaId(3) } } as const;
    const asReplica = decodeHello(encodeHello(replica, greeting, sign));
    expect(asReplica.ok && asReplica.value.party).toEqual(replica.party);
  });

  it.each(MAC_PRIMITIVES)('says how MACs are made, in both directions and under the signature: %s', (mac) => {
    const ownGreeting = encodeGreeting({ clusterId, replica: asReplicaId(2), mac, nonce: new Uint8Array(32) });
    expect(decodeGreeting(ownGreeting)).toMatchObject({ ok: true, value: { mac, replica: 2 } });
    const bytes = encodeHello({ ...hello, mac }, ownGreeting, sign);
    expect(decodeHello(bytes)).toMatchObject({ ok: true, value: { mac } });
    const other = encodeHello({ ...hello, mac: mac === MAC ? 'hmac-sha256' : MAC }, ownGreeting, sign);
    const forged = concatBytes(other.slice(0, -64), bytes.slice(-64));
    expect(decodeHello(forged).ok).toBe(true);
    expect(verifyHello(forged, ownGreeting, dialler.public.signing)).toBe(false);
  });

  it('refuses a primitive that it does not know, and tells which it knows', () => {
    const told = { ok: false, error: { code: 'malformed', reason: expect.stringContaining('blake2b-256') as string } };
    for (const number of [0, 3, 255]) {
      const unknown = greeting.slice();
      unknown[39] = number;
      expect(decodeGreeting(unknown)).toMatchObject(told);
      const bytes = encodeHello(hello, greeting, sign);
      bytes[41] = number;
      expect(decodeHello(bytes)).toMatchObject(told);
    }
  });

  it('takes who makes MACs alike, and tells everybody else both names and what to do', () => {
    expect(judgeMac('blake2b-256', 'blake2b-256')).toBeUndefined();
    expect(judgeMac('hmac-sha256', 'blake2b-256')).toEqual({
      code: 'mac-mismatch',
      reason:
        'MACs are hmac-sha256 here, blake2b-256 there: give "mac" the same value in the configuration of all nodes and in cluster.json',
    });
  });

  it('accepts fields that a newer minor version appends, and covers them by the signature', () => {
    const extra = Uint8Array.of(1, 2, 3);
    const newerGreeting = concatBytes(greeting, extra);
    newerGreeting[5] = NEWER_MINOR;
    expect(decodeGreeting(newerGreeting).ok).toBe(true);

    let signed = new Uint8Array(0);
    const plain = encodeHello(hello, newerGreeting, (bytes) => {
      signed = Uint8Array.from(bytes);
      return sign(bytes);
    });
    const body = plain.slice(0, -64);
    body[5] = NEWER_MINOR;
    const transcript = concatBytes(signed.subarray(0, signed.length - body.length), body, extra);
    const newerHello = concatBytes(body, extra, sign(transcript));
    expect(decodeHello(newerHello).ok).toBe(true);
    expect(verifyHello(newerHello, newerGreeting, dialler.public.signing)).toBe(true);
    newerHello[body.length] = 9;
    expect(verifyHello(newerHello, newerGreeting, dialler.public.signing)).toBe(false);
  });

  it('refuses appended bytes from its own version, and missing ones from any', () => {
    const codeOf = (bytes: Uint8Array): string | undefined => {
      const decoded = decodeHello(bytes);
      return decoded.ok ? undefined : decoded.error.code;
    };
    const bytes = encodeHello(hello, greeting, sign);
    expect(codeOf(concatBytes(bytes, Uint8Array.of(0)))).toBe('malformed');
    for (const minor of [0, NEWER_MINOR]) {
      for (let length = 0; length < bytes.length; length += 1) {
        const cut = bytes.slice(0, length);
        if (length > 5) cut[5] = minor;
        expect(codeOf(cut)).toBe('malformed');
      }
    }
  });

  it('binds an accept to this greeting, this hello and the acceptor (G01)', () => {
    const bytes = encodeHello(hello, greeting, sign);
    const accept = encodeAccept(greeting, bytes, (transcript) => acceptor.sign(transcript));
    const other = encodeGreeting({ clusterId, replica: asReplicaId(2), mac: MAC, nonce: new Uint8Array(32).fill(3) });
    const { signing } = acceptor.public;
    expect(verifyAccept(accept, greeting, bytes, signing)).toBe(true);
    expect(verifyAccept(accept, other, bytes, signing)).toBe(false);
    expect(verifyAccept(accept, greeting, encodeHello(hello, other, sign), signing)).toBe(false);
    expect(verifyAccept(accept, greeting, bytes, dialler.public.signing)).toBe(false);
  });

  it('does not take a hello for an accept, nor the other way round (G02)', () => {
    const bytes = encodeHello(hello, greeting, sign);
    expect(verifyAccept(bytes.slice(-64), greeting, bytes.slice(0, -64), dialler.public.signing)).toBe(false);
    const accept = encodeAccept(greeting, bytes.slice(0, -64), sign);
    expect(verifyHello(concatBytes(bytes.slice(0, -64), accept), greeting, dialler.public.signing)).toBe(false);
  });
});
