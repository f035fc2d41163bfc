/**
 * The authenticated state in memory. Owns the content of one replica in two persistent structures, an ordered map for reading and a Merkle
 * tree for the root, and the changes committed since the last checkpoint: between checkpoints a key that changes often is hashed once.
 */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import type { Digest, Sequence } from '../base/ids.ts';
import type {
  Assembly,
  AuthenticatedState,
  Entry,
  OpenTransaction,
  StateProof,
  SubtreeAddress,
  SubtreeContent,
  SubtreeLimits,
  Version,
} from '../base/key-value.ts';
import { Changes } from './changes.ts';
import type { Change } from './changes.ts';
import type { Sha256 } from './merkle-hash.ts';
import { NO_STORE, entryOf, hashOf } from './merkle-node.ts';
import type { Node } from './merkle-node.ts';
import { MerkleTree } from './merkle-tree.ts';
import { OrderedMap, keyText } from './ordered-map.ts';
import { MapSource, OverlayReader } from './overlay.ts';
import { OverlayTransaction } from './transaction.ts';
import { TreeAssembly } from './tree-assembly.ts';
import { treeDifference } from './tree-difference.ts';
import { apart } from './value-store.ts';

export interface MemoryStateOptions {
  /**
   * When a sealed content is among the versions: `at-once`, before `seal` returns; or `when-settled`, one for each call of `settle` after its `store`, as
   * with a disk that takes its time. Default: `at-once`.
   */
  readonly durable?: 'at-once' | 'when-settled';
  /** With so many sealed contents that are not durable the state is full. Default: it never is. */
  readonly maxWaiting?: number;
  /** Told of each version when it is durable; with `at-once`, while `seal` or `install` is still at work. */
  readonly onVersion?: (version: Version) => void;
}

/** One content, shared with all that came from it. */
interface Content {
  readonly entries: OrderedMap<Entry>;
  readonly tree: MerkleTree;
}

/** A sealed content that is not durable yet. */
interface Sealed {
  readonly version: MemoryVersion;
  /** By an assembly: with it, all versions above go. */
  readonly isInstalled: boolean;
}

/** The authenticated state of one replica, in memory. */
export class MemoryState implements AuthenticatedState {
  readonly #sha256: Sha256;
  readonly #options: MemoryStateOptions;
  /** The content as last sealed. */
  #content: Content;
  /** Committed since. */
  #changes = new Changes();
  #isTransactionOpen = false;
  /** Durable, ascending. */
  #versions: readonly MemoryVersion[] = [];
  /** In the order in which they will be durable. */
  #sealed: readonly Sealed[] = [];
  /** Up to here, sealed contents may become durable. */
  #stored = -1;
  /** Below it, versions go as soon as there is a higher one. */
  #collected = 0;
  /** Under way, or complete and installed but not yet durable. */
  #assembly: TreeAssembly | undefined;

  constructor(sha256: Sha256, options: MemoryStateOptions = {}) {
    this.#sha256 = sha256;
    this.#options = options;
    this.#content = emptyContent(sha256);
  }

  /**
   * The state that comes back after a crash of `previous`: its durable versions, the highest of them as the present content, and what had
   * been taken of an assembly. `previous` must not be used any more.
   */
  static reopened(previous: MemoryState, options: MemoryStateOptions = previous.#options): MemoryState {
    const state = new MemoryState(previous.#sha256, options);
    state.#versions = previous.#versions;
    state.#content = previous.#versions.at(-1)?.content ?? emptyContent(previous.#sha256);
    const assembly = previous.#assembly;
    if (assembly !== undefined)
      state.#assembly = state.#newAssembly(assembly.sequence, assembly.root, { begun: assembly });
    return state;
  }

  get(key: Bytes): Bytes | undefined {
    return this.#reader().get(key);
  }

  range(from: Bytes, to: Bytes | undefined, limit: number): readonly Entry[] {
    return this.#reader().range(from, to, limit);
  }

  begin(): OpenTransaction {
    assert(!this.#isTransactionOpen, 'the state has one open transaction at a time');
    assert(this.assembling === undefined, 'a state is not changed while it is assembled');
    this.#isTransactionOpen = true;
    const reader = new OverlayReader(new MapSource(this.#content.entries), this.#changes);
    return new OverlayTransaction(this.#changes, reader, () => {
      this.#isTransactionOpen = false;
    });
  }

  seal(sequence: Sequence): void {
    assert(!this.#isTransactionOpen, 'a state is sealed while no transaction is open');
    assert(this.assembling === undefined, 'a state is not sealed while it is assembled');
    assert(sequence > this.#highest(), 'a state is sealed in ascending order');
    for (const change of this.#changes.all()) this.#content = applied(this.#content, change);
    this.#changes = new Changes();
    this.#addSealed({ version: new MemoryVersion(sequence, this.#content), isInstalled: false });
  }

  store(sequence: Sequence): void {
    this.#stored = Math.max(this.#stored, sequence);
  }

  get isFull(): boolean {
    return this.#sealed.length >= (this.#options.maxWaiting ?? Infinity);
  }

  versions(): readonly Version[] {
    const installed = this.#sealed.find(({ isInstalled }) => isInstalled)?.version;
    return installed === undefined
      ? this.#versions
      : this.#versions.filter(({ sequence }) => sequence < installed.sequence);
  }

  collect(sequence: Sequence): void {
    this.#collected = Math.max(this.#collected, sequence);
    this.#collectVersions();
  }

  assemble(sequence: Sequence, root: Digest): Assembly {
    assert(!this.#isTransactionOpen, 'a state is replaced while no transaction is open');
    const before = this.#assembly;
    this.#sealed = [];
    this.#changes = new Changes();
    if (before?.root === root && before.sequence === sequence) return before;
    const partial = before?.node === undefined ? [] : [before.node];
    this.#assembly = this.#newAssembly(sequence, root, { partial });
    return this.#assembly;
  }

  get assembling(): Assembly | undefined {
    return this.#sealed.some(({ isInstalled }) => isInstalled) ? undefined : this.#assembly;
  }

  install(): void {
    const assembly = this.#assembly;
    assert(
      assembly !== undefined && this.assembling !== undefined && assembly.isComplete,
      'what is installed is complete',
    );
    this.#content = replaced(this.#sha256, this.#content, assembly.node);
    this.#addSealed({ version: new MemoryVersion(assembly.sequence, this.#content), isInstalled: true });
  }

  /** The sealed contents that may become durable now, in the order in which they will. */
  unsettled(): readonly Sequence[] {
    const mayBe = this.#sealed.filter((sealed) => this.#mayBeStored(sealed));
    return mayBe.map(({ version }) => version.sequence);
  }

  #mayBeStored({ version, isInstalled }: Sealed): boolean {
    return isInstalled || version.sequence <= this.#stored || this.#options.durable !== 'when-settled';
  }

  /** The oldest sealed content becomes durable, if there is one that may. */
  settle(): void {
    const [sealed, ...others] = this.#sealed;
    if (sealed === undefined || !this.#mayBeStored(sealed)) return;
    const { version, isInstalled } = sealed;
    this.#sealed = others;
    if (isInstalled) this.#assembly = undefined;
    this.#versions = [
      ...(isInstalled ? this.#versions.filter(({ sequence }) => sequence < version.sequence) : this.#versions),
      version,
    ];
    this.#collectVersions();
    this.#options.onVersion?.(version);
  }

  #addSealed(sealed: Sealed): void {
    this.#sealed = [...this.#sealed, sealed];
    if (this.#options.durable !== 'when-settled') this.settle();
  }

  #collectVersions(): void {
    const highest = this.#versions.at(-1);
    this.#versions = this.#versions.filter((version) => version.sequence >= this.#collected || version === highest);
  }

  /** The sequence number of the highest version there is or will be; below all when there is none. */
  #highest(): number {
    return this.#sealed.at(-1)?.version.sequence ?? this.#versions.at(-1)?.sequence ?? -1;
  }

  #newAssembly(
    sequence: Sequence,
    root: Digest,
    from: {
      readonly partial?: readonly Node[];
      readonly begun?: { readonly node: Node | undefined; readonly takenBytes: number };
    },
  ): TreeAssembly {
    const present = this.#versions.at(-1)?.content.tree.node;
    const earlier = [...(present === undefined ? [] : [present]), ...(from.partial ?? [])];
    const begun = from.begun;
    const parts = { sha256: this.#sha256, store: NO_STORE, sequence, root, earlier, onReplaced: () => undefined };
    return new TreeAssembly(begun === undefined ? parts : { ...parts, begun });
  }

  #reader(): OverlayReader {
    assert(this.assembling === undefined, 'a state is not read while it is assembled');
    // Nobody but an open transaction reads what it has changed.
    const changes = this.#isTransactionOpen ? this.#changes.committed() : this.#changes;
    return new OverlayReader(new MapSource(this.#content.entries), changes);
  }
}

function emptyContent(sha256: Sha256): Content {
  return { entries: OrderedMap.empty<Entry>(), tree: MerkleTree.empty(sha256) };
}

function applied({ entries, tree }: Content, { key, value }: Change): Content {
  const text = keyText(key);
  if (value === undefined) return { entries: entries.without(text), tree: tree.without(key) };
  const entry = { key, value: apart(value) };
  return { entries: entries.with(text, entry), tree: tree.with(entry) };
}

/** The content of a whole tree, made from another content by what differs. */
function replaced(sha256: Sha256, { entries, tree }: Content, node: Node | undefined): Content {
  const isSame = (before: Node, after: Node): boolean => hashOf(sha256, before) === hashOf(sha256, after);
  let changed = entries;
  const added: Entry[] = [];
  for (const difference of treeDifference({ store: NO_STORE, before: tree.node, after: node, isSame })) {
    if (difference.node.kind !== 'leaf') continue;
    const entry = entryOf(NO_STORE, difference.node);
    if (difference.side === 'gone') changed = changed.without(keyText(entry.key));
    else added.push(entry);
  }
  for (const entry of added) changed = changed.with(keyText(entry.key), entry);
  return { entries: changed, tree: MerkleTree.of(sha256, node) };
}

class MemoryVersion implements Version {
  readonly sequence: Sequence;
  readonly content: Content;

  constructor(sequence: Sequence, content: Content) {
    this.sequence = sequence;
    this.content = content;
  }

  get root(): Digest {
    return this.content.tree.root();
  }

  get(key: Bytes): Bytes | undefined {
    return this.content.entries.get(keyText(key))?.value;
  }

  prove(key: Bytes): StateProof {
    return this.content.tree.prove(key);
  }

  subtree(address: SubtreeAddress, limits: SubtreeLimits): SubtreeContent | undefined {
    return this.content.tree.subtree(address, limits);
  }
}
