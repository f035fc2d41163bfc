/**
 * The authenticated state in memory. Owns the content of one replica in two persistent structures, an ordered map for reading and a Merkle
 * tree for the root, and the changes committed since both were last brought up to date: between checkpoints a key that changes often is
 * hashed once.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Digest } from '../base/ids.ts';
import type { AuthenticatedState, Entry, OpenTransaction, Snapshot } from '../base/key-value.ts';
import type { Sha256 } from './merkle-hash.ts';
import { MerkleTree } from './merkle-tree.ts';
import { OrderedMap, keyText } from './ordered-map.ts';
import { NO_CHANGES, OverlayReader } from './overlay.ts';
import type { Change, Changes } from './overlay.ts';
import type { StateProof } from './proof.ts';
import { OverlayTransaction } from './transaction.ts';
import { StateUsageError, checkKey, checkValue } from './usage-error.ts';

/** A snapshot that can prove to someone with its root what it holds. */
export interface ProvableSnapshot extends Snapshot {
  /** The proof that the key has the value `get` gives, or that it is absent; see `verifyStateProof`. */
  prove(key: Bytes): StateProof;
}

/** One version of the content: what `MemoryState` holds between two changes, shared with the snapshots of it. */
interface Content {
  readonly entries: OrderedMap<Entry>;
  readonly tree: MerkleTree;
}

/** The authenticated state of one replica, in memory. */
export class MemoryState implements AuthenticatedState {
  readonly #sha256: Sha256;
  #content: Content;
  /** Committed, read through, not yet in `#content`. */
  #pending: Changes = NO_CHANGES;
  #transactionOpen = false;

  constructor(sha256: Sha256) {
    this.#sha256 = sha256;
    this.#content = emptyContent(sha256);
  }

  get(key: Bytes): Bytes | undefined {
    return this.#reader().get(key);
  }

  range(from: Bytes, to: Bytes | undefined, limit: number): readonly Entry[] {
    return this.#reader().range(from, to, limit);
  }

  /** Requires: no other transaction on the state itself is open. */
  begin(): OpenTransaction {
    assert(!this.#transactionOpen, 'the state has one open transaction at a time');
    this.#transactionOpen = true;
    return new OverlayTransaction(this.#content.entries, this.#pending, (changes) => {
      this.#transactionOpen = false;
      if (changes !== undefined) this.#pending = changes;
    });
  }

  root(): Digest {
    return this.#settled().tree.root();
  }

  snapshot(): ProvableSnapshot {
    return new MemorySnapshot(this.#sha256, this.#settled());
  }

  /** Requires: no transaction is open. Throws `StateUsageError`, the content unchanged, for a key twice or beyond the bounds. */
  restore(entries: Iterable<Entry>): void {
    assert(!this.#transactionOpen, 'a state is restored while no transaction is open');
    let content = emptyContent(this.#sha256);
    for (const { key, value } of entries) {
      checkKey(key);
      checkValue(value);
      if (content.entries.get(keyText(key)) !== undefined) {
        throw new StateUsageError('duplicate_key', 'the entries of a state have distinct keys');
      }
      content = applied(this.#sha256, content, { key: new Uint8Array(key), value: new Uint8Array(value) });
    }
    this.#content = content;
    this.#pending = NO_CHANGES;
  }

  #reader(): OverlayReader {
    return new OverlayReader(this.#content.entries, this.#pending);
  }

  /** The content with all committed changes in it. An open transaction is not disturbed: it reads the version it began on. */
  #settled(): Content {
    for (const change of this.#pending.scan('', undefined)) {
      this.#content = applied(this.#sha256, this.#content, change);
    }
    this.#pending = NO_CHANGES;
    return this.#content;
  }
}

function emptyContent(sha256: Sha256): Content {
  return { entries: OrderedMap.empty<Entry>(), tree: MerkleTree.empty(sha256) };
}

function applied(sha256: Sha256, content: Content, change: Change): Content {
  const { key, value } = change;
  const text = keyText(key);
  const keyDigest = sha256(key);
  return value === undefined
    ? { entries: content.entries.without(text), tree: content.tree.without(keyDigest) }
    : { entries: content.entries.with(text, { key, value }), tree: content.tree.with(keyDigest, sha256(value)) };
}

class MemorySnapshot implements ProvableSnapshot {
  readonly root: Digest;
  readonly entryCount: number;
  readonly #sha256: Sha256;
  readonly #content: Content;

  constructor(sha256: Sha256, content: Content) {
    this.#sha256 = sha256;
    this.#content = content;
    this.root = content.tree.root();
    this.entryCount = content.entries.size;
  }

  get(key: Bytes): Bytes | undefined {
    return new OverlayReader(this.#content.entries, NO_CHANGES).get(key);
  }

  range(from: Bytes, to: Bytes | undefined, limit: number): readonly Entry[] {
    return new OverlayReader(this.#content.entries, NO_CHANGES).range(from, to, limit);
  }

  prove(key: Bytes): StateProof {
    return this.#content.tree.prove(this.#sha256(key));
  }
}
