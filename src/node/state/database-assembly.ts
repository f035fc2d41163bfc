/** An assembly whose tree is written to the database while it grows. */
import type { Digest, Sequence } from '../../base/ids.ts';
import type { Assembly, SubtreeAddress, SubtreeContent } from '../../base/key-value.ts';
import type { Inner, Node, TreeAssembly } from '../../state/index.ts';
import type { StoredAssembly, StoredRoot } from './state-meta.ts';

/** What a node that came takes in memory until it is written. */
const NODE_BYTES = 500;

export interface DatabaseAssemblyParts {
  readonly tree: TreeAssembly;
  /** As the database has it; undefined: not at all yet. */
  readonly stored: StoredAssembly | undefined;
  /** Unfinished trees that this one was begun with, as the database has them. */
  readonly earlier: readonly StoredRoot[];
  /** Records were found damaged: what is stored must be read before it counts as being there. */
  readonly isSuspect: boolean;
  /** Something was taken. */
  readonly onTaken: () => void;
}

export class DatabaseAssembly implements Assembly {
  readonly sequence: Sequence;
  readonly root: Digest;
  readonly earlier: readonly StoredRoot[];
  isSuspect: boolean;
  stored: StoredAssembly | undefined;
  /** What was taken and is not written, in bytes of memory, roughly. */
  unwrittenBytes = 0;
  /** Pages that hold nodes of this tree that have been replaced. */
  replaced: number[] = [];
  /** The epoch of the version that it will be, once all that the version needs is written. */
  preparedEpoch: number | undefined;
  isInstalling = false;
  /** What was adopted has been read, or need not be: nothing was found damaged. */
  isVerified: boolean;
  readonly #onTaken: () => void;
  #tree: TreeAssembly;

  constructor({ tree, stored, earlier, isSuspect, onTaken }: DatabaseAssemblyParts) {
    this.sequence = tree.sequence;
    this.root = tree.root;
    this.earlier = earlier;
    this.isSuspect = isSuspect;
    this.isVerified = !isSuspect;
    this.stored = stored;
    this.#tree = tree;
    this.#onTaken = onTaken;
  }

  get takenBytes(): number {
    return this.#tree.takenBytes;
  }

  /** Nothing is missing, and the table of entries is that of this content. */
  get isComplete(): boolean {
    return this.preparedEpoch !== undefined;
  }

  /** Nothing is missing. */
  get isFilled(): boolean {
    return this.#tree.isComplete;
  }

  get node(): Node | undefined {
    return this.#tree.node;
  }

  wanted(limit: number, isAsked: (address: SubtreeAddress) => boolean): readonly SubtreeAddress[] {
    return this.#tree.wanted(limit, isAsked);
  }

  take(address: SubtreeAddress, content: SubtreeContent): 'taken' | 'wrong' | 'unknown' {
    const before = this.#tree.takenBytes;
    const answer = this.#tree.take(address, content);
    if (answer !== 'taken') return answer;
    const count = content.kind === 'nodes' ? content.nodes.length : 2 * content.entries.length;
    this.unwrittenBytes += this.#tree.takenBytes - before + NODE_BYTES * count;
    this.#onTaken();
    return answer;
  }

  /** What is stored at `address` cannot be read. */
  lose(address: SubtreeAddress): void {
    this.#tree.lose(address);
  }

  onReplaced(node: Inner): void {
    if (node.id !== undefined) this.replaced.push(node.id);
  }

  /** `before` has been written as `after`. */
  onWritten(before: Node | undefined, after: Node | undefined): void {
    this.#tree.onStored(before, after);
  }

  /** Goes on with a tree that is as the database has it: what was taken since is lost. */
  restart(tree: TreeAssembly, isSuspect: boolean): void {
    this.#tree = tree;
    this.unwrittenBytes = 0;
    this.replaced = [];
    this.preparedEpoch = undefined;
    this.isSuspect = isSuspect;
    this.isVerified = !this.isSuspect;
  }
}
