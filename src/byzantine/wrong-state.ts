/** `wrong-state`: bad checkpoints, bad proofs of them, and bad subtrees of state. Its votes on batches are true, and so is what it executed. */
import type { State } from '../messages/index.ts';
import type { Output } from '../protocol/output.ts';
import { withAlteredRoot, withAlteredSubtree } from './alter.ts';
import { perOutput } from './behaviour.ts';
import type { Behaviour, BehaviourContext, SendOutput } from './behaviour.ts';
import { sendingViewChange, withFalseProof } from './view-change-lies.ts';

type Falsifier = (context: BehaviourContext, answer: State) => State;

/** A subtree that lacks its first entry, or all nodes below its first. */
const leaveOut: Falsifier = (_context, answer) => {
  const [first, ...rest] = answer.subtrees;
  if (first === undefined) return answer;
  const entries = first.entries.length > 1 ? first.entries.slice(1) : first.entries;
  return { ...answer, subtrees: [{ ...first, entries, nodes: first.nodes.slice(0, 1) }, ...rest] };
};
const denyHolding: Falsifier = (_context, answer) => ({ ...answer, held: false, subtrees: [] });
const giveNothing: Falsifier = (_context, answer) => ({ ...answer, subtrees: [] });

/**
 * By variant, how an answer is falsified. Only the first signs wrong CHECKPOINTs and VIEW-CHANGEs as well: state is asked for from those who signed the certified root,
 * so that whoever wants to hand out bad state signs truly.
 */
const FALSIFIERS: readonly Falsifier[] = [withAlteredSubtree, withAlteredSubtree, leaveOut, denyHolding, giveNothing];

export function makeWrongState(context: BehaviourContext): Behaviour {
  const way = context.variant % FALSIFIERS.length;
  const falsified = FALSIFIERS[way] ?? withAlteredSubtree;
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
        return message.held ? { ...output, message: falsified(context, message) } : output;
      default:
        return output;
    }
  };
  return perOutput('wrong-state', (output) => [output.kind === 'send' ? wrong(output) : output]);
}
