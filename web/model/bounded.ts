/** Maps and lists with a bound: what is oldest goes when something new comes. */

/** Drops the entries that were put in first until at most `limit` are left. */
export function trimMap<Key, Value>(map: Map<Key, Value>, limit: number): void {
  for (const key of map.keys()) {
    if (map.size <= limit) return;
    map.delete(key);
  }
}

/** Drops the first elements of a list once it is half as long again as `limit`: so a long run moves each element once. */
export function trimList(list: unknown[], limit: number): void {
  if (list.length > limit * 1.5) list.splice(0, list.length - limit);
}
