/**
 * The three messages that open a link, as bytes and back, and what each side signs. Pure: no sockets, no clock.
 *
 *   acceptor → dialler  GREETING  who listens here, how MACs are made, a fresh nonce
 *   dialler → acceptor  HELLO     who dials, whom it means, how MACs are made, its keys, a fresh nonce; signed over the greeting and this
 *   acceptor → dialler  ACCEPT    signed over the greeting and the hello
 *
 * The dialler proves itself first, so that a stranger cannot make the acceptor sign. Magic and major version stand first for ever; a newer
 * minor version may append fields, which an older side carries in what it verifies and otherwise ignores.
 */
import type { Bytes } from '../../base/bytes.ts';
import { concatBytes, equalBytes, fromHex, toHex } from '../../base/bytes.ts';
import { asClientId, asDigest, asReplicaId, replicaName } from '../../base/ids.ts';
import type { Digest, ReplicaId } from '../../base/ids.ts';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { MAC_PRIMITIVES } from '../../protocol/config.ts';
import type { MacPrimitive } from '../../protocol/config.ts';
import type { Party } from '../../protocol/ports.ts';
import type { PublicIdentity } from '../identity.ts';
import { isSignatureOf } from '../ed25519.ts';
import type { LinkRefusal } from './settings.ts';

export const LINK_VERSION = { major: 3, minor: 0 } as const;

const MAGIC = ascii('PBFT');
const HELLO_DOMAIN = ascii('pbft/link-hello/1\0');
const ACCEPT_DOMAIN = ascii('pbft/link-accept/1\0');
export const NONCE_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** magic, major, minor, cluster id, replica, MAC primitive, nonce. */
const GREETING_BYTES = 4 + 2 + 32 + 1 + 1 + NONCE_BYTES;
/** magic, major, minor, role, cluster id, target replica, own replica, MAC primitive, signing key, agreement key, nonce. */
const HELLO_BYTES = 4 + 2 + 1 + 32 + 1 + 1 + 1 + 32 + 32 + NONCE_BYTES;
const ROLE_REPLICA = 0;
const ROLE_CLIENT = 1;
/** The byte that stands for a primitive; none is ever given to another. */
const MAC_NUMBERS: Readonly<Record<MacPrimitive, number>> = { 'hmac-sha256': 1, 'blake2b-256': 2 };

function ascii(text: string): Bytes {
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

export interface Greeting {
  readonly clusterId: Digest;
  readonly replica: ReplicaId;
  readonly mac: MacPrimitive;
  readonly nonce: Bytes;
}

export interface Hello {
  readonly clusterId: Digest;
  /** The replica that was dialled. */
  readonly target: ReplicaId;
  readonly party: Party;
  readonly mac: MacPrimitive;
  readonly identity: PublicIdentity;
  readonly nonce: Bytes;
}

/** A hello as it arrived; `signature` is not verified yet. */
export interface ReceivedHello extends Hello {
  readonly signature: Bytes;
}

export function encodeGreeting({ clusterId, replica, mac, nonce }: Greeting): Bytes {
  return concatBytes(
    MAGIC,
    Uint8Array.of(LINK_VERSION.major, LINK_VERSION.minor),
    hexBytes(clusterId),
    Uint8Array.of(replica, MAC_NUMBERS[mac]),
    nonce,
  );
}

export function decodeGreeting(bytes: Bytes): Result<Greeting, LinkRefusal> {
  const refusal = judgeStart(bytes, GREETING_BYTES);
  if (refusal !== undefined) return fail(refusal);
  const clusterId = asDigest(toHex(bytes.subarray(6, 38)));
  const mac = macOfNumber(bytes[39]);
  if (mac === undefined) return fail(unknownMac(bytes[39]));
  return ok({ clusterId, replica: asReplicaId(bytes[38] ?? 0), mac, nonce: bytes.slice(40, GREETING_BYTES) });
}

/** The hello with its signature at the end. `greeting`: the bytes it answers. */
export function encodeHello(hello: Hello, greeting: Bytes, sign: (bytes: Bytes) => Bytes): Bytes {
  const { party, identity } = hello;
  const role = party.kind === 'replica' ? ROLE_REPLICA : ROLE_CLIENT;
  const body = concatBytes(
    MAGIC,
    Uint8Array.of(LINK_VERSION.major, LINK_VERSION.minor, role),
    hexBytes(hello.clusterId),
    Uint8Array.of(hello.target, party.kind === 'replica' ? party.replica : 0, MAC_NUMBERS[hello.mac]),
    hexBytes(identity.signing),
    hexBytes(identity.agreement),
    hello.nonce,
  );
  return concatBytes(body, sign(helloTranscript(greeting, body)));
}

export function decodeHello(bytes: Bytes): Result<ReceivedHello, LinkRefusal> {
  const refusal = judgeStart(bytes, HELLO_BYTES + SIGNATURE_BYTES);
  if (refusal !== undefined) return fail(refusal);
  const role = bytes[6];
  const replica = bytes[40] ?? 0;
  if (role !== ROLE_REPLICA && role !== ROLE_CLIENT) return fail(malformed(`no role has number ${role}`));
  if (role === ROLE_CLIENT && replica !== 0) return fail(malformed('a client has no replica number'));
  const mac = macOfNumber(bytes[41]);
  if (mac === undefined) return fail(unknownMac(bytes[41]));
  const signing = toHex(bytes.subarray(42, 74));
  const party: Party =
    role === ROLE_REPLICA
      ? { kind: 'replica', replica: asReplicaId(replica) }
      : { kind: 'client', client: asClientId(signing) };
  return ok({
    clusterId: asDigest(toHex(bytes.subarray(7, 39))),
    target: asReplicaId(bytes[39] ?? 0),
    party,
    mac,
    identity: { signing, agreement: toHex(bytes.subarray(74, 106)) },
    nonce: bytes.slice(106, HELLO_BYTES),
    signature: bytes.slice(-SIGNATURE_BYTES),
  });
}

/** What the acceptor answers to a hello it takes: 64 bytes. */
export function encodeAccept(greeting: Bytes, hello: Bytes, sign: (bytes: Bytes) => Bytes): Bytes {
  return sign(acceptTranscript(greeting, hello));
}

/** True when the hello was signed by the key it names, as an answer to this greeting. Requires: an admissible key. */
export function verifyHello(hello: Bytes, greeting: Bytes, signing: string): boolean {
  const body = hello.subarray(0, -SIGNATURE_BYTES);
  return verifyStrictly(signing, helloTranscript(greeting, body), hello.subarray(-SIGNATURE_BYTES));
}

/** True when `accept` is the signature by `signing` over this greeting and this hello. Requires: an admissible key. */
export function verifyAccept(accept: Bytes, greeting: Bytes, hello: Bytes, signing: string): boolean {
  return verifyStrictly(signing, acceptTranscript(greeting, hello), accept);
}

function verifyStrictly(signing: string, bytes: Bytes, signature: Bytes): boolean {
  const key = fromHex(signing);
  return key !== undefined && isSignatureOf(key, bytes, signature);
}

/** The greeting names the acceptor and its nonce, the body the dialler and its own: neither can be used on another link. */
function helloTranscript(greeting: Bytes, body: Bytes): Bytes {
  return concatBytes(HELLO_DOMAIN, lengthOf(greeting), greeting, body);
}

function acceptTranscript(greeting: Bytes, hello: Bytes): Bytes {
  return concatBytes(ACCEPT_DOMAIN, lengthOf(greeting), greeting, hello);
}

function lengthOf(bytes: Bytes): Bytes {
  return Uint8Array.of(bytes.length >> 8, bytes.length & 0xff);
}

function hexBytes(hex: string): Bytes {
  return fromHex(hex) ?? new Uint8Array(0);
}

function malformed(reason: string): LinkRefusal {
  return { code: 'malformed', reason };
}

function macOfNumber(number: number | undefined): MacPrimitive | undefined {
  return MAC_PRIMITIVES.find((mac) => MAC_NUMBERS[mac] === number);
}

function unknownMac(number: number | undefined): LinkRefusal {
  return malformed(`no MAC primitive has number ${number} here: ${MAC_PRIMITIVES.join(' and ')} are known`);
}

/** Undefined when both sides make their MACs alike: otherwise not one message would be authentic to the other. */
export function judgeMac(here: MacPrimitive, there: MacPrimitive): LinkRefusal | undefined {
  if (here === there) return undefined;
  return {
    code: 'mac-mismatch',
    reason: `MACs are ${here} here, ${there} there: give "mac" the same value in the configuration of all nodes and in cluster.json`,
  };
}

/** Magic, major version and length; longer is allowed only from a newer minor version. */
function judgeStart(bytes: Bytes, length: number): LinkRefusal | undefined {
  if (bytes.length < 6 || !equalBytes(bytes.subarray(0, 4), MAGIC))
    return malformed('this does not speak the pbft link protocol; is it the peer port?');
  const [major = 0, minor = 0] = bytes.subarray(4, 6);
  if (major !== LINK_VERSION.major) {
    const own = `${LINK_VERSION.major}.${LINK_VERSION.minor}`;
    return {
      code: 'version-mismatch',
      reason: `link protocol ${own} here, ${major}.${minor} there: upgrade the older side`,
    };
  }
  const fits = minor > LINK_VERSION.minor ? bytes.length >= length : bytes.length === length;
  return fits ? undefined : malformed(`${bytes.length} bytes where version ${major}.${minor} has ${length}`);
}

/** A refusal as a frame: u8 length of the code, code, reason (both printable ASCII, cut to 300 characters). */
export function encodeRefusal({ code, reason }: LinkRefusal): Bytes {
  return concatBytes(Uint8Array.of(code.length), ascii(code), ascii(printable(reason)));
}

/** What the other side said, as one line: it may be anybody, so nothing is believed and only printable ASCII is shown. */
export function describeRefusal(payload: Bytes): { readonly code: string; readonly reason: string } {
  const codeLength = payload[0] ?? 0;
  const text = printable(Buffer.from(payload.subarray(1)).toString('latin1'));
  return { code: text.slice(0, codeLength), reason: text.slice(codeLength) };
}

function printable(text: string): string {
  return text.slice(0, 300).replaceAll(/[^ -~]/g, '?');
}

/** `node3`, or `client 5f0c…`: how a party is called in reasons. */
export function partyName(party: Party): string {
  return party.kind === 'replica' ? replicaName(party.replica) : `client ${party.client.slice(0, 16)}`;
}
