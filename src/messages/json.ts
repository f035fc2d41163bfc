/**
 * Messages as JSON, in the shapes of the project's first document: `type`, `view`, `sequence`, `digest`, `node_id`, `signature` … A digest
 * beside a `sequence` is always the batch's; a request's own is `request_digest`. Names are the fields' in snake_case; each schema says
 * where it differs, `authenticated-requests-json.ts` how requests look. The proof is the member `signature`, `ed25519:<base64url>` or
 * `mac:<base64url>`, absent if there is none. A REPLY has no `type`.
 */
import type { Result } from '../base/result.ts';
import type { CodecContext } from './codec-context.ts';
import type { DecodedFrame } from './frame.ts';
import { attempt, authenticatedBytes, encodeMessage } from './frame.ts';
import type { MessageSchema } from './message-schema.ts';
import type { Proof } from './proof.ts';
import { NO_PROOF, proof as proofSchema } from './proof.ts';
import type { DecodeRefusal } from './refusal.ts';
import { refuse } from './refusal.ts';
import type { Message } from './registry.ts';
import { MESSAGES, schemaOfType } from './registry.ts';
import type { Json, JsonObject } from './schema/json-value.ts';
import { isJsonObject, member, openObject } from './schema/json-value.ts';

const REPLY_TYPE = 'reply';

const namesOfType: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  MESSAGES.map((schema) => [schema.type, new Set([...schema.members.names, ...proofSchema.json.names])]),
);

/** A message, and what authenticates it, as a JSON object. Requires: the message is within its schema. */
export function toJson(message: Message, proof: Proof = NO_PROOF): JsonObject {
  const object: JsonObject = {};
  schemaOfType(message.type)?.members.put(message, object);
  proofSchema.json.put(proof, object);
  return object;
}

/**
 * The message that a JSON value (as `JSON.parse` returns it) describes, with its proof (not verified) and the bytes that the proof must
 * cover; or why it describes none. Never throws. Refuses unknown members; checks everything that `decodeFrame` does.
 */
export function fromJson(value: unknown, context: CodecContext): Result<DecodedFrame, DecodeRefusal> {
  return attempt(() => {
    const schema = schemaOfJson(value);
    const object = openObject(value, namesOfType.get(schema.type) ?? new Set());
    const message = schema.members.take(object, context);
    const proof = proofSchema.json.take(object, context);
    return { message, proof, authenticated: authenticatedBytes(context, encodeMessage(message)) };
  });
}

function schemaOfJson(value: unknown): MessageSchema<Message> {
  if (!isJsonObject(value)) return refuse('wrong-type');
  const type: Json = member(value, 'type') ?? REPLY_TYPE;
  if (typeof type !== 'string') return refuse('wrong-type', 'type');
  const schema = schemaOfType(type);
  if (schema === undefined || schema.isTyped !== Object.hasOwn(value, 'type')) return refuse('unknown-type', 'type');
  return schema;
}
