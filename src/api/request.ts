/** `POST /pbft/request` and `GET /pbft/requests/{id}`. */
import Type from 'typebox';
import type { Static } from 'typebox';
import { Count, DigestText, NodeName, SequenceNumber, ViewNumber } from './common.ts';

/** Longest and default wait for an answer, in ms. */
export const MAX_WAIT_MS = 60_000;
export const DEFAULT_WAIT_MS = 10_000;
/** Largest body the HTTP door takes, in bytes. */
export const MAX_BODY_BYTES = 65_536;

/**
 * The operation. Only its being an object with a string `operation` is checked at the door: everything else is the application's to judge,
 * in order, the same on every node. It is ordered token for token as it was sent; only white space between tokens is dropped.
 */
export const RequestBody = Type.Object(
  { operation: Type.String({ description: 'name of the operation', examples: ['transfer'] }) },
  { $id: 'Operation', additionalProperties: true, examples: [{ operation: 'transfer', amount: 100 }] },
);

export const RequestQuery = Type.Object(
  {
    wait: Type.Optional(Type.Boolean({ description: 'answer when it has executed, with the result', default: false })),
    timeout_ms: Type.Optional(
      Type.Integer({ minimum: 1, maximum: MAX_WAIT_MS, default: DEFAULT_WAIT_MS, description: 'how long to wait' }),
    ),
    read_only: Type.Optional(
      Type.Boolean({
        description:
          'it changes nothing: have a quorum answer it without ordering it, if the cluster does that; waits for the result, and takes no Idempotency-Key',
        default: false,
      }),
    ),
  },
  { additionalProperties: false },
);
export type RequestQuery = Static<typeof RequestQuery>;

/** 202: the request has a sequence number here (a view change can still move it). */
export const StartedBody = Type.Object(
  {
    status: Type.Literal('consensus_started'),
    sequence: SequenceNumber,
    digest: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'digest of the batch it is in' }),
    request_digest: DigestText,
    request_id: DigestText,
  },
  { $id: 'Started', additionalProperties: false },
);
export type StartedBody = Static<typeof StartedBody>;

const Result = Type.Unknown({
  description: 'the application\'s answer; a JSON value, or {"base64url"} of its bytes where they are not JSON',
});

/** 200: executed, with the matching replies of at least f+1 nodes. What the application refuses was ordered too: `result.error`. */
export const ExecutedBody = Type.Object(
  {
    status: Type.Literal('executed'),
    consensus: Type.Literal(true),
    view: ViewNumber,
    sequence: SequenceNumber,
    digest: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'digest of the batch it is in' }),
    result: Result,
    replies: Type.Array(NodeName, { description: 'the nodes whose replies match' }),
    request_digest: DigestText,
    request_id: DigestText,
  },
  { $id: 'Executed', additionalProperties: false },
);
export type ExecutedBody = Static<typeof ExecutedBody>;

/** 200: a read-only operation, answered by a quorum without being ordered. */
export const ReadBody = Type.Object(
  {
    status: Type.Literal('read'),
    consensus: Type.Literal(true),
    sequence: Type.Integer({ minimum: 0, description: 'the result was true after the batch with this number' }),
    result: Result,
    replies: Type.Array(NodeName, { description: 'the nodes whose answers it is made of' }),
    request_digest: DigestText,
    request_id: DigestText,
  },
  { $id: 'Read', additionalProperties: false },
);
export type ReadBody = Static<typeof ReadBody>;

/** How far one phase has come here: who has voted, and how many votes it takes. */
export const PhaseProgress = Type.Object(
  { done: Type.Boolean(), votes: Count, needed: Count, nodes: Type.Array(NodeName) },
  { additionalProperties: false },
);
export type PhaseProgress = Static<typeof PhaseProgress>;

export const REQUEST_STAGES = ['received', 'pre-prepared', 'prepared', 'committed', 'executed', 'refused'] as const;

/** Where a request stands at the answering node. */
export const RequestStatusBody = Type.Object(
  {
    request_id: DigestText,
    request_digest: DigestText,
    status: Type.Enum([...REQUEST_STAGES]),
    view: Type.Union([ViewNumber, Type.Null()]),
    sequence: Type.Union([SequenceNumber, Type.Null()]),
    digest: Type.Union([DigestText, Type.Null()], { description: 'digest of the batch it is in' }),
    phases: Type.Object(
      {
        pre_prepare: PhaseProgress,
        prepare: PhaseProgress,
        commit: PhaseProgress,
        reply: PhaseProgress,
      },
      { additionalProperties: false },
    ),
    outcome: Type.Union([Type.String(), Type.Null()], {
      description:
        'executed, replayed (an idempotency key came again), repeated, ignored or table-error; null before execution',
    }),
    result: Type.Optional(Type.Unknown({ description: 'known at the node that took the request' })),
  },
  { $id: 'RequestStatus', additionalProperties: false },
);
export type RequestStatusBody = Static<typeof RequestStatusBody>;

export const RequestParams = Type.Object(
  { id: Type.String({ maxLength: 100, description: 'a `request_id`' }) },
  { additionalProperties: false },
);
