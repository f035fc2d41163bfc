import { createHmac, diffieHellman, hkdfSync, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../base/bytes.ts';
import { Identity } from './identity.ts';
import {
  admissibleAgreementKey,
  admissibleSigningKey,
  agree,
  isCanonicalSignature,
  publicHex,
  publicKeyObject,
  secretKeyObject,
} from './keys.ts';

const bytes = (hex: string): Uint8Array => {
  const decoded = fromHex(hex);
  if (decoded === undefined) throw new Error(`not hex: ${hex}`);
  return decoded;
};

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const encodePoint = (y: bigint, sign: 0 | 1): string => {
  const value = y | (BigInt(sign) << 255n);
  return toHex(Uint8Array.from(bytes(value.toString(16).padStart(64, '0'))).reverse());
};

// RFC 8032 §7.1: secret, public, message, signature.
const RFC_8032 = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
] as const;

describe('Ed25519 and X25519 keys', () => {
  it.each(RFC_8032)('signs and verifies RFC 8032 vector %#', (secret, publicKey, message, signature) => {
    const text = JSON.stringify({
      format: 1,
      signing: { public: publicKey, secret },
      agreement: { public: publicHex(secretKeyObject('x25519', bytes(secret))), secret },
    });
    const loaded = Identity.fromText(text, 'vector');
    if (!loaded.ok) throw new Error(loaded.error.reason);
    expect(toHex(loaded.value.sign(bytes(message)))).toBe(signature);
    expect(verify(null, bytes(message), publicKeyObject('ed25519', publicKey), bytes(signature))).toBe(true);
    expect(admissibleSigningKey(publicKey)).toBeUndefined();
  });

  it('agrees on the shared secret of RFC 7748 §6.1', () => {
    const own = secretKeyObject('x25519', bytes('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb'));
    expect(publicHex(own)).toBe('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f');
    const shared = agree(own, '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a');
    expect(shared === undefined ? undefined : toHex(shared)).toBe(
      '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742',
    );
  });

  it('derives and authenticates as RFC 5869 A.3 and RFC 4231 case 2 say', () => {
    const derived = Buffer.from(hkdfSync('sha256', Buffer.alloc(22, 0x0b), Buffer.alloc(0), Buffer.alloc(0), 42));
    expect(derived.toString('hex')).toBe(
      '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    );
    const mac = createHmac('sha256', 'Jefe').update('what do ya want for nothing?').digest('hex');
    expect(mac).toBe('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843');
  });

  const order8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022n;
  const smallOrder = [0n, 1n, P - 1n, order8, P - order8].flatMap((y) => [encodePoint(y, 0), encodePoint(y, 1)]);

  it.each(smallOrder)('refuses the small-order signing key %s', (hex) => {
    expect(admissibleSigningKey(hex)?.code).toBe('small-order-key');
  });

  it('lists all points of small order: eight times each is the identity, and there are eight', () => {
    const points = [0n, 1n, P - 1n, order8, P - order8].flatMap((y) => pointsWith(y));
    expect(points).toHaveLength(8);
    for (const point of points) expect(double(double(double(point)))).toEqual({ x: 0n, y: 1n });
  });

  it.each([P, P + 1n, P + 18n, 2n ** 255n - 1n])('refuses the non-canonical y %d', (y) => {
    expect(admissibleSigningKey(encodePoint(y, 0))?.code).toBe('non-canonical-key');
    expect(admissibleSigningKey(encodePoint(y, 1))?.code).toBe('non-canonical-key');
  });

  it('tells points of the curve from other numbers as OpenSSL does', () => {
    const outcomes = { on: 0, off: 0 };
    for (let y = 2n; y < 40n; y += 1n) {
      const refused = admissibleSigningKey(encodePoint(y, 0));
      expect(pointsWith(y).length > 0).toBe(refused === undefined);
      if (refused === undefined) outcomes.on += 1;
      else outcomes.off += 1;
      expect(refused?.code ?? 'not-on-curve').toBe('not-on-curve');
    }
    expect(Math.min(outcomes.on, outcomes.off)).toBeGreaterThan(5);
  });

  it.each(['', '00', 'F'.repeat(64), `${'0'.repeat(63)}g`, '0'.repeat(66)])(
    'refuses %j as a key of either kind',
    (hex) => {
      expect(admissibleSigningKey(hex)?.code).toBe('not-a-key');
      expect(admissibleAgreementKey(hex)?.code).toBe('not-a-key');
    },
  );

  it('refuses agreement keys that share the all-zero secret, and non-canonical ones', () => {
    const own = secretKeyObject('x25519', new Uint8Array(32).fill(7));
    for (const u of [0n, 1n, P - 1n]) {
      expect(admissibleAgreementKey(encodePoint(u, 0))?.code).toBe('small-order-key');
      expect(agree(own, encodePoint(u, 0))).toBeUndefined();
    }
    for (const hex of [encodePoint(P, 0), encodePoint(P + 1n, 0), encodePoint(9n, 1)]) {
      expect(admissibleAgreementKey(hex)?.code).toBe('non-canonical-key');
    }
    expect(admissibleAgreementKey(encodePoint(9n, 0))).toBeUndefined();
  });

  it('admits every generated key', () => {
    for (let i = 0; i < 20; i += 1) {
      const { signing, agreement } = Identity.generate().public;
      expect(admissibleSigningKey(signing)).toBeUndefined();
      expect(admissibleAgreementKey(agreement)).toBeUndefined();
    }
  });

  it('takes a signature as canonical only when S is below the group order', () => {
    const withS = (s: bigint): Uint8Array => Uint8Array.from([...new Uint8Array(32), ...bytes(encodePoint(s, 0))]);
    for (const s of [0n, 1n, 2n ** 252n, L - 1n]) expect(isCanonicalSignature(withS(s))).toBe(true);
    for (const s of [L, L + 1n, 2n ** 253n, 2n ** 255n - 1n]) expect(isCanonicalSignature(withS(s))).toBe(false);
    for (const length of [0, 63, 65]) expect(isCanonicalSignature(new Uint8Array(length))).toBe(false);
  });

  it('shares one secret with node:crypto itself', () => {
    const [left, right] = [Identity.generate(), Identity.generate()];
    const secret = secretKeyObject('x25519', new Uint8Array(32).fill(9));
    expect(left.agree(right.public.agreement)).toEqual(right.agree(left.public.agreement));
    const direct = diffieHellman({ privateKey: secret, publicKey: publicKeyObject('x25519', left.public.agreement) });
    expect(left.agree(publicHex(secret))).toEqual(new Uint8Array(direct));
  });
});

interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

const mod = (a: bigint): bigint => ((a % P) + P) % P;
const power = (base: bigint, exponent: bigint): bigint => {
  let result = 1n;
  let square = mod(base);
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = mod(result * square);
    square = mod(square * square);
  }
  return result;
};
const inverse = (a: bigint): bigint => power(a, P - 2n);
const D = mod(-121665n * inverse(121666n));

function pointsWith(y: bigint): Point[] {
  const squared = mod((y * y - 1n) * inverse(D * y * y + 1n));
  if (squared === 0n) return [{ x: 0n, y }];
  const candidate = power(squared, (P + 3n) / 8n);
  for (const x of [candidate, mod(candidate * power(2n, (P - 1n) / 4n))]) {
    if (mod(x * x) === squared)
      return [
        { x, y },
        { x: P - x, y },
      ];
  }
  return [];
}

function double({ x, y }: Point): Point {
  const product = mod(D * x * x * y * y);
  return { x: mod(2n * x * y * inverse(1n + product)), y: mod((y * y + x * x) * inverse(1n - product)) };
}
