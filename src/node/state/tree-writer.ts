/**
 * Writes what is new of a tree. From the leaves up, each node is hashed and put into a page with what is below it; where that grows too long,
 * the longer side becomes a page of its own. So pages are at least half full when they are written, and what shrank is joined again.
 */
import { hashOf, nodeHash } from '../../state/index.ts';
import type { Inner, Leaf, Node, Sha256, Stub } from '../../state/index.ts';
import type { StateDatabase } from './database.ts';
import { INNER_TEXT, MAX_PAGE_ENTRY, MAX_PAGE_TEXT, PageLeaf, innerText, leafText, stubText } from './page-codec.ts';
import { leafValue, pageValue } from './page-store.ts';
import type { PageStore } from './page-store.ts';
import type { Slices } from './slices.ts';

/** So many bytes are written before their commit is awaited: a bound of what waits in memory. */
const MAX_PENDING_BYTES = 4 * 1024 * 1024;

/** The next free numbers of pages and leaves. */
export interface Numbers {
  page: number;
  leaf: number;
}

export interface TreeWriterParts {
  readonly sha256: Sha256;
  readonly database: StateDatabase;
  readonly store: PageStore;
  readonly numbers: Numbers;
  readonly slices: Slices;
}

/** A node with its text; `isNew`: it was made since the tree was last written. */
interface Written {
  readonly node: Node;
  readonly text: string;
  readonly isNew: boolean;
}

export class TreeWriter {
  readonly #parts: TreeWriterParts;

  constructor(parts: TreeWriterParts) {
    this.#parts = parts;
  }

  /**
   * Writes all nodes below `root` that are not stored, and gives the root as it is stored. Nodes it has written lead to stubs from then on, so
   * that they take no memory. The caller awaits `StateDatabase.committed`.
   */
  async write(root: Node): Promise<Node> {
    const { slices, database } = this.#parts;
    const ahead: Node[] = [root];
    const open: Inner[] = [];
    const done: Written[] = [];
    for (let steps = 0; ahead.length > 0; steps += 1) {
      const node = ahead.at(-1);
      if (node === undefined) break;
      const known = this.#known(node);
      if (known !== undefined) {
        done.push(known);
        ahead.pop();
      } else if (node.kind === 'inner' && open.at(-1) !== node) {
        open.push(node);
        ahead.push(node.right, node.left);
      } else if (node.kind === 'inner') {
        const [left, right] = done.splice(-2);
        if (left !== undefined && right !== undefined) done.push(this.#joined(node, left, right));
        open.pop();
        ahead.pop();
      }
      if (database.pendingBytes > MAX_PENDING_BYTES) await this.commit();
      else if (steps % 16 === 0 && slices.isOver) await slices.pause();
    }
    const written = done.pop();
    if (written === undefined) return root;
    const { node, text } = this.#onPage(written);
    return node.kind === 'leaf' && node.id === undefined ? new PageLeaf(this.#parts.sha256, node.hash, text) : node;
  }

  /** All that was written is committed. */
  async commit(): Promise<void> {
    await this.#parts.slices.waitFor(this.#parts.database.committed());
    this.#parts.store.forgetWritten();
  }

  /** The text of a node below which nothing is new. */
  #known(node: Node): Written | undefined {
    if (node.kind === 'leaf') return { node, text: this.#leafText(node), isNew: false };
    if (node.kind === 'stub') return { node, text: stubText(node), isNew: false };
    if (node.id !== undefined) {
      const stub = stubOf(node, node.id, hashOf(this.#parts.sha256, node));
      return { node: stub, text: stubText(stub), isNew: false };
    }
    return node.encoded === undefined ? undefined : { node, text: node.encoded, isNew: false };
  }

  #leafText(leaf: Leaf): string {
    const { entry } = leaf;
    if (leaf.id === undefined && entry !== undefined && entry.key.length + entry.value.length > MAX_PAGE_ENTRY) {
      const { database, numbers } = this.#parts;
      leaf.id = numbers.leaf;
      numbers.leaf += 1;
      database.putNumbered('leaves', leaf.id, leafValue(entry));
      leaf.entry = undefined;
    }
    return leafText(leaf);
  }

  #joined(node: Inner, first: Written, second: Written): Written {
    let [left, right] = [first, second];
    while (INNER_TEXT + left.text.length + right.text.length > MAX_PAGE_TEXT) {
      if (left.text.length > right.text.length) left = this.#onPage(left);
      else right = this.#onPage(right);
    }
    const { sha256 } = this.#parts;
    node.left = left.node;
    node.right = right.node;
    node.hash ??= nodeHash(sha256, node.bit, hashOf(sha256, left.node), hashOf(sha256, right.node));
    node.encoded = innerText(node.bit, node.hash, left.text, right.text);
    return { node, text: node.encoded, isNew: true };
  }

  /** An inner node as the first of a page, which is written; another one as it is. */
  #onPage({ node, text, isNew }: Written): Written {
    if (node.kind !== 'inner') return { node, text, isNew };
    const { database, store, numbers, sha256 } = this.#parts;
    const id = numbers.page;
    numbers.page += 1;
    const value = pageValue(id, text);
    database.putNumbered('pages', id, value);
    store.addWritten(id, value);
    // A node that was read belongs to the page it was read from, for whoever reads that one.
    if (isNew) node.id = id;
    const stub = stubOf(node, id, hashOf(sha256, node));
    return { node: stub, text: stubText(stub), isNew: false };
  }
}

function stubOf({ size, complete }: Inner, id: number, hash: Stub['hash']): Stub {
  return { kind: 'stub', hash, id, size, complete };
}
