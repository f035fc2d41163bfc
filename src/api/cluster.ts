/** `GET /pbft/cluster`: who belongs to the cluster, and what it is set up to do. */
import Type from 'typebox';
import type { Static } from 'typebox';
import { NodeName } from './common.ts';

/** The same at every node, apart from `node_id` and `version`. */
export const ClusterBody = Type.Object(
  {
    node_id: NodeName,
    nodes: Type.Array(
      Type.Object(
        {
          node_id: NodeName,
          url: Type.String({ description: 'where its HTTP API is', examples: ['http://127.0.0.1:8001'] }),
        },
        { additionalProperties: false },
      ),
    ),
    n: Type.Integer({ minimum: 1, description: 'number of replicas' }),
    f: Type.Integer({ minimum: 0, description: 'how many replicas may be Byzantine: ⌊(n−1)/3⌋' }),
    quorum_size: Type.Integer({ minimum: 1 }),
    prepares_needed: Type.Integer({
      minimum: 0,
      description: 'PREPAREs in a prepared certificate: one less than a quorum, as many where `overlapped_sync` is on',
    }),
    quorum_rule: Type.Enum(['intersecting', '2f+1']),
    authentication: Type.Enum(['mac', 'signature']),
    mac: Type.Enum(['blake2b-256', 'hmac-sha256'], { description: 'how MACs are made' }),
    application: Type.String({ description: '`ledger`, `counter` or the file of another one' }),
    lab: Type.Boolean({ description: 'nodes can be told to misbehave' }),
    version: Type.String({ description: 'of the node that answers' }),
  },
  { $id: 'Cluster', additionalProperties: false },
);
export type ClusterBody = Static<typeof ClusterBody>;
