import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runScenario } from '../../src/simulation/scenario.ts';

// Every .txt here is a scenario and its own transcript. After a wanted change: `npx vitest run test/scenarios -u`, and read the difference.

const scenarios = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.txt'));

describe('a scenario reads as it runs', () => {
  test.each(scenarios)('%s', async (name) => {
    const file = join(import.meta.dirname, name);
    await expect(runScenario(readFileSync(file, 'utf8'))).toMatchFileSnapshot(file);
  });
});
