/** `GET /pbft/explain`: why nothing moves. */
import Type from 'typebox';
import type { Static } from 'typebox';
import { Count, DigestText, NodeName, SequenceNumber, ViewNumber } from './common.ts';

/** Slots that one answer holds at most, the lowest first: what is above them waits for them. */
export const MAX_EXPLAINED_SLOTS = 64;

/** What a slot can wait for, in the order in which it may, and then what a node can. */
export const WAIT_KINDS = [
  'pre-prepare',
  'new-view',
  'stable-checkpoint',
  'request-proof',
  'batch-time',
  'prepares',
  'commits',
  'body',
  'earlier-slot',
  'turn',
  'estimates',
  'recover',
  'recovery-end',
  'recovery-views',
  'repair',
  'state',
  'storage',
  'checkpoints',
  'decisions',
  'proposal',
  'window',
  'link',
  'room',
  'restart',
] as const;

const Since = Type.Integer({
  minimum: 0,
  description: 'ms since anything moved there; a restart and a new view begin anew',
});

/** One thing that is waited for. */
export const WaitBody = Type.Object(
  {
    what: Type.Enum([...WAIT_KINDS], { description: 'docs/api.md lists the kinds' }),
    sequence: Type.Integer({ minimum: 0, description: 'the slot, checkpoint or execution that must come; 0: none' }),
    needed: Type.Integer({ minimum: 0, description: 'how many nodes it takes; 0 where none are counted' }),
    have: Type.Array(NodeName, { description: 'who has done it' }),
    missing: Type.Array(NodeName, { description: 'who could still do it' }),
    since_ms: Since,
    amount: Type.Union([Count, Type.Null()], {
      description:
        'requests that wait, bytes of the state that have come, or seconds until a RECOVER may be ordered; null where none is meant',
    }),
    text: Type.String({ description: 'the same for people' }),
  },
  { additionalProperties: false },
);
export type WaitBody = Static<typeof WaitBody>;

/** One open slot: accepted or voted for, and not executed. */
export const ExplainedSlot = Type.Object(
  {
    sequence: SequenceNumber,
    view: ViewNumber,
    digest: Type.Union([DigestText, Type.Null()]),
    phase: Type.Enum(['none', 'pre-prepared', 'prepared', 'committed']),
    waiting_for: WaitBody,
  },
  { additionalProperties: false },
);
export type ExplainedSlot = Static<typeof ExplainedSlot>;

/** A view change under way. */
export const ExplainedViewChange = Type.Object(
  {
    view: Type.Integer({ minimum: 0, description: 'the view being changed to' }),
    primary: NodeName,
    since_ms: Since,
    needed: Type.Integer({ minimum: 1, description: 'VIEW-CHANGEs that a decision takes' }),
    have: Type.Array(NodeName, { description: 'whose VIEW-CHANGE for this view is here' }),
    missing: Type.Array(NodeName),
    seen_in_view: Type.Array(NodeName, { description: 'nodes seen in this view or a higher one' }),
    next_view_in_ms: Type.Union([Count, Type.Null()], {
      description: 'null while the timer for the next view does not run',
    }),
    decision: Type.Union([Type.String(), Type.Null()], {
      description: 'at the new primary: what its decision waits for',
    }),
    text: Type.String({ description: 'the same for people' }),
  },
  { additionalProperties: false },
);
export type ExplainedViewChange = Static<typeof ExplainedViewChange>;

/** Everything that a node waits for, and from whom. */
export const ExplainBody = Type.Object(
  {
    node_id: NodeName,
    view: ViewNumber,
    primary: NodeName,
    in_view_change: Type.Boolean(),
    last_executed: SequenceNumber,
    summary: Type.String({ description: 'one sentence: what holds everything up; or that nothing is open' }),
    view_change: Type.Union([ExplainedViewChange, Type.Null()]),
    waits: Type.Array(WaitBody, { description: 'what the node itself waits for, what holds up most first' }),
    open_slots: Type.Integer({ minimum: 0, description: 'all of them; `slots` has the lowest' }),
    slots: Type.Array(ExplainedSlot, { maxItems: MAX_EXPLAINED_SLOTS }),
  },
  { $id: 'Explain', additionalProperties: false },
);
export type ExplainBody = Static<typeof ExplainBody>;
