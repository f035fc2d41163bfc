/** Puts the keys of a node to work. Owns nothing. */
import { NodeAuthenticator } from '../node/index.ts';
import { codecOf } from '../protocol/codec-of.ts';
import type { Cryptography } from './node-options.ts';
import type { Prepared } from './preparation.ts';

/** The keys and the codec of this node. */
export function cryptography({ config, identity }: Prepared): Cryptography {
  const authenticator = new NodeAuthenticator({
    identity,
    self: { kind: 'replica', replica: config.self },
    clusterId: config.clusterId,
    mac: config.mac,
    replicas: config.replicas.map((replica) => replica.identity),
    clients: config.clients.map((client) => client.identity),
  });
  return { authenticator, codec: codecOf(config.clusterId, authenticator) };
}
