/** `GET /pbft/lab`, `POST /pbft/lab/nodes/{id}`, `POST /pbft/lab/links`: what `pbft up` does to processes and links, lab mode only. */
import Type from 'typebox';
import type { Static } from 'typebox';
import { NodeName } from './common.ts';

export const MAX_LINK_DELAY_MS = 10_000;

export const LabNodeParams = Type.Object({ id: Type.String({ maxLength: 100, description: 'name of the node' }) });

export const LabNodeBody = Type.Object(
  {
    action: Type.Enum(['kill', 'restart', 'pause', 'resume'], {
      description:
        'kill: SIGKILL, and down until restart. restart: what was there is killed, and starts again. pause: SIGSTOP. resume: SIGCONT.',
    }),
  },
  { $id: 'LabNodeOrder', additionalProperties: false },
);
export type LabNodeBody = Static<typeof LabNodeBody>;
export type LabNodeAction = LabNodeBody['action'];

const DelayMs = Type.Integer({
  minimum: 1,
  maximum: MAX_LINK_DELAY_MS,
  description: 'with `slow`, and only there: how late everything comes',
});

export const LabLinkBody = Type.Object(
  {
    from: Type.String({ description: 'whose frames' }),
    to: Type.String({ description: 'to whom; the other direction is a link of its own' }),
    state: Type.Enum(['up', 'cut', 'slow'], { description: 'cut: everything is lost. slow: everything comes late.' }),
    delay_ms: Type.Optional(DelayMs),
  },
  { $id: 'LabLinkOrder', additionalProperties: false },
);
export type LabLinkBody = Static<typeof LabLinkBody>;

/** `starting`: it does not serve yet. `waiting`: it died by itself and is started again. `killed`: by order. `down`: it died too often. */
export const LabNodeState = Type.Enum(['running', 'starting', 'paused', 'killed', 'waiting', 'down']);
export type LabNodeState = Static<typeof LabNodeState>;

/** Where everything stands. */
export const LabBody = Type.Object(
  {
    nodes: Type.Array(Type.Object({ node_id: NodeName, state: LabNodeState }, { additionalProperties: false })),
    links: Type.Array(
      Type.Object(
        {
          from: NodeName,
          to: NodeName,
          state: Type.Enum(['cut', 'slow']),
          delay_ms: Type.Union([DelayMs, Type.Null()]),
        },
        { additionalProperties: false },
      ),
      { description: 'those that were cut or slowed; all others are up' },
    ),
  },
  { $id: 'Lab', additionalProperties: false },
);
export type LabBody = Static<typeof LabBody>;
