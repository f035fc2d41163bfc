/** A thread of {@link SeedPool}: says when it is ready, runs the seeds it is sent, a few at a time, and answers with their reports. */
import { parentPort, workerData } from 'node:worker_threads';
import { runSeeds } from '../../simulation/run-seeds.ts';
import type { SeedRange } from '../../simulation/run-seeds.ts';
import { cryptoModules } from './node-crypto.ts';
import type { SeedChoices } from './seed-choices.ts';

const { crypto, overrides } = workerData as SeedChoices;

parentPort?.on('message', (range: SeedRange) => {
  parentPort?.postMessage(runSeeds(range, { ...cryptoModules(crypto), overrides }));
});

parentPort?.postMessage('ready');
