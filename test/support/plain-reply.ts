/** Replies for tests that look at what surrounds them. */
import { asClientId, asDigest, asReplicaId, asSequence, asView } from '../../src/base/ids.ts';
import type { Reply } from '../../src/messages/index.ts';

const D = asDigest('d1'.repeat(32));

/** That node3 executed a request of session 5, its result left out; or what `change` says instead. */
export function plainReply(timestamp: number, change: Partial<Reply> = {}): Reply {
  return {
    type: 'reply',
    view: asView(1),
    sequence: asSequence(9),
    digest: D,
    replica: asReplicaId(2),
    client: asClientId('ab'.repeat(32)),
    session: 5,
    timestamp,
    requestDigest: D,
    outcome: 'executed',
    resultDigest: D,
    since: undefined,
    result: undefined,
    receipt: undefined,
    ...change,
  };
}
