/** A thread of {@link SeedPool}: runs the seeds it is sent, a few at a time, and answers with their reports. */
import { parentPort, workerData } from 'node:worker_threads';
import type { SwarmOverrides } from '../../simulation/options.ts';
import { runSeeds } from '../../simulation/run-seeds.ts';
import type { SeedRange } from '../../simulation/run-seeds.ts';
import { nodeSha256 } from './node-crypto.ts';

const overrides = workerData as SwarmOverrides;

parentPort?.on('message', (range: SeedRange) => {
  parentPort?.postMessage(runSeeds(range, { sha256: nodeSha256, overrides }));
});
