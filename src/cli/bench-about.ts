/** What a benchmark was run on, in lines for people. Owns nothing. */
import { digits } from '../bench/index.ts';
import type { RunAbout } from '../bench/index.ts';

const GIB = 2 ** 30;

/** Commit, runs and machine. */
export function aboutLines({
  commit,
  machine,
  runs,
  seconds,
  warmUpSeconds,
}: Omit<RunAbout, 'leftOut'>): readonly string[] {
  const { cpu, cores, memoryBytes, node, kernel, isDataInMemory } = machine;
  return [
    `pbft ${commit}; ${runs} ${runs === 1 ? 'run' : 'runs'} of ${seconds} s after ${warmUpSeconds} s`,
    `${cpu}, ${cores} cores, ${digits(memoryBytes / GIB)} GiB; Node ${node}; Linux ${kernel}`,
    ...(isDataInMemory ? ['The folder for temporary files lies in memory: a sync costs nothing there.'] : []),
  ];
}
