/** `POST /pbft/simulate-byzantine` and `GET /pbft/behaviours`. */
import Type from 'typebox';
import type { Static } from 'typebox';
import { NodeName } from './common.ts';

export const DEFAULT_BEHAVIOUR = 'corrupt';

export const SimulateByzantineBody = Type.Object(
  {
    node_id: Type.String({ description: 'the node that is to misbehave', examples: ['node2'] }),
    behaviour: Type.Optional(
      Type.String({
        description: 'see GET /pbft/behaviours; `slow:10`: everything 10 ms late, 1 to 60000',
        default: DEFAULT_BEHAVIOUR,
      }),
    ),
    enabled: Type.Optional(Type.Boolean({ default: true, description: 'false ends it' })),
  },
  { $id: 'SimulateByzantine', additionalProperties: false, examples: [{ node_id: 'node2' }] },
);
export type SimulateByzantineBody = Static<typeof SimulateByzantineBody>;

export const SimulateByzantineAnswer = Type.Object(
  {
    status: Type.Enum(['behaviour_enabled', 'behaviour_disabled']),
    node_id: NodeName,
    behaviour: Type.String({ description: 'the one that begins, or that ends' }),
    enabled: Type.Boolean(),
    byzantine_nodes: Type.Array(NodeName),
    exceeds_f: Type.Boolean({
      description: 'true: more nodes misbehave than the cluster can bear; nothing is guaranteed now',
    }),
  },
  { $id: 'SimulateByzantineAnswer', additionalProperties: false },
);
export type SimulateByzantineAnswer = Static<typeof SimulateByzantineAnswer>;

/** One behaviour in one role. */
export const BehaviourEntry = Type.Object(
  {
    behaviour: Type.String(),
    summary: Type.String(),
    roles: Type.Array(
      Type.Object(
        {
          role: Type.Enum(['primary', 'backup', 'gateway']),
          changes: Type.String({ description: 'what such a node does otherwise' }),
          others_see: Type.String(),
          suspicions: Type.Array(
            Type.Object(
              {
                kind: Type.String(),
                certainty: Type.Enum(['certain', 'uncertain']),
                by: Type.String({ description: 'who comes to say so' }),
                when: Type.Optional(Type.String({ description: 'only then; absent: whenever a request is ordered' })),
              },
              { additionalProperties: false },
            ),
            { description: 'what it leads to; empty where nobody can tell' },
          ),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);

export const BehavioursBody = Type.Object(
  { default: Type.String(), behaviours: Type.Array(BehaviourEntry) },
  { $id: 'Behaviours', additionalProperties: false },
);
export type BehavioursBody = Static<typeof BehavioursBody>;
