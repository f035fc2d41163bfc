import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MUTANTS } from '../../scripts/mutant-list.ts';
import type { Mutant } from '../../scripts/mutant-list.ts';

// docs/mutants.md is the list for people. After a change of the list: `npx vitest run test/docs/mutants -u`.

const ROOT = join(import.meta.dirname, '../..');

const HEAD = `# Mutants

Broken variants of the core, each a patch of a few characters to a copy of the source: [the list](../scripts/mutant-list.ts). \`npm run mutants\` applies
them one by one and fails when one is not seen. They are the proof that the checkers see: a checker that never fails shows nothing.

*[S]* marks a rule without which agreement breaks, or a view change can be stuck for ever. Most are seen by random seeds of the simulator within the
number given, with a certain liar in every seed where one is named. What random seeds reach too rarely is seen by a test that enumerates small
cases, or by one that leads the real core to the place.

| mutant | what it breaks | seen by |
|---|---|---|
`;

function seenBy({ seeds, liar, nodes, lostDisks, reads, tentative, overlap, compound, test: file }: Mutant): string {
  if (file !== undefined) return `[${file}](../${file})`;
  const more = [
    liar === undefined ? '' : `, \`${liar}\``,
    nodes === undefined ? '' : `, ${nodes} nodes`,
    lostDisks === true ? ', lost disks' : '',
    reads === true ? ', reads' : '',
    tentative === true ? ', tentative' : '',
    overlap === true ? ', overlap' : '',
    compound === true ? ', compound' : '',
  ].join('');
  return `${seeds} seeds${more}`;
}

test('docs/mutants.md tells what the list holds', async () => {
  const rows = MUTANTS.map((mutant) => `| ${mutant.name} | ${mutant.breaks} | ${seenBy(mutant)} |`);
  await expect(`${HEAD}${rows.join('\n')}\n`).toMatchFileSnapshot(join(ROOT, 'docs/mutants.md'));
});

test('a mutant is seen by seeds or by a test that exists', () => {
  const unseen = MUTANTS.filter(({ seeds, test: file }) =>
    file === undefined ? seeds < 1 : !existsSync(join(ROOT, file)),
  );
  expect(unseen).toEqual([]);
});
