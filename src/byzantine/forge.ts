/** `forge`: bad signatures and MACs on everything, and votes in the name of the next replica. */
import { asReplicaId } from '../base/ids.ts';
import { alteredBytes } from './alter.ts';
import { UNCHANGED } from './behaviour.ts';
import type { Behaviour, BehaviourContext } from './behaviour.ts';

export function makeForge(context: BehaviourContext): Behaviour {
  const impersonated = asReplicaId((context.self + 1) % context.cluster.replicaCount);
  return {
    ...UNCHANGED,
    name: 'forge',
    rewrite: (_now, outputs) =>
      outputs.map((output) => {
        if (output.kind !== 'send') return output;
        const { message } = output;
        // PREPAREs are told as the neighbour's; everything else keeps its author, and its proof is spoilt below.
        return message.type === 'prepare' ? { ...output, message: { ...message, replica: impersonated } } : output;
      }),
    // A frame ends with its proof.
    rewriteFrame: (frame) => alteredBytes(frame),
  };
}
