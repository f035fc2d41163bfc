/** `wrong-reply`: votes like anybody, and tells clients another result, under its own good key. */
import type { Reply } from '../messages/index.ts';
import { resultDigest } from '../messages/index.ts';
import { alteredBytes, alteredDigest } from './alter.ts';
import { perOutput } from './behaviour.ts';
import type { Behaviour, BehaviourContext } from './behaviour.ts';

export function makeWrongReply(context: BehaviourContext): Behaviour {
  const wrong = (reply: Reply): Reply => {
    if (reply.outcome === 'replayed' || reply.outcome === 'table-error') return reply;
    const result = reply.result === undefined ? undefined : alteredBytes(reply.result);
    const digest =
      result === undefined ? alteredDigest(context, reply.resultDigest) : resultDigest(context.codec, result);
    return { ...reply, result, resultDigest: digest };
  };
  return perOutput('wrong-reply', (output) => [
    output.kind === 'reply' ? { ...output, reply: wrong(output.reply) } : output,
  ]);
}
