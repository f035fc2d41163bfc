/**
 * What comes out of `Replica.step`: ONE ordered stream. `persist` is a barrier (unless `isBarrier` says otherwise): nothing behind it leaves
 * the process before the record is durable; the driver may step on meanwhile and let one sync cover many.
 */
import type { Bytes } from '../base/bytes.ts';
import type { ReplicaId, Sequence } from '../base/ids.ts';
import type { BatchReplies, Message, Reply } from '../messages/index.ts';
import type { Event } from './event.ts';
import type { Record } from './record.ts';

export type Output =
  | { readonly kind: 'persist'; readonly record: Record }
  /** Everything before this is covered by `Replica.records()` as it is now: the log may be rewritten to that list. */
  | { readonly kind: 'truncate'; readonly records: readonly Record[] }
  /** Everything before this is durable: the state that was sealed at `sequence` may become so, by `AuthenticatedState.store`. */
  | { readonly kind: 'store'; readonly sequence: Sequence }
  /** Everything before this is durable: states below `sequence` may go, by `AuthenticatedState.collect`. */
  | { readonly kind: 'collect'; readonly sequence: Sequence }
  | {
      readonly kind: 'send';
      /** Never holds the replica itself. */
      readonly to: readonly ReplicaId[];
      readonly message: Message;
      /** Given: this signature goes with it (own CHECKPOINT, or somebody's signed message passed on). Else the driver authenticates it as the mode demands. */
      readonly signature: Bytes | undefined;
    }
  /** `isSigned`: it leaves as a receipt, signed together with others when it does (reply-outbox.ts). It brings none. */
  | { readonly kind: 'reply'; readonly reply: Reply; readonly isSigned: boolean }
  | { readonly kind: 'event'; readonly event: Event };

/** As it comes out: replies that follow each other are gathered, where they are of one batch. None of them is to be signed unless all are. */
export type StepOutput = Output | { readonly kind: 'batch-replies'; readonly replies: BatchReplies };

/** The same with each reply for itself: for whoever changes outputs, or looks at them one by one. */
export function spelledOut(outputs: readonly StepOutput[]): readonly Output[] {
  return isSpelledOut(outputs) ? outputs : outputs.flatMap(eachReply);
}

function isSpelledOut(outputs: readonly StepOutput[]): outputs is readonly Output[] {
  return outputs.every(({ kind }) => kind !== 'batch-replies');
}

function eachReply(output: StepOutput): readonly Output[] {
  if (output.kind !== 'batch-replies') return [output];
  return output.replies.spelledOut().map((reply) => ({ kind: 'reply', reply, isSigned: false }));
}
