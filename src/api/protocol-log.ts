/** `GET /pbft/log`, `POST /pbft/message`. */
import Type from 'typebox';
import type { Static } from 'typebox';
import { DigestText, NodeName, SequenceNumber, ViewNumber } from './common.ts';

/** Slots and messages one answer holds at most. */
export const MAX_LOG_SLOTS = 512;
export const MAX_LOG_MESSAGES = 1024;

/** Far above anything that is ever reached, and safe to count on from. */
const MAX_SEQUENCE = 2 ** 52;

export const LogQuery = Type.Object(
  {
    from: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_SEQUENCE,
        description: 'first sequence number; default: the low water mark + 1',
      }),
    ),
    to: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: MAX_SEQUENCE,
        description: `last sequence number; at most ${MAX_LOG_SLOTS} slots are answered`,
      }),
    ),
    messages: Type.Optional(Type.Boolean({ default: false, description: 'with the recorded messages; lab mode only' })),
  },
  { additionalProperties: false },
);
export type LogQuery = Static<typeof LogQuery>;

export const LogSlot = Type.Object(
  {
    sequence: SequenceNumber,
    view: ViewNumber,
    digest: Type.Union([DigestText, Type.Null()]),
    phase: Type.Enum(['none', 'pre-prepared', 'prepared', 'committed', 'executed']),
    body_held: Type.Boolean(),
    requests: Type.Array(DigestText),
    prepares: Type.Array(NodeName, { description: 'who sent a matching PREPARE' }),
    commits: Type.Array(NodeName, { description: 'who sent a matching COMMIT' }),
    prepared_certificate: Type.Boolean(),
    committed_certificate: Type.Boolean(),
    waiting_for: Type.Union([Type.String(), Type.Null()]),
  },
  { additionalProperties: false },
);
export type LogSlot = Static<typeof LogSlot>;

/** A message as it was sent or received, in the JSON form that `POST /pbft/message` takes. */
export const LogMessage = Type.Object(
  {
    at_ms: Type.Integer({ description: 'ms since 1970' }),
    direction: Type.Enum(['sent', 'received']),
    peer: Type.String({ description: 'the node, or `client:<key>`' }),
    message: Type.Unknown(),
  },
  { additionalProperties: false },
);
export type LogMessage = Static<typeof LogMessage>;

export const LogBody = Type.Object(
  {
    node_id: NodeName,
    low_water_mark: SequenceNumber,
    high_water_mark: SequenceNumber,
    last_executed: SequenceNumber,
    slots: Type.Array(LogSlot),
    messages: Type.Optional(Type.Array(LogMessage)),
  },
  { $id: 'Log', additionalProperties: false },
);
export type LogBody = Static<typeof LogBody>;

/** Any protocol message in its JSON form; what is allowed depends on its `type` (docs/messages.md). */
export const MessageBody = Type.Object(
  { type: Type.Optional(Type.String()) },
  { $id: 'ProtocolMessage', additionalProperties: true },
);

export const MessageAnswer = Type.Object(
  { status: Type.Enum(['accepted', 'duplicate']) },
  { $id: 'MessageAnswer', additionalProperties: false },
);
export type MessageAnswer = Static<typeof MessageAnswer>;
