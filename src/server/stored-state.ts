/** Opens the state of a replica, by the durability that was chosen, and passes on what it tells once somebody listens. */
import { join } from 'node:path';
import type { AuthenticatedState } from '../base/key-value.ts';
import { ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { DatabaseState } from '../node/index.ts';
import type { DatabaseStateCounts, NodeAuthenticator, StateFault } from '../node/index.ts';
import { MemoryState } from '../state/index.ts';
import { NODE_FILES } from './config/index.ts';
import type { NodeConfig } from './config/index.ts';
import { refuse } from './preparation.ts';
import type { StartFault } from './preparation.ts';

/** Who wants to know what becomes of the state. */
export interface StateListener {
  /** A version is durable, or what is assembled is complete. */
  onProgress(): void;
  onDamage(reason: string): void;
  /** No new versions are made until `retry`. */
  onFault(fault: StateFault): void;
}

export interface StoredState {
  readonly state: AuthenticatedState;
  /** Undefined for a state in memory. */
  readonly database: DatabaseState | undefined;
  /** From now on; nothing is told before. At most one. */
  listen(listener: StateListener): void;
  counts(): DatabaseStateCounts | undefined;
  /** What was sealed and is not durable is lost. */
  close(): Promise<void>;
}

/** The part of the cache that long values have; the tree, with short ones in it, has the rest. */
const LEAVES = 0.2;

/** Opens the state of the node in `directory`, or makes an empty one. */
export async function openStoredState(
  directory: string,
  config: NodeConfig,
  authenticator: NodeAuthenticator,
): Promise<Result<StoredState, StartFault>> {
  const sha256 = (bytes: Uint8Array): ReturnType<NodeAuthenticator['sha256']> => authenticator.sha256(bytes);
  if (config.durability === 'memory') {
    return ok({
      state: new MemoryState(sha256),
      database: undefined,
      listen: () => undefined,
      counts: () => undefined,
      close: () => Promise.resolve(),
    });
  }
  let listener: StateListener | undefined;
  const opened = await DatabaseState.open({
    sha256,
    path: join(directory, NODE_FILES.state),
    durability: config.durability,
    pageCacheBytes: config.stateCacheBytes * (1 - LEAVES),
    leafCacheBytes: config.stateCacheBytes * LEAVES,
    onVersion: () => listener?.onProgress(),
    onAssembled: () => listener?.onProgress(),
    onDamage: (damage) => listener?.onDamage(damage.message),
    onFault: (fault) => listener?.onFault(fault),
  });
  if (!opened.ok) return refuse('state-unusable', opened.error.message);
  const database = opened.value;
  return ok({
    state: database,
    database,
    listen: (given) => {
      listener = given;
    },
    counts: () => database.counts(),
    close: () => database.close(),
  });
}
