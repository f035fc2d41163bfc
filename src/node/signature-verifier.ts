/** Who has only the public keys of a cluster: checks what its replicas signed, and can make nothing himself. The same strict rule as the authenticator's. */
import { fromHex } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Authenticator, Party } from '../protocol/ports.ts';
import { isSignatureOf } from './ed25519.ts';
import { admissibleSigningKey } from './keys.ts';

/** `signingKeys`: by replica id, hexadecimal. Inadmissible keys, clients and unknown replicas verify nothing. */
export function makeSignatureVerifier(signingKeys: readonly string[]): Pick<Authenticator, 'verifySignature'> {
  const keys = signingKeys.map((hex) => (admissibleSigningKey(hex) === undefined ? fromHex(hex) : undefined));
  return {
    verifySignature(party: Party, bytes: Bytes, signature: Bytes): boolean {
      const key = party.kind === 'replica' ? keys[party.replica] : undefined;
      return key !== undefined && isSignatureOf(key, bytes, signature);
    },
  };
}
