/** `replay`: what was said once, by itself or by others, said again and again long after. */
import type { Bytes } from '../base/bytes.ts';
import type { ReplicaId } from '../base/ids.ts';
import { asReplicaId } from '../base/ids.ts';
import type { Message } from '../messages/index.ts';
import type { Output } from '../protocol/output.ts';
import { othersOf } from './alter.ts';
import { UNCHANGED } from './behaviour.ts';
import type { Behaviour, BehaviourContext, HeardInput } from './behaviour.ts';
import { Pace } from './pace.ts';

const PER_SECOND = 40;
const BURST = 4;
/** Messages kept for ever, of its own and of others each: the oldest ones. */
const OLDEST = 16;
/** Besides them the latest ones. */
const LATEST = 32;
/** How often a client's request is played: one of a session that is gone is ordered again each time, to be refused, and a cluster would never rest. */
const REQUEST_REPETITIONS = 8;

interface Recorded {
  readonly message: Message;
  readonly signature: Bytes | undefined;
  /** How often it may yet be played. */
  left: number;
}

/** The oldest and the latest of one kind of messages. */
class Recording {
  readonly #kept: Recorded[] = [];
  #seen = 0;
  #played = 0;

  add(message: Message, signature: Bytes | undefined): void {
    const recorded = { message, signature, left: message.type === 'requests' ? REQUEST_REPETITIONS : Infinity };
    if (this.#kept.length < OLDEST + LATEST) this.#kept.push(recorded);
    // STATUS goes on for ever and would soon be all there is.
    else if (message.type !== 'status') {
      this.#kept[OLDEST + (this.#seen % LATEST)] = recorded;
      this.#seen += 1;
    }
  }

  /** One after the other, from the oldest on, over and over. */
  next(): Recorded | undefined {
    const recorded = this.#kept[this.#played % Math.max(1, this.#kept.length)];
    this.#played += 1;
    if (recorded === undefined || recorded.left === 0) return undefined;
    recorded.left -= 1;
    return recorded;
  }
}

export function makeReplay(context: BehaviourContext): Behaviour {
  const others = othersOf(context);
  const pace = new Pace(PER_SECOND, BURST);
  const own = new Recording();
  const foreign = new Recording();
  let turn = 0;

  /** Who made it: nobody takes its own words from another. */
  const authorOf = (message: Message): ReplicaId | undefined => {
    if (message.type === 'pre-prepare' || message.type === 'new-view')
      return asReplicaId(message.view % context.cluster.replicaCount);
    return 'replica' in message ? message.replica : undefined;
  };

  const heard = (input: HeardInput): HeardInput => {
    if (input.kind === 'message') foreign.add(input.message, input.signature);
    if (input.kind === 'requests')
      foreign.add({ type: 'requests', requests: input.requests.map(({ request }) => request) }, undefined);
    return input;
  };

  /** To all, or by an odd variant to one after the other. What others said under a MAC it can only seal with its own, which shows. */
  const repetition = (): readonly Output[] => {
    const recorded = turn % 2 === 0 ? own.next() : foreign.next();
    const chosen = context.variant % 2 === 0 ? others : others.slice(turn % others.length, (turn % others.length) + 1);
    turn += 1;
    if (recorded === undefined) return [];
    const { message, signature } = recorded;
    const author = authorOf(message);
    const to = chosen.filter((replica) => replica !== author);
    return to.length === 0 ? [] : [{ kind: 'send', to, message, signature }];
  };

  return {
    ...UNCHANGED,
    name: 'replay',
    admit: heard,
    rewrite: (now, outputs) => {
      if (others.length === 0) return outputs;
      for (const output of outputs) if (output.kind === 'send') own.add(output.message, output.signature);
      const repeated = Array.from({ length: pace.take(now.monotonic) }, repetition);
      return [...outputs, ...repeated.flat()];
    },
  };
}
