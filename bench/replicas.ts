/**
 * What agreement costs as the cluster grows: `node bench/replicas.ts [BATCHES] [--json]`. For n = 4 … 31, with one request in a batch and with full ones, in the
 * simulator with real cryptography: frames and bytes from node to node (exact), and the CPU time of all nodes and the client together, in one thread.
 */
import { DEFAULT_TUNING } from '../src/protocol/config.ts';
import { measureAgreement } from './support/agreement-cost.ts';
import { argumentsOf, whole } from './support/arguments.ts';
import { describeHost, print } from './support/report.ts';

const SIZES = [4, 7, 10, 13, 16, 19, 22, 25, 28, 31];
/** The engine compiles what every size runs. */
const WARM_UP = { replicaCount: 4, batchRequests: 16, batches: 300 };

const {
  values: [batches],
} = argumentsOf('replicas.ts', { places: [whole('BATCHES', 40)], flags: ['--json'] });

measureAgreement(WARM_UP);
const rows = [1, DEFAULT_TUNING.batchRequests].flatMap((batchRequests) =>
  SIZES.map((replicaCount) => {
    const { requests, frames, bytes, cpuUs } = measureAgreement({ replicaCount, batchRequests, batches });
    const of = (...types: Parameters<typeof frames.get>[0][]): number =>
      types.reduce((sum, type) => sum + (frames.get(type) ?? 0), 0);
    const cpu = cpuUs / requests;
    return {
      nodes: replicaCount,
      batch: batchRequests,
      votes_per_batch: of('pre-prepare', 'prepare', 'commit') / batches,
      frames_per_request: [...frames.values()].reduce((sum, count) => sum + count, 0) / requests,
      bytes_per_request: bytes / requests,
      cpu_us_per_request: cpu,
      cpu_us_per_request_and_node: cpu / replicaCount,
    };
  }),
);
print({ benchmark: 'replicas', ...describeHost(), batches, rows }, `${batches} batches for each row`);
