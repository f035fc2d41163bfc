/** How an assembly is written while it grows, and becomes the present content. */
import { StateDamaged } from '../../base/key-value.ts';
import type { SubtreeAddress } from '../../base/key-value.ts';
import { TreeAssembly, addressOf, hashOf, makeMissing, treeDifference } from '../../state/index.ts';
import type { Fork, Node } from '../../state/index.ts';
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
  const { sequence, root, node, earlier, isSuspect } = assembly;
  const isStored = node === undefined || node.id !== undefined || node.kind === 'stub';
  const stored = {
    sequence,
    root,
    tree: isStored && node?.kind !== 'inner' ? node : makeMissing(root),
    takenBytes: 0,
    earlier,
    firstPage: meta.assembly?.firstPage ?? numbers.page,
    firstLeaf: meta.assembly?.firstLeaf ?? numbers.leaf,
    isSuspect,
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

/** Where the tree cannot be read: everything in it is. At most so many places, so that those can be asked for while the rest waits. */
export async function damagedParts(
  storage: Storage,
  tree: StoredRoot,
  atMost = 1000,
): Promise<readonly SubtreeAddress[]> {
  const found: SubtreeAddress[] = [];
  await walkRecords(storage, tree, {
    onDamage: (address) => found.push(address),
    isEnough: () => found.length >= atMost,
  });
  return found;
}

/**
 * All is there: makes the table of entries that of the new content, lists what the present version has and the new one has not, and removes what
 * assemblies wrote and the new content does not need; if records were damaged, also what no version leads to any more. Gives the epoch for the new
 * version.
 */
export async function prepareAssembly(storage: Storage, stored: StoredAssembly): Promise<number> {
  const { meta, numbers } = storage;
  const target = stored.tree;
  const isMixed = meta.entriesOf !== undefined && !stored.isSuspect;
  const entriesOf = isMixed
    ? [...(meta.entriesOf ?? []).filter((tree) => !isSameTree(tree, target)), target]
    : undefined;
  await storage.commitMeta({ entriesOf });
  await storage.bringEntries(target);
  await storage.commitMeta({ assembly: { ...stored, earlier: [] } });
  const epoch = storage.nextEpoch();
  const needed = {
    pages: new NumberSet(stored.isSuspect ? 1 : stored.firstPage, numbers.page),
    leaves: new NumberSet(stored.isSuspect ? 1 : stored.firstLeaf, numbers.leaf),
  };
  await (stored.isSuspect ? listDeadByReading : listDead)(storage, target, epoch, needed);
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

type Needed = Readonly<Record<DeadRecord['table'], NumberSet>>;

/** Lists under `epoch` what only the latest version has; adds to `needed` what only the target has. */
async function listDead(storage: Storage, target: StoredRoot, epoch: number, needed: Needed): Promise<void> {
  const { database, store, latest } = storage;
  const dead = new DeadList(database, epoch);
  const compared = { store, before: latest?.tree, after: target, isSame: isSameRecord };
  for (const { side, node } of treeDifference(compared)) {
    const record = recordOf(node);
    if (record !== undefined && side === 'new') needed[record.table].add(record.id);
    else if (record !== undefined) dead.add(record);
    await storage.pace();
  }
  dead.write();
}

/** As `listDead`, where the latest version cannot all be read: `needed` is then what any version has. */
async function listDeadByReading(storage: Storage, target: StoredRoot, epoch: number, needed: Needed): Promise<void> {
  const dead = new DeadList(storage.database, epoch);
  await walkRecords(storage, target, { onRecord: ({ table, id }) => needed[table].add(id) });
  const listed = (record: DeadRecord): void => {
    const { table, id } = record;
    if (needed[table].has(id)) return;
    dead.add(record);
    needed[table].add(id);
  };
  for (const { tree, epoch: each } of storage.meta.versions.toReversed()) {
    const onRecord =
      each === storage.latest?.epoch ? listed : ({ table, id }: DeadRecord): void => needed[table].add(id);
    await walkRecords(storage, tree, { onRecord });
  }
  dead.write();
}

interface Walk {
  readonly onRecord?: (record: DeadRecord) => void;
  readonly onDamage?: (address: SubtreeAddress) => void;
  readonly isEnough?: () => boolean;
}

/** Reads and checks all records of a tree, from the database and not from memory; what cannot be read is told and passed by. */
async function walkRecords({ store, slices, sha256 }: Storage, tree: StoredRoot, walk: Walk): Promise<void> {
  const ahead: { readonly node: Node; readonly forks: readonly Fork[] }[] =
    tree === undefined ? [] : [{ node: tree, forks: [] }];
  for (let next = ahead.pop(); next !== undefined && walk.isEnough?.() !== true; next = ahead.pop()) {
    const { node, forks } = next;
    try {
      if (node.kind === 'leaf') store.readLeaf(node);
      const inner = node.kind === 'stub' ? store.readWholePage(node) : node;
      const record = recordOf(inner);
      if (record !== undefined) walk.onRecord?.(record);
      if (inner.kind === 'inner') {
        ahead.push({ node: inner.right, forks: [...forks, { bit: inner.bit, side: 1 }] });
        ahead.push({ node: inner.left, forks: [...forks, { bit: inner.bit, side: 0 }] });
      }
    } catch (error) {
      if (!(error instanceof StateDamaged)) throw error;
      walk.onDamage?.(addressOf(hashOf(sha256, node), forks));
    }
    if (slices.isOver) await slices.pause();
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
