/**
 * `corrupt`: data altered before it is passed on. Votes and claims carry another digest, bodies and requests other content,
 * and a new view would start with batches that nobody proposed. An odd variant signs VIEW-CHANGEs that no correct replica makes.
 */
import type { Output } from '../protocol/output.ts';
import {
  alteredBatch,
  alteredDigest,
  alteredRequest,
  digestOfBatch,
  othersOf,
  splitReceivers,
  withAlteredRoot,
  withAlteredSubtree,
} from './alter.ts';
import { perOutput } from './behaviour.ts';
import type { Behaviour, BehaviourContext, SendOutput } from './behaviour.ts';
import {
  isOwnNewView,
  sendingNewView,
  sendingViewChange,
  withAlteredChoice,
  withAlteredClaims,
  withViewsTooHigh,
} from './view-change-lies.ts';

export function makeCorrupt(context: BehaviourContext): Behaviour {
  const others = othersOf(context);
  const victim = others[(others.length - 1 + context.variant) % Math.max(1, others.length)];
  const victims = new Set(victim === undefined ? [] : [victim]);

  const corrupted = (output: SendOutput): readonly Output[] => {
    const { message } = output;
    switch (message.type) {
      case 'prepare':
      case 'commit':
        return [
          { ...output, message: { ...message, digest: alteredDigest(context, message.digest) }, signature: undefined },
        ];
      case 'checkpoint':
        return [withAlteredRoot(context, output, message)];
      case 'decided': {
        const decisions = message.decisions.map((slot) => ({ ...slot, digest: alteredDigest(context, slot.digest) }));
        return [{ ...output, message: { ...message, decisions } }];
      }
      case 'batch':
        return [{ ...output, message: { ...message, batch: alteredBatch(context, message.batch) } }];
      case 'requests':
        return [
          {
            ...output,
            message: { ...message, requests: message.requests.map((request) => alteredRequest(context, request)) },
          },
        ];
      case 'state':
        return [{ ...output, message: withAlteredSubtree(context, message) }];
      case 'pre-prepare': {
        if (message.batch === undefined) return [output];
        const { chosen, rest } = splitReceivers(output, victims);
        const batch = alteredBatch(context, message.batch);
        const changed = { ...message, batch, digest: digestOfBatch(context, batch) };
        return [
          ...(rest === undefined ? [] : [rest]),
          ...(chosen === undefined ? [] : [{ ...chosen, message: changed, signature: undefined }]),
        ];
      }
      case 'view-change': {
        if (message.replica !== context.self) return [output];
        const isInvalid = context.variant % 2 === 1;
        const altered = isInvalid ? withViewsTooHigh(message) : withAlteredClaims(context, message);
        return [sendingViewChange(context, output, altered)];
      }
      case 'new-view':
        if (!isOwnNewView(context, message)) return [output];
        return [sendingNewView(context, output, withAlteredChoice(context, message))];
      default:
        return [output];
    }
  };
  return perOutput('corrupt', (output) => (output.kind === 'send' ? corrupted(output) : [output]));
}
