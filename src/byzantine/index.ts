/** Floor 3: Byzantine behaviours, one implementation for cluster and simulator. See catalogue.ts for what each does in which role. */
import { unreachable } from '../base/assert.ts';
import { makeAlterTimestamps } from './alter-timestamps.ts';
import type { Behaviour, BehaviourContext, BehaviourName } from './behaviour.ts';
import { makeCorrupt } from './corrupt.ts';
import { makeEquivocate } from './equivocate.ts';
import { makeForge } from './forge.ts';
import { makeLie } from './lie.ts';
import { makeSilent } from './silent.ts';
import { makeWrongReply } from './wrong-reply.ts';

export { alteredBytes, withChangedRequest } from './alter.ts';
export { BEHAVIOUR_NAMES, isBehaviourName } from './behaviour.ts';
export type { Behaviour, BehaviourContext, BehaviourName } from './behaviour.ts';
export { BEHAVIOUR_CATALOGUE } from './catalogue.ts';
export type { BehaviourEntry, BehaviourRole, ExpectedSuspicion } from './catalogue.ts';

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
    case 'forge':
      return makeForge(context);
    case 'wrong-reply':
      return makeWrongReply(context);
    default:
      return unreachable(name, 'makeBehaviour');
  }
}
