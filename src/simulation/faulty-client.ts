/** A client that does what no correct one does: one kind of {@link ClientFault} per client, a dozen times. It listens to nobody. */
import type { Bytes } from '../base/bytes.ts';
import { asReplicaId, asSequence, NULL_DIGEST, VIEW_ZERO } from '../base/ids.ts';
import type { ClientId, ReplicaId } from '../base/ids.ts';
import {
  EVERYBODY,
  LIMITS,
  NO_PROOF,
  REQUEST_COMPOUND,
  REQUEST_READ_ONLY,
  encodeFrame,
  encodeMessage,
} from '../messages/index.ts';
import type { AuthenticatedRequest, Proof } from '../messages/index.ts';
import type { ClientParty } from './client-party.ts';
import type { ClientFault } from './faults.ts';
import { WALL_START_MS } from './clock.ts';
import type { Random } from './random.ts';
import { RequestMaker } from './request-maker.ts';
import type { World } from './world.ts';

const ROUNDS = 12;
/** Only in every so many rounds a primary is crowded: its requests are many. */
const CROWDING = 4;
/** Times in µs after the first one, and how many requests come at each. */
const CROWDS_US: readonly number[] = [0, 2000, 4000];
const CROWD = 40;
/** The signed request comes in between. */
const SHOWN_US = 2500;

export class FaultyClient implements ClientParty {
  readonly client: ClientId;
  readonly #fault: ClientFault;
  readonly #world: World;
  readonly #random: Random;
  readonly #maker: RequestMaker;
  readonly #makeOperation: () => Bytes;
  readonly #session: number;
  readonly #sent: AuthenticatedRequest[] = [];
  readonly #nextAt: number[];
  #timestamp = 0;

  constructor(
    world: World,
    client: ClientId,
    parts: { readonly fault: ClientFault; readonly random: Random; readonly makeOperation: () => Bytes },
  ) {
    this.client = client;
    this.#world = world;
    this.#fault = parts.fault;
    this.#random = parts.random;
    this.#makeOperation = parts.makeOperation;
    this.#maker = new RequestMaker(world, client);
    this.#session = this.#wallUs();
    const start = world.time;
    this.#nextAt = Array.from(
      { length: ROUNDS },
      (_, round) => start + round * parts.random.between(1000, 15_000),
    ).toSorted((left, right) => left - right);
  }

  get isDone(): boolean {
    return this.#nextAt.length === 0;
  }

  nextTimeout(): number | undefined {
    return this.#nextAt[0];
  }

  onFrame(): void {
    // What others say does not matter to it.
  }

  onWake(time: number): void {
    while ((this.#nextAt[0] ?? Infinity) <= time) {
      this.#nextAt.shift();
      this.#act();
    }
  }

  #wallUs(): number {
    return WALL_START_MS * 1000 + this.#world.time;
  }

  get #all(): readonly ReplicaId[] {
    return this.#world.nodes.map((node) => node.id);
  }

  #make(
    fields: { readonly session?: number; readonly timestamp?: number; readonly flags?: number },
    isSigned?: boolean,
  ): AuthenticatedRequest {
    const request = this.#maker.make(
      {
        session: fields.session ?? this.#session,
        timestamp: fields.timestamp ?? this.#timestamp,
        operation: this.#makeOperation(),
        flags: fields.flags ?? 0,
        replier: this.#random.pick(this.#all),
      },
      isSigned,
    );
    this.#sent.push(request);
    return request;
  }

  #toAll(requests: readonly AuthenticatedRequest[]): void {
    for (const replica of this.#all) this.#maker.send(replica, requests);
  }

  #act(): void {
    switch (this.#fault) {
      case 'partial-authenticator':
        return this.#sendPartial();
      case 'timestamp-reuse': {
        this.#timestamp += this.#random.pick([0, 1]);
        const timestamp = Math.max(1, this.#timestamp);
        for (const replica of this.#all)
          this.#maker.send(replica, [this.#make({ timestamp }, this.#random.chance(0.5))]);
        return;
      }
      case 'gap':
        this.#timestamp += this.#random.between(0, 3);
        return this.#toAll([this.#make({ timestamp: Math.max(1, this.#timestamp) })]);
      case 'replay':
        if (this.#sent.length < 3 || this.#random.chance(0.3)) {
          this.#timestamp += 1;
          this.#make({});
        }
        return this.#toAll([this.#random.pick(this.#sent)]);
      case 'strange-sessions':
        return this.#openStrangeSession();
      case 'read-only':
        this.#timestamp += 1;
        return this.#toAll([this.#make({ flags: REQUEST_READ_ONLY })]);
      case 'unlisted':
        this.#timestamp += 1;
        return this.#toAll([this.#make({})]);
      case 'garbage':
        this.#maker.sendFrame(this.#random.pick(this.#all), this.#garbage());
        // Authentic, and no list of operations.
        return this.#toAll([this.#make({ session: this.#wallUs(), timestamp: 1, flags: REQUEST_COMPOUND })]);
      case 'flood':
        for (let count = 0; count < 20; count += 1)
          this.#toAll([this.#make({ session: this.#wallUs() + count, timestamp: 1 })]);
        return;
      case 'shown-late':
        return this.#showLate();
      case 'crowded-primary':
        if (this.#nextAt.length % CROWDING === 0) this.#crowdPrimary();
    }
  }

  /** Of the highest view that anybody is in. An attacker may well know it. */
  get #primary(): ReplicaId {
    const views = this.#world.nodes.map((node) => (node.isUp ? node.status.view : VIEW_ZERO));
    return asReplicaId(Math.max(...views) % this.#all.length);
  }

  #to(side: Side, requests: readonly AuthenticatedRequest[]): void {
    const primary = this.#primary;
    for (const replica of this.#all)
      if ((replica === primary) === (side === 'primary')) this.#maker.send(replica, requests);
  }

  /** In a session of its own, so that nothing waits for it. */
  #showLate(): void {
    const fields = { session: this.#wallUs(), timestamp: 1, operation: this.#makeOperation() };
    const [first, last, delayUs] = [this.#side(), this.#side(), this.#random.pick(LATE_US)];
    if (this.#random.chance(0.7)) this.#to(first, [this.#maker.make(fields)]);
    this.#world.after(delayUs, 'a faulty client shows a request late', () => {
      this.#to(last, [this.#maker.make(fields, true)]);
    });
  }

  #side(): Side {
    return this.#random.pick(['primary', 'backups'] as const);
  }

  /** The backups pass the signed request on to a primary that has no room for more of its client. */
  #crowdPrimary(): void {
    const session = this.#wallUs();
    for (const [wave, delayUs] of CROWDS_US.entries()) {
      this.#world.after(delayUs, 'a faulty client crowds the primary', () => {
        const crowd = Array.from({ length: CROWD }, (_, index) =>
          this.#make({ session: session + wave * CROWD + index, timestamp: 1 }),
        );
        this.#to('primary', crowd);
      });
    }
    this.#world.after(SHOWN_US, 'a faulty client shows a request to the backups', () => {
      const shown = { session: session + CROWDS_US.length * CROWD, timestamp: 1, operation: this.#makeOperation() };
      this.#to('backups', [this.#maker.make(shown, true)]);
    });
  }

  /**
   * Bad MACs for some backups. Half a timeout later it signs, as a correct client does, so that a slot need not wait for ever; for the same
   * reason every request has a session of its own.
   */
  #sendPartial(): void {
    const request = this.#make({ session: this.#wallUs(), timestamp: 1 }, false);
    if (request.proof.kind !== 'authenticator') return;
    const { bundle, position } = request.proof;
    const spoilt = new Set(this.#all.filter((replica) => replica !== 0 && this.#random.chance(0.5)));
    const macs = bundle.macs.map((mac, index) => (spoilt.has(asReplicaId(index)) ? mac.map((byte) => byte ^ 1) : mac));
    this.#toAll([{ ...request, proof: { kind: 'authenticator', bundle: { ...bundle, macs }, position } }]);
    const { timestamp, session, operation } = request.request;
    for (const delayUs of [150_000, 2_000_000, 6_000_000, 12_000_000]) {
      this.#world.after(delayUs, 'a faulty client signs at last', () => {
        this.#toAll([this.#maker.make({ session, timestamp, operation }, true)]);
      });
    }
  }

  #openStrangeSession(): void {
    const horizon = this.#world.cluster.sessionHorizonUs;
    const session = this.#random.pick([
      1,
      this.#wallUs() - 2 * horizon,
      this.#wallUs() + 2 * horizon,
      this.#wallUs(),
      this.#session,
    ]);
    this.#toAll([this.#make({ session, timestamp: 1 }, this.#random.chance(0.5) ? true : undefined)]);
  }

  #garbage(): Bytes {
    const random = this.#random;
    switch (random.between(0, 4)) {
      case 0:
        return Uint8Array.from({ length: random.between(0, 200) }, () => random.between(0, 255));
      case 1:
        return random.chance(0.1) ? new Uint8Array(LIMITS.frameBytes + 1) : new Uint8Array(0);
      case 2: {
        const frame = encodeFrame(
          encodeMessage({ type: 'requests', requests: [this.#make({ timestamp: 1 })] }),
          NO_PROOF,
        );
        return frame.slice(0, random.between(1, frame.length));
      }
      case 3: {
        const request: AuthenticatedRequest = {
          ...this.#make({ timestamp: 1 }),
          proof: { kind: 'signature', asked: EVERYBODY, signature: NO_SIGNATURE },
        };
        return encodeFrame(encodeMessage({ type: 'requests', requests: [request] }), NO_PROOF);
      }
      default:
        return this.#vote();
    }
  }

  /** A vote over a client's link, in the name of any replica, of one that does not exist, or of the receiver. */
  #vote(): Bytes {
    const replica = asReplicaId(this.#random.between(0, this.#world.cluster.replicaCount));
    const encoded = encodeMessage({
      type: 'prepare',
      view: VIEW_ZERO,
      sequence: asSequence(1),
      digest: NULL_DIGEST,
      replica,
    });
    const proofs: readonly Proof[] = [
      NO_PROOF,
      { kind: 'signature', signature: NO_SIGNATURE },
      { kind: 'mac', mac: new Uint8Array(32) },
    ];
    return encodeFrame(encoded, this.#random.pick(proofs));
  }
}

type Side = 'primary' | 'backups';
/** Below T/2 of the simulator's replicas, between that and T, and above. */
const LATE_US: readonly number[] = [100_000, 300_000, 700_000];

const NO_SIGNATURE = new Uint8Array(64);
