/** The pages and leaves of a state database that no version of it needs and no list of dead records names. */
import { idOfKey, StateDatabase } from '../../src/node/state/database.ts';
import { partsOf, recordsOf } from '../../src/node/state/dead-list.ts';
import { PageStore } from '../../src/node/state/page-store.ts';
import { readMeta } from '../../src/node/state/state-meta.ts';
import { treeDifference } from '../../src/state/index.ts';
import { sha256 } from './contents.ts';

export async function unusedRecords(path: string): Promise<readonly string[]> {
  const opened = StateDatabase.open({ path, durability: 'async', readOnly: true });
  if (!opened.ok) throw new Error(opened.error.message);
  const database = opened.value;
  const store = new PageStore({ sha256, database, pageCacheBytes: 1e6, leafCacheBytes: 1e6 });
  const { versions, dead } = readMeta(database, sha256);
  const used = new Set<string>();
  for (const { tree } of versions) {
    for (const { node } of treeDifference({ store, before: undefined, after: tree, isSame: () => false })) {
      if (node.id !== undefined) used.add(`${node.kind === 'leaf' ? 'leaves' : 'pages'} ${node.id}`);
    }
  }
  for (const part of partsOf(database, dead))
    for (const { table, id } of recordsOf(database, part)) used.add(`${table} ${id}`);
  const stored = (['pages', 'leaves'] as const).flatMap((table) =>
    [...database[table].getKeys()].map((key) => `${table} ${idOfKey(key)}`),
  );
  await database.close();
  return stored.filter((record) => !used.has(record));
}
