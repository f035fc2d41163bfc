/** `selective`: deaf and mute towards one node, correct towards all others. */
import type { ClientId, ReplicaId } from '../base/ids.ts';
import type { Output } from '../protocol/output.ts';
import { othersOf } from './alter.ts';
import { UNCHANGED } from './behaviour.ts';
import type { Behaviour, BehaviourContext, HeardInput } from './behaviour.ts';

/** By variant: the last of the other replicas, the one before it and so on, then each listed client on its own link. */
function ignoredParty(context: BehaviourContext): ReplicaId | ClientId | undefined {
  const parties = [...othersOf(context).toReversed(), ...context.cluster.clients.toSorted()];
  return parties[context.variant % Math.max(1, parties.length)];
}

/**
 * Who says it. A request that another node passes on is that node's word, not its client's. CHECKPOINTs are nobody's here: with n − 1 of them its
 * replica could fall behind for good, and would then be no more than silent.
 */
function speakerOf(input: HeardInput): ReplicaId | ClientId | undefined {
  switch (input.kind) {
    case 'message':
      return input.message.type === 'checkpoint' ? undefined : input.author;
    case 'requests':
      return input.from;
    case 'refused':
      return input.link;
    case 'connected':
      return input.peer;
    default:
      return undefined;
  }
}

export function makeSelective(context: BehaviourContext): Behaviour {
  const ignored = ignoredParty(context);

  const withoutIgnored = (output: Output): readonly Output[] => {
    if (output.kind === 'reply') return output.reply.client === ignored ? [] : [output];
    if (output.kind !== 'send') return [output];
    const to = output.to.filter((replica) => replica !== ignored);
    return to.length === 0 ? [] : [{ ...output, to }];
  };

  return {
    ...UNCHANGED,
    name: 'selective',
    admit: (input) => (ignored !== undefined && speakerOf(input) === ignored ? undefined : input),
    rewrite: (_now, outputs) => outputs.flatMap(withoutIgnored),
  };
}
