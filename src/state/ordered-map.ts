/**
 * A persistent ordered map: every change gives a new map that shares all but O(log size) nodes with the old one, which stays as it was.
 * An AVL tree, so its depth is at most 1.44 · log2(size) whatever keys an adversary chooses. Its shape depends on history and is hashed
 * nowhere: roots come from merkle-tree.ts.
 */
import type { Bytes } from '../base/bytes.ts';
import { latin1 } from '../base/latin1.ts';

/** A key as text of one character per byte: text order is the order of the bytes, and equal keys are equal texts. */
export type KeyText = string;

/** The text of a key or of a bound of a range. Every read and write comes through here. */
export function keyText(key: Bytes): KeyText {
  return latin1(key, 0, key.length);
}

interface TreeNode<Value> {
  readonly key: KeyText;
  readonly value: Value;
  readonly left: Tree<Value>;
  readonly right: Tree<Value>;
  readonly height: number;
  readonly size: number;
}
type Tree<Value> = TreeNode<Value> | undefined;

/** An immutable ordered map from keys to values other than undefined. */
export class OrderedMap<Value extends object> {
  readonly #root: Tree<Value>;

  private constructor(root: Tree<Value>) {
    this.#root = root;
  }

  static empty<Value extends object>(): OrderedMap<Value> {
    return new OrderedMap<Value>(undefined);
  }

  get size(): number {
    return sizeOf(this.#root);
  }

  /** The value at `key`, or undefined. O(log size). */
  get(key: KeyText): Value | undefined {
    let node = this.#root;
    while (node !== undefined && node.key !== key) node = key < node.key ? node.left : node.right;
    return node?.value;
  }

  /** This map with `value` at `key`. O(log size). */
  with(key: KeyText, value: Value): OrderedMap<Value> {
    return new OrderedMap(inserted(this.#root, key, value));
  }

  /** This map without `key`; itself when the key is not there. O(log size). */
  without(key: KeyText): OrderedMap<Value> {
    return this.get(key) === undefined ? this : new OrderedMap(removed(this.#root, key));
  }

  /** The values with `from` ≤ key < `to` in key order, one after the other as they are asked for; `to` undefined = to the end. */
  *scan(from: KeyText, to: KeyText | undefined): Generator<Value, void, undefined> {
    const ahead: TreeNode<Value>[] = [];
    let node = this.#root;
    for (;;) {
      while (node !== undefined) {
        if (node.key >= from) {
          ahead.push(node);
          node = node.left;
        } else {
          node = node.right;
        }
      }
      const next = ahead.pop();
      if (next === undefined || (to !== undefined && next.key >= to)) return;
      yield next.value;
      node = next.right;
    }
  }
}

function sizeOf(tree: Tree<unknown>): number {
  return tree?.size ?? 0;
}

function heightOf(tree: Tree<unknown>): number {
  return tree?.height ?? 0;
}

/** A node with the key and value of `at`. Requires: the heights of `left` and `right` differ by at most 1. */
function join<Value>(at: Pair<Value>, left: Tree<Value>, right: Tree<Value>): TreeNode<Value> {
  const height = 1 + Math.max(heightOf(left), heightOf(right));
  return { key: at.key, value: at.value, left, right, height, size: 1 + sizeOf(left) + sizeOf(right) };
}

type Pair<Value> = Pick<TreeNode<Value>, 'key' | 'value'>;

/** As `join`, for heights that differ by at most 2, as they do after one insertion or removal below: rotates once or twice. */
function balanced<Value>(at: Pair<Value>, left: Tree<Value>, right: Tree<Value>): TreeNode<Value> {
  const lean = heightOf(left) - heightOf(right);
  if (left !== undefined && lean > 1) {
    const inner = left.right;
    return inner === undefined || heightOf(left.left) >= inner.height
      ? join(left, left.left, join(at, inner, right))
      : join(inner, join(left, left.left, inner.left), join(at, inner.right, right));
  }
  if (right !== undefined && lean < -1) {
    const inner = right.left;
    return inner === undefined || heightOf(right.right) >= inner.height
      ? join(right, join(at, left, inner), right.right)
      : join(inner, join(at, left, inner.left), join(right, inner.right, right.right));
  }
  return join(at, left, right);
}

function inserted<Value>(tree: Tree<Value>, key: KeyText, value: Value): TreeNode<Value> {
  if (tree === undefined) return join({ key, value }, undefined, undefined);
  if (key === tree.key) return join({ key, value }, tree.left, tree.right);
  return key < tree.key
    ? balanced(tree, inserted(tree.left, key, value), tree.right)
    : balanced(tree, tree.left, inserted(tree.right, key, value));
}

function removed<Value>(tree: Tree<Value>, key: KeyText): Tree<Value> {
  if (tree === undefined) return undefined;
  if (key < tree.key) return balanced(tree, removed(tree.left, key), tree.right);
  if (key > tree.key) return balanced(tree, tree.left, removed(tree.right, key));
  if (tree.right === undefined) return tree.left;
  let successor = tree.right;
  while (successor.left !== undefined) successor = successor.left;
  return balanced(successor, tree.left, removed(tree.right, successor.key));
}
