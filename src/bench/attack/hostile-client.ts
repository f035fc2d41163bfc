/**
 * A client of its own keys, admitted like any other, that attacks. `bad-macs`: each of its requests convinces one node and no other, so that whoever is primary
 * may propose what no backup can verify [Aardvark, NSDI'09 §3]. `client-flood`: well-formed frames that are refused at the door of the
 * primary, most of them for their MACs. Owns its links.
 */
import type { Bytes } from '../../base/bytes.ts';
import { asClientId, asReplicaId, asSequence, asView, NULL_DIGEST } from '../../base/ids.ts';
import type { ClientId, ReplicaId } from '../../base/ids.ts';
import type { ClusterDescription } from '../../client/index.ts';
import { CodecContext, EVERYBODY, requestDigest } from '../../messages/index.ts';
import type { Message, Request } from '../../messages/index.ts';
import { ClientLinks, Identity, MAC_BYTES, NodeAuthenticator } from '../../node/index.ts';
import type { PublicIdentity } from '../../node/index.ts';
import { authenticateRequests } from '../../protocol/client-authentication.ts';
import { Sealer } from '../../protocol/seal.ts';
import { connected } from './attacker.ts';
import type { Attacker, Sending } from './attacker.ts';
import { BAD_REQUESTS_PER_SECOND, FLOOD_PER_SECOND } from './attacks.ts';

const PRIMARY = asReplicaId(0);
/** Different frames of a flood; they are made before it begins, and come again. */
const FLOOD_FRAMES = 256;
/** One of so many frames of a flood is what no client may send. */
const NOT_ALLOWED_EVERY = 4;
const US_PER_MS = 1000;

export class HostileClient implements Attacker {
  readonly perSecond: number;
  readonly #cluster: ClusterDescription;
  readonly #identity = Identity.generate();
  readonly #authenticator: NodeAuthenticator;
  readonly #codec: CodecContext;
  readonly #sealer: Sealer;
  readonly #links: ClientLinks;
  readonly #connected = new Set<ReplicaId>();
  readonly #operation: Bytes;
  readonly #flood: readonly Bytes[];
  /** A session for each request: its clock, and on. */
  #session = Date.now() * US_PER_MS;
  #turn = 0;

  constructor(kind: 'bad-macs' | 'client-flood', cluster: ClusterDescription, operation: Bytes) {
    this.#cluster = cluster;
    this.#operation = operation;
    const { clusterId, authentication, mac, replicas } = cluster;
    this.#authenticator = new NodeAuthenticator({
      identity: this.#identity,
      self: { kind: 'client', client: this.id },
      clusterId,
      mac,
      replicas: replicas.map(({ identity }) => identity),
      clients: [],
    });
    this.#codec = new CodecContext(clusterId, (bytes) => this.#authenticator.sha256(bytes));
    this.#sealer = new Sealer({ clusterId, authentication }, this.#authenticator);
    this.#links = new ClientLinks(
      { clusterId, mac, identity: this.#identity, replicas },
      {
        onFrame: () => undefined,
        onConnected: (replica) => this.#connected.add(replica),
        onDisconnected: (replica) => this.#connected.delete(replica),
      },
    );
    this.perSecond = kind === 'client-flood' ? FLOOD_PER_SECOND : BAD_REQUESTS_PER_SECOND;
    this.#flood = kind === 'client-flood' ? Array.from({ length: FLOOD_FRAMES }, (_, index) => this.#junk(index)) : [];
  }

  get id(): ClientId {
    return asClientId(this.#identity.public.signing);
  }

  /** What a node learns of it when it connects. */
  get identity(): PublicIdentity {
    return this.#identity.public;
  }

  async connect(): Promise<void> {
    this.#links.connect();
    await connected(() => this.#connected.size === this.#cluster.replicas.length);
  }

  next(): readonly Sending[] {
    if (this.#flood.length > 0) {
      this.#turn = (this.#turn + 1) % this.#flood.length;
      const frame = this.#flood[this.#turn];
      return frame === undefined ? [] : [{ to: PRIMARY, frame }];
    }
    return this.#cluster.replicas.map(({ id }) => ({ to: id, frame: this.#request(id) }));
  }

  send({ to, frame }: Sending): boolean {
    return this.#links.send(to, frame);
  }

  async close(): Promise<void> {
    await this.#links.close();
  }

  #junk(index: number): Bytes {
    if (index % NOT_ALLOWED_EVERY !== 0) return this.#request(undefined);
    const vote = { view: asView(0), sequence: asSequence(1 + index), digest: NULL_DIGEST, replica: asReplicaId(1) };
    return this.#seal({ type: 'commit', ...vote });
  }

  /** A fresh request whose MAC is good for one node, or for none. */
  #request(convinced: ReplicaId | undefined): Bytes {
    this.#session += 1;
    const request: Request = {
      type: 'request',
      client: this.id,
      session: this.#session,
      timestamp: 1,
      flags: 0,
      idempotency: undefined,
      operation: this.#operation,
      replier: PRIMARY,
    };
    const digest = requestDigest(this.#codec, request);
    const { replicas } = this.#cluster;
    const requests = authenticateRequests(this.#authenticator, this.#codec, replicas.length, [
      { request, digest, asked: EVERYBODY },
    ]);
    const spoilt = requests.map((entry) => {
      if (entry.proof.kind !== 'authenticator') return entry;
      const { bundle, position } = entry.proof;
      const macs = bundle.macs.map((mac, replica) => (replica === convinced ? mac : new Uint8Array(MAC_BYTES)));
      return { ...entry, proof: { kind: 'authenticator' as const, bundle: { ...bundle, macs }, position } };
    });
    return this.#seal({ type: 'requests', requests: spoilt });
  }

  #seal(message: Message): Bytes {
    const [frame] = this.#sealer.seal(message, [{ kind: 'replica', replica: PRIMARY }], undefined);
    if (frame === undefined) throw new Error('the attacker shares no key with the primary');
    return frame;
  }
}
