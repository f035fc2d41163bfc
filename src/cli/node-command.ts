/** How a command runs a node as a process of its own. Owns nothing. */
import { fileURLToPath } from 'node:url';

/** Flags for the runtime. Room for young objects: V8 would take 128 MiB for each replica, and there are several on this machine. */
export const NODE_FLAGS: readonly string[] = ['--max-semi-space-size=8'];

/** Arguments for the runtime: the node of a folder, which reports over its IPC channel and ends when that closes. */
export function supervisedNodeArgs(directory: string): readonly string[] {
  const script = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? 'main.ts' : 'main.js', import.meta.url));
  return [...NODE_FLAGS, script, 'start', '--directory', directory, '--supervised'];
}
