/** Replicas of which only the doors are real: links, decoding, cryptography. What they answer to a client is up to the test. */
import { concatBytes } from '../../src/base/bytes.ts';
import type { Bytes } from '../../src/base/bytes.ts';
import { asClientId, asReplicaId, asSequence, asView, digestOf } from '../../src/base/ids.ts';
import type { ReplicaId } from '../../src/base/ids.ts';
import { encodeUtf8 } from '../../src/base/utf8.ts';
import type { ClusterDescription } from '../../src/client/index.ts';
import {
  CodecContext,
  REQUEST_RECEIPT,
  askedBy,
  decodeFrame,
  isInSet,
  resultDigest,
} from '../../src/messages/index.ts';
import type { AuthenticatedRequest, Message, Reply } from '../../src/messages/index.ts';
import { Identity, NodeAuthenticator, ReplicaLinks } from '../../src/node/index.ts';
import { verifyRequestProof } from '../../src/protocol/client-authentication.ts';
import type { AuthenticationMode, MacPrimitive } from '../../src/protocol/config.ts';
import type { Party } from '../../src/protocol/ports.ts';
import { ReplyOutbox } from '../../src/protocol/reply-outbox.ts';
import { Sealer } from '../../src/protocol/seal.ts';

/** What a replica says to one request; nothing at all for undefined. A receipt given is what it says in place of its true signature. */
export type Script = (request: AuthenticatedRequest, replica: ReplicaId) => Partial<Reply> | undefined;

/** The operation, in capitals, from everybody: an execution that all agree on. */
export const echo: Script = ({ request }) => ({
  result: bytesOf(Buffer.from(request.operation).toString('utf8').toUpperCase()),
});

export function bytesOf(text: string): Bytes {
  return encodeUtf8(text) ?? new Uint8Array(0);
}

/** A REQUESTS frame as one replica got it. */
export interface Received {
  readonly replica: ReplicaId;
  readonly requests: readonly AuthenticatedRequest[];
}

interface ScriptedReplica {
  readonly authenticator: NodeAuthenticator;
  readonly codec: CodecContext;
  readonly sealer: Sealer;
  readonly links: ReplicaLinks;
}

export class ScriptedReplicas {
  script: Script = echo;
  /** As the clients are told. */
  readOnlyRequests = false;
  readonly received: Received[] = [];
  readonly mode: AuthenticationMode;
  readonly mac: MacPrimitive;
  readonly identities: readonly Identity[];
  readonly clusterId = digestOf(crypto.getRandomValues(new Uint8Array(32)));
  readonly #replicas: (ScriptedReplica | undefined)[] = [];
  #ports: readonly number[] = [];
  /** What was executed where nobody had asked for an answer: digest and replica. */
  readonly #unasked = new Set<string>();

  constructor(count: number, mode: AuthenticationMode = 'mac', mac: MacPrimitive = 'blake2b-256') {
    this.mode = mode;
    this.mac = mac;
    this.identities = Array.from({ length: count }, () => Identity.generate());
  }

  /** Opens all doors, or only some: the others have their ports and do not listen. */
  async listen(ids: readonly number[] = this.identities.map((_, index) => index)): Promise<void> {
    if (this.#ports.length === 0) {
      const ports: number[] = [];
      for (const index of this.identities.keys()) ports.push(await this.#open(index, 0));
      this.#ports = ports;
      for (const index of this.identities.keys()) if (!ids.includes(index)) await this.shut(index);
      return;
    }
    for (const index of ids) if (this.#replicas[index] === undefined) await this.#open(index, this.#ports[index] ?? 0);
  }

  async #open(index: number, port: number): Promise<number> {
    const self = asReplicaId(index);
    const identity = this.identities[index] ?? Identity.generate();
    const replicas = this.identities.map((other) => other.public);
    const party: Party = { kind: 'replica', replica: self };
    const authenticator = new NodeAuthenticator({
      identity,
      self: party,
      clusterId: this.clusterId,
      mac: this.mac,
      replicas,
      clients: [],
    });
    const codec = new CodecContext(this.clusterId, (bytes) => authenticator.sha256(bytes));
    const sealer = new Sealer({ clusterId: this.clusterId, authentication: this.mode }, authenticator);
    const links = new ReplicaLinks(
      {
        clusterId: this.clusterId,
        mac: this.mac,
        self,
        identity,
        peers: [],
        listen: { host: '127.0.0.1', port },
        admitClient: (client) => authenticator.admitClient(client),
      },
      {
        onFrame: (link, frame) => this.#onFrame(self, link, frame),
        onConnected: () => undefined,
        onDisconnected: () => undefined,
        onRefused: () => undefined,
      },
    );
    this.#replicas[index] = { authenticator, codec, sealer, links };
    return (await links.listen()).port;
  }

  /** Ends one replica's links. */
  async shut(index: number): Promise<void> {
    const replica = this.#replicas[index];
    this.#replicas[index] = undefined;
    await replica?.links.close();
  }

  async close(): Promise<void> {
    await Promise.all(this.identities.map(async (_, index) => this.shut(index)));
  }

  describe(): ClusterDescription {
    return {
      clusterId: this.clusterId,
      quorumRule: 'intersecting',
      authentication: this.mode,
      mac: this.mac,
      readOnlyRequests: this.readOnlyRequests,
      tentativeExecution: false,
      sessionHorizonUs: 600_000_000,
      replicas: this.identities.map((identity, index) => ({
        id: asReplicaId(index),
        host: '127.0.0.1',
        port: this.#ports[index] ?? 0,
        identity: identity.public,
      })),
    };
  }

  /** How each request that replica got was proven, as that replica sees it. */
  proofs(replica: number): readonly string[] {
    const self = this.#replicas[replica];
    return this.received.flatMap(({ replica: by, requests }) =>
      by === replica && self !== undefined
        ? requests.map((request) => verifyRequestProof(self.authenticator, asReplicaId(replica), self.codec, request))
        : [],
    );
  }

  #onFrame(self: ReplicaId, link: Party, frame: Bytes): void {
    const replica = this.#replicas[self];
    if (replica === undefined || link.kind !== 'client') return;
    const decoded = decodeFrame(frame, replica.codec);
    if (!decoded.ok || decoded.value.message.type !== 'requests') return;
    const { requests } = decoded.value.message;
    this.received.push({ replica: self, requests });
    for (const request of requests) {
      // The primary passes a request on: every replica executes it, and those that are asked answer. The others do when they are asked themselves.
      for (const other of this.identities.keys()) {
        const name = `${request.digest} ${other}`;
        const isAsked = isInSet(askedBy(request.proof), asReplicaId(other));
        const answers = self === 0 ? isAsked : self === other && this.#unasked.has(name);
        if (!answers && self === 0) this.#unasked.add(name);
        if (!answers || this.#replicas[other] === undefined) continue;
        this.#unasked.delete(name);
        this.answer(other, request);
      }
    }
  }

  /** Sends what the script says replica `index` answers to this request. */
  answer(index: number, { request, digest, proof }: AuthenticatedRequest): void {
    const replica = this.#replicas[index];
    const self = asReplicaId(index);
    const said = replica === undefined ? undefined : this.script({ request, digest, proof }, self);
    if (replica === undefined || said === undefined) return;
    const result = said.result ?? bytesOf('');
    const { client, session, timestamp, flags } = request;
    const unsigned: Reply = {
      type: 'reply',
      view: asView(0),
      sequence: asSequence(1),
      digest: replica.codec.sha256(concatBytes(bytesOf(digest))),
      replica: self,
      client,
      session,
      timestamp,
      requestDigest: digest,
      outcome: 'executed',
      resultDigest: resultDigest(replica.codec, result),
      since: undefined,
      receipt: undefined,
      ...said,
      result,
    };
    const cluster = { clusterId: this.clusterId, authentication: this.mode };
    const outbox = new ReplyOutbox(self, cluster, replica.authenticator);
    outbox.add({ ...unsigned, receipt: undefined }, this.mode === 'signature' || (flags & REQUEST_RECEIPT) !== 0);
    for (const letter of outbox.drain()) {
      const frame = replica.sealer.sealReplies({ ...letter, tree: said.receipt ?? letter.tree });
      if (frame !== undefined) this.sendBytes(index, frame, client);
    }
  }

  /** Sends any message from replica `index` to a client, sealed as that replica seals. */
  send(index: number, message: Message, client: string): void {
    const replica = this.#replicas[index];
    const party: Party = { kind: 'client', client: asClientId(client) };
    const [frame] = replica?.sealer.seal(message, [party], undefined) ?? [];
    if (frame !== undefined) replica?.links.send(party, frame);
  }

  /** Sends bytes as they are. */
  sendBytes(index: number, frame: Bytes, client: string): void {
    this.#replicas[index]?.links.send({ kind: 'client', client: asClientId(client) }, frame);
  }
}
