import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runScenario } from '../../src/simulation/scenario.ts';

// The diagrams in docs/learn are runs. After a wanted change: `npx vitest run test/docs/learn -u`, and read the pages again.

const FOLDER = join(import.meta.dirname, '../../docs/learn');
const SCENARIO = /^```scenario\n(?<text>[\s\S]*?)\n```$/gm;

const pages = readdirSync(FOLDER).filter((name) => name.endsWith('.md'));

describe('a page shows what its scenarios print', () => {
  test.each(pages)('%s', async (name) => {
    const file = join(FOLDER, name);
    const page = readFileSync(file, 'utf8');
    const now = page.replaceAll(SCENARIO, (_, text: string) => `\`\`\`scenario\n${runScenario(text)}\n\`\`\``);
    await expect(now).toMatchFileSnapshot(file);
  });
});

test('and there are scenarios in them', () => {
  const count = pages.flatMap((name) => [...readFileSync(join(FOLDER, name), 'utf8').matchAll(SCENARIO)]).length;
  expect(count).toBeGreaterThan(5);
});
