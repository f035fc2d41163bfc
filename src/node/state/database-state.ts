/**
 * The authenticated state in a database. Owns the changes since the last checkpoint and those that are on their way into the database; work on
 * the database is done behind the calls of the owner, in short slices, and only one piece of it at a time. See docs/state.md.
 */
import { InvariantViolation, assert } from '../../base/assert.ts';
import type { Bytes } from '../../base/bytes.ts';
import type { Digest, Sequence } from '../../base/ids.ts';
import { StateDamaged } from '../../base/key-value.ts';
import type { Assembly, AuthenticatedState, Entry, OpenTransaction, Version } from '../../base/key-value.ts';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { Changes, OverlayReader, OverlayTransaction } from '../../state/index.ts';
import type { Sha256, Source } from '../../state/index.ts';
import { DatabaseAssembly } from './database-assembly.ts';
import { DatabaseVersion } from './database-version.ts';
import { StateDatabase } from './database.ts';
import {
  MAX_EARLIER,
  damagedParts,
  installAssembly,
  markAssembly,
  prepareAssembly,
  storedTree,
  writeAssembly,
} from './assembly-work.ts';
import { EntriesTable } from './entries-table.ts';
import { PageStore } from './page-store.ts';
import { collectVersions, isCollectable, kept, makeVersion } from './seal-work.ts';
import type { Sealed } from './seal-work.ts';
import { Slices } from './slices.ts';
import { faultOf } from './state-fault.ts';
import type { StateFault } from './state-fault.ts';
import { readMeta } from './state-meta.ts';
import type { StoredAssembly, StoredRoot, StoredVersion } from './state-meta.ts';
import { Storage, isSameTree } from './storage.ts';
import { scrubbed } from './scrub.ts';
import type { ScrubOptions, ScrubStep } from './scrub.ts';

export interface DatabaseStateOptions {
  readonly sha256: Sha256;
  /** The folder of the database; made if it is not there. */
  readonly path: string;
  /** `sync`: a version is on disk when it is told. `async`: a crash of the machine, not of the process, may lose or damage the database. */
  readonly durability: 'sync' | 'async';
  /** How much of the tree is kept in memory, in bytes. Default: 64 MiB. */
  readonly pageCacheBytes?: number;
  /** How much of keys and values is kept in memory, in bytes. Default: 16 MiB. */
  readonly leafCacheBytes?: number;
  /** How much of an assembly is kept in memory before it is written, in bytes. Default: 8 MiB. */
  readonly assemblyBytes?: number;
  /** The state is full when what is sealed and not yet a version takes about so much memory, in bytes. Default: 64 MiB. */
  readonly waitingBytes?: number;
  /** After how many milliseconds a slice of work ends. Default: 4. */
  readonly sliceMs?: number;
  /** A version is durable. */
  readonly onVersion?: (version: Version) => void;
  /** All that the assembly under way needs is there and written: `isComplete` is true. */
  readonly onAssembled?: (assembly: Assembly) => void;
  /** No new versions are made until `retry`. Nothing is lost. */
  readonly onFault?: (fault: StateFault) => void;
  /** Something was found damaged that keeps nothing from going on. */
  readonly onDamage?: (damage: StateDamaged) => void;
}

/** What the state has done since it was opened. */
export interface DatabaseStateCounts {
  /** The longest synchronous piece of work on the database, in microseconds. */
  readonly longestSliceUs: number;
  /** As that, counting only when the thread was at work: less where the machine has too much to do. */
  readonly longestSliceCpuUs: number;
  /** All such work, in microseconds in which the thread was at work. */
  readonly busyCpuUs: number;
  /** Bytes of keys and values put. */
  readonly writtenBytes: number;
  /** Sealed contents that are not versions yet. */
  readonly waiting: number;
}

const ASSEMBLY_BYTES = 8 * 1024 * 1024;
const WAITING_BYTES = 64 * 1024 * 1024;

/** Thrown in the middle of work that the owner has made pointless. */
class GivenUp extends Error {
  override readonly name = 'GivenUp';
}

export class DatabaseState implements AuthenticatedState {
  readonly #options: DatabaseStateOptions;
  readonly #database: StateDatabase;
  readonly #storage: Storage;
  readonly #slices: Slices;
  readonly #assemblyBytes: number;
  readonly #waitingBytes: number;
  readonly #entries: EntriesTable;
  /** The tree whose index the table of entries is, but for changes that are sealed. */
  #tree: StoredRoot;
  #changes = new Changes();
  #isTransactionOpen = false;
  /** Not yet all in the database, in the order in which they were sealed. */
  #sealed: readonly Sealed[] = [];
  #versions: readonly DatabaseVersion[];
  /** Up to here, sealed contents may become durable. */
  #stored = -1;
  /** Below it, versions go as soon as there is a higher one. */
  #collected = 0;
  #assembly: DatabaseAssembly | undefined;
  /** The work under way. */
  #work: Promise<void> | undefined;
  #mayGiveUp = false;
  #isGivenUp = false;
  #isClosed = false;
  #fault: StateFault | undefined;

  private constructor(options: DatabaseStateOptions, database: StateDatabase) {
    const { sha256, pageCacheBytes = 64 * 1024 * 1024, leafCacheBytes = 16 * 1024 * 1024, sliceMs = 4 } = options;
    this.#options = options;
    this.#database = database;
    this.#assemblyBytes = options.assemblyBytes ?? ASSEMBLY_BYTES;
    this.#waitingBytes = options.waitingBytes ?? WAITING_BYTES;
    this.#slices = new Slices(sliceMs, () => {
      if (this.#isGivenUp && this.#mayGiveUp) throw new GivenUp();
    });
    const store = new PageStore({ sha256, database, pageCacheBytes, leafCacheBytes });
    this.#storage = new Storage({ sha256, database, store, slices: this.#slices, meta: readMeta(database, sha256) });
    this.#entries = new EntriesTable({
      sha256,
      database,
      store,
      tree: () => this.#tree,
      isChanging: (key) => this.#sealed.some(({ changes }) => changes.get(key) !== undefined),
    });
    const { versions, assembly } = this.#storage.meta;
    this.#versions = versions.map((version) => new DatabaseVersion(sha256, store, version));
    this.#tree = versions.at(-1)?.tree;
    if (assembly !== undefined) this.#assembly = this.#storedAssembly(assembly);
  }

  /**
   * Opens the database, or makes a new one. The present content is that of the highest version, or an assembly is under way. Only one process
   * may use it at a time, which its owner sees to.
   */
  static async open(options: DatabaseStateOptions): Promise<Result<DatabaseState, StateFault>> {
    const database = StateDatabase.open(options);
    if (!database.ok) return database;
    try {
      const state = new DatabaseState(options, database.value);
      await state.#storage.removeUncommitted();
      if (state.#assembly === undefined) await state.#bringEntries();
      state.#wake();
      return ok(state);
    } catch (error) {
      await database.value.close().catch(() => undefined);
      if (error instanceof InvariantViolation) throw error;
      return fail(faultOf(error, options.path));
    }
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
    return new OverlayTransaction(this.#changes, new OverlayReader(this.#source(), this.#changes), () => {
      this.#isTransactionOpen = false;
    });
  }

  seal(sequence: Sequence): void {
    assert(!this.#isTransactionOpen, 'a state is sealed while no transaction is open');
    assert(this.assembling === undefined, 'a state is not sealed while it is assembled');
    assert(sequence > this.#highest(), 'a state is sealed in ascending order');
    const bytes = this.#changes.memory(this.#waitingBytes);
    this.#sealed = [...this.#sealed, { sequence, changes: this.#changes, bytes, isVersion: false }];
    this.#changes = new Changes();
    this.#wake();
  }

  store(sequence: Sequence): void {
    this.#stored = Math.max(this.#stored, sequence);
    this.#wake();
  }

  get isFull(): boolean {
    let bytes = 0;
    for (const sealed of this.#sealed) if (!sealed.isVersion) bytes += sealed.bytes;
    return bytes > this.#waitingBytes;
  }

  versions(): readonly Version[] {
    const installing = this.#assembly?.isInstalling === true ? this.#assembly.sequence : undefined;
    return this.#versions.filter(({ sequence }) => installing === undefined || sequence < installing);
  }

  collect(sequence: Sequence): void {
    this.#collected = Math.max(this.#collected, sequence);
    this.#collectVersions();
    this.#wake();
  }

  assemble(sequence: Sequence, root: Digest): Assembly {
    assert(!this.#isTransactionOpen, 'a state is replaced while no transaction is open');
    const before = this.#assembly;
    this.#changes = new Changes();
    this.#sealed = [];
    if (before?.root === root && before.sequence === sequence) {
      before.isInstalling = false;
      return before;
    }
    this.#isGivenUp = true;
    const begun = this.#storage.meta.assembly;
    const earlier = begun === undefined ? [] : [begun.tree, ...begun.earlier].slice(0, MAX_EARLIER);
    const inMemory = before?.node === undefined ? earlier.slice(1) : [before.node, ...earlier.slice(1)];
    const assembly: DatabaseAssembly = new DatabaseAssembly({
      tree: storedTree(this.#storage, { sequence, root, earlier: inMemory }, (node) => assembly.onReplaced(node)),
      stored: undefined,
      earlier,
      isSuspect: this.#database.isSuspect || begun?.isSuspect === true,
      onTaken: () => this.#onTaken(),
    });
    this.#assembly = assembly;
    this.#wake();
    return assembly;
  }

  get assembling(): Assembly | undefined {
    return this.#assembly?.isInstalling === true ? undefined : this.#assembly;
  }

  install(): void {
    const assembly = this.#assembly;
    assert(assembly?.isComplete === true && !assembly.isInstalling, 'what is installed is complete');
    assembly.isInstalling = true;
    this.#tree = assembly.stored?.tree;
    this.#wake();
  }

  /** Why no new versions are made; undefined when all is well. */
  get fault(): StateFault | undefined {
    return this.#fault;
  }

  /** Tries again after a fault; a new one is told as the first was. */
  retry(): void {
    this.#fault = undefined;
    this.#wake();
  }

  counts(): DatabaseStateCounts {
    return {
      longestSliceUs: Math.round(this.#slices.longestUs),
      longestSliceCpuUs: this.#slices.longestCpuUs,
      busyCpuUs: this.#slices.busyCpuUs,
      writtenBytes: this.#database.writtenBytes,
      waiting: this.#sealed.length,
    };
  }

  /** The longest slice is measured anew. */
  resetLongestSlice(): void {
    this.#slices.resetLongest();
  }

  /** Resolves when nothing is left to be done: all that was sealed is durable, or there is a fault. */
  async idle(): Promise<void> {
    while (this.#work !== undefined) await this.#work;
  }

  /** Writes a consistent copy of the database into the folder `path`, while it is in use. */
  async backup(path: string): Promise<void> {
    await this.#database.backup(path);
  }

  /** Reads all of the latest version and checks it, slice by slice. Ends when the whole was read once, or the state is closed. */
  scrub(options: ScrubOptions = {}): AsyncGenerator<ScrubStep, void, undefined> {
    return scrubbed(
      {
        storage: this.#storage,
        entries: this.#entries,
        tree: () => (this.#isClosed || this.#assembly !== undefined ? undefined : this.#tree),
      },
      options,
    );
  }

  /** What was sealed and is not durable yet is lost. Requires: not used any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#isGivenUp = true;
    await this.idle();
    await this.#database.close();
  }

  #reader(): OverlayReader {
    assert(this.assembling === undefined, 'a state is not read while it is assembled');
    // Nobody but an open transaction reads what it has changed.
    const changes = this.#isTransactionOpen ? this.#changes.committed() : this.#changes;
    return new OverlayReader(this.#source(), changes);
  }

  /** What was sealed last, as it reads with what is on its way into the database. */
  #source(): Source {
    return this.#sealed.reduce<Source>((base, { changes }) => new OverlayReader(base, changes), this.#entries);
  }

  /** The sequence number of the highest version there is or will be; below all when there is none. */
  #highest(): number {
    const installing = this.#assembly?.isInstalling === true ? this.#assembly.sequence : undefined;
    return this.#sealed.at(-1)?.sequence ?? installing ?? this.#versions.at(-1)?.sequence ?? -1;
  }

  #collectVersions(): void {
    const stored = kept(
      this.#versions.map((version) => version.stored),
      this.#collected,
    );
    this.#versions = this.#versions.filter((version) => stored.includes(version.stored));
  }

  #storedAssembly(stored: StoredAssembly): DatabaseAssembly {
    const assembly: DatabaseAssembly = new DatabaseAssembly({
      tree: storedTree(this.#storage, stored, (node) => assembly.onReplaced(node)),
      stored,
      earlier: stored.earlier,
      isSuspect: stored.isSuspect || this.#database.isSuspect,
      onTaken: () => this.#onTaken(),
    });
    return assembly;
  }

  #onTaken(): void {
    const assembly = this.#assembly;
    if (assembly !== undefined && (assembly.isFilled || assembly.unwrittenBytes > this.#assemblyBytes)) this.#wake();
  }

  /** Starts the work that there is to be done, unless it is under way. */
  #wake(): void {
    if (this.#work !== undefined || this.#fault !== undefined || this.#isClosed) return;
    this.#work = this.#workAll().finally(() => {
      this.#work = undefined;
    });
  }

  async #workAll(): Promise<void> {
    try {
      // The owner's call returns first.
      this.#slices.start();
      await this.#slices.pause();
      for (let work = this.#nextWork(); work !== undefined; work = this.#nextWork()) {
        this.#isGivenUp = false;
        await this.#done(work);
      }
    } catch (error) {
      if (error instanceof InvariantViolation) throw error;
      this.#onFailure(error);
    } finally {
      this.#slices.end();
    }
  }

  async #done(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const assembly = this.#assembly;
      const isDoubtful = error instanceof StateDamaged && assembly !== undefined && !assembly.isSuspect;
      if (!(error instanceof GivenUp) && !isDoubtful) throw error;
      this.#storage.forgetUncommitted();
      // What the assembly has adopted cannot all be read: from now on it is read before it counts.
      if (isDoubtful) this.#restart(assembly, true);
    } finally {
      this.#mayGiveUp = false;
    }
  }

  #onFailure(error: unknown): void {
    this.#storage.forgetUncommitted();
    const assembly = this.#assembly;
    if (assembly !== undefined && !assembly.isInstalling) this.#restart(assembly, assembly.isSuspect);
    this.#fault = faultOf(error, this.#options.path);
    this.#options.onFault?.(this.#fault);
  }

  /** The assembly goes on with what the database has of it. */
  #restart(assembly: DatabaseAssembly, isSuspect: boolean): void {
    const { sequence, root, earlier } = assembly;
    const stored = assembly.stored ?? { sequence, root, earlier };
    assembly.restart(
      storedTree(this.#storage, stored, (node) => assembly.onReplaced(node)),
      isSuspect,
    );
  }

  /** What is to be done next; undefined when nothing is. */
  #nextWork(): (() => Promise<void>) | undefined {
    if (this.#isClosed) return undefined;
    const assembly = this.#assembly;
    if (assembly !== undefined) return this.#nextOfAssembly(assembly);
    const latest = this.#storage.latest?.tree;
    const { entriesOf } = this.#storage.meta;
    const isIndexed = entriesOf?.length === 1 && isSameTree(entriesOf[0], latest);
    if (!isIndexed || this.#sealed[0]?.isVersion === true) return async () => this.#bringEntries();
    const isBehind = this.#storage.meta.dead.length > 8;
    const [first] = this.#sealed;
    const sealed = first !== undefined && first.sequence <= this.#stored ? first : undefined;
    if (sealed !== undefined && !isBehind) return async () => this.#makeVersion(sealed);
    if (isCollectable(this.#storage, this.#collected)) return async () => this.#removeCollected();
    return sealed === undefined ? undefined : async () => this.#makeVersion(sealed);
  }

  #nextOfAssembly(assembly: DatabaseAssembly): (() => Promise<void>) | undefined {
    const { stored, preparedEpoch } = assembly;
    if (stored === undefined) return async () => markAssembly(this.#storage, assembly);
    if (assembly.isInstalling && preparedEpoch !== undefined) return async () => this.#install(assembly, preparedEpoch);
    if (assembly.unwrittenBytes > this.#assemblyBytes)
      return async () => writeAssembly(this.#storage, assembly, stored);
    if (assembly.isFilled && preparedEpoch === undefined) return async () => this.#prepare(assembly, stored);
    return undefined;
  }

  async #makeVersion(sealed: Sealed): Promise<void> {
    this.#mayGiveUp = true;
    await makeVersion(this.#storage, sealed, {
      onCommit: () => {
        this.#mayGiveUp = false;
      },
      onVersion: (version) => {
        sealed.isVersion = true;
        this.#tree = version.tree;
        this.#addVersion(version);
      },
    });
    this.#sealed = this.#sealed.filter((each) => each !== sealed);
  }

  async #bringEntries(): Promise<void> {
    await this.#storage.bringEntries(this.#storage.latest?.tree);
    this.#sealed = this.#sealed.filter(({ isVersion }) => !isVersion);
  }

  async #removeCollected(): Promise<void> {
    await collectVersions(this.#storage, this.#collected, (damage) => this.#options.onDamage?.(damage));
  }

  async #prepare(assembly: DatabaseAssembly, stored: StoredAssembly): Promise<void> {
    await writeAssembly(this.#storage, assembly, stored);
    if (this.#assembly !== assembly) return;
    this.#mayGiveUp = true;
    if (!assembly.isVerified && !(await this.#verified(assembly))) return;
    const epoch = await prepareAssembly(this.#storage, {
      ...(assembly.stored ?? stored),
      isSuspect: assembly.isSuspect,
    });
    if (this.#assembly !== assembly) return;
    assembly.stored = this.#storage.meta.assembly;
    assembly.preparedEpoch = epoch;
    this.#options.onAssembled?.(assembly);
  }

  /** Reads all that the assembly has; what cannot be read is missing again. Gives whether nothing is. */
  async #verified(assembly: DatabaseAssembly): Promise<boolean> {
    const damaged = await damagedParts(this.#storage, assembly.stored?.tree);
    for (const address of damaged) assembly.lose(address);
    if (damaged.length > 0) return false;
    assembly.isVerified = true;
    return true;
  }

  async #install(assembly: DatabaseAssembly, epoch: number): Promise<void> {
    const { stored } = assembly;
    assert(stored !== undefined, 'what is installed has been written');
    const version = await installAssembly(this.#storage, stored, epoch);
    if (this.#assembly === assembly) this.#assembly = undefined;
    if (assembly.isSuspect) this.#database.trust();
    this.#versions = this.#versions.filter(({ sequence }) => sequence < version.sequence);
    this.#addVersion(version);
  }

  #addVersion(stored: StoredVersion): void {
    const version = new DatabaseVersion(this.#options.sha256, this.#storage.store, stored);
    this.#versions = [...this.#versions, version];
    this.#collectVersions();
    this.#options.onVersion?.(version);
  }
}
