/** How an assembly is written while it grows, and becomes the present content. */
import { StateDamaged } from '../../base/key-value.ts';
import { TreeAssembly, makeMissing, treeDifference } from '../../state/index.ts';
import type { DatabaseAssembly } from './database-assembly.ts';
import { DeadList, recordOf } from './dead-list.ts';
import type { DeadRecord } from './dead-list.ts';
import { NumberSet } from './number-set.ts';
import { rootHash } from './seal-work.ts';
import type { StoredAssembly, StoredRoot, StoredVersion } from './state-meta.ts';
import { isSameRecord, isSameTree } from './storage.ts';
import type { Storage } from './storage.ts';

/** Of so many unfinished trees at most the parts are used for another one. */
export const MAX_EARLIER = 8;

/** The tree of an assembly as the database has it. */
export function storedTree(
  storage: Storage,
  stored: Pick<StoredAssembly, 'sequence' | 'root' | 'earlier'> & Partial<StoredAssembly>,
  onReplaced: DatabaseAssembly['onReplaced'],
): TreeAssembly {
  const { sha256, store } = storage;
  const { sequence, root } = stored;
  const earlier = [storage.latest?.tree, ...stored.earlier].filter((tree) => tree !== undefined);
  const parts = { sha256, store, sequence, root, earlier, onReplaced };
  if (stored.takenBytes === undefined) return new TreeAssembly(parts);
  return new TreeAssembly({ ...parts, begun: { node: stored.tree, takenBytes: stored.takenBytes } });
}

/** From here on the database says that its content is incomplete. */
export async function markAssembly(storage: Storage, assembly: DatabaseAssembly): Promise<void> {
  const { meta, numbers } = storage;
  const { sequence, root, node, earlier } = assembly;
  const isStored = node === undefined || node.id !== undefined || node.kind === 'stub';
  const stored = {
    sequence,
    root,
    tree: isStored && node?.kind !== 'inner' ? node : makeMissing(root),
    takenBytes: 0,
    earlier,
    firstPage: meta.assembly?.firstPage ?? numbers.page,
    firstLeaf: meta.assembly?.firstLeaf ?? numbers.leaf,
  };
  await storage.commitMeta({ assembly: stored });
  assembly.stored = stored;
}

/** Writes what was taken. */
export async function writeAssembly(
  storage: Storage,
  assembly: DatabaseAssembly,
  stored: StoredAssembly,
): Promise<void> {
  const { node, takenBytes, replaced } = assembly;
  assembly.unwrittenBytes = 0;
  assembly.replaced = [];
  const written = node === undefined ? undefined : await storage.writer().write(node);
  await storage.commit();
  // Pages that others may still name stay until `prepareAssembly` sweeps.
  const isOwn = storage.meta.entriesOf?.length === 1 && stored.earlier.length === 0;
  const unused = isOwn ? replaced.filter((id) => id >= stored.firstPage) : [];
  const next = { ...stored, tree: written, takenBytes };
  await storage.commitMeta({ assembly: next }, () => unused.forEach((id) => storage.remove({ table: 'pages', id })));
  assembly.stored = next;
  assembly.onWritten(node, written);
}

/**
 * All is there: makes the table of entries that of the new content, lists what the present version has and the new one has not, and removes what
 * assemblies wrote and the new content does not need. Gives the epoch for the new version.
 */
export async function prepareAssembly(storage: Storage, stored: StoredAssembly): Promise<number> {
  const { meta } = storage;
  const target = stored.tree;
  const entriesOf =
    meta.entriesOf === undefined ? undefined : [...meta.entriesOf.filter((tree) => !isSameTree(tree, target)), target];
  await storage.commitMeta({ entriesOf });
  await storage.bringEntries(target);
  await storage.commitMeta({ assembly: { ...stored, earlier: [] } });
  const epoch = storage.nextEpoch();
  const needed = {
    pages: new NumberSet(stored.firstPage, storage.numbers.page),
    leaves: new NumberSet(stored.firstLeaf, storage.numbers.leaf),
  };
  await listDead(storage, target, epoch, (record) => needed[record.table].add(record.id));
  for (const table of ['pages', 'leaves'] as const) {
    const { from, to } = needed[table];
    for (let id = from; id < to; id += 1) {
      if (!needed[table].has(id)) storage.remove({ table, id });
      if (id % 64 === 0) await storage.pace();
    }
  }
  await storage.commit();
  return epoch;
}

/** Lists under `epoch` what only the latest version has; `onNew` is told of what only the target has. */
async function listDead(
  storage: Storage,
  target: StoredRoot,
  epoch: number,
  onNew: (record: DeadRecord) => void,
): Promise<void> {
  const { database, store, latest } = storage;
  const dead = new DeadList(database, epoch);
  const walk = async (before: StoredRoot, isListed: boolean): Promise<void> => {
    for (const { side, node } of treeDifference({ store, before, after: target, isSame: isSameRecord })) {
      const record = recordOf(node);
      if (record !== undefined && side === 'new') onNew(record);
      else if (record !== undefined && isListed) dead.add(record);
      await storage.pace();
    }
  };
  try {
    await walk(latest?.tree, true);
    dead.write();
  } catch (error) {
    // Part of the latest version cannot be read: what is below it stays in the database, unused.
    if (!(error instanceof StateDamaged)) throw error;
    await walk(undefined, false);
  }
}

/** The assembly's content is the latest version, and those above it are gone. */
export async function installAssembly(storage: Storage, stored: StoredAssembly, epoch: number): Promise<StoredVersion> {
  const { meta } = storage;
  const version = { sequence: stored.sequence, epoch, root: rootHash(storage, stored.tree), tree: stored.tree };
  const versions = [...meta.versions.filter(({ sequence }) => sequence < version.sequence), version];
  await storage.commitMeta({ versions, dead: [...meta.dead, epoch], assembly: undefined });
  return version;
}
