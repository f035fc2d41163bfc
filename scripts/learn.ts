// Draws the diagrams and tables of docs/learn anew, from runs of the simulator: `npm run learn`.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { redrawn } from './learn-drawings.ts';

const FOLDER = join(import.meta.dirname, '../docs/learn');

for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.md'))) {
  const file = join(FOLDER, name);
  const before = readFileSync(file, 'utf8');
  const after = redrawn(before);
  if (after === before) continue;
  writeFileSync(file, after);
  process.stdout.write(`${name}: drawn anew\n`);
}
