import { createHmac, hkdfSync } from 'node:crypto';
import { blake2b } from '@noble/hashes/blake2.js';
import { beforeEach, describe, expect, it } from 'vitest';
import { fromHex } from '../base/bytes.ts';
import { asClientId, asDigest, asReplicaId } from '../base/ids.ts';
import { MAC_PRIMITIVES } from '../protocol/config.ts';
import type { MacPrimitive } from '../protocol/config.ts';
import type { Party } from '../protocol/ports.ts';
import { NodeAuthenticator } from './authenticator.ts';
import { Identity } from './identity.ts';

const CLUSTER = asDigest('11'.repeat(32));
const OTHER_CLUSTER = asDigest('22'.repeat(32));
const MESSAGE = Uint8Array.from(Buffer.from('prepare 0 1'));

const nodes = [0, 1, 2, 3].map(() => Identity.generate());
const clientIdentity = Identity.generate();
const strangerIdentity = Identity.generate();

const node = (index: number): Party => ({ kind: 'replica', replica: asReplicaId(index) });
const clientParty = (identity: Identity): Party => ({ kind: 'client', client: asClientId(identity.public.signing) });
const client = clientParty(clientIdentity);
const stranger = clientParty(strangerIdentity);

/** Of those that do not say; the cases about MACs go through all. */
let primitive: MacPrimitive = 'blake2b-256';

const configuration = {
  clusterId: CLUSTER,
  replicas: nodes.map((identity) => identity.public),
  clients: [clientIdentity.public],
};

const at = (index: number, clusterId = CLUSTER): NodeAuthenticator => {
  const identity = nodes[index];
  if (identity === undefined) throw new Error(`no node ${index}`);
  return new NodeAuthenticator({ ...configuration, mac: primitive, identity, self: node(index), clusterId });
};
const atClient = (identity: Identity): NodeAuthenticator =>
  new NodeAuthenticator({ ...configuration, mac: primitive, identity, self: clientParty(identity) });

const macOf = (sender: NodeAuthenticator, receiver: Party): Uint8Array => {
  const mac = sender.mac(receiver, MESSAGE);
  if (mac === undefined) throw new Error('no key is shared');
  return mac;
};

describe.each(MAC_PRIMITIVES)('MACs by %s', (mac) => {
  beforeEach(() => {
    primitive = mac;
  });

  it('lets exactly the receiver check what the sender made for it', () => {
    const mac = macOf(at(0), node(1));
    expect(mac).toHaveLength(32);
    expect(mac.constructor).toBe(Uint8Array);
    expect(at(1).verifyMac(node(0), MESSAGE, mac)).toBe(true);
    expect(atClient(clientIdentity).verifyMac(node(0), MESSAGE, macOf(at(0), client))).toBe(true);
    expect(at(0).verifyMac(client, MESSAGE, macOf(atClient(clientIdentity), node(0)))).toBe(true);
  });

  it('has another key for every receiver, direction, cluster and kind of party (G01)', () => {
    const macs = [
      ...[1, 2, 3].map((receiver) => macOf(at(0), node(receiver))),
      macOf(at(1), node(0)),
      macOf(at(0, OTHER_CLUSTER), node(1)),
      macOf(at(0), client),
      macOf(atClient(clientIdentity), node(0)),
    ];
    expect(new Set(macs.map((mac) => Buffer.from(mac).toString('hex'))).size).toBe(macs.length);
  });

  it('counts a MAC for the key that made it, whoever is named as its sender (G03)', () => {
    const mac = macOf(at(0), node(1));
    for (const claimed of [node(1), node(2), node(3), client, stranger]) {
      expect(at(1).verifyMac(claimed, MESSAGE, mac)).toBe(false);
    }
    expect(at(2).verifyMac(node(0), MESSAGE, mac)).toBe(false);
    expect(at(0).verifyMac(node(1), MESSAGE, mac)).toBe(false);
    expect(at(1, OTHER_CLUSTER).verifyMac(node(0), MESSAGE, mac)).toBe(false);
  });

  it('refuses any altered bit, length and message', () => {
    const mac = macOf(at(0), node(1));
    const receiver = at(1);
    for (let bit = 0; bit < 256; bit += 17) {
      const altered = Uint8Array.from(mac);
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(receiver.verifyMac(node(0), MESSAGE, altered)).toBe(false);
    }
    for (const length of [0, 31, 33]) expect(receiver.verifyMac(node(0), MESSAGE, new Uint8Array(length))).toBe(false);
    expect(receiver.verifyMac(node(0), MESSAGE.subarray(1), mac)).toBe(false);
  });

  it('shares no key with itself, with unknown replicas and with clients it has not met', () => {
    for (const party of [node(0), node(4), stranger]) {
      expect(at(0).mac(party, MESSAGE)).toBeUndefined();
      expect(at(0).verifyMac(party, MESSAGE, new Uint8Array(32))).toBe(false);
    }
  });
});

it('makes and takes MACs by the primitive of its cluster only, under keys that have nothing in common', () => {
  const by = (mac: MacPrimitive, index: number): NodeAuthenticator => {
    primitive = mac;
    return at(index);
  };
  const made = MAC_PRIMITIVES.map((mac) => macOf(by(mac, 0), node(1)));
  for (const [index, mac] of made.entries()) {
    for (const receiver of MAC_PRIMITIVES) {
      const isSame = receiver === MAC_PRIMITIVES[index];
      expect(by(receiver, 1).verifyMac(node(0), MESSAGE, mac)).toBe(isSame);
    }
  }
  expect(new Set(made.map((mac) => Buffer.from(mac).toString('hex'))).size).toBe(MAC_PRIMITIVES.length);
});

it('derives the key by HKDF from what both share, with the name of the primitive in it', () => {
  const [self, peer] = [nodes[0], nodes[1]];
  const shared = peer === undefined ? undefined : self?.agree(peer.public.agreement);
  if (self === undefined || peer === undefined || shared === undefined) throw new Error('two nodes share a secret');
  const keyOf = (mac: MacPrimitive): Uint8Array => {
    const info = Buffer.concat([
      Buffer.from(`pbft/mac-key/2\0${mac}\0`, 'latin1'),
      Buffer.from(CLUSTER, 'hex'),
      Buffer.from([0, 0, 0]),
      Buffer.from(self.public.agreement, 'hex'),
      Buffer.from([0, 1]),
      Buffer.from(peer.public.agreement, 'hex'),
    ]);
    return new Uint8Array(hkdfSync('sha256', shared, new Uint8Array(0), info, 32));
  };
  primitive = 'blake2b-256';
  expect(macOf(at(0), node(1))).toEqual(blake2b(MESSAGE, { key: keyOf('blake2b-256'), dkLen: 32 }));
  primitive = 'hmac-sha256';
  expect(Buffer.from(macOf(at(0), node(1))).toString('hex')).toBe(
    createHmac('sha256', keyOf('hmac-sha256')).update(MESSAGE).digest('hex'),
  );
});

describe('admitted clients', () => {
  it('shares a key with an open client once it is admitted', () => {
    const replica = at(0);
    expect(replica.admitClient(strangerIdentity.public)).toBe(true);
    const mac = macOf(atClient(strangerIdentity), node(0));
    expect(replica.verifyMac(stranger, MESSAGE, mac)).toBe(true);
  });

  it('takes the newer agreement key of an open client, and never another one of a listed client', () => {
    const replica = at(0);
    const renewed = { signing: strangerIdentity.public.signing, agreement: clientIdentity.public.agreement };
    replica.admitClient(strangerIdentity.public);
    const before = macOf(replica, stranger);
    expect(replica.admitClient(renewed)).toBe(true);
    expect(macOf(replica, stranger)).not.toEqual(before);

    const listedBefore = macOf(replica, client);
    expect(
      replica.admitClient({ signing: clientIdentity.public.signing, agreement: strangerIdentity.public.agreement }),
    ).toBe(false);
    expect(macOf(replica, client)).toEqual(listedBefore);
    expect(replica.admitClient(clientIdentity.public)).toBe(true);
  });

  it('refuses keys that are no keys', () => {
    const replica = at(0);
    const { signing, agreement } = strangerIdentity.public;
    const zero = '0'.repeat(64);
    for (const identity of [
      { signing: zero, agreement },
      { signing, agreement: zero },
      { signing: 'x', agreement },
      { signing, agreement: '' },
    ]) {
      expect(replica.admitClient(identity)).toBe(false);
    }
  });
});

describe('signatures', () => {
  const signature = at(0).sign(MESSAGE);

  it('verifies for the signer alone (G03)', () => {
    expect(at(1).verifySignature(node(0), MESSAGE, signature)).toBe(true);
    expect(at(0).verifySignature(node(0), MESSAGE, signature)).toBe(true);
    for (const claimed of [node(1), node(2), node(3), node(4), client, stranger]) {
      expect(at(1).verifySignature(claimed, MESSAGE, signature)).toBe(false);
    }
  });

  it('verifies any client by its id', () => {
    const signed = atClient(strangerIdentity).sign(MESSAGE);
    expect(at(2).verifySignature(stranger, MESSAGE, signed)).toBe(true);
    expect(at(2).verifySignature(client, MESSAGE, signed)).toBe(false);
  });

  it('refuses every altered byte of signature and message', () => {
    const verifier = at(1);
    for (let position = 0; position < 64; position += 1) {
      const altered = Uint8Array.from(signature);
      altered[position] = (altered[position] ?? 0) ^ 0x80;
      expect(verifier.verifySignature(node(0), MESSAGE, altered)).toBe(false);
    }
    expect(verifier.verifySignature(node(0), MESSAGE.subarray(1), signature)).toBe(false);
    for (const length of [0, 63, 65])
      expect(verifier.verifySignature(node(0), MESSAGE, new Uint8Array(length))).toBe(false);
  });

  it('remembers what was good, and takes nothing else for it: not another party, message or signature', () => {
    const signature = at(0).sign(MESSAGE);
    const verifier = at(1);
    const altered = signature.slice();
    altered[0] = (altered[0] ?? 0) ^ 1;
    for (let round = 0; round < 3; round += 1) {
      expect(verifier.verifySignature(node(0), MESSAGE, signature)).toBe(true);
      expect(verifier.verifySignature(node(2), MESSAGE, signature)).toBe(false);
      expect(verifier.verifySignature(client, MESSAGE, signature)).toBe(false);
      expect(verifier.verifySignature(node(0), MESSAGE.subarray(1), signature)).toBe(false);
      expect(verifier.verifySignature(node(0), MESSAGE, altered)).toBe(false);
    }
  });

  it('refuses the second encoding of a valid signature, S + L', () => {
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + order;
    const malleated = Uint8Array.from(signature);
    malleated.set(Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse(), 32);
    expect(at(1).verifySignature(node(0), MESSAGE, malleated)).toBe(false);
  });

  it('refuses a small-order key, for which S = 0 verifies anything elsewhere', () => {
    const identityPoint = `01${'00'.repeat(31)}`;
    const forged = fromHex(`${identityPoint}${'00'.repeat(32)}`) ?? new Uint8Array(0);
    expect(at(0).verifySignature({ kind: 'client', client: asClientId(identityPoint) }, MESSAGE, forged)).toBe(false);
    const replicas = [{ ...strangerIdentity.public, signing: identityPoint }];
    const careless = new NodeAuthenticator({
      ...configuration,
      mac: primitive,
      identity: clientIdentity,
      self: client,
      replicas,
    });
    expect(careless.verifySignature(node(0), MESSAGE, forged)).toBe(false);
  });

  it('signs the same bytes the same way', () => {
    expect(at(0).sign(MESSAGE)).toEqual(signature);
    expect(signature.constructor).toBe(Uint8Array);
  });
});

it('hashes as FIPS 180-4 says', () => {
  expect(at(0).sha256(Buffer.from('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
