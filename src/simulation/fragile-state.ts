/**
 * A state on a medium that can go bad: entries that lie there cannot be read any more, which a real database finds out by its hashes, until a repair has
 * written them anew. Owns what is damaged; the content itself is a state in memory.
 */
import type { Bytes } from '../base/bytes.ts';
import type { Digest, ReplicaId, Sequence } from '../base/ids.ts';
import { StateDamaged } from '../base/key-value.ts';
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
import { MemoryState } from '../state/index.ts';
import type { Sha256 } from './ideal-authenticator.ts';

/** How many sealed contents may wait at a node: few at some, so that execution meets the bound, and more at others, so that many are under way. */
export function maxWaitingOf(node: ReplicaId): number {
  return 1 + (node % 3);
}

export class FragileState implements AuthenticatedState {
  readonly #sha256: Sha256;
  readonly #state: MemoryState;
  /** The first hexadecimal digits of the digests of the keys that lie there. */
  readonly #bad: Set<string>;
  readonly #wrapped = new WeakMap<Version, Version>();
  #isInstalling = false;

  private constructor(sha256: Sha256, state: MemoryState, bad: Iterable<string>) {
    this.#sha256 = sha256;
    this.#state = state;
    this.#bad = new Set(bad);
  }

  /** Full with `maxWaiting` sealed contents that are not durable. */
  static empty(sha256: Sha256, maxWaiting: number): FragileState {
    return new FragileState(sha256, new MemoryState(sha256, { durable: 'when-settled', maxWaiting }), []);
  }

  /** What comes back after a crash: what was durable, as damaged as it was. */
  static reopened(before: FragileState): FragileState {
    return new FragileState(before.#sha256, MemoryState.reopened(before.#state), before.#bad);
  }

  /** Keys whose digests begin with `prefix` cannot be read from now on. */
  damage(prefix: string): void {
    this.#bad.add(prefix);
  }

  get isDamaged(): boolean {
    return this.#bad.size > 0;
  }

  unsettled(): readonly Sequence[] {
    return this.#state.unsettled();
  }

  /** A content that was fetched has been written anew. */
  settle(): void {
    const isInstalling = this.#isInstalling;
    this.#state.settle();
    if (isInstalling && this.unsettled().length === 0) {
      this.#bad.clear();
      this.#isInstalling = false;
    }
  }

  get(key: Bytes): Bytes | undefined {
    return this.#checked(key, this.#state.get(key));
  }

  range(from: Bytes, to: Bytes | undefined, limit: number): readonly Entry[] {
    return this.#checkedAll(this.#state.range(from, to, limit));
  }

  begin(): OpenTransaction {
    return this.#guarded(this.#state.begin());
  }

  seal(sequence: Sequence): void {
    this.#state.seal(sequence);
  }

  store(sequence: Sequence): void {
    this.#state.store(sequence);
  }

  get isFull(): boolean {
    return this.#state.isFull;
  }

  versions(): readonly Version[] {
    return this.#state.versions().map((version) => {
      const known = this.#wrapped.get(version) ?? this.#wrap(version);
      this.#wrapped.set(version, known);
      return known;
    });
  }

  collect(sequence: Sequence): void {
    this.#state.collect(sequence);
  }

  assemble(sequence: Sequence, root: Digest): Assembly {
    return this.#state.assemble(sequence, root);
  }

  get assembling(): Assembly | undefined {
    return this.#state.assembling;
  }

  install(): void {
    this.#isInstalling = true;
    this.#state.install();
  }

  #checked<T>(key: Bytes, value: T): T {
    if (this.#bad.size === 0) return value;
    const digits = this.#sha256(key);
    for (const prefix of this.#bad)
      if (digits.startsWith(prefix)) throw new StateDamaged('an entry does not have its hash');
    return value;
  }

  #checkedAll(entries: readonly Entry[]): readonly Entry[] {
    for (const { key } of entries) this.#checked(key, undefined);
    return entries;
  }

  #guarded(transaction: OpenTransaction): OpenTransaction {
    return {
      get: (key) => this.#checked(key, transaction.get(key)),
      range: (from, to, limit) => this.#checkedAll(transaction.range(from, to, limit)),
      put: (key, value) => transaction.put(key, value),
      delete: (key) => transaction.delete(key),
      begin: () => this.#guarded(transaction.begin()),
      commit: () => transaction.commit(),
      rollback: () => transaction.rollback(),
    };
  }

  #wrap(version: Version): Version {
    return {
      sequence: version.sequence,
      root: version.root,
      get: (key: Bytes): Bytes | undefined => this.#checked(key, version.get(key)),
      prove: (key: Bytes): StateProof => this.#checked(key, version.prove(key)),
      subtree: (address: SubtreeAddress, limits: SubtreeLimits): SubtreeContent | undefined => {
        const content = version.subtree(address, limits);
        return content?.kind === 'entries' ? { kind: 'entries', entries: this.#checkedAll(content.entries) } : content;
      },
    };
  }
}
