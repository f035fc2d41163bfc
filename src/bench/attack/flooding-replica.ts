/**
 * Who has the keys of a backup and floods its link to the primary: votes with bad MACs, authentic votes about numbers far ahead, STATUS that asks for
 * answers, and requests that their client never issued. Owns its link.
 */
import type { Bytes } from '../../base/bytes.ts';
import { asClientId, asReplicaId, asSequence, asView, digestOf, GENESIS } from '../../base/ids.ts';
import { EVERYBODY, requestDigest } from '../../messages/index.ts';
import type { AuthenticatedRequest, Message, Request } from '../../messages/index.ts';
import { MAC_BYTES, ReplicaLinks } from '../../node/index.ts';
import type { Party } from '../../protocol/ports.ts';
import { Sealer } from '../../protocol/seal.ts';
import { cryptography } from '../../server/cryptography.ts';
import { prepareNode } from '../../server/preparation.ts';
import type { Prepared } from '../../server/preparation.ts';
import { connected } from './attacker.ts';
import type { Attacker, Sending } from './attacker.ts';
import { FLOOD_PER_SECOND } from './attacks.ts';

const PRIMARY = asReplicaId(0);
const FLOOD_FRAMES = 256;
/** Beyond every window. */
const FAR_AHEAD = 1_000_000;
const DIGEST_BYTES = 32;

export class FloodingReplica implements Attacker {
  readonly perSecond = FLOOD_PER_SECOND;
  readonly #links: ReplicaLinks;
  readonly #flood: readonly Bytes[];
  #isConnected = false;
  #turn = 0;

  /** With the keys in the folder of a node. Throws when they cannot be used. `primary`: where the primary listens. */
  static async open(
    directory: string,
    primary: { readonly host: string; readonly port: number },
  ): Promise<FloodingReplica> {
    const prepared = await prepareNode(directory);
    if (!prepared.ok) throw new Error(prepared.error.message);
    return new FloodingReplica(prepared.value, primary);
  }

  private constructor(prepared: Prepared, primary: { readonly host: string; readonly port: number }) {
    const { config, identity } = prepared;
    const { clusterId, mac, self, replicas } = config;
    const peers = replicas
      .filter(({ id }) => id === PRIMARY)
      .map(({ id, identity: keys }) => ({ id, identity: keys, ...primary }));
    this.#flood = makeFlood(prepared);
    this.#links = new ReplicaLinks(
      { clusterId, mac, self, identity, peers, listen: { host: primary.host, port: 0 }, admitClient: () => false },
      {
        onFrame: () => undefined,
        onConnected: () => (this.#isConnected = true),
        onDisconnected: () => (this.#isConnected = false),
        onRefused: () => undefined,
      },
    );
  }

  async connect(): Promise<void> {
    this.#links.connect();
    await connected(() => this.#isConnected);
  }

  next(): readonly Sending[] {
    this.#turn = (this.#turn + 1) % this.#flood.length;
    const frame = this.#flood[this.#turn];
    return frame === undefined ? [] : [{ to: PRIMARY, frame }];
  }

  send({ to, frame }: Sending): boolean {
    return this.#links.send({ kind: 'replica', replica: to }, frame);
  }

  async close(): Promise<void> {
    await this.#links.close();
  }
}

function makeFlood(prepared: Prepared): readonly Bytes[] {
  const { config, identity } = prepared;
  const { authenticator, codec } = cryptography(prepared);
  const { self, clusterId, authentication } = config;
  const sealer = new Sealer({ clusterId, authentication }, authenticator);
  const to: readonly Party[] = [{ kind: 'replica', replica: PRIMARY }];
  const seal = (message: Message): Bytes => {
    const [frame] = sealer.seal(message, to, undefined);
    if (frame === undefined) throw new Error('the attacker shares no key with the primary');
    return frame;
  };
  const vote = (sequence: number): Message => ({
    type: 'commit',
    view: asView(0),
    sequence: asSequence(sequence),
    digest: digestOf(new Uint8Array(DIGEST_BYTES).fill(sequence % DIGEST_BYTES)),
    replica: self,
  });
  const status: Message = {
    type: 'status',
    replica: self,
    view: asView(0),
    inViewChange: false,
    lowWaterMark: GENESIS,
    lastExecuted: GENESIS,
    slots: [],
  };
  const client = asClientId(config.clients[0]?.identity.signing ?? identity.public.signing);
  const forged = (number: number): Message => {
    const request: Request = {
      type: 'request',
      client,
      session: 1 + number,
      timestamp: 1,
      flags: 0,
      idempotency: undefined,
      operation: new Uint8Array(DIGEST_BYTES),
      replier: PRIMARY,
    };
    const digest = requestDigest(codec, request);
    const macs = config.replicas.map(() => new Uint8Array(MAC_BYTES));
    const entry: AuthenticatedRequest = {
      request,
      digest,
      proof: { kind: 'authenticator', bundle: { asked: EVERYBODY, digests: [digest], macs }, position: 0 },
    };
    return { type: 'requests', requests: [entry] };
  };
  const kinds: readonly ((number: number) => Bytes)[] = [
    (number) => spoilt(seal(vote(1 + number))),
    (number) => seal(vote(FAR_AHEAD + number)),
    () => seal(status),
    (number) => seal(forged(number)),
  ];
  return Array.from({ length: FLOOD_FRAMES }, (_, index) => kinds[index % kinds.length]?.(index) ?? seal(status));
}

/** A frame ends with its proof. */
function spoilt(frame: Bytes): Bytes {
  const altered = frame.slice();
  const last = altered.length - 1;
  altered[last] = (altered[last] ?? 0) ^ 1;
  return altered;
}
