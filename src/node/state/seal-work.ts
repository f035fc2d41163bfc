/** How sealed changes become a version, and how versions that are collected leave room. */
import { assert } from '../../base/assert.ts';
import type { Bytes } from '../../base/bytes.ts';
import type { Digest, Sequence } from '../../base/ids.ts';
import { StateDamaged } from '../../base/key-value.ts';
import { emptyRoot, hashOf } from '../../state/index.ts';
import type { Change, Changes } from '../../state/index.ts';
import { DeadList, partsOf, recordOf, recordsOf } from './dead-list.ts';
import { putRow, removeRow } from './entries-table.ts';
import type { StoredRoot, StoredVersion } from './state-meta.ts';
import type { Storage } from './storage.ts';

/**
 * After so many changes the nodes above them are written. As the changes come in the order of the tree, hardly a page is written twice by that,
 * and few nodes are in memory at a time.
 */
const CHANGES_AT_ONCE = 500;

/** A content that is not yet a version, or not yet in the table of entries: what is read goes through its changes. */
export interface Sealed {
  readonly sequence: Sequence;
  readonly changes: Changes;
  /** About what `changes` takes in memory. */
  readonly bytes: number;
  isVersion: boolean;
}

/**
 * Puts the changes into the tree, and commits it as a version together with the list of what it replaced; `onCommit` is called when that is
 * about to happen and cannot be given up any more. Then brings the table of entries up to date, so that the changes need not be looked through.
 */
export async function makeVersion(
  storage: Storage,
  sealed: Sealed,
  steps: { readonly onCommit: () => void; readonly onVersion: (version: StoredVersion) => void },
): Promise<void> {
  const { database, numbers, slices, meta } = storage;
  assert(meta.entriesOf?.length === 1, 'a version is made when the table of entries is that of the one before');
  const epoch = storage.nextEpoch();
  const dead = new DeadList(database, epoch);
  const first = { pages: numbers.page, leaves: numbers.leaf };
  let tree = storage.tree(meta.versions.at(-1)?.tree, (node) => {
    const record = node.kind === 'stub' ? undefined : recordOf(node);
    if (record === undefined) return;
    if (record.id < first[record.table]) dead.add(record);
    else storage.remove(record);
  });
  const added: Bytes[] = [];
  const removed: Bytes[] = [];
  const writer = storage.writer();
  let count = 0;
  for (const bucket of await byDigest(storage, sealed.changes)) {
    for (const { keyDigest, change } of bucket.toSorted((one, other) => (one.keyDigest < other.keyDigest ? -1 : 1))) {
      const { key, value } = change;
      const { size } = tree;
      tree = value === undefined ? tree.without(key, keyDigest) : tree.with({ key, value }, keyDigest);
      if (tree.size > size) added.push(key);
      else if (tree.size < size) removed.push(key);
      count += 1;
      if (count % CHANGES_AT_ONCE === 0 && tree.node !== undefined) tree = tree.stored(await writer.write(tree.node));
      else if (slices.isOver) await slices.pause();
    }
  }
  const root = tree.node === undefined ? undefined : await writer.write(tree.node);
  await storage.commit();

  steps.onCommit();
  const version = { sequence: sealed.sequence, epoch, root: rootHash(storage, root), tree: root };
  const entriesOf = [...meta.entriesOf, root];
  const next = { versions: [...meta.versions, version], dead: [...meta.dead, epoch], entriesOf };
  await storage.commitMeta(next, () => dead.write());
  steps.onVersion(version);

  for (const key of added) {
    putRow(database, key);
    await storage.pace();
  }
  for (const key of removed) {
    removeRow(database, key);
    await storage.pace();
  }
  await storage.commitMeta({ entriesOf: [root] });
}

/** The changes in the order of their keys' digests, but for the order within each bucket. */
async function byDigest({ sha256, slices }: Storage, changes: Changes): Promise<readonly (readonly Placed[])[]> {
  const buckets: Placed[][] = Array.from({ length: 256 }, () => []);
  for (const change of changes.all()) {
    const keyDigest = sha256(change.key);
    buckets[Number.parseInt(keyDigest.slice(0, 2), 16)]?.push({ keyDigest, change });
    if (slices.isOver) await slices.pause();
  }
  return buckets;
}

interface Placed {
  readonly keyDigest: Digest;
  readonly change: Change;
}

export function rootHash(storage: Storage, root: StoredRoot): Digest {
  return root === undefined ? emptyRoot(storage.sha256) : hashOf(storage.sha256, root);
}

/** The versions that stay when those below `sequence` may go; the highest stays in any case. */
export function kept(versions: readonly StoredVersion[], sequence: number): readonly StoredVersion[] {
  const last = versions.at(-1);
  return versions.filter((version) => version.sequence >= sequence || version === last);
}

/** There is something to be removed once the versions below `sequence` go. */
export function isCollectable({ meta }: Storage, sequence: number): boolean {
  const [oldest] = kept(meta.versions, sequence);
  return oldest !== undefined && (oldest !== meta.versions[0] || meta.dead.some((epoch) => epoch <= oldest.epoch));
}

/** Lets the versions below `sequence` go, and removes what only they needed. A list that is damaged is told and left out: its records stay. */
export async function collectVersions(
  storage: Storage,
  sequence: number,
  onDamage: (damage: StateDamaged) => void,
): Promise<void> {
  const { database } = storage;
  const versions = kept(storage.meta.versions, sequence);
  const [oldest] = versions;
  if (oldest === undefined) return;
  await storage.commitMeta({ versions });
  for (const part of partsOf(
    database,
    storage.meta.dead.filter((epoch) => epoch <= oldest.epoch),
  )) {
    try {
      for (const [i, record] of recordsOf(database, part).entries()) {
        storage.remove(record);
        if (i % 64 === 63) await storage.pace();
      }
    } catch (error) {
      if (!(error instanceof StateDamaged)) throw error;
      onDamage(error);
    }
    database.remove(database.dead, part);
    await storage.pace();
  }
  await storage.commitMeta({ dead: storage.meta.dead.filter((epoch) => epoch > oldest.epoch) });
}
