/**
 * The names under which replicas ask for something to be ordered. They are client ids that are nobody's public key: the 38 encodings of
 * Ed25519 points that are not canonical, which no configuration and no link admits. What bears one is verified with the replica's own key.
 */
import { assert } from '../base/assert.ts';
import { toHex } from '../base/bytes.ts';
import { asClientId, asReplicaId } from '../base/ids.ts';
import type { ClientId, ReplicaId } from '../base/ids.ts';
import type { Party } from './ports.ts';
import { MAX_REPLICAS } from './quorum.ts';

/** y = 2^255 − 19 … 2^255 − 1, little-endian, with both signs. */
const LOWEST_BYTE = 0xed;
const PER_SIGN = 0x100 - LOWEST_BYTE;
const POSITIVE = 0x7f;
const NEGATIVE = 0xff;

assert(MAX_REPLICAS <= 2 * PER_SIGN, 'there is such a name for every replica');

const CLIENTS: readonly ClientId[] = Array.from({ length: MAX_REPLICAS }, (_, index) => {
  const bytes = new Uint8Array(32).fill(0xff);
  bytes[0] = LOWEST_BYTE + (index % PER_SIGN);
  bytes[31] = index < PER_SIGN ? POSITIVE : NEGATIVE;
  return asClientId(toHex(bytes));
});
const REPLICAS: ReadonlyMap<ClientId, ReplicaId> = new Map(
  CLIENTS.map((client, index) => [client, asReplicaId(index)]),
);

/** The name of `replica` as a client. Requires: an index below 31. */
export function clientOfReplica(replica: ReplicaId): ClientId {
  const client = CLIENTS[replica];
  assert(client !== undefined, 'a replica has its name as a client');
  return client;
}

/** The replica that goes by this name; undefined for every other client. */
export function replicaOfClient(client: ClientId): ReplicaId | undefined {
  return REPLICAS.get(client);
}

/** Whose key a request of `client` is verified with. */
export function partyOfClient(client: ClientId): Party {
  const replica = REPLICAS.get(client);
  return replica === undefined ? { kind: 'client', client } : { kind: 'replica', replica };
}
