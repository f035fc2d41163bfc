import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Identity } from './identity.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pbft-identity-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const codeOf = (file: string): string => {
  const loaded = Identity.load(file);
  return loaded.ok ? 'loaded' : loaded.error.code;
};

describe('key files', () => {
  it('loads what it saved, from a file that only its owner can read', () => {
    const file = join(folder, 'node.key');
    const identity = Identity.generate();
    expect(identity.save(file).ok).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const loaded = Identity.load(file);
    if (!loaded.ok) throw new Error(loaded.error.reason);
    expect(loaded.value.public).toEqual(identity.public);
    const message = Uint8Array.of(1, 2, 3);
    expect(loaded.value.sign(message)).toEqual(identity.sign(message));
  });

  it('never overwrites a key (G27)', () => {
    const file = join(folder, 'node.key');
    Identity.generate().save(file);
    const before = readFileSync(file, 'utf8');
    const again = Identity.generate().save(file);
    expect(again.ok ? 'saved' : again.error.code).toBe('key-exists');
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  it.each([0o640, 0o604, 0o620, 0o666, 0o601])('refuses a file of mode %o', (mode) => {
    const file = join(folder, 'node.key');
    Identity.generate().save(file);
    chmodSync(file, mode);
    const loaded = Identity.load(file);
    expect(loaded.ok ? 'loaded' : loaded.error.code).toBe('key-file-exposed');
    expect(loaded.ok ? '' : loaded.error.reason).toContain('chmod 600');
  });

  it('loads a read-only file', () => {
    const file = join(folder, 'node.key');
    Identity.generate().save(file);
    chmodSync(file, 0o400);
    expect(codeOf(file)).toBe('loaded');
  });

  it('names what is wrong with a file that holds no key', () => {
    const file = join(folder, 'node.key');
    const whole = { format: 1, signing: { public: 'a'.repeat(64), secret: 'b'.repeat(64) } };
    const bad = ['', '[]', 'null', '{', '{"format":2}', JSON.stringify(whole), 'x'.repeat(5000)];
    for (const text of bad) {
      writeFileSync(file, text, { mode: 0o600 });
      expect(codeOf(file)).toBe('key-file-damaged');
    }
  });

  it('refuses secrets that do not belong to their public keys', () => {
    const file = join(folder, 'node.key');
    Identity.generate().save(file);
    const text = readFileSync(file, 'utf8');
    const other = Identity.generate().public;
    const own = Identity.fromText(text, 'own');
    if (!own.ok) throw new Error(own.error.reason);
    for (const [from, to] of [
      [own.value.public.signing, other.signing],
      [own.value.public.agreement, other.agreement],
    ] as const) {
      const mixed = Identity.fromText(text.replace(from, to), 'mixed');
      expect(mixed.ok ? 'loaded' : mixed.error.code).toBe('key-file-damaged');
    }
  });

  it('tells a missing file, a folder and a missing folder apart', () => {
    expect(codeOf(join(folder, 'none.key'))).toBe('key-not-found');
    mkdirSync(join(folder, 'folder.key'));
    execFileSync('mkfifo', ['-m', '600', join(folder, 'pipe.key')]);
    expect(codeOf(join(folder, 'pipe.key'))).toBe('key-file-unusable');
    expect(codeOf(join(folder, 'folder.key'))).toBe('key-file-unusable');
    const saved = Identity.generate().save(join(folder, 'none', 'node.key'));
    expect(saved.ok ? 'saved' : saved.error.code).toBe('key-file-unusable');
  });

  it('shows no secret, however it is printed', () => {
    const file = join(folder, 'node.key');
    const identity = Identity.generate();
    identity.save(file);
    const secrets = [...readFileSync(file, 'utf8').matchAll(/"secret": "([0-9a-f]{64})"/g)].map(
      (match) => match[1] ?? '',
    );
    expect(secrets).toHaveLength(2);
    const shown = `${inspect(identity, { depth: 10, showHidden: true })} ${JSON.stringify(identity)}`;
    for (const secret of secrets) expect(shown).not.toContain(secret);
  });
});
