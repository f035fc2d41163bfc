/** Schemas that several endpoints share. Field names are snake_case; units stand at the end of a name. */
import Type from 'typebox';
import type { Static } from 'typebox';

/** 64 lowercase hexadecimal characters: a SHA-256. */
export const DigestText = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256, lowercase hexadecimal' });

/** `node1 … node256`. */
export const NodeName = Type.String({
  pattern: '^node[1-9][0-9]{0,2}$',
  description: 'name of a node',
  examples: ['node1'],
});

export const ViewNumber = Type.Integer({ minimum: 0, description: 'view number' });
export const SequenceNumber = Type.Integer({ minimum: 0, description: 'sequence number of a batch; 0 is genesis' });
export const Count = Type.Integer({ minimum: 0 });

/** One thing said against one node, without the frames that prove it. */
export const SuspicionSummary = Type.Object(
  {
    node_id: NodeName,
    kind: Type.String({ description: 'what was seen; docs/detection.md lists the kinds' }),
    certainty: Type.Enum(['certain', 'uncertain'], {
      description: 'certain: given at most f faulty nodes, a correct node can never cause it',
    }),
    view: ViewNumber,
    sequence: SequenceNumber,
    first_seen_ms: Type.Integer({ description: 'ms since 1970, clock of the answering node' }),
    last_seen_ms: Type.Integer({ description: 'ms since 1970, clock of the answering node' }),
    count: Type.Integer({ minimum: 1, description: 'how often it was seen' }),
    evidence: Type.String({ description: 'one sentence: what was seen' }),
  },
  { additionalProperties: false },
);
export type SuspicionSummary = Static<typeof SuspicionSummary>;
