/** Signatures and MACs in JSON: `<scheme>:<base64url>`. How MACs are made is a setting of the cluster, and in no message. */
import type { Bytes } from '../../base/bytes.ts';
import { toBase64Url } from '../../base/bytes.ts';
import { LIMITS } from '../limits.ts';
import { refuse } from '../refusal.ts';
import type { Json } from './json-value.ts';
import { bytes, bytesOfText } from './scalars.ts';
import type { Schema } from './schema.ts';

/** Bytes of an Ed25519 signature. */
export const SIGNATURE_BYTES = 64;

const ED25519 = 'ed25519:';
const MAC = 'mac:';

function tagged(scheme: string, min: number, max: number): Schema<Bytes> {
  return {
    ...bytes(min, max),
    json: {
      kind: 'value',
      to: (value) => scheme + toBase64Url(value),
      from(json) {
        if (!hasScheme(json, scheme)) return refuse(typeof json === 'string' ? 'out-of-range' : 'wrong-type');
        return bytesOfText(json.slice(scheme.length), min, max);
      },
    },
  };
}

function hasScheme(json: Json, scheme: string): json is string {
  return typeof json === 'string' && json.startsWith(scheme);
}

/** An Ed25519 signature, 64 bytes. */
export const signature: Schema<Bytes> = tagged(ED25519, SIGNATURE_BYTES, SIGNATURE_BYTES);

/** A MAC, possibly truncated, 16 to 32 bytes behind their number. */
export const mac: Schema<Bytes> = tagged(MAC, LIMITS.macMinBytes, LIMITS.macMaxBytes);

/** True for text that names a MAC; the schema says whether the rest is in order. */
export function isMacText(json: Json): boolean {
  return hasScheme(json, MAC);
}
