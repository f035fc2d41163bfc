/** Whether a node has lost what it told others, as far as its folder shows. It only reads. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { NODE_FILES } from './load.ts';
import type { NodeConfig } from './node-config.ts';

/** True where there is no log, none is kept elsewhere, and the mark of a new node is gone: its start will be refused. */
export function hasLostLog(directory: string, { durability }: Pick<NodeConfig, 'durability'>): boolean {
  if (durability === 'memory' || existsSync(join(directory, NODE_FILES.newMark))) return false;
  const folder = join(directory, NODE_FILES.log);
  return !existsSync(folder) || !readdirSync(folder).some((name) => name.endsWith('.seg'));
}
