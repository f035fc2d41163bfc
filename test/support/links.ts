/** Real links on loopback for tests: a handful of replicas and clients with fresh keys, and a raw peer that says whatever it is told to. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { vi } from 'vitest';
import { asClientId, asDigest, asReplicaId } from '../../src/base/ids.ts';
import type { ReplicaId } from '../../src/base/ids.ts';
import { ClientLinks } from '../../src/node/links/client-links.ts';
import { FRAME, FrameReader, joinFrames } from '../../src/node/links/framing.ts';
import type { FrameKind } from '../../src/node/links/framing.ts';
import { decodeGreeting, describeRefusal, encodeHello } from '../../src/node/links/handshake.ts';
import type { Hello } from '../../src/node/links/handshake.ts';
import { ReplicaLinks } from '../../src/node/links/replica-links.ts';
import type { ReplicaLinksOptions } from '../../src/node/links/replica-links.ts';
import type { LinkSettings } from '../../src/node/links/settings.ts';
import { Identity } from '../../src/node/identity.ts';
import type { PublicIdentity } from '../../src/node/identity.ts';
import type { MacPrimitive } from '../../src/protocol/config.ts';
import type { Party } from '../../src/protocol/ports.ts';

export const CLUSTER = asDigest('c1'.repeat(32));
/** Nothing on these links is MAC'd, and both sides say how it would be. */
export const LINK_MAC: MacPrimitive = 'blake2b-256';
const HOST = '127.0.0.1';
const DEADLINE_MS = 5_000;

/** Short enough that a test never waits long, long enough that a busy machine does not trip over them. */
export const QUICK: Partial<LinkSettings> = { backoffMinMs: 5, backoffMaxMs: 50, lingerMs: 100, pingIntervalMs: 50 };

export async function until(condition: () => boolean, what: string): Promise<void> {
  await vi.waitFor(
    () => {
      if (!condition()) throw new Error(`still waiting until ${what}`);
    },
    { timeout: DEADLINE_MS, interval: 5 },
  );
}

export const partyText = (party: Party | undefined): string => {
  if (party === undefined) return 'stranger';
  return party.kind === 'replica' ? `node${party.replica + 1}` : `client ${party.client}`;
};

export interface Frame {
  readonly from: string;
  readonly bytes: Uint8Array;
}

/** One replica's links and all that happened on them. */
export class LinkedReplica {
  readonly id: ReplicaId;
  readonly identity: Identity;
  readonly frames: Frame[] = [];
  readonly happened: string[] = [];
  readonly refused: { readonly from: string; readonly code: string; readonly reason: string }[] = [];
  links: ReplicaLinks | undefined;
  port = 0;
  /** What the handler of frames does besides keeping them. */
  onFrame: (frame: Frame, link: Party) => void = () => undefined;
  admitClient: (identity: PublicIdentity) => boolean = () => true;

  constructor(index: number, identity = Identity.generate()) {
    this.id = asReplicaId(index);
    this.identity = identity;
  }

  get running(): ReplicaLinks {
    if (this.links === undefined) throw new Error('not started');
    return this.links;
  }

  get address(): { id: ReplicaId; host: string; port: number; identity: PublicIdentity } {
    return { id: this.id, host: HOST, port: this.port, identity: this.identity.public };
  }

  /** `port`: 0 for a free one, which is kept for restarts. */
  async start(peers: readonly LinkedReplica[], options: Partial<ReplicaLinksOptions> = {}): Promise<void> {
    const all: ReplicaLinksOptions = {
      clusterId: CLUSTER,
      mac: LINK_MAC,
      self: this.id,
      identity: this.identity,
      peers: peers.map((peer) => peer.address),
      listen: { host: HOST, port: this.port },
      admitClient: (identity) => this.admitClient(identity),
      ...options,
      limits: { ...QUICK, ...options.limits },
    };
    this.links = new ReplicaLinks(all, {
      onFrame: (link, bytes) => {
        const frame = { from: partyText(link), bytes };
        this.frames.push(frame);
        this.onFrame(frame, link);
      },
      onConnected: (link) => this.happened.push(`+${partyText(link)}`),
      onDisconnected: (link) => this.happened.push(`-${partyText(link)}`),
      onRefused: (link, code, reason) => this.refused.push({ from: partyText(link), code, reason }),
    });
    this.port = (await this.links.listen()).port;
  }

  isLinkedTo(replica: ReplicaId): boolean {
    return this.running.stats().replicas.some((link) => link.replica === replica && link.connected);
  }

  sendTo(replica: ReplicaId, frame: Uint8Array): boolean {
    return this.running.send({ kind: 'replica', replica }, frame);
  }

  async stop(): Promise<void> {
    await this.links?.close();
    this.links = undefined;
  }
}

/** A port where nobody listens yet, so that peers can be configured before they start. */
export async function reservePorts(replicas: readonly LinkedReplica[]): Promise<void> {
  for (const replica of replicas) {
    await replica.start([]);
    await replica.stop();
  }
}

/** `count` replicas that listen, know one another and dial. */
export async function startReplicas(
  count: number,
  options: Partial<ReplicaLinksOptions> = {},
): Promise<LinkedReplica[]> {
  const replicas = Array.from({ length: count }, (_, index) => new LinkedReplica(index));
  await reservePorts(replicas);
  for (const replica of replicas) await replica.start(replicas, options);
  for (const replica of replicas) replica.running.connect();
  await until(
    () => replicas.every((one) => replicas.every((other) => one === other || one.isLinkedTo(other.id))),
    'all are linked',
  );
  return replicas;
}

/** A client's links and all that happened on them. */
export class LinkedClient {
  readonly identity: Identity;
  readonly frames: { readonly from: ReplicaId; readonly bytes: Uint8Array }[] = [];
  readonly happened: string[] = [];
  readonly refused: { readonly code: string; readonly reason: string }[] = [];
  readonly links: ClientLinks;

  constructor(
    replicas: readonly LinkedReplica[],
    options: {
      readonly identity?: Identity;
      readonly limits?: Partial<LinkSettings>;
      readonly mac?: MacPrimitive;
    } = {},
  ) {
    this.identity = options.identity ?? Identity.generate();
    const addresses = replicas.map((replica) => replica.address);
    const limits = { ...QUICK, ...options.limits };
    const mac = options.mac ?? LINK_MAC;
    this.links = new ClientLinks(
      { clusterId: CLUSTER, mac, identity: this.identity, replicas: addresses, limits },
      {
        onFrame: (from, bytes) => this.frames.push({ from, bytes }),
        onConnected: (replica) => this.happened.push(`+node${replica + 1}`),
        onDisconnected: (replica) => this.happened.push(`-node${replica + 1}`),
        onRefused: (_replica, code, reason) => this.refused.push({ code, reason }),
      },
    );
    this.links.connect();
  }

  async connected(count: number): Promise<void> {
    await until(() => this.links.stats().filter((link) => link.connected).length === count, `${count} links stand`);
  }
}

/** A peer without manners: connects and writes what it is told to. */
export class RawPeer {
  readonly socket: Socket;
  readonly frames: { readonly kind: FrameKind; readonly payload: Uint8Array }[] = [];
  closed = false;
  readonly #reader = new FrameReader(0);

  constructor(port: number) {
    this.socket = connect({ host: HOST, port });
    this.#reader.allowMessages(1 << 20);
    this.socket.on('data', (chunk) => {
      this.#reader.push(chunk, (kind, payload) => {
        this.frames.push({ kind, payload });
        return true;
      });
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.closed = true;
    });
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  send(kind: FrameKind, payload: Uint8Array): void {
    this.write(joinFrames([{ kind, payload }]));
  }

  /** The hello that would open this link for a client with this identity, with `changes`. */
  async helloOf(identity: Identity, changes: Partial<Hello> = {}): Promise<Uint8Array> {
    const greeting = await this.received(FRAME.greeting);
    const decoded = decodeGreeting(greeting);
    if (!decoded.ok) throw new Error(decoded.error.reason);
    const { clusterId, replica: target, mac } = decoded.value;
    const party: Party = { kind: 'client', client: asClientId(identity.public.signing) };
    const hello = { clusterId, target, party, mac, identity: identity.public, nonce: new Uint8Array(32), ...changes };
    return encodeHello(hello, greeting, (bytes) => identity.sign(bytes));
  }

  /** Opens the link as a client; resolves when it is accepted. */
  async authenticate(identity = Identity.generate()): Promise<void> {
    this.send(FRAME.hello, await this.helloOf(identity));
    await this.received(FRAME.accept);
  }

  /** The first frame of this kind that came. */
  async received(kind: FrameKind): Promise<Uint8Array> {
    await until(() => this.frames.some((frame) => frame.kind === kind), `a frame of kind ${kind} comes`);
    const frame = this.frames.find((each) => each.kind === kind);
    if (frame === undefined) throw new Error('found and gone');
    return frame.payload;
  }

  /** The code with which the other side refused. */
  async refusal(): Promise<string> {
    return describeRefusal(await this.received(FRAME.refuse)).code;
  }

  async gone(): Promise<void> {
    await until(() => this.closed, 'the connection is closed');
  }
}
