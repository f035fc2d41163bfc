import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BEHAVIOUR_CATALOGUE, BEHAVIOUR_NAMES } from '../../src/byzantine/index.ts';
import type { BehaviourEntry, ExpectedSuspicion } from '../../src/byzantine/index.ts';

// docs/behaviours.md is the catalogue for people. After a change of the catalogue: `npx vitest run test/docs/behaviours -u`.

const HEAD = `# Byzantine behaviours

A node in lab mode can be told to lie: \`POST /pbft/simulate-byzantine\`, or \`pbft byzantine\`. A liar is a correct replica whose outputs are rewritten,
dropped or held back on their way out, and which may be kept from hearing something; its own log stays true, so that a restart makes it correct
again. The simulator uses the same code. With at most f liars every request is answered, and answered correctly, as soon as messages arrive in time:
a primary that prevents it is replaced by a view change, and goes on lying as a backup.

What a behaviour sends unasked is bounded per second, and what it holds back is bounded too (65,536 frames, 64 MiB; beyond that frames are lost, as on
a link that is full). A crash or restart loses what is held back.

*Certain*: given at most f liars, no correct node can cause it. *Uncertain*: a slow link may look the same, or one of two nodes lies.
`;

function tell({ kind, certainty, by, when }: ExpectedSuspicion): string {
  return `\`${kind}\` (${certainty}) by ${by}${when === undefined ? '' : `, when ${when}`}`;
}

function row({ role, changes, othersSee, suspicions }: BehaviourEntry): string {
  const told = suspicions.length === 0 ? 'nobody can tell' : suspicions.map(tell).join('; ');
  return `| ${role} | ${changes} | ${othersSee} | ${told} |`;
}

test('docs/behaviours.md tells what the catalogue holds', async () => {
  const tables = BEHAVIOUR_NAMES.map((name) => {
    const rows = BEHAVIOUR_CATALOGUE.filter((entry) => entry.behaviour === name).map(row);
    return `## \`${name}\`\n\n| role | what it changes | what others see | who suspects it of what |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  const file = join(import.meta.dirname, '../../docs/behaviours.md');
  await expect(`${HEAD}\n${tables.join('\n')}`).toMatchFileSnapshot(file);
});

test('every behaviour has an entry per role', () => {
  const entries = BEHAVIOUR_CATALOGUE.map(({ behaviour, role }) => `${behaviour} ${role}`);
  expect(entries).toEqual(
    BEHAVIOUR_NAMES.flatMap((name) => ['primary', 'backup', 'gateway'].map((role) => `${name} ${role}`)),
  );
});
