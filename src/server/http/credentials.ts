/** Bearer tokens: read once from a file, kept as hashes only, compared in constant time. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Result } from '../../base/result.ts';
import { fail, ok } from '../../base/result.ts';

export const MIN_TOKEN_LENGTH = 16;
const MAX_TOKENS = 1000;

/** One line `name:token` of the file. */
interface Credential {
  readonly name: string;
  readonly hash: Buffer;
}

/** Who may call. Without tokens everybody may. */
export class Credentials {
  readonly #known: readonly Credential[];

  private constructor(known: readonly Credential[]) {
    this.#known = known;
  }

  /** Nobody has to show a token. */
  static none(): Credentials {
    return new Credentials([]);
  }

  /** Reads `name:token` lines; empty lines and lines that start with `#` are skipped. The error says which line is wrong, never what it holds. */
  static load(file: string): Result<Credentials, string> {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      return fail(`cannot read the tokens file ${file}: ${error instanceof Error ? error.message : String(error)}`);
    }
    const known: Credential[] = [];
    for (const [index, line] of text.split('\n').entries()) {
      const trimmed = line.trim();
      if (trimmed === '' || trimmed.startsWith('#')) continue;
      const match = /^([A-Za-z0-9._-]{1,64}):([\x21-\x7e]+)$/.exec(trimmed);
      const [, name, token] = match ?? [];
      if (name === undefined || token === undefined || token.length < MIN_TOKEN_LENGTH) {
        return fail(
          `${file}, line ${index + 1}: expected name:token with at least ${MIN_TOKEN_LENGTH} characters of token`,
        );
      }
      known.push({ name, hash: hashOf(token) });
    }
    if (known.length === 0) return fail(`${file} holds no token: nobody could call this node`);
    if (known.length > MAX_TOKENS) return fail(`${file} holds more than ${MAX_TOKENS} tokens`);
    return ok(new Credentials(known));
  }

  get required(): boolean {
    return this.#known.length > 0;
  }

  /** The scope of idempotency keys for this `Authorization` header: '' where no token is needed; undefined when it names no known token. */
  scopeOf(authorization: string | undefined): string | undefined {
    if (!this.required) return '';
    const token = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) return undefined;
    const hash = hashOf(token);
    let scope: string | undefined;
    // Every entry is compared, found or not: how long it takes tells nothing.
    for (const credential of this.#known) if (timingSafeEqual(credential.hash, hash)) scope = scopeFor(hash);
    return scope;
  }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest();
}

/** Hashed once more: the scope is replicated to every node and must not help to guess a token. */
function scopeFor(hash: Buffer): string {
  return createHash('sha256').update('pbft idempotency scope').update(hash).digest('hex');
}
