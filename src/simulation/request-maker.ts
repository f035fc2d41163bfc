/** Requests of one client, made and proven by hand: for clients that do what no client library would. */
import type { Bytes } from '../base/bytes.ts';
import { assert } from '../base/assert.ts';
import { asReplicaId } from '../base/ids.ts';
import type { ClientId, ReplicaId } from '../base/ids.ts';
import { EVERYBODY, requestDigest } from '../messages/index.ts';
import type { AuthenticatedRequest, ReplicaSet, Request } from '../messages/index.ts';
import { authenticateRequests, signRequest } from '../protocol/client-authentication.ts';
import type { UnprovenRequest } from '../protocol/client-authentication.ts';
import type { Authenticator } from '../protocol/ports.ts';
import { Sealer } from '../protocol/seal.ts';
import type { World } from './world.ts';

export interface RequestFields {
  readonly session: number;
  readonly timestamp: number;
  readonly operation: Bytes;
  readonly asked?: ReplicaSet;
  readonly flags?: number;
  readonly replier?: ReplicaId;
  readonly idempotency?: Request['idempotency'];
}

export class RequestMaker {
  readonly client: ClientId;
  readonly authenticator: Authenticator;
  readonly #world: World;
  readonly #sealer: Sealer;

  constructor(world: World, client: ClientId) {
    world.authority.admitClient(client);
    this.client = client;
    this.authenticator = world.authority.authenticator({ kind: 'client', client });
    this.#world = world;
    this.#sealer = new Sealer(world.cluster, this.authenticator);
  }

  /** One request, signed in signature mode or when `isSigned`, else under an authenticator. All observers know that it was issued. */
  make(fields: RequestFields, isSigned = this.#world.cluster.authentication === 'signature'): AuthenticatedRequest {
    const request: Request = {
      type: 'request',
      client: this.client,
      session: fields.session,
      timestamp: fields.timestamp,
      flags: fields.flags ?? 0,
      idempotency: fields.idempotency,
      operation: fields.operation,
      replier: fields.replier ?? asReplicaId(0),
    };
    const unproven = { request, digest: requestDigest(this.#world.codec, request), asked: fields.asked ?? EVERYBODY };
    const [authenticated] = isSigned ? [this.sign(unproven)] : this.authenticate([unproven]);
    assert(authenticated !== undefined, 'one request gives one authenticated request');
    return authenticated;
  }

  /** Requests that go out together, under one authenticator. */
  authenticate(requests: readonly UnprovenRequest[]): readonly AuthenticatedRequest[] {
    const { codec, cluster } = this.#world;
    const proven = authenticateRequests(this.authenticator, codec, cluster.replicaCount, requests);
    for (const request of proven) this.#world.observer.issued(request);
    return proven;
  }

  sign(unproven: UnprovenRequest): AuthenticatedRequest {
    const request = signRequest(this.authenticator, this.#world.codec, unproven);
    this.#world.observer.issued(request);
    return request;
  }

  /** Sends them in one frame to one replica. */
  send(to: ReplicaId, requests: readonly AuthenticatedRequest[]): void {
    const [frame] = this.#sealer.seal({ type: 'requests', requests }, [{ kind: 'replica', replica: to }], undefined);
    if (frame !== undefined) this.sendFrame(to, frame);
  }

  sendFrame(to: ReplicaId, frame: Bytes): void {
    this.#world.transmit({ kind: 'client', client: this.client }, { kind: 'replica', replica: to }, frame);
  }
}
