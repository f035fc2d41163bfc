import { existsSync, readFileSync } from 'node:fs';

/** Bytes of a segment of the log without the room that was made ahead; 0 where there is none. */
export function writtenBytes(file: string): number {
  if (!existsSync(file)) return 0;
  const content = readFileSync(file);
  let end = content.length;
  while (end > 0 && content[end - 1] === 0) end -= 1;
  return end;
}
