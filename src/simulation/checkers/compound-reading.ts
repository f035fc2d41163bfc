/** The lists of a compound request as checkers read them. Shares no code with src/messages, on purpose. */
import type { Bytes } from '../../base/bytes.ts';

/** Operations, in order; undefined for what is no list of some. */
export function operationsIn(list: Bytes): readonly Bytes[] | undefined {
  const found = parts(list, false);
  return found?.length === 0 || found?.some((part) => part === undefined) === true
    ? undefined
    : (found as readonly Bytes[]);
}

/** Results, in order, undefined for an operation that was undone because its result had no room; nothing for what is no list. */
export function resultsIn(list: Bytes): readonly (Bytes | undefined)[] | undefined {
  return parts(list, true);
}

/** `isMarked`: before each part stands whether it is there. */
function parts(list: Bytes, isMarked: boolean): readonly (Bytes | undefined)[] | undefined {
  const view = new DataView(list.buffer, list.byteOffset, list.length);
  const found: (Bytes | undefined)[] = [];
  try {
    let at = 2;
    for (let left = view.getUint16(0); left > 0; left -= 1) {
      const isThere = !isMarked || view.getUint8(at) === 1;
      at += isMarked ? 1 : 0;
      const length = isThere ? view.getUint32(at) : 0;
      if (isThere && at + 4 + length > list.length) return undefined;
      found.push(isThere ? list.slice(at + 4, at + 4 + length) : undefined);
      at += isThere ? 4 + length : 0;
    }
    return at === list.length ? found : undefined;
  } catch {
    // It ends where something was to follow.
    return undefined;
  }
}

/** The list that says so. Requires: each result had room. */
export function listOfResults(results: readonly Bytes[]): Bytes {
  const bytes: number[] = [results.length >> 8, results.length & 0xff];
  for (const result of results) {
    const { length } = result;
    bytes.push(1, length >>> 24, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff, ...result);
  }
  return Uint8Array.from(bytes);
}
