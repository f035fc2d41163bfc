/** REPLIES: the replies of one replica to one client, as many as there are to send. */
import { GatheredReplies } from './gathered-replies.ts';
import { LIMITS } from './limits.ts';
import { message } from './message-schema.ts';
import { within } from './refusal.ts';
import { reply } from './reply.ts';
import { readReplies, wholeRepliesSize, writeReplies } from './reply-list.ts';
import { bounded, list } from './schema/composites.ts';
import type { Reader } from './schema/reader.ts';
import { client, sender } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';
import type { Writer } from './schema/writer.ts';

/** Its fields, and its JSON: there each reply stands whole. */
const whole = message({
  type: 'replies',
  tag: 6,
  content: {
    replica: sender,
    client,
    replies: bounded(list(reply, LIMITS.requestsPerBatch), LIMITS.batchBytes, wholeRepliesSize),
  },
  rule(value) {
    const strange = value.replies.findIndex((one) => one.replica !== value.replica || one.client !== value.client);
    return strange < 0 ? undefined : { code: 'inconsistent', at: `replies[${strange}]` };
  },
});

/** REPLIES. */
export type Replies = ValueOf<typeof whole>;

/** In bytes the replica and the client stand once, and so does what each reply shares with those before it. All is content. */
const bytes = {
  write(writer: Writer, value: Replies): void {
    sender.write(writer, value.replica);
    client.write(writer, value.client);
    const parts = value instanceof GatheredReplies ? value.parts : value.replies;
    writeReplies(writer, value.replica, value.client, parts);
    writer.contentEnd = writer.length;
  },
  read(reader: Reader): Replies {
    let step = 'replica';
    try {
      const replica = sender.read(reader);
      step = 'client';
      const of = client.read(reader);
      step = 'replies';
      const replies = readReplies(reader, replica, of);
      reader.contentEnd = reader.at;
      return { type: 'replies', replica, client: of, replies };
    } catch (thrown) {
      throw within(step, thrown);
    }
  },
};

/** One MAC of the replica authenticates all of them. At most `LIMITS.requestsPerBatch` of them and `LIMITS.batchBytes` bytes, each of them whole. */
export const replies = { ...whole, ...bytes, content: { ...whole.content, ...bytes } };
