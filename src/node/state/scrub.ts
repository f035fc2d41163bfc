/**
 * Reading all of the latest version and checking it: every page and leaf hashes to what is above it, every leaf has its row in the table of
 * entries, and every row has its leaf. It goes on from key to key while versions come and go.
 */
import { setTimeout } from 'node:timers/promises';
import type { Digest } from '../../base/ids.ts';
import { StateDamaged } from '../../base/key-value.ts';
import { bitOf } from '../../state/index.ts';
import type { Leaf, Node } from '../../state/index.ts';
import type { Row } from './database.ts';
import type { EntriesTable } from './entries-table.ts';
import type { StoredRoot } from './state-meta.ts';
import type { Storage } from './storage.ts';

export interface ScrubOptions {
  /** How many keys are checked in a second, roughly. Default: as many as there is time for. */
  readonly keysPerSecond?: number;
}

/** `progress`: so many records were checked since the last step. `damage`: what was found. */
export type ScrubStep =
  | { readonly kind: 'progress'; readonly checked: number }
  | { readonly kind: 'damage'; readonly damage: StateDamaged };

export interface ScrubParts {
  readonly storage: Storage;
  readonly entries: EntriesTable;
  /** The latest tree; undefined also when nothing can be checked any more. */
  readonly tree: () => StoredRoot;
}

/** A slice ends after so many milliseconds. */
const SLICE_MS = 4;

export async function* scrubbed(parts: ScrubParts, options: ScrubOptions): AsyncGenerator<ScrubStep, void, undefined> {
  for (const pass of [new TreePass(parts), new RowPass(parts)]) {
    while (!pass.isDone) {
      const startedAt = performance.now();
      const damages: StateDamaged[] = [];
      const checked = pass.slice(startedAt + SLICE_MS, (damage) => damages.push(damage));
      for (const damage of damages) yield { kind: 'damage', damage };
      yield { kind: 'progress', checked };
      const restMs = (checked * 1000) / (options.keysPerSecond ?? Infinity) - (performance.now() - startedAt);
      await setTimeout(Math.max(0, restMs));
    }
  }
}

type OnDamage = (damage: StateDamaged) => void;

/** From leaf to leaf in the order of their keys' digests, and all pages on the way. */
class TreePass {
  isDone = false;
  readonly #parts: ScrubParts;
  /** Everything whose path is below it has been checked; 64 characters of hexadecimal. */
  #from = '0'.repeat(64) as Digest;
  #checked = 0;

  constructor(parts: ScrubParts) {
    this.#parts = parts;
  }

  slice(untilMs: number, onDamage: OnDamage): number {
    this.#checked = 0;
    const root = this.#parts.tree();
    if (root === undefined || this.#visit(root, { path: this.#from, isEdge: true }, untilMs, onDamage))
      this.isDone = true;
    return this.#checked;
  }

  /**
   * Checks what is at or after the place where the last slice ended (`isEdge`: that place is below this node) and gives true, or false when time
   * is over.
   */
  #visit(
    at: Node,
    edge: { readonly path: Digest; readonly isEdge: boolean },
    untilMs: number,
    onDamage: OnDamage,
  ): boolean {
    try {
      if (at.kind === 'leaf') {
        if (edge.isEdge && at.keyDigest < edge.path) return true;
        if (this.#checked > 0 && performance.now() > untilMs) {
          this.#from = at.keyDigest;
          return false;
        }
        this.#checked += 1;
        this.#checkLeaf(at);
        return true;
      }
      const node = at.kind === 'stub' ? this.#parts.storage.store.readWholePage(at) : at;
      const isRight = edge.isEdge && bitOf(edge.path, node.bit) === 1;
      if (!isRight && !this.#visit(node.left, edge, untilMs, onDamage)) return false;
      return this.#visit(node.right, { path: edge.path, isEdge: isRight }, untilMs, onDamage);
    } catch (error) {
      if (!(error instanceof StateDamaged)) throw error;
      onDamage(error);
      return true;
    }
  }

  #checkLeaf(leaf: Leaf): void {
    const { storage, entries } = this.#parts;
    const key = Buffer.from(storage.store.readLeaf(leaf).key);
    if (storage.database.row(key) !== undefined || entries.isChanging(key)) return;
    throw storage.database.damage('entries', key.toString('hex'), 'it is not there');
  }
}

/** From row to row of the table of entries. */
class RowPass {
  isDone = false;
  readonly #parts: ScrubParts;
  #after: Buffer | undefined;

  constructor(parts: ScrubParts) {
    this.#parts = parts;
  }

  slice(untilMs: number, onDamage: OnDamage): number {
    let checked = 0;
    const { storage, tree } = this.#parts;
    const start = this.#after === undefined ? {} : { start: Buffer.concat([this.#after, Buffer.alloc(1)]) };
    try {
      for (const row of tree() === undefined ? [] : storage.database.rows(start)) {
        this.#after = row.key;
        checked += 1;
        this.#checkRow(row, onDamage);
        if (performance.now() > untilMs) return checked;
      }
    } catch (error) {
      // The table itself cannot be read on.
      if (!(error instanceof StateDamaged)) throw error;
      onDamage(error);
    }
    this.isDone = true;
    return checked;
  }

  #checkRow({ key }: Row, onDamage: OnDamage): void {
    try {
      this.#parts.entries.checkedLeaf(key);
    } catch (error) {
      if (!(error instanceof StateDamaged)) throw error;
      onDamage(error);
    }
  }
}
