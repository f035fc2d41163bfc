/**
 * Cryptography of one party: SHA-256, strict Ed25519 (ed25519.ts), and one MAC key per peer and direction out of X25519 and HKDF, of the
 * primitive that the cluster has chosen (hmac.ts, blake2b.ts). It owns the keys and caches of keys, all bounded. It knows whose key is whose, never who may do what. [PROTOCOL: who proves what]
 */
import { hash, hkdfSync } from 'node:crypto';
import type { Bytes } from '../base/bytes.ts';
import { concatBytes, EMPTY, fromHex } from '../base/bytes.ts';
import type { ClientId, Digest } from '../base/ids.ts';
import type { MacPrimitive } from '../protocol/config.ts';
import type { Authenticator, Party } from '../protocol/ports.ts';
import { Blake2bKey } from './blake2b.ts';
import { BoundedMap } from './bounded-map.ts';
import { isSignatureOf } from './ed25519.ts';
import { HmacKey } from './hmac.ts';
import type { Identity, PublicIdentity } from './identity.ts';
import { admissibleAgreementKey, admissibleSigningKey } from './keys.ts';
import { MAC_BYTES } from './mac-key.ts';
import type { MacKey } from './mac-key.ts';
import { sha256, sha256Into } from './sha256.ts';

const MAC_DOMAIN = 'pbft/mac-key/2';
const MAC_KEYS: Readonly<Record<MacPrimitive, new (key: Bytes) => MacKey>> = {
  'blake2b-256': Blake2bKey,
  'hmac-sha256': HmacKey,
};
/** Of every primitive here: 256 bits. */
const MAC_KEY_BYTES = 32;
/** Rises when keys are renewed; part of every derived key. */
const EPOCH = 0;

/** Open clients whose agreement key is remembered; about 200 bytes each. */
const OPEN_CLIENTS = 65_536;
/** Derived MAC keys and raw signing keys kept ready; what falls out is derived again (about 60 µs). */
const READY_KEYS = 4_096;
/** Signatures that were found good: a signed request comes from its client, from every backup that passes it on, and in its batch. */
const GOOD_SIGNATURES = 8_192;

export interface AuthenticatorOptions {
  readonly identity: Identity;
  readonly self: Party;
  readonly clusterId: Digest;
  /** Of the whole cluster: links compare it when they open. */
  readonly mac: MacPrimitive;
  /** By replica id. Requires: admissible keys (`admissibleSigningKey`, `admissibleAgreementKey`). */
  readonly replicas: readonly PublicIdentity[];
  /** Listed clients; their keys stay for good. Requires: admissible keys. */
  readonly clients: readonly PublicIdentity[];
}

interface MacKeys {
  readonly outgoing: MacKey;
  readonly incoming: MacKey;
}

export class NodeAuthenticator implements Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #listed: ReadonlyMap<string, string>;
  readonly #open = new BoundedMap<string, string>(OPEN_CLIENTS);
  readonly #replicaKeys = new Map<number, Bytes>();
  readonly #replicaMacs = new Map<number, MacKeys>();
  readonly #clientKeys = new BoundedMap<string, Bytes | 'inadmissible'>(READY_KEYS);
  readonly #clientMacs = new BoundedMap<string, MacKeys>(READY_KEYS);
  readonly #goodSignatures = new BoundedMap<string, true>(GOOD_SIGNATURES);

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#listed = new Map(options.clients.map((client) => [client.signing, client.agreement]));
  }

  /**
   * Learns the agreement key of a client that has proven its signing key (its link's hello). True when MACs can be shared with it from now
   * on; false for a listed client with another agreement key than its listed one, and for inadmissible keys. Whether the cluster is open to
   * clients that are not listed is the caller's question. Bound: the 65,536 open clients used last are known, and at most as many others.
   */
  admitClient(identity: PublicIdentity): boolean {
    const listed = this.#listed.get(identity.signing);
    if (listed !== undefined) return listed === identity.agreement;
    if (admissibleSigningKey(identity.signing) !== undefined) return false;
    if (this.#open.get(identity.signing) === identity.agreement) return true;
    if (admissibleAgreementKey(identity.agreement) !== undefined) return false;
    this.#open.set(identity.signing, identity.agreement);
    this.#clientMacs.delete(identity.signing);
    return true;
  }

  sha256(bytes: Bytes): Digest {
    return sha256(bytes);
  }

  sha256Into(bytes: Bytes, target: Bytes, at: number): void {
    sha256Into(bytes, target, at);
  }

  sign(bytes: Bytes): Bytes {
    return this.#options.identity.sign(bytes);
  }

  /** A client's key is its id, so any client's signature can be checked; a replica's only when it is in the configuration. */
  verifySignature(party: Party, bytes: Bytes, signature: Bytes): boolean {
    const key = party.kind === 'replica' ? this.#replicaKey(party.replica) : this.#clientKey(party.client);
    if (key === undefined) return false;
    const statement = `${nameOf(party)}/${hash('sha256', concatBytes(signature, bytes), 'hex')}`;
    if (this.#goodSignatures.get(statement) === true) return true;
    if (!isSignatureOf(key, bytes, signature)) return false;
    this.#goodSignatures.set(statement, true);
    return true;
  }

  mac(receiver: Party, bytes: Bytes): Bytes | undefined {
    return this.#macKeys(receiver)?.outgoing.mac(bytes);
  }

  verifyMac(sender: Party, bytes: Bytes, mac: Bytes): boolean {
    return mac.length === MAC_BYTES && this.#macKeys(sender)?.incoming.verify(bytes, mac) === true;
  }

  #replicaKey(replica: number): Bytes | undefined {
    const known = this.#replicaKeys.get(replica);
    if (known !== undefined) return known;
    const identity = this.#options.replicas[replica];
    if (identity === undefined || admissibleSigningKey(identity.signing) !== undefined) return undefined;
    const key = hexBytes(identity.signing);
    this.#replicaKeys.set(replica, key);
    return key;
  }

  #clientKey(client: ClientId): Bytes | undefined {
    let key = this.#clientKeys.get(client);
    if (key === undefined) {
      key = admissibleSigningKey(client) === undefined ? hexBytes(client) : 'inadmissible';
      this.#clientKeys.set(client, key);
    }
    return key === 'inadmissible' ? undefined : key;
  }

  #macKeys(peer: Party): MacKeys | undefined {
    const known = peer.kind === 'replica' ? this.#replicaMacs.get(peer.replica) : this.#clientMacs.get(peer.client);
    if (known !== undefined) return known;
    const agreement = this.#agreementKey(peer);
    const shared = agreement === undefined ? undefined : this.#options.identity.agree(agreement);
    if (agreement === undefined || shared === undefined) return undefined;
    const own = side(this.#options.self, this.#options.identity.public.agreement);
    const other = side(peer, agreement);
    const keys = {
      outgoing: deriveMacKey(shared, this.#options, own, other),
      incoming: deriveMacKey(shared, this.#options, other, own),
    };
    if (peer.kind === 'replica') this.#replicaMacs.set(peer.replica, keys);
    else this.#clientMacs.set(peer.client, keys);
    return keys;
  }

  #agreementKey(peer: Party): string | undefined {
    if (isSameParty(peer, this.#options.self)) return undefined;
    if (peer.kind === 'replica') return this.#options.replicas[peer.replica]?.agreement;
    return this.#listed.get(peer.client) ?? this.#open.get(peer.client);
  }
}

function nameOf(party: Party): string {
  return party.kind === 'replica' ? String(party.replica) : party.client;
}

function isSameParty(left: Party, right: Party): boolean {
  if (left.kind === 'replica') return right.kind === 'replica' && left.replica === right.replica;
  return right.kind === 'client' && left.client === right.client;
}

/** One party as HKDF sees it: kind, id and agreement key, of fixed length per kind. */
function side(party: Party, agreement: string): Bytes {
  const id =
    party.kind === 'replica' ? Uint8Array.of(0, party.replica) : concatBytes(Uint8Array.of(1), hexBytes(party.client));
  return concatBytes(id, hexBytes(agreement));
}

function hexBytes(hex: string): Bytes {
  return fromHex(hex) ?? EMPTY;
}

/**
 * HKDF-SHA-256 (RFC 5869): the key with which `sender` speaks to `receiver` in this cluster, and nobody else to anybody. The primitive's name is part of
 * what it is derived from, so that no key is ever used in two of them.
 */
function deriveMacKey(
  shared: Bytes,
  { clusterId, mac }: Pick<AuthenticatorOptions, 'clusterId' | 'mac'>,
  sender: Bytes,
  receiver: Bytes,
): MacKey {
  const domain = Uint8Array.from(Buffer.from(`${MAC_DOMAIN}\0${mac}\0`, 'latin1'));
  const info = concatBytes(domain, hexBytes(clusterId), Uint8Array.of(EPOCH), sender, receiver);
  return new MAC_KEYS[mac](new Uint8Array(hkdfSync('sha256', shared, EMPTY, info, MAC_KEY_BYTES)));
}
