/** Whether a node could go on with what lies in its folder: everything is read, nothing is changed. Each part of the folder has one check. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { replicaName } from '../../base/ids.ts';
import { ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { DatabaseState, sha256 } from '../../node/index.ts';
import { lockDirectory, lockHolder, NODE_FILES } from '../config/index.ts';
import { prepareNode, refuse } from '../preparation.ts';
import type { Prepared, StartFault } from '../preparation.ts';
import { checkLog } from './check-log.ts';
import { checkState } from './check-state.ts';
import type { CheckedNode, CheckedState, PartReport } from './part-report.ts';

export interface NodeCheck {
  readonly nodeId: string;
  readonly clusterId: string;
  readonly parts: readonly PartReport[];
  readonly isSound: boolean;
}

/** What is checked, in this order. */
const PARTS: readonly ((node: CheckedNode) => Promise<PartReport>)[] = [checkLog, checkState];

/** Faults are those of a start: a configuration, key or application that cannot be used, or a node that runs. */
export async function checkNode(directory: string): Promise<Result<NodeCheck, StartFault>> {
  const prepared = await prepareNode(directory);
  if (!prepared.ok) return prepared;
  const holder = lockHolder(directory);
  if (holder !== undefined) return inUse(directory, holder);
  // On a disk that cannot be written nobody else can start the node either.
  const lock = lockDirectory(directory);
  if (!lock.ok && lock.error.code === 'in-use') return inUse(directory, lock.error.pid);
  try {
    const parts: PartReport[] = [];
    const state = await openState(directory, prepared.value);
    try {
      for (const check of PARTS) parts.push(await check({ directory, prepared: prepared.value, state }));
    } finally {
      if (state.kind === 'open') await state.database.close();
    }
    const { clusterId, self } = prepared.value.config;
    const isSound = parts.every(({ findings }) => findings.length === 0);
    return ok({ nodeId: replicaName(self), clusterId, parts, isSound });
  } finally {
    if (lock.ok) lock.value.release();
  }
}

/** As a start would open it: what a crash cut off in the middle of a write is removed, and nothing else is changed. */
async function openState(directory: string, prepared: Prepared): Promise<CheckedState> {
  const path = join(directory, NODE_FILES.state);
  if (prepared.config.durability === 'memory' || !existsSync(path)) return { kind: 'absent' };
  const opened = await DatabaseState.open({ sha256, path, durability: 'sync' });
  return opened.ok ? { kind: 'open', database: opened.value } : { kind: 'unusable', reason: opened.error.message };
}

function inUse(directory: string, pid: number): ReturnType<typeof refuse> {
  return refuse(
    'directory-in-use',
    `${directory} is in use by process ${pid}: stop that node first (\`pbft inspect ${directory}\` looks at one that runs)`,
  );
}
