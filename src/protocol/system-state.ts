/** The protocol's own part of the replicated state: configuration, sequence, agreed time, client table, idempotency keys. All of it is under the root. */
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { asSequence } from '../base/ids.ts';
import type { Sequence } from '../base/ids.ts';
import type { AuthenticatedState, Reader } from '../base/key-value.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import type { ClusterConfig } from './config.ts';
import type { Core } from './core.ts';
import { SYSTEM_TABLE, systemEntries, systemKey } from './state-layout.ts';

const CONFIGURATION = systemKey(SYSTEM_TABLE.cluster, Uint8Array.of(0));
const PROGRESS = systemKey(SYSTEM_TABLE.cluster, Uint8Array.of(1));

/** The configuration as one byte string: equal on replicas that share it, so that a replica with another one has another root from genesis on. */
export function configurationBytes(cluster: ClusterConfig): Bytes {
  const { mac, readOnlyRequests, tentativeExecution, overlappedSync, ...others } = cluster;
  const fields = Object.entries({
    ...others,
    clients: [...cluster.clients].toSorted(),
    // Clusters that were made before there was the choice have HMAC, and before there were the switches have them off.
    ...(mac === 'hmac-sha256' ? {} : { mac }),
    ...(readOnlyRequests ? { readOnlyRequests } : {}),
    ...(tentativeExecution ? { tentativeExecution } : {}),
    ...(overlappedSync ? { overlappedSync } : {}),
  }).toSorted(([left], [right]) => (left < right ? -1 : 1));
  const bytes = encodeUtf8(JSON.stringify(fields));
  assert(bytes !== undefined, 'a configuration is well-formed text');
  return bytes;
}

/** The state at genesis: the configuration, and what the application fills in. Requires: empty state. */
export function writeGenesis(core: Core, initialize: (state: ReturnType<Core['state']['begin']>) => void): void {
  const transaction = core.state.begin();
  transaction.put(CONFIGURATION, configurationBytes(core.config.cluster));
  transaction.put(PROGRESS, progressBytes(core));
  initialize(transaction);
  transaction.commit();
}

/**
 * Makes the protocol's part of a state that of a cluster which has executed nothing: other configuration, no clients, no idempotency keys. Agreed time
 * stays, so that no session of before can open again once the horizon is over. Requires: no transaction is open on `state`.
 */
export function resetSystemState(state: AuthenticatedState, cluster: ClusterConfig): void {
  const agreedTime = readProgress(state)?.agreedTime ?? 0;
  for (const table of [
    SYSTEM_TABLE.clients,
    SYSTEM_TABLE.sessions,
    SYSTEM_TABLE.idempotency,
    SYSTEM_TABLE.recoveries,
  ]) {
    const keys = [...systemEntries(state, table)].map(({ key }) => systemKey(table, key));
    const transaction = state.begin();
    for (const key of keys) transaction.delete(key);
    transaction.commit();
  }
  const transaction = state.begin();
  transaction.put(CONFIGURATION, configurationBytes(cluster));
  transaction.put(PROGRESS, progressBytes({ lastExecuted: 0, agreedTime }));
  transaction.commit();
}

/** Brings the protocol's tables in the state up to date: before a root is taken. */
export function writeSystemState(core: Core): void {
  const transaction = core.state.begin();
  transaction.put(PROGRESS, progressBytes(core));
  core.clientTable.flush(transaction);
  core.idempotency.flush(transaction);
  transaction.commit();
}

function progressBytes({
  lastExecuted,
  agreedTime,
}: {
  readonly lastExecuted: number;
  readonly agreedTime: number;
}): Bytes {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(lastExecuted));
  view.setBigUint64(8, BigInt(agreedTime));
  return bytes;
}

/** Sequence and agreed time (µs) of a state; undefined when it is no state of this system. */
export function readProgress(
  reader: Pick<Reader, 'get'>,
): { readonly lastExecuted: Sequence; readonly agreedTime: number } | undefined {
  const bytes = reader.get(PROGRESS);
  if (bytes?.length !== 16) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { lastExecuted: asSequence(Number(view.getBigUint64(0))), agreedTime: Number(view.getBigUint64(8)) };
}

/** True when `reader` was made under the same configuration. */
export function hasConfiguration(reader: Pick<Reader, 'get'>, cluster: ClusterConfig): boolean {
  const stored = reader.get(CONFIGURATION);
  const own = configurationBytes(cluster);
  return stored !== undefined && stored.length === own.length && stored.every((byte, index) => byte === own[index]);
}
