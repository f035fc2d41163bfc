/** Which frames a fault of links is about. Pure; addresses are names in the network, `node1`, `client1`. */
import { replicaName } from '../base/ids.ts';
import type { Bytes } from '../base/bytes.ts';
import type { MessageType } from '../messages/index.ts';
import { MESSAGE_TYPES } from '../messages/index.ts';
import { schemaOfTag } from '../messages/registry.ts';
import type { Links, Split } from './faults.ts';
import type { Address } from './network.ts';

/** Tells the directed links that something happens to. */
export type LinkFilter = (from: Address, to: Address) => boolean;
/** Tells the single frames on them. */
export type FrameFilter = (from: Address, to: Address, frame: Bytes) => boolean;

/** The links that are meant. */
export function coversLink(links: Links): LinkFilter {
  const name = replicaName(links.replica);
  switch (links.kind) {
    case 'in':
      return (_from, to) => to === name;
    case 'out':
      return (from) => from === name;
    case 'both':
      return (from, to) => from === name || to === name;
    case 'one': {
      const peer = replicaName(links.peer);
      return (from, to) => from === name && to === peer;
    }
  }
}

/** The links between the groups. `clients`: all of them, in order; each is with the node of its number, or reaches everybody. */
export function crosses({ groups, withClients }: Split, clients: readonly Address[]): LinkFilter {
  const sides = new Map(groups.flatMap((group, side) => group.map((id) => [replicaName(id), side] as const)));
  const replicaCount = sides.size;
  const names = [...sides.keys()].toSorted();
  if (withClients) {
    for (const [index, client] of clients.entries()) {
      const side = sides.get(names[index % replicaCount] ?? '');
      if (side !== undefined) sides.set(client, side);
    }
  }
  return (from, to) => {
    const [left, right] = [sides.get(from), sides.get(to)];
    return left !== undefined && right !== undefined && left !== right;
  };
}

/** What a frame says it holds; undefined for one that says nothing. */
export function typeOfFrame(frame: Bytes): MessageType | undefined {
  const type = schemaOfTag(frame[0] ?? 0)?.type;
  return MESSAGE_TYPES.find((known) => known === type);
}
