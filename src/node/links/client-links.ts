/** The links of one client: it dials every replica, and requests and replies share that connection. [docs/adr/0005-link-handshake.md] */
import { InvariantViolation } from '../../base/assert.ts';
import type { Bytes } from '../../base/bytes.ts';
import { asClientId } from '../../base/ids.ts';
import type { Digest, ReplicaId } from '../../base/ids.ts';
import type { MacPrimitive } from '../../protocol/config.ts';
import type { Party } from '../../protocol/ports.ts';
import type { Identity } from '../identity.ts';
import { Dialler } from './dialler.ts';
import type { DialledLinkStats, ReplicaAddress } from './dialler.ts';
import { DEFAULT_LINK_SETTINGS } from './settings.ts';
import type { LinkRefusalCode, LinkSettings } from './settings.ts';
import { watch } from './watch.ts';

export interface ClientLinksOptions {
  readonly clusterId: Digest;
  /** Of the whole cluster: a link to a replica with another one is refused. */
  readonly mac: MacPrimitive;
  readonly identity: Identity;
  /** Requires: admissible keys. */
  readonly replicas: readonly ReplicaAddress[];
  readonly limits?: Partial<LinkSettings>;
}

/** What they throw ends the link concerned, except an InvariantViolation, which is passed on and ends the process. */
export interface ClientLinksHandlers {
  /** A message from this replica; nothing in it has been looked at. The bytes are the receiver's own. */
  onFrame(replica: ReplicaId, frame: Bytes): void;
  onConnected(replica: ReplicaId): void;
  onDisconnected(replica: ReplicaId): void;
  /** A link was refused, by either side, or ended for a reason. */
  onRefused?(replica: ReplicaId, code: LinkRefusalCode, reason: string): void;
}

export class ClientLinks {
  readonly #diallers = new Map<ReplicaId, Dialler>();
  readonly #endWatch: () => void;

  constructor(options: ClientLinksOptions, handlers: ClientLinksHandlers) {
    const settings = { ...DEFAULT_LINK_SETTINGS, ...options.limits };
    const { clusterId, mac, identity } = options;
    const party: Party = { kind: 'client', client: asClientId(identity.public.signing) };
    for (const address of options.replicas) {
      const { id } = address;
      const dialler = new Dialler(address, { clusterId, mac, identity, party }, settings, {
        onConnected: () => handlers.onConnected(id),
        onDisconnected: () => contain(() => handlers.onDisconnected(id)),
        onFrame: (frame) => handlers.onFrame(id, frame),
        onRefused: ({ code, reason }) => contain(() => handlers.onRefused?.(id, code, reason)),
      });
      this.#diallers.set(id, dialler);
    }
    const { pingIntervalMs, idleTimeoutMs, stallTimeoutMs } = settings;
    this.#endWatch = watch(this, Math.min(pingIntervalMs, idleTimeoutMs, stallTimeoutMs) / 2);
  }

  /** Begins to dial every replica, until closed. */
  connect(): void {
    for (const dialler of this.#diallers.values()) dialler.start();
  }

  /** False: dropped, since the link is down or too much waits for it; send again when `onConnected` says so. */
  send(replica: ReplicaId, frame: Bytes): boolean {
    return this.#diallers.get(replica)?.send(frame) ?? false;
  }

  stats(): readonly DialledLinkStats[] {
    return [...this.#diallers.values()].map((dialler) => dialler.stats());
  }

  check(now: number): void {
    for (const dialler of this.#diallers.values()) dialler.check(now);
  }

  forgive(now: number): void {
    for (const dialler of this.#diallers.values()) dialler.forgive(now);
  }

  /** Ends all links; resolves when their sockets are gone. */
  async close(): Promise<void> {
    this.#endWatch();
    await Promise.all([...this.#diallers.values()].map((dialler) => dialler.close()));
  }
}

/** A notice has no link to end when its taker throws; the links go on. */
function contain(notify: () => void): void {
  try {
    notify();
  } catch (error) {
    if (error instanceof InvariantViolation) throw error;
  }
}
