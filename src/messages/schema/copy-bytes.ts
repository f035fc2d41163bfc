/** Copying runs of bytes, short ones above all. */
import type { Bytes } from '../../base/bytes.ts';

// Up to here a loop is no dearer than the view that `set` needs of a part. Of an array that the engine keeps inside its object (64 bytes at most) a view costs five times that.
const SHORT = 64;

/** Copies `count` bytes. Requires: both ranges exist. */
export function copyBytes(source: Bytes, from: number, target: Bytes, to: number, count: number): void {
  if (count > SHORT) {
    target.set(from === 0 && count === source.length ? source : source.subarray(from, from + count), to);
    return;
  }
  for (let i = 0; i < count; i += 1) target[to + i] = source[from + i] as number;
}
