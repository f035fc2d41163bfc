/** A bounded set whose members come in groups (addresses). When it is full, the group with most members gives way, so that no group can
 * crowd out the others by coming often. */
export class FairPool<Member> {
  readonly #limit: number;
  /** Oldest first. */
  readonly #members = new Map<Member, string>();
  readonly #sizes = new Map<string, number>();

  /** Requires: limit ≥ 1. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#members.size;
  }

  /** Who must go before a member of `group` fits: the oldest of the largest group, the newcomer counted; undefined while there is room. */
  whoGivesWay(group: string): { readonly member: Member; readonly group: string } | undefined {
    if (this.#members.size < this.#limit) return undefined;
    let largest = group;
    let largestSize = (this.#sizes.get(group) ?? 0) + 1;
    for (const [name, size] of this.#sizes) {
      if (size > largestSize) [largest, largestSize] = [name, size];
    }
    for (const [member, name] of this.#members) if (name === largest) return { member, group: largest };
    // The newcomer's group has no member yet and all others have one each: the oldest of all.
    for (const [member, name] of this.#members) return { member, group: name };
    return undefined;
  }

  add(member: Member, group: string): void {
    this.#members.set(member, group);
    this.#sizes.set(group, (this.#sizes.get(group) ?? 0) + 1);
  }

  delete(member: Member): void {
    const group = this.#members.get(member);
    if (group === undefined) return;
    this.#members.delete(member);
    const size = (this.#sizes.get(group) ?? 1) - 1;
    if (size === 0) this.#sizes.delete(group);
    else this.#sizes.set(group, size);
  }
}
