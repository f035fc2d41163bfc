/** A node of a world is told to lie while it runs. Owns nothing. */
import { makeBehaviour } from '../byzantine/index.ts';
import type { BehaviourName } from '../byzantine/index.ts';
import type { SimulatedNode } from './node.ts';
import type { World } from './world.ts';

export interface Misbehaviour {
  /** Undefined: it stops lying. */
  readonly behaviour: BehaviourName | undefined;
  /** Which of the ways to do so, from 0. */
  readonly variant: number;
  /** T of the node, µs. */
  readonly requestTimeoutUs: number;
}

/** From now on, and for the checkers for ever, the node may lie. */
export function misbehave(world: World, node: SimulatedNode, { behaviour, ...how }: Misbehaviour): void {
  node.isCorrect = false;
  const { cluster, codec, authority } = world;
  const authenticator = authority.authenticator({ kind: 'replica', replica: node.id });
  const context = { ...how, self: node.id, cluster, codec, authenticator };
  node.behaviour = behaviour === undefined ? undefined : makeBehaviour(behaviour, context);
  world.observer.misbehaves(node.id, behaviour);
}
