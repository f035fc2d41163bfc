/**
 * All links of one replica: it dials every peer and sends on the links it dialled, and receives on those that others dialled; a client's
 * requests and replies share the connection the client made. What cannot be sent is dropped and counted. [docs/adr/0005-link-handshake.md]
 */
import { InvariantViolation } from '../../base/assert.ts';
import type { Bytes } from '../../base/bytes.ts';
import type { ClientId, Digest, ReplicaId } from '../../base/ids.ts';
import type { MacPrimitive } from '../../protocol/config.ts';
import type { Party } from '../../protocol/ports.ts';
import type { Identity, PublicIdentity } from '../identity.ts';
import { Acceptor } from './acceptor.ts';
import type { Traffic } from './connection.ts';
import { Dialler } from './dialler.ts';
import type { DialledLinkStats, ReplicaAddress } from './dialler.ts';
import { RefusalCount } from './refusal-count.ts';
import type { RefusalCounts } from './refusal-count.ts';
import { DEFAULT_LINK_SETTINGS } from './settings.ts';
import type { LinkRefusalCode, LinkSettings } from './settings.ts';
import type { Address } from './transport.ts';
import { watch } from './watch.ts';

export interface ReplicaLinksOptions {
  readonly clusterId: Digest;
  /** Of the whole cluster: a link to or from somebody with another one is refused. */
  readonly mac: MacPrimitive;
  readonly self: ReplicaId;
  readonly identity: Identity;
  /** All replicas, or all others. Requires: admissible keys. */
  readonly peers: readonly ReplicaAddress[];
  /** Port 0: any free one. */
  readonly listen: Address;
  /** Called with a client that has proven its signing key; true = it may stay. */
  readonly admitClient: (identity: PublicIdentity) => boolean;
  /** Listed clients have room of their own, so that open ones cannot crowd them out. Default: none is. */
  readonly isListed?: (client: ClientId) => boolean;
  readonly limits?: Partial<LinkSettings>;
}

/** What they throw ends the link concerned, except an InvariantViolation, which is passed on and ends the process. */
export interface ReplicaLinksHandlers {
  /** A message from an authenticated link; nothing in it has been looked at. The bytes are the receiver's own. */
  onFrame(link: Party, frame: Bytes): void;
  /** What is sent to this party now goes out: the link to a replica was dialled, or a client has connected. */
  onConnected(link: Party): void;
  onDisconnected(link: Party): void;
  /** A link was refused or ended for a reason; `link` undefined: by somebody who has not proven who it is. At most 100 a second about replicas and 10 about all others are told; `stats` counts all. */
  onRefused(link: Party | undefined, code: LinkRefusalCode, reason: string): void;
}

export interface ReplicaLinkStats extends DialledLinkStats {
  /** Whether the replica's own link to here stands. */
  readonly heard: boolean;
  /** Of messages from it. */
  readonly receivedFrames: number;
  readonly receivedBytes: number;
}

/** A snapshot for status and metrics. Counters since the start. */
export interface LinkStats {
  readonly replicas: readonly ReplicaLinkStats[];
  readonly clients: Readonly<Traffic> & { readonly connected: number; readonly queuedBytes: number };
  readonly unauthenticated: number;
  readonly refused: RefusalCounts;
}

export class ReplicaLinks {
  readonly #settings: LinkSettings;
  readonly #diallers = new Map<ReplicaId, Dialler>();
  readonly #acceptor: Acceptor;
  readonly #refusals: RefusalCount;
  readonly #endWatch: () => void;

  constructor(options: ReplicaLinksOptions, handlers: ReplicaLinksHandlers) {
    this.#settings = { ...DEFAULT_LINK_SETTINGS, ...options.limits };
    this.#refusals = new RefusalCount((link, { code, reason }) =>
      this.#contain(() => handlers.onRefused(link, code, reason)),
    );
    const { clusterId, mac, self, identity, listen, admitClient } = options;
    const peers = options.peers.filter(({ id }) => id !== self);
    for (const peer of peers) this.#diallers.set(peer.id, this.#makeDialler(options, handlers, peer));
    const isListed = options.isListed ?? (() => false);
    const known = new Map(peers.map((peer) => [peer.id, peer.identity]));
    this.#acceptor = new Acceptor(
      { clusterId, mac, self, identity, peers: known, listen, admitClient, isListed },
      this.#settings,
      {
        onFrame: (link, frame) => handlers.onFrame(link, frame),
        onReplicaHeard: (replica) => this.#diallers.get(replica)?.hurry(),
        onClientConnected: (link) => handlers.onConnected(link),
        onClientDisconnected: (link) => this.#contain(() => handlers.onDisconnected(link)),
        onRefused: (link, refusal) => this.#refusals.add(link, refusal),
      },
    );
    const { pingIntervalMs, idleTimeoutMs, stallTimeoutMs } = this.#settings;
    this.#endWatch = watch(this, Math.min(pingIntervalMs, idleTimeoutMs, stallTimeoutMs) / 2);
  }

  /** Begins to take links; where, is the answer. Rejects with the system's error (EADDRINUSE, EACCES …). */
  listen(): Promise<Address> {
    return this.#acceptor.listen();
  }

  /** Begins to dial every peer, for ever. */
  connect(): void {
    for (const dialler of this.#diallers.values()) dialler.start();
  }

  /** False: dropped, since no link stands to the party or too much waits for it. The frame must not be changed afterwards. */
  send(to: Party, frame: Bytes): boolean {
    if (to.kind === 'client') return this.#acceptor.send(to.client, frame);
    return this.#diallers.get(to.replica)?.send(frame) ?? false;
  }

  /** Counts a frame that nobody could use against the link of the party that it came from: beyond `uselessFrames` that link is read more slowly, and no other. */
  blame(party: Party): void {
    this.#acceptor.blame(party);
  }

  stats(): LinkStats {
    const replicas = [...this.#diallers].map(([replica, dialler]) => {
      const { receivedFrames, receivedBytes } = this.#acceptor.trafficOf(replica);
      return { ...dialler.stats(), heard: this.#acceptor.isConnected(replica), receivedFrames, receivedBytes };
    });
    const { unauthenticatedLinks: unauthenticated } = this.#acceptor;
    return { replicas, clients: this.#acceptor.clientStats(), unauthenticated, refused: this.#refusals.counts() };
  }

  check(now: number): void {
    this.#acceptor.check(now);
    for (const dialler of this.#diallers.values()) dialler.check(now);
  }

  forgive(now: number): void {
    this.#acceptor.forgive(now);
    for (const dialler of this.#diallers.values()) dialler.forgive(now);
  }

  /** Ends all links and stops listening; resolves when all sockets are gone. */
  async close(): Promise<void> {
    this.#endWatch();
    await Promise.all([this.#acceptor.close(), ...[...this.#diallers.values()].map((dialler) => dialler.close())]);
  }

  #makeDialler(options: ReplicaLinksOptions, handlers: ReplicaLinksHandlers, peer: ReplicaAddress): Dialler {
    const { clusterId, mac, self, identity } = options;
    const link: Party = { kind: 'replica', replica: peer.id };
    return new Dialler(peer, { clusterId, mac, identity, party: { kind: 'replica', replica: self } }, this.#settings, {
      onConnected: () => handlers.onConnected(link),
      onDisconnected: () => this.#contain(() => handlers.onDisconnected(link)),
      onFrame: undefined,
      onRefused: (refusal) => this.#refusals.add(link, refusal),
    });
  }

  /** Notices have no link to end when their taker throws: it is counted. */
  #contain(notify: () => void): void {
    try {
      notify();
    } catch (error) {
      if (error instanceof InvariantViolation) throw error;
      this.#refusals.countOnly('handler-failed');
    }
  }
}
