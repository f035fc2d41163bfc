import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

const ASSETS = join(import.meta.dirname, '../../dist/web/assets');

/** Of all pages together. */
const MAX_SCRIPT_BYTES = 300 * 1024;

test('all scripts of all pages together take less than 300 KiB compressed', () => {
  const scripts = readdirSync(ASSETS).filter((name) => name.endsWith('.js'));
  const bytes = scripts.reduce((sum, name) => sum + gzipSync(readFileSync(join(ASSETS, name))).length, 0);
  expect(scripts.length).toBeGreaterThan(1);
  expect(bytes).toBeLessThan(MAX_SCRIPT_BYTES);
});
