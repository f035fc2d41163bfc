/**
 * The listening side: takes connections, lets each prove who it is, and keeps one link per peer. Until then a connection costs little: small
 * frames, a short deadline, a bounded number of them that strangers cannot fill up for others.
 */
import { randomBytes } from 'node:crypto';
import type { Server, Socket } from 'node:net';
import { assert } from '../../base/assert.ts';
import type { Bytes } from '../../base/bytes.ts';
import { replicaName } from '../../base/ids.ts';
import type { ClientId, Digest, ReplicaId } from '../../base/ids.ts';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import type { MacPrimitive } from '../../protocol/config.ts';
import type { Party } from '../../protocol/ports.ts';
import type { Identity, PublicIdentity } from '../identity.ts';
import { admissibleSigningKey, plainBytes } from '../keys.ts';
import { ByteBudget } from './byte-budget.ts';
import { Connection, noTraffic } from './connection.ts';
import type { Traffic } from './connection.ts';
import { FairPool } from './fair-pool.ts';
import { FRAME } from './framing.ts';
import type { FrameKind } from './framing.ts';
import {
  decodeHello,
  encodeAccept,
  encodeGreeting,
  judgeMac,
  NONCE_BYTES,
  partyName,
  verifyHello,
} from './handshake.ts';
import type { ReceivedHello } from './handshake.ts';
import { Patience } from './patience.ts';
import type { LinkRefusal, LinkSettings } from './settings.ts';
import { given, neighbourhood, openServer } from './transport.ts';
import type { Address } from './transport.ts';

export interface AcceptorOptions {
  readonly clusterId: Digest;
  readonly mac: MacPrimitive;
  readonly self: ReplicaId;
  readonly identity: Identity;
  readonly peers: ReadonlyMap<ReplicaId, PublicIdentity>;
  readonly listen: Address;
  /** Called with a client that has proven its signing key; true = it may stay. */
  readonly admitClient: (identity: PublicIdentity) => boolean;
  /** Listed clients have room of their own: nobody crowds them out. */
  readonly isListed: (client: ClientId) => boolean;
}

export interface AcceptorHandlers {
  onFrame(link: Party, frame: Bytes): void;
  onReplicaHeard(replica: ReplicaId): void;
  onClientConnected(link: Party): void;
  onClientDisconnected(link: Party): void;
  onRefused(link: Party | undefined, refusal: LinkRefusal): void;
}

/** One accepted connection. `party`: once authenticated. */
interface Accepted {
  readonly connection: Connection;
  readonly greeting: Bytes;
  readonly address: string;
  readonly deadline: NodeJS.Timeout;
  readonly patience: Patience;
  party: Party | undefined;
  listed: boolean;
}

export class Acceptor {
  readonly #options: AcceptorOptions;
  readonly #settings: LinkSettings;
  readonly #handlers: AcceptorHandlers;
  readonly #server: Server;
  readonly #all = new Set<Accepted>();
  readonly #unauthenticated: FairPool<Accepted>;
  readonly #openClients: FairPool<Accepted>;
  readonly #outgoing: ByteBudget<Accepted>;
  readonly #incoming: ByteBudget<Accepted>;
  readonly #replicas = new Map<ReplicaId, Accepted>();
  readonly #clients = new Map<ClientId, Accepted>();
  readonly #replicaTraffic = new Map<ReplicaId, Traffic>();
  readonly #clientTraffic = noTraffic();
  #closed = false;

  constructor(options: AcceptorOptions, settings: LinkSettings, handlers: AcceptorHandlers) {
    this.#options = options;
    this.#settings = settings;
    this.#handlers = handlers;
    this.#unauthenticated = new FairPool(settings.unauthenticatedLinks);
    this.#openClients = new FairPool(settings.openClientLinks);
    this.#outgoing = new ByteBudget(settings.openClientOutgoingBytes);
    this.#incoming = new ByteBudget(settings.openClientIncomingBytes);
    for (const replica of options.peers.keys()) this.#replicaTraffic.set(replica, noTraffic());
    this.#server = openServer((socket) => this.#onSocket(socket));
  }

  /** Where it listens now. Rejects with the system's error (EADDRINUSE, EACCES …). */
  async listen(): Promise<Address> {
    const { host, port } = this.#options.listen;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject);
        // Running out of file descriptors, say: connections are lost, the server stays.
        this.#server.on('error', (error) =>
          this.#handlers.onRefused(undefined, { code: 'overloaded', reason: error.message }),
        );
        resolve();
      });
    });
    const address = this.#server.address();
    assert(typeof address === 'object' && address !== null, 'a listening TCP server has an address');
    return { host: address.address, port: address.port };
  }

  /** False: dropped, since the client has no link or too much waits for it. */
  send(client: ClientId, frame: Bytes): boolean {
    const link = this.#clients.get(client);
    if (link !== undefined) return link.connection.send(FRAME.message, frame);
    this.#clientTraffic.droppedFrames += 1;
    return false;
  }

  /** Nobody could use the frame that has just come from this party: where that are too many, its link is read more slowly. */
  blame(party: Party): void {
    const link = party.kind === 'client' ? this.#clients.get(party.client) : this.#replicas.get(party.replica);
    if (link === undefined) return;
    const { connection, patience } = link;
    patience.spend(performance.now());
    connection.restWhile(() => patience.waitMs(performance.now()));
  }

  check(now: number): void {
    for (const { connection } of this.#all) connection.check(now);
  }

  forgive(now: number): void {
    for (const { connection } of this.#all) connection.forgive(now);
  }

  isConnected(replica: ReplicaId): boolean {
    return this.#replicas.has(replica);
  }

  /** What came from a replica over all its links to here. */
  trafficOf(replica: ReplicaId): Readonly<Traffic> {
    return this.#replicaTraffic.get(replica) ?? noTraffic();
  }

  clientStats(): Readonly<Traffic> & { readonly connected: number; readonly queuedBytes: number } {
    let queuedBytes = 0;
    for (const { connection } of this.#clients.values()) queuedBytes += connection.queuedBytes;
    return { ...this.#clientTraffic, connected: this.#clients.size, queuedBytes };
  }

  get unauthenticatedLinks(): number {
    return this.#unauthenticated.size;
  }

  /** Ends all links and the server; resolves when all sockets are gone. */
  async close(): Promise<void> {
    this.#closed = true;
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const { connection, party } of this.#all) {
      const refusal: LinkRefusal = { code: 'shutting-down', reason: `${replicaName(this.#options.self)} stops` };
      if (party === undefined) connection.cut(refusal);
      else connection.end(refusal);
    }
    await closed;
  }

  #onSocket(socket: Socket): void {
    const address = socket.remoteAddress;
    // Already gone, or too late.
    if (address === undefined || this.#closed) {
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    const { clusterId, self, mac } = this.#options;
    const greeting = encodeGreeting({ clusterId, replica: self, mac, nonce: plainBytes(randomBytes(NONCE_BYTES)) });
    const connection = new Connection(given(socket), this.#settings, noTraffic(), {
      onFrame: (kind, payload) => this.#onFrame(accepted, kind, payload),
      onEnded: (refusal) => this.#onEnded(accepted, refusal),
      onGone: () => this.#onGone(accepted),
      onHeld: (outgoing, incoming) => this.#onHeld(accepted, outgoing, incoming),
    });
    const deadline = setTimeout(() => {
      connection.end({ code: 'handshake-timeout', reason: `no hello within ${this.#settings.handshakeTimeoutMs} ms` });
    }, this.#settings.handshakeTimeoutMs);
    const patience = new Patience(this.#settings.uselessFrames, performance.now());
    const accepted: Accepted = { connection, greeting, address, deadline, patience, party: undefined, listed: false };
    const group = neighbourhood(address);
    const victim = this.#unauthenticated.whoGivesWay(group)?.member;
    this.#all.add(accepted);
    this.#unauthenticated.add(accepted, group);
    if (victim !== undefined) {
      this.#unauthenticated.delete(victim);
      victim.connection.cut({ code: 'overloaded', reason: 'too many connections that have not proven who they are' });
    }
    connection.send(FRAME.greeting, greeting);
  }

  #onFrame(accepted: Accepted, kind: FrameKind, payload: Bytes): void {
    const { connection, party } = accepted;
    if (party === undefined) {
      if (kind === FRAME.hello) this.#onHello(accepted, payload);
      else connection.end({ code: 'unexpected-frame', reason: `a frame of kind ${kind} before the hello` });
    } else if (kind === FRAME.message) {
      this.#handlers.onFrame(party, payload);
    } else if (kind === FRAME.ping) {
      connection.pong();
    } else if (kind !== FRAME.pong) {
      connection.end({ code: 'unexpected-frame', reason: `a frame of kind ${kind} on an open link` });
    }
  }

  #onHello(accepted: Accepted, payload: Bytes): void {
    const hello = this.#judgeHello(accepted, payload);
    if (!hello.ok) {
      accepted.connection.end(hello.error);
      return;
    }
    const { party, identity } = hello.value;
    const refusal = party.kind === 'client' ? this.#admitClient(accepted, party.client, identity) : undefined;
    if (refusal !== undefined) {
      accepted.connection.end(refusal);
      return;
    }
    clearTimeout(accepted.deadline);
    this.#unauthenticated.delete(accepted);
    accepted.party = party;
    const { clientQueueBytes, queueBytes } = this.#settings;
    if (party.kind === 'client') accepted.connection.allowMessages(clientQueueBytes, this.#clientTraffic);
    else accepted.connection.allowMessages(queueBytes, this.#replicaTraffic.get(party.replica) ?? noTraffic());
    accepted.connection.send(
      FRAME.accept,
      encodeAccept(accepted.greeting, payload, (bytes) => this.#options.identity.sign(bytes)),
    );
    this.#register(accepted, party);
  }

  /** Form, version, cluster, the replica meant, the MACs, a known and right key; the signature last, since it costs most. */
  #judgeHello({ greeting }: Accepted, payload: Bytes): Result<ReceivedHello, LinkRefusal> {
    const decoded = decodeHello(payload);
    if (!decoded.ok) return decoded;
    const hello = decoded.value;
    const { clusterId, self, mac } = this.#options;
    if (hello.clusterId !== clusterId) {
      return fail({
        code: 'wrong-cluster',
        reason: `this is cluster ${clusterId.slice(0, 16)}, not ${hello.clusterId.slice(0, 16)}`,
      });
    }
    if (hello.target !== self) {
      return fail({ code: 'wrong-replica', reason: `this is ${replicaName(self)}, not ${replicaName(hello.target)}` });
    }
    const refusal = judgeMac(mac, hello.mac) ?? this.#judgeKeys(hello);
    if (refusal !== undefined) return fail(refusal);
    if (!verifyHello(payload, greeting, hello.identity.signing)) {
      return fail({ code: 'bad-signature', reason: 'the hello is not signed by the key it names for this connection' });
    }
    return ok(hello);
  }

  #judgeKeys({ party, identity }: ReceivedHello): LinkRefusal | undefined {
    if (party.kind === 'client') {
      const inadmissible = admissibleSigningKey(identity.signing);
      return inadmissible === undefined ? undefined : { code: 'wrong-key', reason: inadmissible.reason };
    }
    const configured = this.#options.peers.get(party.replica);
    if (configured === undefined) {
      return {
        code: 'unknown-node',
        reason: `${replicaName(party.replica)} is no peer in the configuration of ${replicaName(this.#options.self)}`,
      };
    }
    if (configured.signing !== identity.signing || configured.agreement !== identity.agreement) {
      return {
        code: 'wrong-key',
        reason: `${replicaName(party.replica)} has another key in the configuration of ${replicaName(this.#options.self)}`,
      };
    }
    return undefined;
  }

  #admitClient(accepted: Accepted, client: ClientId, identity: PublicIdentity): LinkRefusal | undefined {
    accepted.listed = this.#options.isListed(client);
    if (!accepted.listed && !this.#clients.has(client)) {
      const victim = this.#openClients.whoGivesWay(neighbourhood(accepted.address));
      const refusal: LinkRefusal = {
        code: 'too-many-clients',
        reason: 'no room for more clients that are not listed; try again later or have it listed',
      };
      if (victim !== undefined && victim.group === neighbourhood(accepted.address)) return refusal;
      if (this.#options.admitClient(identity)) {
        victim?.member.connection.end(refusal);
        return undefined;
      }
    } else if (this.#options.admitClient(identity)) {
      return undefined;
    }
    return {
      code: 'client-not-admitted',
      reason: 'this client is not listed in the configuration, or with another agreement key',
    };
  }

  /** A second link of the same peer replaces the first: the peer has given that one up, or it would not dial again. */
  #register(accepted: Accepted, party: Party): void {
    const replaced: LinkRefusal = { code: 'replaced', reason: `${partyName(party)} opened a newer link` };
    if (party.kind === 'replica') {
      this.#replicas.get(party.replica)?.connection.end(replaced);
      this.#replicas.set(party.replica, accepted);
      this.#handlers.onReplicaHeard(party.replica);
    } else {
      this.#clients.get(party.client)?.connection.end(replaced);
      this.#clients.set(party.client, accepted);
      if (!accepted.listed) this.#openClients.add(accepted, neighbourhood(accepted.address));
      this.#handlers.onClientConnected(party);
    }
  }

  #onHeld(accepted: Accepted, outgoing: number, incoming: number): void {
    if (accepted.party?.kind !== 'client' || accepted.listed) return;
    const refusal: LinkRefusal = {
      code: 'overloaded',
      reason: 'open clients hold too much memory, and this one most of it',
    };
    this.#outgoing.hold(accepted, outgoing)?.connection.cut(refusal);
    if (accepted.connection.isOpen) this.#incoming.hold(accepted, incoming)?.connection.cut(refusal);
  }

  #onEnded(accepted: Accepted, refusal: LinkRefusal): void {
    clearTimeout(accepted.deadline);
    const { party } = accepted;
    this.#openClients.delete(accepted);
    this.#outgoing.release(accepted);
    this.#incoming.release(accepted);
    if (party?.kind === 'replica' && this.#replicas.get(party.replica) === accepted)
      this.#replicas.delete(party.replica);
    const wasClient = party?.kind === 'client' && this.#clients.get(party.client) === accepted;
    if (party?.kind === 'client' && wasClient) this.#clients.delete(party.client);
    const { code, reason } = refusal;
    if (code !== 'disconnected' && code !== 'shutting-down') {
      this.#handlers.onRefused(party, { code, reason: `from ${accepted.address}: ${reason}` });
    }
    if (party !== undefined && wasClient) this.#handlers.onClientDisconnected(party);
  }

  #onGone(accepted: Accepted): void {
    this.#all.delete(accepted);
    this.#unauthenticated.delete(accepted);
  }
}
