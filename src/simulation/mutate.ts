/** A liar that only the simulator has: fields of its messages change at random, one at a time. Finds refusals that no plan leads to. */
import { BATCH_CHECKPOINT, REQUEST_READ_ONLY } from '../messages/index.ts';
import type { AuthenticatedRequest, Message } from '../messages/index.ts';
import { UNCHANGED, withAlteredSubtree, withChangedRequest } from '../byzantine/index.ts';
import type { Behaviour, BehaviourContext } from '../byzantine/index.ts';
import { batchDigest } from '../messages/index.ts';
import { asReplicaId, asSequence, asView } from '../base/ids.ts';
import type { Sequence } from '../base/ids.ts';
import type { Output } from '../protocol/output.ts';
import type { Random } from './random.ts';

/** How many requests it remembers. */
const SEEN = 16;

/** How many of its messages it changes. */
const SHARE = 0.3;

export function makeMutate(context: BehaviourContext, random: Random): Behaviour {
  /** Requests that were in its proposals, the latest ones. */
  const seen: AuthenticatedRequest[] = [];
  let seenCount = 0;

  const near = (sequence: Sequence): Sequence => asSequence(Math.max(1, sequence + random.between(-3, 12)));

  const proposal = (message: Extract<Message, { type: 'pre-prepare' }>): Message => {
    const { batch } = message;
    for (const request of batch?.requests ?? []) {
      seen[seenCount % SEEN] = request;
      seenCount += 1;
    }
    if (batch === undefined) return { ...message, sequence: near(message.sequence) };
    const changed = random.pick([
      { ...batch, timestamp: batch.timestamp + random.between(0, 5) },
      { ...batch, flags: BATCH_CHECKPOINT },
      // Once more what was ordered before, perhaps in this very batch.
      { ...batch, requests: seen.length > 0 ? [...batch.requests, random.pick(seen)] : batch.requests },
      { ...batch, requests: seen.length > 0 ? [random.pick(seen)] : batch.requests },
      {
        ...batch,
        requests: batch.requests.map((entry) =>
          withChangedRequest(context.codec, entry, { flags: entry.request.flags | REQUEST_READ_ONLY }),
        ),
      },
    ]);
    return { ...message, batch: changed, digest: batchDigest(context.codec, changed) };
  };

  const mutated = (message: Message): Message => {
    switch (message.type) {
      case 'pre-prepare':
        return random.chance(0.3)
          ? { ...message, view: asView(message.view + context.cluster.replicaCount) }
          : proposal(message);
      case 'prepare':
      case 'commit':
        return random.pick<Message>([
          { ...message, view: asView(message.view + random.between(0, 2)) },
          { ...message, sequence: near(message.sequence) },
          { ...message, type: message.type === 'prepare' ? 'commit' : 'prepare' },
          { ...message, replica: asReplicaId((message.replica + 1) % (context.cluster.replicaCount + 1)) },
          {
            type: 'batch',
            replica: message.replica,
            sequence: message.sequence,
            digest: message.digest,
            batch: EMPTY_FLAGGED,
          },
        ]);
      case 'checkpoint':
        return { ...message, sequence: asSequence(message.sequence + random.pick([-1, 1, 100])) };
      case 'status':
        return {
          ...message,
          lastExecuted: asSequence(Math.max(message.lowWaterMark, message.lastExecuted + random.between(-2, 2))),
        };
      case 'state': {
        if (random.chance(0.3)) return { ...message, held: false, subtrees: [] };
        if (random.chance(0.3)) return { ...message, subtrees: message.subtrees.slice(1) };
        return withAlteredSubtree(context, message);
      }
      case 'reply-stable':
        return {
          ...message,
          taken: asSequence(Math.max(0, message.taken + random.between(-16, 16))),
          prepared: asSequence(Math.max(0, message.prepared + random.between(-16, 16))),
          entered: asView(Math.max(0, message.entered + random.between(-2, 2))),
        };
      case 'decided':
        return { ...message, decisions: message.decisions.map((slot) => ({ ...slot, sequence: near(slot.sequence) })) };
      case 'complaint':
        return random.chance(0.5)
          ? { ...message, view: asView(message.view + 1) }
          : { ...message, sequence: near(message.sequence) };
      default:
        return message;
    }
  };

  const rewritten = (output: Output): readonly Output[] => {
    if (output.kind !== 'send' || !random.chance(SHARE)) return [output];
    const { message } = output;
    const changed: Output = { ...output, message: mutated(message), signature: undefined };
    // What is always signed is altered elsewhere, by those who can sign it.
    if (['checkpoint', 'view-change', 'new-view'].includes(message.type)) return [output];
    // Sometimes both go out, the true one and the other.
    return random.chance(0.3) ? [output, changed] : [changed];
  };

  return {
    ...UNCHANGED,
    name: 'corrupt',
    rewrite: (_now, outputs) => outputs.flatMap(rewritten),
  };
}

const EMPTY_FLAGGED = { timestamp: 0, flags: BATCH_CHECKPOINT, requests: [] };
