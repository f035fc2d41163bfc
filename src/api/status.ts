/** `GET /pbft/status`, `/healthz`, `/readyz`. */
import Type from 'typebox';
import type { Static } from 'typebox';
import { Count, DigestText, NodeName, SequenceNumber, SuspicionSummary, ViewNumber } from './common.ts';

/** A node that lost its log, on its way back. */
export const RecoveryBody = Type.Object(
  {
    mark: Type.Union([SequenceNumber, Type.Null()], {
      description: 'M: above everything that it may have voted on; null until it is known',
    }),
    recovered_at: Type.Union([SequenceNumber, Type.Null()], {
      description: 'r: where its RECOVER was executed; null until it was',
    }),
    end: Type.Union([SequenceNumber, Type.Null()], {
      description: 'the checkpoint that must be stable: the higher one of M and r + L; null until both are known',
    }),
    missing: Type.String({ description: 'what it waits for' }),
  },
  { additionalProperties: false },
);

/** What a node says of itself. The first eight fields are the ones people ask for most. */
export const StatusBody = Type.Object(
  {
    node_id: NodeName,
    primary: NodeName,
    is_primary: Type.Boolean(),
    view: ViewNumber,
    sequence: Type.Integer({ minimum: 0, description: 'highest sequence number accepted here; 0 at genesis' }),
    f: Type.Integer({ minimum: 0, description: 'how many replicas may be Byzantine: ⌊(n−1)/3⌋' }),
    quorum_size: Type.Integer({ minimum: 1 }),
    byzantine_nodes: Type.Array(NodeName, {
      description:
        'nodes with a certain suspicion here and, in lab mode, those whose behaviour was switched on from here',
    }),
    n: Type.Integer({ minimum: 1, description: 'number of replicas' }),
    last_executed: SequenceNumber,
    low_water_mark: SequenceNumber,
    high_water_mark: SequenceNumber,
    in_view_change: Type.Boolean(),
    recovery: Type.Union([RecoveryBody, Type.Null()], {
      description: 'null unless this node lost its log and casts no vote yet',
    }),
    suspicions: Type.Array(SuspicionSummary),
    state_root: DigestText,
    state_root_sequence: Type.Integer({ minimum: 0, description: 'the checkpoint that `state_root` is of' }),
    queued_requests: Count,
    connected_peers: Type.Array(NodeName),
    quorum_rule: Type.Enum(['intersecting', '2f+1']),
    authentication: Type.Enum(['mac', 'signature']),
    mac: Type.Enum(['blake2b-256', 'hmac-sha256'], { description: 'how MACs are made' }),
    application: Type.String(),
    lab: Type.Boolean(),
    uptime_s: Type.Number({ minimum: 0 }),
    version: Type.String(),
    warnings: Type.Array(Type.String()),
  },
  { $id: 'Status', additionalProperties: false },
);
export type StatusBody = Static<typeof StatusBody>;

/** `/healthz`: the process lives and its replica has not stopped. */
export const HealthBody = Type.Object(
  { status: Type.Literal('live'), node_id: NodeName },
  { $id: 'Health', additionalProperties: false },
);
export type HealthBody = Static<typeof HealthBody>;

/** `/readyz`: in a view, linked to a quorum, caught up. */
export const ReadyBody = Type.Object(
  { status: Type.Literal('ready'), node_id: NodeName },
  { $id: 'Ready', additionalProperties: false },
);
export type ReadyBody = Static<typeof ReadyBody>;
