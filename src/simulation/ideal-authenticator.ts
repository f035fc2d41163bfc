/**
 * Cryptography without cryptography: one authority keeps a table of who issued what, so nobody can forge, and nothing has to be computed.
 * SHA-256 is the real one. Must never be used outside a simulated world.
 */
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import type { Bytes } from '../base/bytes.ts';
import type { ClientId, Digest } from '../base/ids.ts';
import { digestOf } from '../base/ids.ts';
import type { Authenticator, Party } from '../protocol/ports.ts';
import type { Authority } from './authority.ts';

export type Sha256 = (bytes: Bytes) => Digest;

/** SHA-256 that runs everywhere; a faster one may be injected where there is one. */
export const portableSha256: Sha256 = (bytes) => digestOf(nobleSha256(bytes));

const SIGNATURE = 1;
const MAC = 2;
const SIGNATURE_BYTES = 64;
const MAC_BYTES = 32;

/** What was issued, reduced to two words: two independent 32-bit mixes over (kind, from, to, bytes). */
interface Fingerprint {
  readonly low: number;
  readonly high: number;
}

function fingerprint(kind: number, from: number, to: number, bytes: Bytes): Fingerprint {
  let low = Math.imul(kind ^ 0x9e3779b9, 0x85ebca6b) ^ from;
  let high = Math.imul(to + 0x7f4a7c15, 0xc2b2ae35) ^ kind;
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i] ?? 0;
    low = Math.imul(low ^ byte, 0x01000193);
    high = Math.imul(high + byte, 0x27d4eb2f) ^ (high >>> 15);
  }
  low = Math.imul(low ^ (low >>> 15), 0x2c1b3c6d);
  high = Math.imul(high ^ (high >>> 13) ^ to, 0x297a2d39);
  return { low: (low ^ (low >>> 12)) >>> 0, high: (high ^ (high >>> 15)) >>> 0 };
}

/** The table. One per simulated world; hands out one authenticator per party. */
export class IdealAuthority implements Authority {
  readonly #sha256: Sha256;
  readonly #issued = new Set<number>();
  readonly #clients = new Map<ClientId, number>();

  constructor(sha256: Sha256 = portableSha256) {
    this.#sha256 = sha256;
  }

  admitClient(client: ClientId): void {
    if (!this.#clients.has(client)) this.#clients.set(client, 0x1000 + this.#clients.size);
  }

  #numberOf(party: Party): number | undefined {
    return party.kind === 'replica' ? party.replica : this.#clients.get(party.client);
  }

  #issue(print: Fingerprint, length: number): Bytes {
    this.#issued.add(print.high * 0x200000 + (print.low & 0x1fffff));
    const token = new Uint8Array(length);
    new DataView(token.buffer).setUint32(0, print.low);
    new DataView(token.buffer).setUint32(length - 4, print.high);
    return token;
  }

  #isIssued(print: Fingerprint, token: Bytes, length: number): boolean {
    if (token.length !== length) return false;
    const view = new DataView(token.buffer, token.byteOffset, length);
    if (view.getUint32(0) !== print.low || view.getUint32(length - 4) !== print.high) return false;
    for (let i = 4; i < length - 4; i += 1) if (token[i] !== 0) return false;
    return this.#issued.has(print.high * 0x200000 + (print.low & 0x1fffff));
  }

  authenticator(self: Party): Authenticator {
    const own = this.#numberOf(self) ?? 0;
    return {
      sha256: this.#sha256,
      sign: (bytes) => this.#issue(fingerprint(SIGNATURE, own, 0, bytes), SIGNATURE_BYTES),
      verifySignature: (party, bytes, signature) => {
        const author = this.#numberOf(party);
        return (
          author !== undefined && this.#isIssued(fingerprint(SIGNATURE, author, 0, bytes), signature, SIGNATURE_BYTES)
        );
      },
      mac: (receiver, bytes) => {
        const to = this.#numberOf(receiver);
        return to === undefined ? undefined : this.#issue(fingerprint(MAC, own, to, bytes), MAC_BYTES);
      },
      verifyMac: (sender, bytes, mac) => {
        const from = this.#numberOf(sender);
        return from !== undefined && this.#isIssued(fingerprint(MAC, from, own, bytes), mac, MAC_BYTES);
      },
    };
  }
}
