/**
 * Loaded into a node by `NODE_OPTIONS=--import`: at SIGUSR2 it collects all garbage, and writes into the folder `PBFT_TEST_MEMORY` as `PID` how many bytes
 * of memory it has. What a collector has not got round to is no leak, and hides one.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const folder = process.env['PBFT_TEST_MEMORY'] ?? '';

process.on('SIGUSR2', () => {
  collect();
  const [, kilobytes] = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  const told = join(folder, String(process.pid));
  const memory = { heap: process.memoryUsage().heapUsed, anonymous: Number(kilobytes) * 1024 };
  writeFileSync(`${told}.new`, JSON.stringify(memory));
  renameSync(`${told}.new`, told);
});
