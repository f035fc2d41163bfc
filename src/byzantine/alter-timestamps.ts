/**
 * `alter-timestamps`: as primary, batches carry another time than the clock's (with the digest that belongs to it). A backup cannot do
 * that: it votes for the batch it would have liked, and alters the time in the bodies it hands out.
 */
import type { Digest } from '../base/ids.ts';
import type { Batch } from '../messages/index.ts';
import type { Output } from '../protocol/output.ts';
import { digestOfBatch, PerSlot } from './alter.ts';
import { perOutput } from './behaviour.ts';
import type { Behaviour, BehaviourContext, SendOutput } from './behaviour.ts';

const HOUR_MS = 3_600_000;
/** By variant: an hour ahead (held back by all), an hour behind (refused by all), a second ahead (within any bound: accepted). */
const SHIFTS_MS: readonly number[] = [HOUR_MS, -HOUR_MS, 1000];

export function makeAlterTimestamps(context: BehaviourContext): Behaviour {
  const shiftMs = SHIFTS_MS[context.variant % SHIFTS_MS.length] ?? HOUR_MS;
  const shifted = (batch: Batch): Batch => ({ ...batch, timestamp: Math.max(0, batch.timestamp + shiftMs) });
  /** As backup: the digest of the shifted batch per accepted sequence number. */
  const shiftedDigests = new PerSlot<Digest>();

  const altered = (output: SendOutput): readonly Output[] => {
    const { message } = output;
    switch (message.type) {
      case 'pre-prepare': {
        if (message.batch === undefined) return [output];
        const batch = shifted(message.batch);
        return [
          { ...output, message: { ...message, batch, digest: digestOfBatch(context, batch) }, signature: undefined },
        ];
      }
      case 'prepare':
      case 'commit': {
        const digest = shiftedDigests.get(message.sequence) ?? message.digest;
        return [{ ...output, message: { ...message, digest }, signature: undefined }];
      }
      case 'batch':
        return [{ ...output, message: { ...message, batch: shifted(message.batch) } }];
      default:
        return [output];
    }
  };

  return perOutput('alter-timestamps', (output, _now, status) => {
    if (output.kind === 'persist' && output.record.kind === 'accepted' && output.record.batch !== undefined) {
      shiftedDigests.forgetUpTo(status.lowWaterMark);
      shiftedDigests.set(output.record.sequence, digestOfBatch(context, shifted(output.record.batch)));
    }
    return output.kind === 'send' ? altered(output) : [output];
  });
}
