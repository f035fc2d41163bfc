import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Credentials } from './credentials.ts';

const TOKEN = 'correct-horse-battery-staple';

describe('Credentials', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'pbft-credentials-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const load = (text: string) => {
    const file = join(directory, 'tokens');
    writeFileSync(file, text);
    return Credentials.load(file);
  };

  it('knows the tokens of its file, each with a scope of its own', () => {
    const loaded = load(`# people\n\nalice:${TOKEN}\nbob:${TOKEN}-2\n`);
    if (!loaded.ok) throw new Error(loaded.error);
    const alice = loaded.value.scopeOf(`Bearer ${TOKEN}`);
    expect(alice).toMatch(/^[0-9a-f]{64}$/);
    expect(loaded.value.scopeOf(`bearer ${TOKEN}`)).toBe(alice);
    expect(loaded.value.scopeOf(`Bearer ${TOKEN}-2`)).not.toBe(alice);
    expect(alice).not.toContain(TOKEN);
  });

  it.each([undefined, '', 'Bearer', 'Bearer ', `Basic ${TOKEN}`, `Bearer ${TOKEN}x`, `Bearer ${TOKEN} x`, TOKEN])(
    'does not know %j',
    (header) => {
      const loaded = load(`alice:${TOKEN}\n`);
      if (!loaded.ok) throw new Error(loaded.error);
      expect(loaded.value.scopeOf(header)).toBeUndefined();
    },
  );

  it('demands nothing where there are no tokens', () => {
    expect(Credentials.none().scopeOf(undefined)).toBe('');
    expect(Credentials.none().required).toBe(false);
  });

  it.each([
    ['', /holds no token/],
    ['# only a comment\n', /holds no token/],
    [`alice:${TOKEN}\nno-colon-here\n`, /line 2/],
    ['alice:short\n', /line 1.*at least 16/],
    ['al ice:0123456789abcdef\n', /line 1/],
  ])('refuses the file %j and says where', (text, reason) => {
    const loaded = load(text);
    expect(loaded.ok ? '' : loaded.error).toMatch(reason);
  });

  it('never shows what a wrong line holds', () => {
    const loaded = load('secret-without-a-name-that-leaks\n');
    expect(loaded.ok ? '' : loaded.error).not.toContain('leaks');
  });

  it('says so when there is no file', () => {
    expect(Credentials.load(join(directory, 'none')).ok).toBe(false);
  });
});
