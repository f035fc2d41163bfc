/**
 * The identity of a node or client: an Ed25519 key (signatures) and an X25519 key (key agreement), and the file that holds them. The
 * secrets never leave this class except into that file: they are in no property, log line or error.
 */
import { generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Bytes } from '../base/bytes.ts';
import { fromHex, toHex } from '../base/bytes.ts';
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { errorCode, errorText } from './error-text.ts';
import { Signer } from './ed25519.ts';
import { agree, publicHex, rawSecret, secretKeyObject } from './keys.ts';

/** Both public keys as hex; a client's id IS its `signing` key. */
export interface PublicIdentity {
  readonly signing: string;
  readonly agreement: string;
}

/** Why a key file could not be used; `reason` names the file and says what to do. */
export interface KeyFault {
  readonly code: 'key-not-found' | 'key-file-exposed' | 'key-file-damaged' | 'key-exists' | 'key-file-unusable';
  readonly file: string;
  readonly reason: string;
}

const FORMAT = 1;
const OWNER_ONLY = 0o600;
const OTHERS = 0o077;
/** A key file is about 400 bytes; whatever is larger is none. */
const MAX_FILE_BYTES = 4096;

export class Identity {
  readonly public: PublicIdentity;
  readonly #signing: KeyObject;
  readonly #signer: Signer;
  readonly #agreement: KeyObject;

  private constructor(signing: KeyObject, agreement: KeyObject) {
    this.#signing = signing;
    this.#signer = new Signer(rawSecret(signing));
    this.#agreement = agreement;
    this.public = { signing: publicHex(signing), agreement: publicHex(agreement) };
  }

  /** A new identity from the system's random numbers. */
  static generate(): Identity {
    return new Identity(generateKeyPairSync('ed25519').privateKey, generateKeyPairSync('x25519').privateKey);
  }

  /** The identity of two secret keys, 32 bytes each. Whoever can guess them is it: only for keys out of a secret store, or for simulations. */
  static fromSecrets(signing: Bytes, agreement: Bytes): Identity {
    return new Identity(secretKeyObject('ed25519', signing), secretKeyObject('x25519', agreement));
  }

  /**
   * The identity in a key file. Refuses a file that group or others may read or write: a key that others have seen proves nothing, and a
   * warning would go unread.
   */
  static load(file: string): Result<Identity, KeyFault> {
    let descriptor: number;
    try {
      // A pipe in the place of a key must not hold up the start.
      descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      return fail(openFault(file, error));
    }
    try {
      const stat = fstatSync(descriptor);
      if (!stat.isFile()) return fail({ code: 'key-file-unusable', file, reason: `${file} is not a regular file` });
      if ((stat.mode & OTHERS) !== 0) return fail(exposed(file, stat.mode));
      if (stat.size > MAX_FILE_BYTES) return fail(damaged(file, `it has ${stat.size} bytes`));
      return Identity.fromText(readFileSync(descriptor, 'utf8'), file);
    } catch (error) {
      return fail({ code: 'key-file-unusable', file, reason: `cannot read ${file}: ${errorText(error)}` });
    } finally {
      closeSync(descriptor);
    }
  }

  /** The identity in the text of a key file, as a secret store hands it out; `source` is named in errors. */
  static fromText(text: string, source: string): Result<Identity, KeyFault> {
    const stored = parseKeyFile(text);
    if (typeof stored === 'string') return fail(damaged(source, stored));
    const identity = Identity.fromSecrets(stored.signing, stored.agreement);
    if (identity.public.signing !== stored.public.signing || identity.public.agreement !== stored.public.agreement) {
      return fail(damaged(source, 'its secret keys do not belong to its public keys'));
    }
    return ok(identity);
  }

  /** Writes a new key file of mode 0600 and syncs it; an existing file is never touched (`key-exists`). */
  save(file: string): Result<undefined, KeyFault> {
    let descriptor: number;
    try {
      descriptor = openSync(file, 'wx', OWNER_ONLY);
    } catch (error) {
      return fail(createFault(file, error));
    }
    try {
      // The umask may have taken bits away, never added any.
      fchmodSync(descriptor, OWNER_ONLY);
      writeSync(descriptor, this.#text());
      fsyncSync(descriptor);
    } catch (error) {
      unlinkSync(file);
      return fail({ code: 'key-file-unusable', file, reason: `cannot write ${file}: ${errorText(error)}` });
    } finally {
      closeSync(descriptor);
    }
    syncFolder(dirname(file));
    return ok(undefined);
  }

  #text(): string {
    const { signing, agreement } = this.public;
    const stored = {
      format: FORMAT,
      signing: { public: signing, secret: toHex(rawSecret(this.#signing)) },
      agreement: { public: agreement, secret: toHex(rawSecret(this.#agreement)) },
    };
    return `${JSON.stringify(stored, undefined, 2)}\n`;
  }

  /** Ed25519 signature, 64 bytes. */
  sign(bytes: Bytes): Bytes {
    return this.#signer.sign(bytes);
  }

  /** X25519 with a peer's public key, 32 bytes; undefined when that key shares no secret. */
  agree(peerAgreement: string): Bytes | undefined {
    return agree(this.#agreement, peerAgreement);
  }
}

interface StoredKeys {
  readonly public: PublicIdentity;
  readonly signing: Bytes;
  readonly agreement: Bytes;
}

function isObject(value: unknown): value is { readonly [field: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseKeyFile(text: string): StoredKeys | string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return 'it is not JSON';
  }
  if (!isObject(parsed)) return 'it is not a JSON object';
  if (parsed['format'] !== FORMAT) return `its \`format\` is not ${FORMAT}`;
  const signing = parsePair(parsed['signing']);
  const agreement = parsePair(parsed['agreement']);
  if (signing === undefined) return '`signing` needs `public` and `secret` of 64 hexadecimal characters';
  if (agreement === undefined) return '`agreement` needs `public` and `secret` of 64 hexadecimal characters';
  return {
    public: { signing: signing.public, agreement: agreement.public },
    signing: signing.secret,
    agreement: agreement.secret,
  };
}

function parsePair(value: unknown): { readonly public: string; readonly secret: Bytes } | undefined {
  if (!isObject(value)) return undefined;
  const { public: publicKey, secret } = value;
  if (typeof publicKey !== 'string' || typeof secret !== 'string' || secret.length !== 64) return undefined;
  const bytes = fromHex(secret);
  return bytes === undefined ? undefined : { public: publicKey, secret: bytes };
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function openFault(file: string, error: unknown): KeyFault {
  return errorCode(error) === 'ENOENT'
    ? { code: 'key-not-found', file, reason: `there is no key file ${file}; \`pbft init\` makes one` }
    : { code: 'key-file-unusable', file, reason: `cannot open ${file}: ${errorText(error)}` };
}

function createFault(file: string, error: unknown): KeyFault {
  return errorCode(error) === 'EEXIST'
    ? {
        code: 'key-exists',
        file,
        reason: `${file} exists and is not overwritten; move it away if a new key is really wanted`,
      }
    : { code: 'key-file-unusable', file, reason: `cannot create ${file}: ${errorText(error)}` };
}

function exposed(file: string, mode: number): KeyFault {
  const shown = (mode & 0o777).toString(8).padStart(4, '0');
  return {
    code: 'key-file-exposed',
    file,
    reason: `${file} has mode ${shown}, so others may have its key; run \`chmod 600 ${file}\`, or make a new key`,
  };
}

function damaged(file: string, what: string): KeyFault {
  return { code: 'key-file-damaged', file, reason: `${file} is no key file: ${what}; restore it from a backup` };
}
