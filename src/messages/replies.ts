/** REPLIES: the replies of one replica to one client, as many as there are to send. */
import { LIMITS } from './limits.ts';
import { message } from './message-schema.ts';
import type { Reply } from './reply.ts';
import { reply, replySize } from './reply.ts';
import { bounded, list } from './schema/composites.ts';
import { client, lengthBytes, sender } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';

const HEAD_BYTES = lengthBytes(LIMITS.requestsPerBatch);

function repliesSize(replies: readonly Reply[]): number {
  return replies.reduce((sum, value) => sum + replySize(value), HEAD_BYTES);
}

/** One MAC of the replica authenticates all of them. At most `LIMITS.requestsPerBatch` of them and `LIMITS.batchBytes` bytes. */
export const replies = message({
  type: 'replies',
  tag: 6,
  content: {
    replica: sender,
    client,
    replies: bounded(list(reply, LIMITS.requestsPerBatch), LIMITS.batchBytes, repliesSize),
  },
  rule(value) {
    const strange = value.replies.findIndex((one) => one.replica !== value.replica || one.client !== value.client);
    return strange < 0 ? undefined : { code: 'inconsistent', at: `replies[${strange}]` };
  },
});

/** REPLIES. */
export type Replies = ValueOf<typeof replies>;
