/**
 * Real cryptography for simulated worlds: NodeAuthenticator with keys that are a function of the seed, and the MAC primitive too: neither the core
 * nor the world's configuration knows of it, so that each seed runs the same under both. Nobody may trust such a key outside a simulated world. Owns all keys of one world, and the one place where a simulated client id (chosen) meets a real one (its signing key).
 */
import { hash } from 'node:crypto';
import { assert } from '../../base/assert.ts';
import { asClientId } from '../../base/ids.ts';
import type { ClientId } from '../../base/ids.ts';
// Not by the index: what it loads besides, a database, does not bear that a thread ends while it is loaded.
import { NodeAuthenticator } from '../../node/authenticator.ts';
import { Identity } from '../../node/identity.ts';
import type { PublicIdentity } from '../../node/identity.ts';
import { MAC_PRIMITIVES } from '../../protocol/config.ts';
import type { ClusterConfig, MacPrimitive } from '../../protocol/config.ts';
import type { Authenticator, Party } from '../../protocol/ports.ts';
import type { Authority } from '../../simulation/authority.ts';

/** SHA-256 of seed and name is the secret key: what RFC 8032 and RFC 7748 take for one is any 32 bytes. */
function secret(seed: number, curve: string, name: string): Uint8Array {
  return Uint8Array.from(hash('sha256', `pbft/simulated-key/${seed}/${curve}/${name}`, 'buffer'));
}

/** The identity of `replica 0` or `client c000…` under this seed. */
export function simulatedIdentity(seed: number, name: string): Identity {
  return Identity.fromSecrets(secret(seed, 'ed25519', name), secret(seed, 'x25519', name));
}

/** The primitives in turn: over many seeds all of them are at work. */
export function simulatedMac(seed: number): MacPrimitive {
  return MAC_PRIMITIVES[seed % MAC_PRIMITIVES.length] ?? 'blake2b-256';
}

export class RealAuthority implements Authority {
  readonly #cluster: ClusterConfig;
  readonly #seed: number;
  readonly #replicas: readonly Identity[];
  /** By simulated id. */
  readonly #clients = new Map<ClientId, Identity>();
  readonly #listed: readonly PublicIdentity[];
  /** By simulated party: one each, so that a client that comes later can be made known to it. */
  readonly #authenticators = new Map<number | ClientId, NodeAuthenticator>();

  constructor(cluster: ClusterConfig, seed: number) {
    this.#cluster = cluster;
    this.#seed = seed;
    this.#replicas = Array.from({ length: cluster.replicaCount }, (_, index) =>
      simulatedIdentity(seed, `replica ${index}`),
    );
    this.#listed = cluster.clients.map((client) => this.#identityOf(client).public);
  }

  admitClient(client: ClientId): void {
    const identity = this.#identityOf(client).public;
    for (const authenticator of this.#authenticators.values()) admit(authenticator, identity);
  }

  authenticator(self: Party): Authenticator {
    const authenticator = this.#authenticatorOf(self);
    const real = (party: Party): Party => this.#real(party);
    return {
      sha256: (bytes) => authenticator.sha256(bytes),
      sign: (bytes) => authenticator.sign(bytes),
      verifySignature: (party, bytes, signature) => authenticator.verifySignature(real(party), bytes, signature),
      mac: (receiver, bytes) => authenticator.mac(real(receiver), bytes),
      verifyMac: (sender, bytes, mac) => authenticator.verifyMac(real(sender), bytes, mac),
    };
  }

  #authenticatorOf(self: Party): NodeAuthenticator {
    const name = self.kind === 'replica' ? self.replica : self.client;
    const known = this.#authenticators.get(name);
    if (known !== undefined) return known;
    const identity = self.kind === 'replica' ? this.#replicas[self.replica] : this.#clients.get(self.client);
    assert(identity !== undefined, 'a replica of the cluster, or an admitted client');
    const made = new NodeAuthenticator({
      identity,
      self: this.#real(self),
      clusterId: this.#cluster.clusterId,
      mac: simulatedMac(this.#seed),
      replicas: this.#replicas.map((replica) => replica.public),
      clients: this.#listed,
    });
    for (const client of this.#clients.values()) admit(made, client.public);
    this.#authenticators.set(name, made);
    return made;
  }

  #identityOf(client: ClientId): Identity {
    const known = this.#clients.get(client);
    if (known !== undefined) return known;
    const made = simulatedIdentity(this.#seed, `client ${client}`);
    this.#clients.set(client, made);
    return made;
  }

  /** An id that nobody was admitted under is left as it is: a key that nobody holds, or no key. */
  #real(party: Party): Party {
    if (party.kind === 'replica') return party;
    const identity = this.#clients.get(party.client);
    return identity === undefined ? party : { kind: 'client', client: asClientId(identity.public.signing) };
  }
}

function admit(authenticator: NodeAuthenticator, identity: PublicIdentity): void {
  assert(authenticator.admitClient(identity), 'a derived key is admissible');
}
