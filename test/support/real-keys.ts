/** A small cluster with real Ed25519, X25519 and HMAC keys: what each party can seal, sign and check. */
import { asClientId, asDigest, asReplicaId } from '../../src/base/ids.ts';
import type { ClientId, Digest } from '../../src/base/ids.ts';
import { CodecContext } from '../../src/messages/index.ts';
import type { Message } from '../../src/messages/index.ts';
import { Identity, NodeAuthenticator } from '../../src/node/index.ts';
import { DEFAULT_CLUSTER } from '../../src/protocol/config.ts';
import type { AuthenticationMode, ClusterConfig } from '../../src/protocol/config.ts';
import { Intake } from '../../src/protocol/intake.ts';
import type { Party } from '../../src/protocol/ports.ts';
import { Sealer } from '../../src/protocol/seal.ts';
import { sha256 } from './core-kit.ts';

export const CLUSTER_ID: Digest = asDigest('33'.repeat(32));

export class RealKeys {
  readonly replicas = Array.from({ length: 4 }, () => Identity.generate());
  readonly client = Identity.generate();
  readonly clientId: ClientId = asClientId(this.client.public.signing);

  cluster(authentication: AuthenticationMode, clusterId = CLUSTER_ID): ClusterConfig {
    return { ...DEFAULT_CLUSTER, clusterId, replicaCount: 4, authentication, clients: [this.clientId] };
  }

  codec(clusterId = CLUSTER_ID): CodecContext {
    return new CodecContext(clusterId, sha256);
  }

  authenticator(party: number | 'client', clusterId = CLUSTER_ID): NodeAuthenticator {
    const identity = party === 'client' ? this.client : this.replicas[party];
    if (identity === undefined) throw new Error('there are four replicas');
    const self: Party =
      party === 'client' ? { kind: 'client', client: this.clientId } : { kind: 'replica', replica: asReplicaId(party) };
    const replicas = this.replicas.map((replica) => replica.public);
    return new NodeAuthenticator({
      identity,
      self,
      clusterId,
      mac: 'blake2b-256',
      replicas,
      clients: [this.client.public],
    });
  }

  /** The frame as `by` sends it to `to`. */
  seal(mode: AuthenticationMode, by: number, message: Message, to: number, clusterId = CLUSTER_ID): Uint8Array {
    const sealer = new Sealer(this.cluster(mode, clusterId), this.authenticator(by, clusterId));
    const [frame] = sealer.seal(message, [{ kind: 'replica', replica: asReplicaId(to) }], undefined);
    if (frame === undefined) throw new Error('a key is shared');
    return frame;
  }

  intake(mode: AuthenticationMode, self: number): Intake {
    return new Intake(this.cluster(mode), asReplicaId(self), this.authenticator(self));
  }
}
