/**
 * Statements: what one replica signed, small enough to keep and to pass on as evidence. Bytes: the Ed25519 signature (64), then what it signs
 * (`length of the domain ‖ domain ‖ cluster id ‖ content`). A reply is signed in a tree with others: there the domain is that of a receipt, and
 * behind the cluster id stand its place in the tree, the hashes that lead to what is signed, and its content. Nothing is verified here. A message
 * that is to be evidence has a line below.
 */
import { concatBytes } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { digestOf } from '../base/ids.ts';
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { checkpoint } from './checkpoint.ts';
import { DOMAINS, PROTOCOL } from './codec-context.ts';
import type { CodecContext } from './codec-context.ts';
import { commit } from './commit.ts';
import { authenticatedBytes, decodeValue, encodeMessage, encodeValue } from './frame.ts';
import { prePrepare } from './pre-prepare.ts';
import { prepare } from './prepare.ts';
import { newView } from './new-view.ts';
import type { DecodeRefusal } from './refusal.ts';
import type { Message } from './registry.ts';
import type { ReplyContent } from './reply.ts';
import { reply } from './reply.ts';
import { ReplyTree, replyTreeBytes } from './reply-tree.ts';
import { object } from './schema/composites.ts';
import { HEX_BYTES } from './schema/hex.ts';
import type { Schema, ValueOf } from './schema/schema.ts';
import type { TreeSignature } from './tree-signature.ts';
import { treePlace } from './tree-signature.ts';
import { viewChange } from './view-change.ts';

/** The content of each message that can be evidence by itself, by its type. One without attached fields stands here whole, with its rules. */
const CONTENTS = {
  'pre-prepare': prePrepare.content,
  prepare,
  commit,
  checkpoint,
  'view-change': viewChange.content,
  'new-view': newView.content,
} as const;

/** A reply with the way to what is signed. */
const receipt = object({ place: treePlace, content: reply.content });

/** What was signed. */
export type StatementContent = ValueOf<(typeof CONTENTS)[keyof typeof CONTENTS]> | ReplyContent;

const contents: ReadonlyMap<string, Schema<StatementContent>> = new Map(
  Object.entries(CONTENTS) as readonly (readonly [string, Schema<StatementContent>])[],
);

/** A statement taken apart; whose signature it is remains to be verified. */
export interface Statement {
  readonly content: StatementContent;
  readonly signature: Bytes;
  /** What the signature must cover. */
  readonly signed: Bytes;
  /** What it says: that of two statements differs exactly when they say different things, also where one signature covers both. */
  readonly said: Bytes;
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

/** The statement in a reply and the signature that makes it a receipt. */
export function receiptStatement(
  context: CodecContext,
  content: ReplyContent,
  { signature, ...place }: TreeSignature,
): Bytes {
  return concatBytes(signature, context.bound(DOMAINS.receipt, encodeValue(receipt, { place, content })));
}

/** Takes a statement of this cluster apart. Never throws, whatever the bytes. */
export function readStatement(context: CodecContext, bytes: Bytes): Result<Statement, StatementFault> {
  const signed = bytes.slice(SIGNATURE_BYTES);
  const domainEnd = 1 + (signed[0] ?? 0);
  const contentStart = domainEnd + HEX_BYTES;
  if (signed.length < contentStart) return fail({ code: 'malformed', reason: 'shorter than a signature and a domain' });
  const domain = String.fromCharCode(...signed.subarray(1, domainEnd));
  const name = domain.startsWith(`${PROTOCOL}/`) ? domain.slice(PROTOCOL.length + 1) : '';
  const schema = contents.get(name);
  if (schema === undefined && name !== DOMAINS.receipt)
    return fail({ code: 'unknown-type', reason: JSON.stringify(domain) });
  if (digestOf(signed.subarray(domainEnd, contentStart)) !== context.clusterId)
    return fail({ code: 'foreign-cluster', reason: 'it was signed for another cluster' });
  const signature = bytes.slice(0, SIGNATURE_BYTES);
  const body = signed.slice(contentStart);
  if (schema === undefined) return readReceipt(context, signature, body);
  const content = decodeValue(schema, body, context);
  return content.ok ? ok({ content: content.value, signature, signed, said: signed }) : fail(malformed(content.error));
}

function readReceipt(context: CodecContext, signature: Bytes, body: Bytes): Result<Statement, StatementFault> {
  const read = decodeValue(receipt, body, context);
  if (!read.ok) return fail(malformed(read.error));
  const { place, content } = read.value;
  const tree = ReplyTree.around(context, [content], place);
  if (tree === undefined) return fail({ code: 'malformed', reason: 'its hashes lead to no root' });
  const said = context.bound(DOMAINS.receipt, encodeValue(reply.content, content));
  return ok({ content, signature, signed: replyTreeBytes(context, tree.leaves, tree.root), said });
}

function malformed({ code, at }: DecodeRefusal): StatementFault {
  return { code: 'malformed', reason: at === '' ? code : `${code} at ${at}` };
}
