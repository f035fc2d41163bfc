/**
 * `lie`: claims about messages it never got. Votes before there is a proposal, DECIDED before there was a decision, a STATUS of fancy,
 * VIEW-CHANGEs that claim to have prepared what nobody proposed, and false answers to one that lost its log. Some variants keep others between views as well.
 */
import type { Digest, Sequence } from '../base/ids.ts';
import { asSequence, asView } from '../base/ids.ts';
import type { Message, ReplyStable, Status } from '../messages/index.ts';
import type { Output } from '../protocol/output.ts';
import { primaryPrepares } from '../protocol/quorum.ts';
import type { ReplicaStatus } from '../protocol/status.ts';
import { alteredDigest, othersOf } from './alter.ts';
import { UNCHANGED } from './behaviour.ts';
import type { Behaviour, BehaviourContext, SendOutput } from './behaviour.ts';
import { Unsettling } from './unsettle.ts';
import { sendingViewChange, shouted, withInventedClaims } from './view-change-lies.ts';

/** How far ahead of itself it claims to be. */
const AHEAD = 3;
/** How far it leads astray those who ask how far they had come. */
const FAR = 1000;

/** To one that lost its log: by variant that there was far more than there was, or nothing at all. */
function falseEstimate(answer: ReplyStable, variant: number): ReplyStable {
  if (variant % 2 === 0)
    return { ...answer, taken: asSequence(0), prepared: asSequence(0), entered: asView(0), viewChange: undefined };
  return {
    ...answer,
    taken: asSequence(answer.taken + FAR),
    prepared: asSequence(answer.prepared + 2 * FAR),
    entered: asView(answer.entered + FAR),
  };
}

function fancifulStatus(status: Status): Status {
  return {
    ...status,
    view: asView(status.view + 1000),
    lastExecuted: asSequence(status.lastExecuted + AHEAD),
    slots: status.slots.map((slot) => ({ ...slot, prepared: true, committed: true })),
  };
}

export function makeLie(context: BehaviourContext): Behaviour {
  const to = othersOf(context);
  let liedUpTo = 0;
  const unsettling = context.variant % 3 === 2 ? new Unsettling(context) : undefined;

  const claim = (message: Message): Output => ({ kind: 'send', to, message, signature: undefined });

  /** A primary's PREPARE is looked at only where its PRE-PREPARE is no vote. */
  const maySayPrepare = ({ primary, quorums }: ReplicaStatus): boolean =>
    primary !== context.self || primaryPrepares(quorums);

  /** Votes and a decision for a slot that nobody has proposed yet. The true votes follow later, and contradict them. */
  const inventedFor = (sequence: Sequence, status: ReplicaStatus): readonly Output[] => {
    const digest = alteredDigest(context, status.stateRoot);
    const vote = { view: status.view, sequence, digest, replica: context.self };
    return [
      ...(maySayPrepare(status) ? [claim({ type: 'prepare', ...vote })] : []),
      claim({ type: 'commit', ...vote }),
      claim({ type: 'decided', replica: context.self, decisions: [{ sequence, digest }] }),
    ];
  };

  /** Says of requests that it could verify that it could not. */
  const complaints = (outputs: readonly Output[]): readonly Output[] =>
    outputs.flatMap((output) => {
      if (output.kind !== 'persist' || output.record.kind !== 'accepted') return [];
      const { view, sequence, digest, batch } = output.record;
      const requests: readonly Digest[] = (batch?.requests ?? []).map((request) => request.digest);
      if (requests.length === 0) return [];
      return [claim({ type: 'complaint', replica: context.self, view, sequence, digest, requests })];
    });

  /** An odd variant shouts a view far ahead as well: a single voice that must move nobody. */
  const fanciful = (output: SendOutput): readonly Output[] => {
    const { message } = output;
    switch (message.type) {
      case 'status':
        return [{ ...output, message: fancifulStatus(message) }];
      case 'reply-stable':
        return [{ ...output, message: falseEstimate(message, context.variant) }];
      case 'view-change': {
        if (message.replica !== context.self) return [output];
        const invented = sendingViewChange(context, output, withInventedClaims(context, message));
        if (context.variant % 2 === 0) return [invented];
        return [invented, sendingViewChange(context, output, shouted(context, message))];
      }
      default:
        return [output];
    }
  };

  return {
    ...UNCHANGED,
    name: 'lie',
    admit: (input) => {
      unsettling?.hear(input);
      return input;
    },
    rewrite: (now, outputs, status) => {
      if (outputs.length === 0 || to.length === 0) return outputs;
      const told = [
        ...outputs.flatMap((output) => (output.kind === 'send' ? fanciful(output) : [output])),
        ...(unsettling?.say(now, status) ?? []),
      ];
      const next = asSequence(Math.max(status.highestAccepted, status.lastExecuted) + 1);
      if (next <= liedUpTo || next > status.highWaterMark) return [...told, ...complaints(outputs)];
      liedUpTo = next;
      return [...told, ...complaints(outputs), ...inventedFor(next, status)];
    },
  };
}
