/** Where a subtree of the state's tree hangs, and its hash: what FETCH-STATE asks for and STATE answers. */
import { object } from './schema/composites.ts';
import { count, digest } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';

/** Bits of the path to a key: those of a SHA-256. */
export const PATH_BITS = 256;

/** The first `depth` bits of `path` lead there, the others are 0; the root has depth 0. */
export const subtreeAddress = object(
  { path: digest, depth: count(PATH_BITS), hash: digest },
  { rule: ({ path, depth }) => (hasBitsFrom(path, depth) ? { code: 'inconsistent', at: 'path' } : undefined) },
);

/** Address of a subtree. */
export type SubtreeAddress = ValueOf<typeof subtreeAddress>;

function hasBitsFrom(path: string, depth: number): boolean {
  const full = depth >> 2;
  const rest = depth & 3;
  const partial = rest === 0 ? 0 : Number.parseInt(path[full] ?? '0', 16) & (15 >> rest);
  if (partial !== 0) return true;
  for (let at = rest === 0 ? full : full + 1; at < path.length; at += 1) if (path[at] !== '0') return true;
  return false;
}
