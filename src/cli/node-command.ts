/** How a command runs a node as a process of its own. Owns nothing. */
import { fileURLToPath } from 'node:url';
import { NOTHING_BORN_OLD } from './born-old.ts';

/**
 * Flags for the runtime, for several replicas on one machine: room for young objects, of which V8 would take 128 MiB for each; and one thread beside
 * the main one, where it would start four, which on few cores wait for each other: collecting young objects in parallel alone cost a third of all throughput.
 */
export const NODE_FLAGS: readonly string[] = [
  '--max-semi-space-size=8',
  '--v8-pool-size=1',
  '--no-parallel-scavenge',
  NOTHING_BORN_OLD,
];

/** Arguments for the runtime: the node of a folder, which reports over its IPC channel and ends when that closes. */
export function supervisedNodeArgs(directory: string): readonly string[] {
  const script = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? 'main.ts' : 'main.js', import.meta.url));
  return [...NODE_FLAGS, script, 'start', '--directory', directory, '--supervised'];
}
