/** `equivocate`: conflicting messages to different nodes, each of them well-formed and properly authenticated. */
import type { Digest, ReplicaId } from '../base/ids.ts';
import type { PrePrepare } from '../messages/index.ts';
import type { Output } from '../protocol/output.ts';
import type { ReplicaStatus } from '../protocol/status.ts';
import {
  alteredDigest,
  digestOfBatch,
  othersOf,
  PerSlot,
  splitReceivers,
  twinBatch,
  withAlteredRoot,
} from './alter.ts';
import { perOutput } from './behaviour.ts';
import type { Behaviour, BehaviourContext, SendOutput } from './behaviour.ts';
import { isOwnNewView, sendingNewView, sendingViewChange, withNullChoice, withoutClaims } from './view-change-lies.ts';

/** As primary an even variant tells the other story to f nodes (the rest goes on without them), an odd one to half of them (nobody may). */
function deceivedNodes(context: BehaviourContext, isPrimary: boolean): ReadonlySet<ReplicaId> {
  const others = othersOf(context);
  const turn = others.length === 0 ? 0 : (context.variant >> 1) % others.length;
  const rotated = [...others.slice(turn), ...others.slice(0, turn)];
  const faultLimit = Math.floor((context.cluster.replicaCount - 1) / 3);
  const count = isPrimary && context.variant % 2 === 0 ? Math.max(1, faultLimit) : Math.ceil(rotated.length / 2);
  return new Set(rotated.slice(rotated.length - count));
}

export function makeEquivocate(context: BehaviourContext): Behaviour {
  /** As primary: the second digest proposed per sequence number. */
  const twins = new PerSlot<Digest>();

  const twinOf = (message: PrePrepare): PrePrepare => {
    if (message.batch === undefined) return message;
    const batch = twinBatch(message.batch, context.variant % 4 >= 2);
    const digest = digestOfBatch(context, batch);
    twins.set(message.sequence, digest);
    return { ...message, batch, digest };
  };

  const conflicting = (output: SendOutput): SendOutput => {
    const { message } = output;
    switch (message.type) {
      case 'pre-prepare':
        return { ...output, message: twinOf(message), signature: undefined };
      case 'prepare':
      case 'commit': {
        const digest = twins.get(message.sequence) ?? alteredDigest(context, message.digest);
        return { ...output, message: { ...message, digest }, signature: undefined };
      }
      case 'checkpoint':
        return message.replica === context.self ? withAlteredRoot(context, output, message) : output;
      case 'view-change':
        if (message.replica !== context.self) return output;
        return sendingViewChange(context, output, withoutClaims(message));
      case 'new-view':
        return isOwnNewView(context, message) ? sendingNewView(context, output, withNullChoice(message)) : output;
      default:
        return output;
    }
  };

  /** Some variants vote for each of their proposals once more, by PREPARE, which a primary mostly never sends, and show everybody both VIEW-CHANGEs. */
  const votesTwice = context.variant % 8 >= 4;

  const secondVote = (story: SendOutput): readonly Output[] => {
    const { message } = story;
    if (message.type !== 'pre-prepare') return [];
    const { view, sequence, digest } = message;
    return [
      { ...story, message: { type: 'prepare', view, sequence, digest, replica: context.self }, signature: undefined },
    ];
  };

  const split = (output: SendOutput, status: ReplicaStatus): readonly Output[] => {
    twins.forgetUpTo(status.lowWaterMark);
    const isViewChange = output.message.type === 'view-change' && output.message.replica === context.self;
    // Who gets both can prove the contradiction at once; else it shows where others' VIEW-CHANGEs are passed on.
    if (isViewChange && votesTwice) return [output, conflicting(output)];
    const isPrimary = status.primary === context.self && !isViewChange;
    const { chosen, rest } = splitReceivers(output, deceivedNodes(context, isPrimary));
    const stories = [...(rest === undefined ? [] : [rest]), ...(chosen === undefined ? [] : [conflicting(chosen)])];
    return votesTwice ? stories.flatMap((story) => [story, ...secondVote(story)]) : stories;
  };
  return perOutput('equivocate', (output, _now, status) => (output.kind === 'send' ? split(output, status) : [output]));
}
