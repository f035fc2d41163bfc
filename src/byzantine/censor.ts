/**
 * `censor`: one client does not exist for it. Its replica never learns of that client's requests, so as primary it proposes none and as backup
 * passes none on; it votes for batches of others that hold some, and answers none. What was waiting when it began is still proposed.
 */
import type { Output } from '../protocol/output.ts';
import { UNCHANGED } from './behaviour.ts';
import type { Behaviour, BehaviourContext, HeardInput } from './behaviour.ts';

export function makeCensor({ cluster, variant }: BehaviourContext): Behaviour {
  /** By variant: the listed client with the lowest id, the next one and so on. */
  const censored = cluster.clients.toSorted()[variant % Math.max(1, cluster.clients.length)];

  const admit = (input: HeardInput): HeardInput | undefined => {
    if (input.kind !== 'requests') return input;
    const requests = input.requests.filter(({ request }) => request.request.client !== censored);
    return requests.length === 0 ? undefined : { ...input, requests };
  };

  const withoutCensored = (output: Output): readonly Output[] => {
    if (output.kind === 'reply') return output.reply.client === censored ? [] : [output];
    if (output.kind !== 'send' || output.message.type !== 'requests') return [output];
    const requests = output.message.requests.filter(({ request }) => request.client !== censored);
    return requests.length === 0 ? [] : [{ ...output, message: { ...output.message, requests } }];
  };

  return {
    ...UNCHANGED,
    name: 'censor',
    admit,
    rewrite: (_now, outputs) => outputs.flatMap(withoutCensored),
  };
}
