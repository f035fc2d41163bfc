/** The machine that the figures are of. Only reads. */
import { statfsSync } from 'node:fs';
import { availableParallelism, cpus, release, tmpdir, totalmem } from 'node:os';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly node: string;
  readonly kernel: string;
  /** Whether the folder of the nodes lies in memory: then no sync costs anything. */
  readonly isDataInMemory: boolean;
}

/** Of tmpfs, in statfs(2). */
const TMPFS_MAGIC = 0x01_02_19_94;

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    node: process.version,
    kernel: release(),
    isDataInMemory: statfsSync(tmpdir()).type === TMPFS_MAGIC,
  };
}

/** It, in the spelling of all JSON of this project. */
export function machineJson({ cpu, cores, memoryBytes, node, kernel, isDataInMemory }: Machine): object {
  return { cpu, cores, memory_bytes: memoryBytes, node, kernel, data_in_memory: isDataInMemory };
}
