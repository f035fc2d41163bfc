/**
 * A node of the bare exchange (bench/bare.ts): `bare-node.ts INDEX NODES CLIENTS TENTATIVE`. It sends, takes and counts what a correct node of the normal case does, in view 0 and
 * without faults, and keeps nothing. Says over its IPC channel at which port it listens, is told those of all, and says so when it is linked.
 */
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { BareLink } from './bare-link.ts';
import {
  KIND,
  checkedRequest,
  hello,
  prePrepare,
  readHead,
  repliesNeeded,
  reply,
  requestsOf,
  vote,
} from './bare-messages.ts';
import type { Head, Kind } from './bare-messages.ts';

/** Batches under way at most, as by default. */
const PIPELINE = 8;
/** Requests of a batch at most. */
const BATCH = 256;

interface Slot {
  requests: readonly Head[] | undefined;
  prepares: number;
  commits: number;
  isPrepared: boolean;
}

const [self = 0, nodes = 4, clients = 1, tentative = 0] = process.argv.slice(2).map(Number);
const faults = Math.floor((nodes - 1) / 3);
const isTentative = tentative > 0 && nodes > 1;
const asked = repliesNeeded(nodes, isTentative);
const quorum = Math.ceil((nodes + faults + 1) / 2);
const peers: (BareLink | undefined)[] = [];
const clientLinks = new Map<number, BareLink>();
const slots = new Map<number, Slot>();
const waiting: Buffer[] = [];
/** COMMITs that wait for a vote to leave with. */
const held: Buffer[] = [];
let [lastSequence, underWay] = [0, 0];

const server = createServer((socket) => listenTo(socket));
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.once('disconnect', () => process.exit());
process.once('message', ({ ports }: { readonly ports: readonly number[] }) => {
  for (const [index, port] of ports.slice(0, self).entries()) {
    const link = listenTo(connect(port, '127.0.0.1'));
    link.send(hello(KIND.node, self));
    setPeer(index, link);
  }
  if (nodes === 1) process.send?.({ linked: true });
});

function listenTo(socket: Socket): BareLink {
  return new BareLink(socket, onContent);
}

function setPeer(index: number, link: BareLink): void {
  peers[index] = link;
  if (peers.filter((peer) => peer !== undefined).length === nodes - 1) process.send?.({ linked: true });
}

function onContent(content: Buffer, link: BareLink): void {
  const head = readHead(content);
  switch (head.kind) {
    case KIND.node:
      return setPeer(head.first, link);
    case KIND.client:
      clientLinks.set(head.first, link);
      return;
    case KIND.request:
      checkedRequest(content, self);
      waiting.push(Buffer.from(content));
      return propose();
    case KIND.prePrepare:
      return accept(head.first, requestsOf(content, self, nodes));
    default:
      return count(head.kind as Kind, head.first);
  }
}

/** The primary: half of the clients make a batch (ADR 30). */
function propose(): void {
  if (self !== 0) return;
  while (underWay < PIPELINE && waiting.length > 0 && waiting.length >= Math.min(BATCH, Math.floor(clients / 2))) {
    const requests = waiting.splice(0, BATCH);
    underWay += 1;
    lastSequence += 1;
    toAll(prePrepare(lastSequence, requests));
    slotAt(lastSequence).requests = requests.map(readHead);
    advance(lastSequence);
  }
}

function accept(sequence: number, requests: readonly Head[]): void {
  slotAt(sequence).requests = requests;
  toAll(vote(KIND.prepare, sequence));
  count(KIND.prepare, sequence);
}

function count(kind: Kind, sequence: number): void {
  const slot = slotAt(sequence);
  if (kind === KIND.prepare) slot.prepares += 1;
  else slot.commits += 1;
  advance(sequence);
}

/** Prepared: a PRE-PREPARE and all votes but one of a quorum; committed: a quorum. */
function advance(sequence: number): void {
  const slot = slotAt(sequence);
  if (slot.requests === undefined) return;
  if (!slot.isPrepared && slot.prepares >= quorum - 1) {
    slot.isPrepared = true;
    slot.commits += 1;
    // Nobody waits for it where clients are told already: it leaves with the next vote.
    if (isTentative) held.push(vote(KIND.commit, sequence));
    else toAll(vote(KIND.commit, sequence));
  }
  if (!slot.isPrepared || (!isTentative && slot.commits < quorum)) return;
  const { requests } = slot;
  slot.requests = undefined;
  slots.delete(sequence - PIPELINE);
  for (const { first: client, second: timestamp } of requests)
    if (isAsked(client + timestamp)) clientLinks.get(client)?.send(reply(client, timestamp));
  underWay -= 1;
  propose();
}

/** As many nodes reply as are needed, in turn, the primary only where others do not suffice (ADR 23). */
function isAsked(turn: number): boolean {
  if (asked >= nodes) return true;
  return self > 0 && (self - 1 + turn) % (nodes - 1) < asked;
}

function slotAt(sequence: number): Slot {
  const known = slots.get(sequence);
  if (known !== undefined) return known;
  const slot: Slot = { requests: undefined, prepares: 0, commits: 0, isPrepared: false };
  slots.set(sequence, slot);
  return slot;
}

function toAll(content: Buffer): void {
  for (const commit of held.splice(0)) for (const peer of peers) peer?.send(commit);
  for (const peer of peers) peer?.send(content);
}
