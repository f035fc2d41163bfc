/**
 * Statements: what one replica signed, small enough to keep and to pass on as evidence. Bytes: the Ed25519 signature (64), then what it signs
 * (`length of the domain ‖ domain ‖ cluster id ‖ content`). Nothing is verified here. A message that is to be evidence has a line below.
 */
import { concatBytes } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { digestOf } from '../base/ids.ts';
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { checkpoint } from './checkpoint.ts';
import { PROTOCOL } from './codec-context.ts';
import type { CodecContext } from './codec-context.ts';
import { commit } from './commit.ts';
import { authenticatedBytes, decodeValue, encodeMessage } from './frame.ts';
import { prePrepare } from './pre-prepare.ts';
import { prepare } from './prepare.ts';
import { newView } from './new-view.ts';
import type { Message } from './registry.ts';
import { reply } from './reply.ts';
import { HEX_BYTES } from './schema/hex.ts';
import type { Schema, ValueOf } from './schema/schema.ts';
import { viewChange } from './view-change.ts';

/** The content of each message that can be evidence, by its type. One without attached fields stands here whole, with its rules. */
const CONTENTS = {
  'pre-prepare': prePrepare.content,
  prepare,
  commit,
  checkpoint,
  reply: reply.content,
  'view-change': viewChange.content,
  'new-view': newView.content,
} as const;

/** What was signed. */
export type StatementContent = ValueOf<(typeof CONTENTS)[keyof typeof CONTENTS]>;

const contents: ReadonlyMap<string, Schema<StatementContent>> = new Map(
  Object.entries(CONTENTS) as readonly (readonly [string, Schema<StatementContent>])[],
);

/** A statement taken apart; whose signature it is remains to be verified. */
export interface Statement {
  readonly content: StatementContent;
  readonly signature: Bytes;
  /** What the signature must cover. */
  readonly signed: Bytes;
}

/** Why bytes are no statement: `malformed` (reason: where), `foreign-cluster`, or `unknown-type` (reason: its domain). */
export interface StatementFault {
  readonly code: 'malformed' | 'foreign-cluster' | 'unknown-type';
  readonly reason: string;
}

export const SIGNATURE_BYTES = 64;

/** The statement in a message and its signature. */
export function statementOf(context: CodecContext, message: Message, signature: Bytes): Bytes {
  return concatBytes(signature, authenticatedBytes(context, encodeMessage(message)));
}

/** Takes a statement of this cluster apart. Never throws, whatever the bytes. */
export function readStatement(context: CodecContext, bytes: Bytes): Result<Statement, StatementFault> {
  const signed = bytes.slice(SIGNATURE_BYTES);
  const domainEnd = 1 + (signed[0] ?? 0);
  const contentStart = domainEnd + HEX_BYTES;
  if (signed.length < contentStart) return fail({ code: 'malformed', reason: 'shorter than a signature and a domain' });
  const domain = String.fromCharCode(...signed.subarray(1, domainEnd));
  const schema = domain.startsWith(`${PROTOCOL}/`) ? contents.get(domain.slice(PROTOCOL.length + 1)) : undefined;
  if (schema === undefined) return fail({ code: 'unknown-type', reason: JSON.stringify(domain) });
  if (digestOf(signed.subarray(domainEnd, contentStart)) !== context.clusterId)
    return fail({ code: 'foreign-cluster', reason: 'it was signed for another cluster' });
  const content = decodeValue(schema, signed.slice(contentStart), context);
  if (!content.ok) {
    const { code, at } = content.error;
    return fail({ code: 'malformed', reason: at === '' ? code : `${code} at ${at}` });
  }
  return ok({ content: content.value, signature: bytes.slice(0, SIGNATURE_BYTES), signed });
}
