/**
 * Which calls can have to do with each other: those whose footprints meet. A history is linearizable exactly when each part is that shares no
 * key with another (Herlihy and Wing 1990: locality), so that parts are judged one by one.
 */

/** Prefixes of the keys that an operation may read or write, whatever the state is. A wider footprint than needed is never wrong. */
export type Footprint = readonly string[];

/**
 * The parts, in the order of their first elements. Two elements are in one part when a prefix of one begins with a prefix of the other, or
 * when a chain of others connects them. Elements without any prefix are a part of their own.
 */
export function partition<Element>(
  elements: readonly Element[],
  footprintOf: (element: Element) => Footprint,
): readonly (readonly Element[])[] {
  const groups = new Groups();
  for (const element of elements) {
    const [first, ...others] = footprintOf(element);
    if (first !== undefined) for (const other of [first, ...others]) groups.join(first, other);
  }
  groups.joinExtensions();
  return groupsOf(elements, (element) => {
    const [first] = footprintOf(element);
    return first === undefined ? undefined : groups.rootOf(first);
  });
}

/** Elements of equal name together, in the order of their first ones. */
export function groupsOf<Element>(
  elements: readonly Element[],
  nameOf: (element: Element) => string | undefined,
): readonly (readonly Element[])[] {
  const groups = new Map<string | undefined, Element[]>();
  for (const element of elements) {
    const name = nameOf(element);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [element]);
    else group.push(element);
  }
  return [...groups.values()];
}

/** Union-find over prefixes. */
class Groups {
  readonly #parents = new Map<string, string>();

  rootOf(prefix: string): string {
    let root = prefix;
    for (let parent = this.#parents.get(root); parent !== undefined && parent !== root;) {
      root = parent;
      parent = this.#parents.get(root);
    }
    this.#parents.set(prefix, root);
    return root;
  }

  join(left: string, right: string): void {
    const [leftRoot, rightRoot] = [this.rootOf(left), this.rootOf(right)];
    this.#parents.set(rightRoot, leftRoot);
  }

  /** Every prefix with those that begin with it: they stand behind it in the alphabetical order, with nothing else in between. */
  joinExtensions(): void {
    const open: string[] = [];
    for (const prefix of [...this.#parents.keys()].toSorted()) {
      while (open.length > 0 && !prefix.startsWith(open.at(-1) ?? '')) open.pop();
      const shorter = open.at(-1);
      if (shorter !== undefined) this.join(shorter, prefix);
      open.push(prefix);
    }
  }
}
