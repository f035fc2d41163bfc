/** What is said in the bare exchange (bench/bare.ts): as long as the messages that they stand for, and with nothing in them but what keeps the exchange going. */
import { MAC_BYTES } from '../../src/node/mac-key.ts';
import { KEY } from './bare-link.ts';

export const KIND = { node: 1, client: 2, request: 3, prePrepare: 4, prepare: 5, commit: 6, reply: 7 } as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

/** Kind, and two numbers. */
const HEAD_BYTES = 9;
/** A request with an operation of four bytes, without what proves it. */
const REQUEST_BYTES = 64;
const VOTE_BYTES = 60;
const REPLY_BYTES = 100;

/** Of a node or client, or of a number and view. */
export interface Head {
  readonly kind: number;
  readonly first: number;
  readonly second: number;
}

/** By how many replies a client believes an answer: f+1, or a quorum of those that say `tentative`. */
export function repliesNeeded(nodes: number, isTentative: boolean): number {
  const faults = Math.floor((nodes - 1) / 3);
  return isTentative ? Math.ceil((nodes + faults + 1) / 2) : faults + 1;
}

export function readHead(content: Buffer): Head {
  return { kind: content.readUInt8(0), first: content.readUInt32BE(1), second: content.readUInt32BE(5) };
}

function message(kind: Kind, first: number, second: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUInt8(kind, 0);
  bytes.writeUInt32BE(first, 1);
  bytes.writeUInt32BE(second, 5);
  return bytes;
}

export function hello(kind: Kind, index: number): Buffer {
  return message(kind, index, 0, HEAD_BYTES);
}

export function vote(kind: Kind, sequence: number): Buffer {
  return message(kind, sequence, 0, VOTE_BYTES);
}

export function reply(client: number, timestamp: number): Buffer {
  return message(KIND.reply, client, timestamp, REPLY_BYTES);
}

/** With a MAC for each node behind it. */
export function request(client: number, timestamp: number, nodes: number): Buffer {
  const bytes = message(KIND.request, client, timestamp, requestBytes(nodes));
  const body = bytes.subarray(0, REQUEST_BYTES);
  for (let node = 0; node < nodes; node += 1) bytes.set(KEY.mac(body), REQUEST_BYTES + MAC_BYTES * node);
  return bytes;
}

function requestBytes(nodes: number): number {
  return REQUEST_BYTES + MAC_BYTES * nodes;
}

/** Its head, if the MAC for this node is right. */
export function checkedRequest(bytes: Buffer, node: number): Head {
  const at = REQUEST_BYTES + MAC_BYTES * node;
  if (!KEY.verify(bytes.subarray(0, REQUEST_BYTES), bytes.subarray(at, at + MAC_BYTES)))
    throw new Error('a request with a bad MAC');
  return readHead(bytes);
}

export function prePrepare(sequence: number, requests: readonly Buffer[]): Buffer {
  return Buffer.concat([message(KIND.prePrepare, sequence, requests.length, HEAD_BYTES), ...requests]);
}

/** The requests in it, each checked. */
export function requestsOf(content: Buffer, node: number, nodes: number): readonly Head[] {
  const length = requestBytes(nodes);
  const requests: Head[] = [];
  for (let at = HEAD_BYTES; at < content.length; at += length)
    requests.push(checkedRequest(content.subarray(at, at + length), node));
  return requests;
}
