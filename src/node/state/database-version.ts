/** One durable version of a state in a database, read through its tree. */
import type { Bytes } from '../../base/bytes.ts';
import type { Digest, Sequence } from '../../base/ids.ts';
import type { StateProof, SubtreeAddress, SubtreeContent, SubtreeLimits, Version } from '../../base/key-value.ts';
import { MerkleTree } from '../../state/index.ts';
import type { Sha256 } from '../../state/index.ts';
import type { PageStore } from './page-store.ts';
import type { StoredVersion } from './state-meta.ts';

export class DatabaseVersion implements Version {
  readonly sequence: Sequence;
  readonly root: Digest;
  readonly stored: StoredVersion;
  readonly #store: PageStore;
  readonly #tree: MerkleTree;

  constructor(sha256: Sha256, store: PageStore, stored: StoredVersion) {
    this.sequence = stored.sequence;
    this.root = stored.root;
    this.stored = stored;
    this.#store = store;
    this.#tree = new MerkleTree({ sha256, store, onReplaced: () => undefined }, stored.tree);
  }

  get(key: Bytes): Bytes | undefined {
    const leaf = this.#tree.leaf(key);
    return leaf === undefined ? undefined : this.#store.entry(leaf).value;
  }

  prove(key: Bytes): StateProof {
    return this.#tree.prove(key);
  }

  subtree(address: SubtreeAddress, limits: SubtreeLimits): SubtreeContent | undefined {
    return this.#tree.subtree(address, limits);
  }
}
