import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { applyMutant, MUTANTS } from '../../scripts/mutant-list.ts';

// That each mutant is caught takes minutes and is `npm run mutants`. Here: that each still is a mutant.

const ROOT = join(import.meta.dirname, '../..');

describe('a mutant', () => {
  test.each(MUTANTS)('$name: its patch applies exactly once', (mutant) => {
    const text = readFileSync(join(ROOT, mutant.file), 'utf8');
    const mutated = applyMutant(mutant, text);
    expect(mutated, `bring the patch of ${mutant.file} up to date`).toBeDefined();
    expect(mutated).not.toBe(text);
  });

  test('has a name of its own', () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
  });
});
