/** Checks the state database of a node: every page, leaf and entry of its latest version against the hashes above it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { NODE_FILES } from '../config/index.ts';
import type { CheckedNode, Finding, PartReport } from './part-report.ts';

export async function checkState({ directory, prepared, state }: CheckedNode): Promise<PartReport> {
  const folder = join(directory, NODE_FILES.state);
  if (state.kind === 'unusable') return report([{ file: folder, offset: undefined, what: state.reason }], []);
  if (state.kind === 'absent') return withoutState(directory, folder, prepared.config.durability);
  const { database } = state;
  const versions = database.versions();
  // One damaged page is met under every key in it.
  const damages = new Set<string>();
  let checked = 0;
  for await (const step of database.scrub()) {
    if (step.kind === 'progress') checked += step.checked;
    else damages.add(step.damage.message);
  }
  const sequences = versions.map(({ sequence }) => sequence).join(', ');
  const findings = [...damages].map((what): Finding => ({ file: folder, offset: undefined, what }));
  return report(findings, [
    versions.length === 0
      ? 'no checkpoint yet'
      : `checkpoints ${sequences}; ${checked} records of the last one checked`,
    ...(database.assembling === undefined
      ? []
      : ['it is being fetched from the others, and goes on with that at the next start']),
  ]);
}

function report(findings: readonly Finding[], notes: readonly string[]): PartReport {
  return { part: 'state', findings, notes };
}

function withoutState(directory: string, folder: string, durability: string): PartReport {
  if (durability === 'memory') return report([], ['there is none: durability is "memory"']);
  if (existsSync(join(directory, NODE_FILES.newMark))) return report([], ['there is none yet: this node is new']);
  const what = 'it holds no state: the next start fetches it from the others';
  return report([], [`${folder}: ${what}`]);
}
