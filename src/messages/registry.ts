/** All messages that can stand in a frame. A new one is a file of its own and a line here. */
import { assert } from '../base/assert.ts';
import { batchBody } from './batch-body.ts';
import { checkpoint } from './checkpoint.ts';
import { DOMAINS } from './codec-context.ts';
import { commit } from './commit.ts';
import { complaint } from './complaint.ts';
import { decided } from './decided.ts';
import { fetch } from './fetch.ts';
import { fetchState } from './fetch-state.ts';
import { LIMITS } from './limits.ts';
import type { MessageSchema } from './message-schema.ts';
import { newView } from './new-view.ts';
import { prePrepare } from './pre-prepare.ts';
import { prepare } from './prepare.ts';
import { proof } from './proof.ts';
import { queryStable } from './query-stable.ts';
import { replies } from './replies.ts';
import { reply } from './reply.ts';
import { replyStable } from './reply-stable.ts';
import { requests } from './requests.ts';
import type { ValueOf } from './schema/schema.ts';
import { simulateByzantine } from './simulate-byzantine.ts';
import { state } from './state.ts';
import { status } from './status.ts';
import { viewChange } from './view-change.ts';

/** The schemas, in the order of their tags. */
export const MESSAGES = [
  prePrepare,
  prepare,
  commit,
  checkpoint,
  reply,
  replies,
  requests,
  status,
  fetch,
  batchBody,
  decided,
  complaint,
  simulateByzantine,
  fetchState,
  state,
  viewChange,
  newView,
  queryStable,
  replyStable,
] as const;

/** Any message that can stand in a frame. */
export type Message = ValueOf<(typeof MESSAGES)[number]>;
/** The word that tells messages apart. */
export type MessageType = Message['type'];

const schemas: readonly MessageSchema<Message>[] = MESSAGES as readonly unknown[] as readonly MessageSchema<Message>[];
const byType: ReadonlyMap<string, MessageSchema<Message>> = new Map(schemas.map((schema) => [schema.type, schema]));
const byTag: readonly (MessageSchema<Message> | undefined)[] = Array.from({ length: 256 }, (_, tag) =>
  schemas.find((schema) => schema.tag === tag),
);

assert(byType.size === schemas.length, 'a type has one schema');
assert(new Set(schemas.map((schema) => schema.tag)).size === schemas.length, 'a tag has one schema');
assert(
  Object.values(DOMAINS).every((domain) => !byType.has(domain)),
  'a message has its domain for itself',
);
assert(
  schemas.every((schema) => 1 + schema.maxBytes + proof.maxBytes <= LIMITS.frameBytes),
  'every valid message fits into a frame',
);

/** All message types, in the order of their tags. */
export const MESSAGE_TYPES: readonly MessageType[] = MESSAGES.map((schema) => schema.type as MessageType);

/** The schema of a message type; undefined if there is none. */
export function schemaOfType(type: string): MessageSchema<Message> | undefined {
  return byType.get(type);
}

/** The schema of the first byte of an encoding; undefined if there is none. */
export function schemaOfTag(tag: number): MessageSchema<Message> | undefined {
  return byTag[tag];
}
