import { expect, test } from 'vitest';
import { asReplicaId } from '../base/ids.ts';
import { clientOfReplica, partyOfClient, replicaOfClient } from './replica-client.ts';
import { MAX_REPLICAS } from './quorum.ts';
import { ALICE } from '../../test/support/core-kit.ts';
import { admissibleSigningKey } from '../node/keys.ts';

const ALL = Array.from({ length: MAX_REPLICAS }, (_, index) => asReplicaId(index));

test('every replica has a name as a client, and no two the same', () => {
  expect(new Set(ALL.map(clientOfReplica)).size).toBe(MAX_REPLICAS);
  for (const replica of ALL) expect(replicaOfClient(clientOfReplica(replica))).toBe(replica);
});

test('the name of a replica is no key that any configuration or link admits', () => {
  for (const replica of ALL)
    expect(admissibleSigningKey(clientOfReplica(replica))).toMatchObject({ code: 'non-canonical-key' });
});

test('a request under it is verified with the key of the replica, any other with that of its client', () => {
  expect(partyOfClient(clientOfReplica(asReplicaId(2)))).toEqual({ kind: 'replica', replica: 2 });
  expect(partyOfClient(ALICE)).toEqual({ kind: 'client', client: ALICE });
});
