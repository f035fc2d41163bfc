/**
 * A state in memory whose entries a test can damage, as a bad sector would: reading one throws, in the present content and in every version. What is not
 * damaged can be read on, and is what an assembly has without asking; after the repair all is readable again.
 */
import { EMPTY, equalBytes } from '../../src/base/bytes.ts';
import type { Bytes } from '../../src/base/bytes.ts';
import { GENESIS } from '../../src/base/ids.ts';
import type { Digest, Sequence } from '../../src/base/ids.ts';
import { StateDamaged } from '../../src/base/key-value.ts';
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
} from '../../src/base/key-value.ts';
import { MemoryState } from '../../src/state/index.ts';
import type { MemoryStateOptions } from '../../src/state/index.ts';
import { sha256 } from './core-kit.ts';

export type Durable = NonNullable<MemoryStateOptions['durable']>;

export class DamageableState implements AuthenticatedState {
  readonly #durable: Durable;
  readonly #maxWaiting: number;
  #inner: MemoryState;
  #damaged: readonly Bytes[] = [];
  /** Versions from before a repair: what was damaged in them stays so. */
  #before: readonly Version[] = [];
  /** What of them could be read when the repair began. It is no checkpoint. */
  #salvaged: Version | undefined;

  /** Full with `maxWaiting` sealed contents that are not durable. */
  constructor(durable: Durable = 'at-once', inner?: MemoryState, maxWaiting = Infinity) {
    this.#durable = durable;
    this.#inner = inner ?? new MemoryState(sha256, { durable, maxWaiting });
    this.#maxWaiting = maxWaiting;
  }

  /** What a crash leaves, damage included; this one must not be used any more. */
  reopened(durable: Durable = this.#durable): DamageableState {
    const state = new DamageableState(
      durable,
      MemoryState.reopened(this.#inner, { durable, maxWaiting: this.#maxWaiting }),
      this.#maxWaiting,
    );
    state.#damaged = this.#damaged;
    state.#before = this.#before;
    state.#salvaged = this.#salvaged;
    return state;
  }

  /** From now on these keys cannot be read. */
  damage(...keys: readonly Bytes[]): void {
    this.#damaged = [...this.#damaged, ...keys];
  }

  /** Sealed or installed, and not durable, though it may be. */
  unsettled(): readonly Sequence[] {
    return this.#inner.unsettled();
  }

  /** What was sealed first becomes durable. */
  settle(): void {
    this.#inner.settle();
  }

  get(key: Bytes): Bytes | undefined {
    assertReadable([key], this.#damaged);
    return this.#inner.get(key);
  }

  range(from: Bytes, to: Bytes | undefined, limit: number): readonly Entry[] {
    const found = this.#inner.range(from, to, limit);
    assertReadable(keysOf(found), this.#damaged);
    return found;
  }

  begin(): OpenTransaction {
    return new DamagedTransaction(this.#inner.begin(), this.#damaged);
  }

  seal(sequence: Sequence): void {
    this.#inner.seal(sequence);
  }

  store(sequence: Sequence): void {
    this.#inner.store(sequence);
  }

  get isFull(): boolean {
    return this.#inner.isFull;
  }

  versions(): readonly Version[] {
    return [...this.#before, ...this.#own().map((version) => this.#damageable(version))];
  }

  collect(sequence: Sequence): void {
    this.#inner.collect(sequence);
    const kept = this.#before.filter((version) => version.sequence >= sequence);
    this.#before = kept.length > 0 || this.#own().length > 0 ? kept : this.#before.slice(-1);
  }

  assemble(sequence: Sequence, root: Digest): Assembly {
    if (this.#damaged.length > 0 && this.assembling === undefined) this.#salvage();
    return this.#inner.assemble(sequence, root);
  }

  get assembling(): Assembly | undefined {
    return this.#inner.assembling;
  }

  install(): void {
    const { assembling } = this.#inner;
    this.#inner.install();
    this.#before = this.#before.filter(({ sequence }) => assembling === undefined || sequence < assembling.sequence);
  }

  #own(): readonly Version[] {
    return this.#inner.versions().filter((version) => version !== this.#salvaged);
  }

  #damageable(version: Version): Version {
    return this.#damaged.length > 0 ? new DamagedVersion(version, this.#damaged) : version;
  }

  /** What can be read of the present content goes into a new state; the versions stay. */
  #salvage(): void {
    const damaged = this.#damaged;
    const readable = this.#inner
      .range(EMPTY, undefined, Number.MAX_SAFE_INTEGER)
      .filter(({ key }) => !isAmong(key, damaged));
    this.#before = this.versions();
    this.#damaged = [];
    this.#inner = new MemoryState(sha256, { durable: this.#durable });
    const transaction = this.#inner.begin();
    for (const { key, value } of readable) transaction.put(key, value);
    transaction.commit();
    this.#inner.seal(GENESIS);
    this.#inner.store(GENESIS);
    this.#inner.settle();
    this.#salvaged = this.#inner.versions().at(-1);
  }
}

class DamagedVersion implements Version {
  readonly #version: Version;
  readonly #damaged: readonly Bytes[];

  constructor(version: Version, damaged: readonly Bytes[]) {
    this.#version = version;
    this.#damaged = damaged;
  }

  get sequence(): Sequence {
    return this.#version.sequence;
  }

  get root(): Digest {
    return this.#version.root;
  }

  get(key: Bytes): Bytes | undefined {
    assertReadable([key], this.#damaged);
    return this.#version.get(key);
  }

  prove(key: Bytes): StateProof {
    assertReadable([key], this.#damaged);
    return this.#version.prove(key);
  }

  subtree(address: SubtreeAddress, limits: SubtreeLimits): SubtreeContent | undefined {
    const content = this.#version.subtree(address, limits);
    if (content?.kind === 'entries') assertReadable(keysOf(content.entries), this.#damaged);
    return content;
  }
}

class DamagedTransaction implements OpenTransaction {
  readonly #transaction: OpenTransaction;
  readonly #damaged: readonly Bytes[];

  constructor(transaction: OpenTransaction, damaged: readonly Bytes[]) {
    this.#transaction = transaction;
    this.#damaged = damaged;
  }

  get(key: Bytes): Bytes | undefined {
    assertReadable([key], this.#damaged);
    return this.#transaction.get(key);
  }

  range(from: Bytes, to: Bytes | undefined, limit: number): readonly Entry[] {
    const found = this.#transaction.range(from, to, limit);
    assertReadable(keysOf(found), this.#damaged);
    return found;
  }

  put(key: Bytes, value: Bytes): void {
    this.#transaction.put(key, value);
  }

  delete(key: Bytes): void {
    this.#transaction.delete(key);
  }

  begin(): OpenTransaction {
    return new DamagedTransaction(this.#transaction.begin(), this.#damaged);
  }

  commit(): void {
    this.#transaction.commit();
  }

  rollback(): void {
    this.#transaction.rollback();
  }
}

function keysOf(entries: readonly Entry[]): readonly Bytes[] {
  return entries.map(({ key }) => key);
}

function isAmong(key: Bytes, keys: readonly Bytes[]): boolean {
  return keys.some((each) => equalBytes(each, key));
}

function assertReadable(keys: readonly Bytes[], damaged: readonly Bytes[]): void {
  if (keys.some((key) => isAmong(key, damaged))) throw new StateDamaged('a value differs from what was written');
}
