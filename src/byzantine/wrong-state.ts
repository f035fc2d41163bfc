/** `wrong-state`: bad checkpoints, bad proofs of them, and bad chunks of state. Its votes on batches are true, and so is what it executed. */
import type { State } from '../messages/index.ts';
import type { Output } from '../protocol/output.ts';
import { alteredBytes, withAlteredRoot } from './alter.ts';
import { perOutput } from './behaviour.ts';
import type { Behaviour, BehaviourContext, SendOutput } from './behaviour.ts';
import { sendingViewChange, withFalseProof } from './view-change-lies.ts';

type Falsifier = (chunk: State) => State;

const alterEntry: Falsifier = (chunk) => ({
  ...chunk,
  entries: chunk.entries.map((entry, at) => (at === 0 ? { ...entry, value: alteredBytes(entry.value) } : entry)),
});
const leaveOutEntry: Falsifier = (chunk) => ({ ...chunk, entries: chunk.entries.slice(1) });
const denyHolding: Falsifier = (chunk) => ({ ...chunk, held: false, isLast: false, entries: [] });
const endTooSoon: Falsifier = (chunk) => ({ ...chunk, isLast: true, entries: [] });

/**
 * By variant, how a chunk is falsified. Only the first signs wrong CHECKPOINTs and VIEW-CHANGEs as well: state is asked for from those who signed the certified root,
 * so that whoever wants to hand out bad state signs truly.
 */
const FALSIFIERS: readonly Falsifier[] = [alterEntry, alterEntry, leaveOutEntry, denyHolding, endTooSoon];

export function makeWrongState(context: BehaviourContext): Behaviour {
  const way = context.variant % FALSIFIERS.length;
  const falsified = FALSIFIERS[way] ?? alterEntry;
  const signsWrongly = way === 0;

  const wrong = (output: SendOutput): Output => {
    const { message } = output;
    switch (message.type) {
      case 'checkpoint':
        // Others' it passes on as they are: it cannot sign for them.
        return signsWrongly && message.replica === context.self ? withAlteredRoot(context, output, message) : output;
      case 'view-change':
        if (!signsWrongly || message.replica !== context.self) return output;
        return sendingViewChange(context, output, withFalseProof(context, message));
      case 'state':
        return message.held ? { ...output, message: falsified(message) } : output;
      default:
        return output;
    }
  };
  return perOutput('wrong-state', (output) => [output.kind === 'send' ? wrong(output) : output]);
}
