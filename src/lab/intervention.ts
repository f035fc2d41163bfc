/** What somebody does to a run by hand, as data: part of the run's identity. */

import type { BehaviourName } from '../byzantine/index.ts';
import type { Result } from '../base/result.ts';
import { fail, ok } from '../base/result.ts';
import { replicaOfName } from '../base/ids.ts';
import { misbehave } from '../simulation/misbehave.ts';
import type { SimulatedNode } from '../simulation/node.ts';
import type { ScenarioWorld } from '../simulation/scenario-world.ts';
import type { World } from '../simulation/world.ts';

/** Messages are named by their number in the world's queue (FrameInFlight), nodes `node1` …, links by the names of their ends. Times in µs. */
export type Action =
  | { readonly do: 'drop'; readonly message: number }
  | { readonly do: 'delay'; readonly message: number; readonly byUs: number }
  | { readonly do: 'duplicate'; readonly message: number; readonly afterUs: number }
  | { readonly do: 'crash' | 'restart' | 'pause' | 'resume' | 'lose-disk'; readonly node: string }
  /** In this direction alone. */
  | { readonly do: 'cut' | 'mend'; readonly from: string; readonly to: string }
  /** `behaviour` null: it stops lying. */
  | { readonly do: 'behave'; readonly node: string; readonly behaviour: BehaviourName | null; readonly variant: number }
  /** `client`: 1 is the first one. `operation`: JSON. */
  | { readonly do: 'request'; readonly client: number; readonly operation: string };

/** Done when so many entries of the queue have been taken, before the next one. */
export interface Intervention {
  readonly at: number;
  readonly action: Action;
}

export type ActionName = Action['do'];

/** Why it could not be done: as things stand in the run, or in any. */
export interface ActionProblem {
  readonly code:
    | 'no-such-message'
    | 'no-such-node'
    | 'no-such-party'
    | 'node-state'
    | 'no-such-client'
    | 'bad-operation'
    | 'not-in-seeds';
  readonly message: string;
}

/** What can be acted on. `scene` is undefined in the run of a seed. */
export interface ActionWorld {
  readonly world: World;
  readonly scene: ScenarioWorld | undefined;
  /** T of the nodes, µs. */
  readonly requestTimeoutUs: number;
}

/** What a process that stands still is sent waits, per link up to so many bytes. */
const BUFFER_BYTES = 1_000_000;
export const LONGEST_OPERATION = 4096;

/** Does it. Nothing has changed where it fails. */
export function act(target: ActionWorld, action: Action): Result<undefined, ActionProblem> {
  const { world } = target;
  switch (action.do) {
    case 'drop':
      return known(world.frames.lose(action.message), action.message);
    case 'delay':
      return known(world.frames.postpone(action.message, action.byUs), action.message);
    case 'duplicate':
      return known(world.frames.repeat(action.message, action.afterUs), action.message);
    case 'cut':
    case 'mend':
      return cut(world, action);
    case 'request':
      return request(target, action.client, action.operation);
    default:
      return actOnNode(target, action);
  }
}

type NodeAction = Extract<Action, { readonly node: string }>;

function actOnNode(target: ActionWorld, action: NodeAction): Result<undefined, ActionProblem> {
  const { world } = target;
  const id = replicaOfName(action.node);
  const node = id === undefined ? undefined : world.nodes[id];
  if (node === undefined) return fail({ code: 'no-such-node', message: `there is no ${action.node} here` });
  const problem = unfit(world, node, action.do);
  if (problem !== undefined) return fail({ code: 'node-state', message: problem });
  switch (action.do) {
    case 'crash':
      // Both instances of a twin are one node.
      world.twinOf(node.id)?.crash('by hand', 0);
      node.crash('by hand', 0);
      break;
    case 'restart':
      world.restart(node);
      break;
    case 'pause':
      world.pause(node, BUFFER_BYTES);
      break;
    case 'resume':
      world.resume(node);
      break;
    case 'lose-disk':
      world.loseDisk(node);
      break;
    case 'behave': {
      const { behaviour, variant } = action;
      misbehave(world, node, { behaviour: behaviour ?? undefined, variant, requestTimeoutUs: target.requestTimeoutUs });
      break;
    }
  }
  return ok(undefined);
}

/** Why that cannot be done to the node now. */
function unfit(world: World, node: SimulatedNode, what: NodeAction['do']): string | undefined {
  if (what === 'restart') return node.isUp ? `${node.name} runs already` : undefined;
  if (what === 'behave') return undefined;
  if (!node.isUp) return `${node.name} is down`;
  if (what === 'pause' && world.isPaused(node)) return `${node.name} stands still already`;
  if (what === 'resume' && !world.isPaused(node)) return `${node.name} does not stand still`;
  return undefined;
}

function known(isKnown: boolean, message: number): Result<undefined, ActionProblem> {
  return isKnown
    ? ok(undefined)
    : fail({ code: 'no-such-message', message: `message ${message} is not under way here` });
}

function cut(world: World, action: Extract<Action, { do: 'cut' | 'mend' }>): Result<undefined, ActionProblem> {
  const addresses = new Set([
    ...world.nodes.map(({ name }) => name),
    ...world.clients.map(({ client }) => world.addressOf({ kind: 'client', client })),
  ]);
  for (const name of [action.from, action.to])
    if (!addresses.has(name)) return fail({ code: 'no-such-party', message: `there is no ${name} here` });
  world.network.setCut(action.from, action.to, action.do === 'cut');
  world.trace.add(world.time, [12], () => `${action.from} → ${action.to}  ${action.do} by hand`);
  return ok(undefined);
}

function request({ scene }: ActionWorld, client: number, operation: string): Result<undefined, ActionProblem> {
  if (scene === undefined)
    return fail({ code: 'not-in-seeds', message: 'the clients of a seed ask for what the seed draws' });
  if (client > scene.options.clientCount)
    return fail({ code: 'no-such-client', message: `there is no client${client} here` });
  const value = parsed(operation);
  if (value === undefined) return fail({ code: 'bad-operation', message: 'an operation is a JSON object' });
  scene.request(client, value);
  return ok(undefined);
}

/** The JSON object in a text; undefined for anything else. */
function parsed(text: string): object | undefined {
  if (text.length > LONGEST_OPERATION) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
