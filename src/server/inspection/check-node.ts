/**
 * Whether a node could go on with what lies in its folder: everything is read, nothing is changed. Each part of the folder has one check;
 * one for the state database goes into PARTS beside that of the log.
 */
import { replicaName } from '../../base/ids.ts';
import { ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { lockDirectory, lockHolder } from '../config/index.ts';
import { prepareNode, refuse } from '../preparation.ts';
import type { StartFault } from '../preparation.ts';
import { checkLog } from './check-log.ts';
import type { CheckedNode, PartReport } from './part-report.ts';

export interface NodeCheck {
  readonly nodeId: string;
  readonly clusterId: string;
  readonly parts: readonly PartReport[];
  readonly isSound: boolean;
}

/** What is checked, in this order. */
const PARTS: readonly ((node: CheckedNode) => Promise<PartReport>)[] = [checkLog];

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
    for (const check of PARTS) parts.push(await check({ directory, prepared: prepared.value }));
    const { clusterId, self } = prepared.value.config;
    const isSound = parts.every(({ findings }) => findings.length === 0);
    return ok({ nodeId: replicaName(self), clusterId, parts, isSound });
  } finally {
    if (lock.ok) lock.value.release();
  }
}

function inUse(directory: string, pid: number): ReturnType<typeof refuse> {
  return refuse(
    'directory-in-use',
    `${directory} is in use by process ${pid}: stop that node first (\`pbft inspect ${directory}\` looks at one that runs)`,
  );
}
