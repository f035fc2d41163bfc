/** What the harness knows of a system while it is under load, whichever it is. */
import type { Result } from '../base/result.ts';
import type { BenchProcess } from './bench-process.ts';

/** One process of the system under test. */
export interface Server {
  readonly process: BenchProcess;
  /** The one that orders, which without replication is the only one, or one of the others. */
  readonly role: 'primary' | 'backup';
}

/** Every acknowledged operation was executed exactly once everywhere, in so many batches (undefined where there are none); or what is wrong. */
export type Checked = Result<number | undefined, string>;

/** A system that serves. Its processes belong to the workplace it was started in. */
export interface RunningSystem {
  readonly servers: readonly Server[];
  /** `cluster.json`, by which clients reach it. */
  readonly clusterFile: string;
  /** Once nothing is under way. */
  check(acknowledged: number): Promise<Checked>;
}

/** What the harness gets from the floor above it. */
export interface Surroundings {
  /** Different free TCP ports of a host. */
  readonly freePorts: (host: string, count: number) => Promise<readonly number[]>;
  /** Arguments for the runtime with which it runs the node of a folder. It must report over its IPC channel. */
  readonly nodeArgs: (directory: string) => readonly string[];
  /** Flags for the runtime that a node runs with. */
  readonly nodeFlags: readonly string[];
  /** etcd and its load, or why they are not there. */
  readonly etcd: EtcdTools | string;
}

export interface EtcdTools {
  /** The server. */
  readonly server: string;
  /** Called with ENDPOINT CLIENTS WARMUP_S SECONDS VALUE_BYTES CHANNELS; prints one JSON line. */
  readonly load: string;
}
