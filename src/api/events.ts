/**
 * The event stream, `GET /pbft/events`: one JSON type for what happens in a replica and on its links. Server, command line, dashboard and lab
 * all speak it; in the lab times are virtual. The kinds are those of the core's events (src/protocol/event.ts), and a few about the node and
 * the stream itself. `toStreamEvent` makes them.
 */
import Type from 'typebox';
import type { Static, TProperties } from 'typebox';
import { Count, DigestText, NodeName, SequenceNumber, SuspicionSummary, ViewNumber } from './common.ts';
import { MAX_EVENT_REQUESTS } from './event-bounds.ts';

/** What names a replica or a client: `node1`, `client:0a1b2c3d` (the first eight characters of its key). */
export const PartyName = Type.String({
  pattern: '^(node[1-9][0-9]{0,2}|client:[0-9a-f]{8})$',
  description: 'a node, or `client:` and the first eight characters of its key',
  examples: ['node2', 'client:3f9ac210'],
});

const ClientName = Type.String({
  pattern: '^client:[0-9a-f]{8}$',
  description: '`client:` and the first eight characters of its key',
});

const nullable = <Schema extends typeof ViewNumber | typeof DigestText>(schema: Schema) =>
  Type.Union([schema, Type.Null()]);

/** What a message says, in short. */
export const MessageSummary = Type.Object(
  {
    type: Type.String({ description: 'type of the message, docs/messages.md lists them', examples: ['pre-prepare'] }),
    id: Type.String({
      pattern: '^[0-9a-f]{16}$',
      description:
        'the same at sender and receivers, whatever MAC each was sent; a message that is sent again keeps it',
    }),
    view: nullable(ViewNumber),
    sequence: Type.Union([SequenceNumber, Type.Null()], {
      description: 'of the slot or checkpoint that it is about; null where it is about none or several',
    }),
    digest: Type.Union([DigestText, Type.Null()], {
      description:
        'of the batch, of the one request, or the root of the checkpoint; null where there is none or several',
    }),
    requests: Type.Union([Count, Type.Null()], { description: 'how many requests or replies it holds or is about' }),
    size_bytes: Type.Integer({ minimum: 1, description: 'of the frame, proof included' }),
  },
  { additionalProperties: false },
);
export type MessageSummary = Static<typeof MessageSummary>;

/** One request of a batch, as it was executed. */
export const ExecutedRequestSummary = Type.Object(
  {
    client: ClientName,
    session: Count,
    timestamp: Count,
    request_digest: DigestText,
    outcome: Type.Enum(['executed', 'replayed', 'repeated', 'ignored', 'table-error']),
  },
  { additionalProperties: false },
);
export type ExecutedRequestSummary = Static<typeof ExecutedRequestSummary>;

const HEAD = {
  id: Type.String({
    description: 'place in the stream of its node; what `Last-Event-ID` takes',
    examples: ['5f3a90c1-1042'],
  }),
  node: NodeName,
  at_us: Type.Integer({ minimum: 0, description: 'µs since 1970, clock of the node; in the lab virtual µs' }),
};

/** The schema of one kind of event. */
function event<const Kind extends string, Fields extends TProperties>(kind: Kind, description: string, fields: Fields) {
  return Type.Object({ ...HEAD, kind: Type.Literal(kind), ...fields }, { additionalProperties: false, description });
}

const SLOT = { view: ViewNumber, sequence: SequenceNumber, digest: DigestText };
const RequestDigests = Type.Array(DigestText, { maxItems: MAX_EVENT_REQUESTS });
const Nodes = Type.Array(NodeName);

const StartedEvent = event('started', 'The replica runs, with what it remembers.', {
  view: ViewNumber,
  last_executed: SequenceNumber,
  low_water_mark: SequenceNumber,
});
const ViewEnteredEvent = event('view-entered', 'From now on it takes part in this view.', {
  view: ViewNumber,
  primary: NodeName,
});
const ViewChangeStartedEvent = event(
  'view-change-started',
  'It leaves its view and votes for nothing until `view` is entered.',
  {
    view: ViewNumber,
    reason: Type.Enum([
      'timeout',
      'equivocation',
      'joined',
      'wrong-new-view',
      'slow-primary',
      'restart',
      'stray',
      'recovery',
    ]),
  },
);
const NewViewMadeEvent = event('new-view-made', 'The primary has chosen what its view starts with.', {
  view: ViewNumber,
  start: SequenceNumber,
  slots: Type.Integer({ minimum: 0, description: 'batches above `start`' }),
  nulls: Type.Integer({ minimum: 0, description: 'how many of them are null' }),
});
const RequestReceivedEvent = event('request-received', 'A request came, from its client or passed on.', {
  client: ClientName,
  request_digest: DigestText,
  queued: Type.Boolean({ description: 'false: it was not taken in' }),
});
const PrePreparedEvent = event('pre-prepared', 'It has accepted this batch for this number.', {
  ...SLOT,
  requests: RequestDigests,
  request_count: Count,
});
const PreparedEvent = event('prepared', 'It holds a prepared certificate.', SLOT);
const TentativelyExecutedEvent = event(
  'tentatively-executed',
  'It has told clients what this batch comes to, if it is committed.',
  SLOT,
);
const CommittedEvent = event('committed', 'It holds a committed certificate.', SLOT);
const DecidedEvent = event('decided', 'f+1 others say that this was decided.', {
  sequence: SequenceNumber,
  digest: DigestText,
  claims: Nodes,
});
const ExecutedEvent = event('executed', 'It has executed the batch.', {
  ...SLOT,
  timestamp: Type.Integer({ minimum: 0, description: 'agreed time of the batch, µs since 1970' }),
  requests: Type.Array(ExecutedRequestSummary, {
    maxItems: MAX_EVENT_REQUESTS,
    description: 'empty also where this slot was left out by sampling',
  }),
  request_count: Count,
});
const CheckpointTakenEvent = event('checkpoint-taken', 'It has taken a checkpoint of its state.', {
  sequence: SequenceNumber,
  root: DigestText,
});
const CheckpointStableEvent = event('checkpoint-stable', 'A quorum has signed this state; `nodes` are the signers.', {
  sequence: SequenceNumber,
  root: DigestText,
  nodes: Nodes,
});
const BodyMissingEvent = event('body-missing', 'A batch was decided whose content it does not hold.', {
  sequence: SequenceNumber,
  digest: DigestText,
});
const BodyFetchedEvent = event('body-fetched', 'The content of a decided batch came.', {
  sequence: SequenceNumber,
  digest: DigestText,
});
const BufferedEvent = event('buffered', 'It keeps what it cannot act on yet.', {
  what: Type.Enum(['above-window', 'unverified-request', 'timestamp-ahead', 'flagged-too-soon']),
  sequence: SequenceNumber,
});
const ComplainedEvent = event('complained', 'It cannot verify these requests of a proposal, and says so.', {
  view: ViewNumber,
  sequence: SequenceNumber,
  requests: RequestDigests,
  request_count: Count,
});
const TransferStartedEvent = event('transfer-started', 'It fetches this state from the others.', {
  sequence: SequenceNumber,
  root: DigestText,
  from: Nodes,
});
const TransferredEvent = event('transferred', 'The state is complete.', {
  sequence: SequenceNumber,
  root: DigestText,
  size_bytes: Type.Integer({ minimum: 0, description: 'keys and values that came' }),
});
const StateDamagedEvent = event('state-damaged', 'Its own state cannot be read; it is repaired from the others.', {
  reason: Type.String(),
});
const ClientMarkedEvent = event(
  'client-marked',
  'Only signed requests of this client are proposed from now on, for a minute or, if that happened before, for longer.',
  {
    client: ClientName,
  },
);
const RequestTimeoutEvent = event('request-timeout', 'A request waited too long.', {
  view: ViewNumber,
  request_digest: nullable(DigestText),
  sequence: Type.Union([SequenceNumber, Type.Null()]),
});
const ResentEvent = event('resent', 'It repeated what a peer lacks.', { to: NodeName, messages: Count });
const SessionEvictedEvent = event('session-evicted', 'The session of a client was forgotten for a newer one.', {
  client: ClientName,
  session: Count,
});
const SuspicionEvent = event('suspicion', 'It says something against a node.', { suspicion: SuspicionSummary });
const DivergedEvent = event(
  'diverged',
  'Its own state contradicts a stable checkpoint: it executes and votes no more.',
  {
    sequence: SequenceNumber,
    own: DigestText,
    stable: DigestText,
  },
);
const RefusedEvent = event('refused', 'Something that came was not acted on.', {
  type: Type.String({ description: 'type of the message, or `frame` where it is none' }),
  from: PartyName,
  code: Type.String({ description: 'why; docs/protocol.md lists the codes' }),
});
const RecoveryStartedEvent = event('recovery-started', 'It lost its log, and what it voted on with it.', {
  mark: Type.Union([SequenceNumber, Type.Null()]),
});
const RecoveryEstimatedEvent = event('recovery-estimated', 'Above `mark` it voted on nothing.', {
  mark: SequenceNumber,
});
const RecoveryOrderedEvent = event(
  'recovery-ordered',
  'A RECOVER was executed: null batches are owed up to `target`.',
  {
    replica: NodeName,
    sequence: SequenceNumber,
    target: SequenceNumber,
  },
);
const RecoveredEvent = event('recovered', 'It votes again, in views above `barred`.', {
  sequence: SequenceNumber,
  barred: ViewNumber,
});
const MessageSentEvent = event('message-sent', 'A message left for one receiver.', {
  to: PartyName,
  message: MessageSummary,
});
const MessageReceivedEvent = event('message-received', 'A message came over the link of `from` and is authentic.', {
  from: PartyName,
  message: MessageSummary,
});
const BehaviourEvent = event('behaviour', 'Lab mode: the node was told to misbehave, or (null) to stop.', {
  behaviour: Type.Union([Type.String(), Type.Null()]),
});
const LinkEvent = event('link', 'The link to a peer came up or went down.', {
  peer: NodeName,
  state: Type.Enum(['up', 'down']),
});
const HelloEvent = event('hello', 'The first event of each connection: who answers, and how it stands.', {
  version: Type.String(),
  n: Type.Integer({ minimum: 1 }),
  f: Count,
  quorum: Type.Integer({ minimum: 1 }),
  view: ViewNumber,
  in_view_change: Type.Boolean(),
  lab: Type.Boolean(),
  behaviour: Type.Union([Type.String(), Type.Null()], {
    description: 'lab mode: how the node misbehaves on order now; null: it does not',
    examples: ['silent'],
  }),
  down_links: Type.Array(NodeName, { description: 'peers to which it has no link now, in order' }),
  boot: Type.String({ description: 'another one after each start of the process; ids begin with it' }),
});
const LostEvent = event('lost', 'So many events are missing here.', { count: Type.Integer({ minimum: 0 }) });
const SampledEvent = event('sampled', 'Of the events of single slots, messages and requests only a share was sent.', {
  kept: Count,
  of: Type.Integer({ minimum: 1 }),
  since_us: Type.Integer({ minimum: 0, description: 'beginning of the time counted, as `at_us`, which is its end' }),
});

/** All kinds, each with its schema. */
export const STREAM_EVENTS = [
  StartedEvent,
  ViewEnteredEvent,
  ViewChangeStartedEvent,
  NewViewMadeEvent,
  RequestReceivedEvent,
  PrePreparedEvent,
  PreparedEvent,
  TentativelyExecutedEvent,
  CommittedEvent,
  DecidedEvent,
  ExecutedEvent,
  CheckpointTakenEvent,
  CheckpointStableEvent,
  BodyMissingEvent,
  BodyFetchedEvent,
  BufferedEvent,
  ComplainedEvent,
  TransferStartedEvent,
  TransferredEvent,
  StateDamagedEvent,
  ClientMarkedEvent,
  RequestTimeoutEvent,
  ResentEvent,
  SessionEvictedEvent,
  SuspicionEvent,
  DivergedEvent,
  RefusedEvent,
  RecoveryStartedEvent,
  RecoveryEstimatedEvent,
  RecoveryOrderedEvent,
  RecoveredEvent,
  MessageSentEvent,
  MessageReceivedEvent,
  BehaviourEvent,
  LinkEvent,
  HelloEvent,
  LostEvent,
  SampledEvent,
] as const;

/** Any event of the stream. */
export const StreamEvent = Type.Union([...STREAM_EVENTS], { $id: 'StreamEvent' });
export type StreamEvent = Static<(typeof STREAM_EVENTS)[number]>;
export type StreamEventKind = StreamEvent['kind'];

export const EventsQuery = Type.Object(
  {
    kinds: Type.Optional(
      Type.String({
        maxLength: 2048,
        description: 'only these kinds, separated by commas; `hello` and `lost` come in any case',
        examples: ['suspicion,view-entered'],
      }),
    ),
  },
  { additionalProperties: false },
);

/** The names of all kinds, in the order above. */
export const STREAM_EVENT_KINDS: readonly StreamEventKind[] = STREAM_EVENTS.map(
  ({ properties }) => properties.kind.const,
);
