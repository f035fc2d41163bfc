/** REPLY-STABLE: what the sender has taken, prepared and entered, in answer to QUERY-STABLE. `[TOCS §4.3.2]` */
import { message } from './message-schema.ts';
import { option } from './schema/composites.ts';
import { digest, sender, sequence, view } from './schema/scalars.ts';
import type { ValueOf } from './schema/schema.ts';
import { signedViewChange } from './view-change.ts';

/**
 * `nonce`, `recovered`: those of the question. `taken` (c): the last checkpoint taken. `prepared` (p): the highest sequence number ever prepared or
 * executed. `entered`: the last view entered, whose NEW-VIEW the sender passes on. `viewChange`: the newest VIEW-CHANGE known here that bears the
 * signature of the asking replica; it proves itself.
 */
export const replyStable = message({
  type: 'reply-stable',
  tag: 19,
  content: { replica: sender, nonce: digest, recovered: sequence, taken: sequence, prepared: sequence, entered: view },
  attached: { viewChange: option(signedViewChange) },
});

/** REPLY-STABLE. */
export type ReplyStable = ValueOf<typeof replyStable>;
