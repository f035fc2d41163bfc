/** Floor 3: Byzantine behaviours, one implementation for cluster and simulator. See catalogue.ts for what each does in which role. */
import { unreachable } from '../base/assert.ts';
import { makeAlterTimestamps } from './alter-timestamps.ts';
import type { Behaviour, BehaviourContext, BehaviourName } from './behaviour.ts';
import { makeCensor } from './censor.ts';
import { makeCorrupt } from './corrupt.ts';
import { makeEquivocate } from './equivocate.ts';
import { makeFlood } from './flood.ts';
import { makeForge } from './forge.ts';
import { makeLie } from './lie.ts';
import { makeReplay } from './replay.ts';
import { makeSelective } from './selective.ts';
import { makeSilent } from './silent.ts';
import { makeSlow } from './slow.ts';
import { makeWrongReply } from './wrong-reply.ts';
import { makeWrongState } from './wrong-state.ts';

export { alteredBytes, othersOf, splitReceivers, withAlteredSubtree, withChangedRequest } from './alter.ts';
export { admitted, BEHAVIOUR_NAMES, isBehaviourName, UNCHANGED } from './behaviour.ts';
export type { Behaviour, BehaviourContext, BehaviourName } from './behaviour.ts';
export { BEHAVIOUR_CATALOGUE } from './catalogue.ts';
export type { BehaviourEntry, BehaviourRole, ExpectedSuspicion } from './catalogue-entry.ts';
export { DelayLine } from './delay-line.ts';
export { parseOrder } from './order.ts';
export type { BehaviourOrder } from './order.ts';

/** A fresh liar: nothing it does depends on an earlier one. */
export function makeBehaviour(name: BehaviourName, context: BehaviourContext): Behaviour {
  switch (name) {
    case 'corrupt':
      return makeCorrupt(context);
    case 'equivocate':
      return makeEquivocate(context);
    case 'lie':
      return makeLie(context);
    case 'alter-timestamps':
      return makeAlterTimestamps(context);
    case 'silent':
      return makeSilent();
    case 'slow':
      return makeSlow(context);
    case 'selective':
      return makeSelective(context);
    case 'forge':
      return makeForge(context);
    case 'wrong-reply':
      return makeWrongReply(context);
    case 'wrong-state':
      return makeWrongState(context);
    case 'replay':
      return makeReplay(context);
    case 'flood':
      return makeFlood(context);
    case 'censor':
      return makeCensor(context);
    default:
      return unreachable(name, 'makeBehaviour');
  }
}
