/** The commands of scenarios that trouble links and processes. docs/simulator.md lists them. */
import { replicaOfName } from '../base/ids.ts';
import type { Address } from './network.ts';
import type { SimulatedNode } from './node.ts';
import type { World } from './world.ts';

/** A text that is no scenario: what is wrong with which command. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
  /** Of the text, from 1; undefined until it is known. */
  readonly line: number | undefined;

  constructor(message: string, line?: number) {
    super(message);
    this.line = line;
  }
}

/** What waits in a clogged link or before a process that stands still, at most, in bytes per link. */
const BUFFER_BYTES = 1_000_000;

const COMMANDS = ['cut', 'mend', 'partition', 'oneway', 'clog', 'unclog', 'pause', 'resume', 'drift', 'heal'] as const;
export type TroubleCommand = (typeof COMMANDS)[number];

/** True for the commands of {@link troubleWorld}. */
export function isTroubleCommand(name: string): name is TroubleCommand {
  return COMMANDS.some((known) => known === name);
}

/** Carries out a command of this kind. Throws {@link ScenarioError} where a word in it is wrong. */
export function troubleWorld(world: World, name: TroubleCommand, words: readonly string[]): void {
  const [first = '', second = 'all'] = words;
  const { network } = world;
  switch (name) {
    case 'cut':
    case 'mend':
      for (const other of othersOf(world, first, second)) setCutBothWays(world, [first, other], name === 'cut');
      return;
    case 'partition':
      partition(world, words);
      return;
    case 'oneway':
      for (const other of othersOf(world, first, second)) network.setCut(first, other, true);
      return;
    case 'clog': {
      const others = new Set(othersOf(world, first, second));
      world.clog((from, to) => (from === first && others.has(to)) || (to === first && others.has(from)), BUFFER_BYTES);
      return;
    }
    case 'unclog':
      world.unclogAll();
      return;
    case 'pause':
      world.pause(nodeNamed(world, first), BUFFER_BYTES);
      return;
    case 'resume':
      world.resume(nodeNamed(world, first));
      return;
    case 'drift':
      nodeNamed(world, first).setClockRate(permille(second));
      return;
    case 'heal':
      network.heal(network.usual);
      world.unclogAll();
      for (const node of world.nodes) world.resume(node);
  }
}

/** The node of that name. Throws {@link ScenarioError} if there is none. */
export function nodeNamed(world: World, name: string): SimulatedNode {
  const id = replicaOfName(name);
  const node = id === undefined ? undefined : world.nodes[id];
  if (node === undefined) throw new ScenarioError(`"${name}": no such node`);
  return node;
}

/** `node1 node2 | node3 node4`: what stood before is mended, then each group hears itself alone. */
function partition(world: World, words: readonly string[]): void {
  const groups = words
    .join(' ')
    .split('|')
    .map((group) => group.split(' ').filter((word) => word !== ''));
  const named = groups.flat();
  const doubled = named.find((name, index) => named.indexOf(name) !== index);
  if (doubled !== undefined) throw new ScenarioError(`"${doubled}" is on two sides`);
  for (const name of named) checkAddress(world, name);
  for (const left of named) {
    for (const right of named) {
      if (left === right) continue;
      const isTogether = groups.some((group) => group.includes(left) && group.includes(right));
      world.network.setCut(left, right, !isTogether);
    }
  }
}

/** `all` stands for all other nodes. */
function othersOf(world: World, name: Address, other: string): readonly Address[] {
  checkAddress(world, name);
  if (other === 'all') return world.nodes.map((node) => node.name).filter((node) => node !== name);
  checkAddress(world, other);
  return [other];
}

function setCutBothWays({ network }: World, [left, right]: readonly [Address, Address], cut: boolean): void {
  network.setCut(left, right, cut);
  network.setCut(right, left, cut);
}

function checkAddress(world: World, name: string): void {
  const client = /^client([1-9]\d*)$/.exec(name);
  if (client === null) nodeNamed(world, name);
  else if (Number(client[1]) > world.clients.length) throw new ScenarioError(`"${name}": no such client`);
}

/** `120%` of the true time, from 50 to 200. */
function permille(text: string): number {
  const match = /^(\d+)%$/.exec(text);
  const percent = Number(match?.[1]);
  if (!(percent >= 50 && percent <= 200)) throw new ScenarioError(`"${text}": no rate such as 120%`);
  return percent * 10;
}
