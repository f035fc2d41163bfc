/**
 * Evidence on its way to third parties: `GET /pbft/suspicions` answers with it, a file holds it, `pbft verify` judges it (docs/detection.md). One
 * item stands for itself: it names its format and its cluster.
 */
import Type from 'typebox';
import type { Static } from 'typebox';
import { fromBase64Url, toBase64Url } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { asSequence, asView, replicaName, replicaOfName } from '../base/ids.ts';
import type { Digest, Sequence, View } from '../base/ids.ts';
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import type { Claim } from '../protocol/evidence.ts';
import { SUSPICION_KINDS } from '../protocol/suspicion.ts';
import type { Suspicion, SuspicionKind } from '../protocol/suspicion.ts';
import { DigestText, NodeName, SequenceNumber, ViewNumber } from './common.ts';

export const EVIDENCE_FORMAT = 'pbft-evidence/1';

/** In one item, and in one file. */
export const MAX_STATEMENTS = 256;
export const MAX_EVIDENCE_ITEMS = 10_000;

/** What an item must have; a file may say more, which is not looked at. */
export const EvidenceFields = {
  format: Type.Literal(EVIDENCE_FORMAT),
  cluster_id: DigestText,
  node: NodeName,
  kind: Type.String({ description: 'what was seen; docs/detection.md lists the kinds' }),
  view: ViewNumber,
  sequence: SequenceNumber,
  summary: Type.String({ description: 'one sentence: what was seen' }),
  statements: Type.Array(Type.String({ description: 'base64url: 64 bytes of signature, then what it signs' }), {
    maxItems: MAX_STATEMENTS,
    description: 'what the nodes signed; empty where nothing was',
  }),
} as const;

/** One suspicion with its evidence. */
export const SuspicionItem = Type.Object(
  {
    ...EvidenceFields,
    certainty: Type.Enum(['certain', 'uncertain'], {
      description: 'certain: given at most f faulty nodes, a correct node can never cause it',
    }),
    provable: Type.Boolean({
      description: 'true: the statements prove it to anyone with the public keys (`pbft verify`)',
    }),
    first_seen_ms: Type.Integer({ description: 'ms since 1970, clock of the answering node' }),
    last_seen_ms: Type.Integer({ description: 'ms since 1970, clock of the answering node' }),
    count: Type.Integer({ minimum: 1, description: 'how often it was seen' }),
  },
  { additionalProperties: false },
);
export type SuspicionItem = Static<typeof SuspicionItem>;

/** `GET /pbft/suspicions`. Saved to a file, it can be verified. */
export const SuspicionsBody = Type.Object(
  { node_id: NodeName, suspicions: Type.Array(SuspicionItem) },
  { $id: 'Suspicions', additionalProperties: false },
);
export type SuspicionsBody = Static<typeof SuspicionsBody>;

/** A suspicion as evidence. */
export function suspicionItem(clusterId: Digest, suspicion: Suspicion, provable: boolean): SuspicionItem {
  const { node, kind, certainty, view, sequence, evidence, firstSeenMs, lastSeenMs, count } = suspicion;
  return {
    format: EVIDENCE_FORMAT,
    cluster_id: clusterId,
    node: replicaName(node),
    kind,
    view,
    sequence,
    summary: evidence.summary,
    statements: evidence.frames.map(toBase64Url),
    certainty,
    provable,
    first_seen_ms: firstSeenMs,
    last_seen_ms: lastSeenMs,
    count,
  };
}

/** One item of a file. */
export interface EvidenceItem {
  readonly clusterId: string;
  readonly claim: Claim;
  readonly summary: string;
  /** What the item says of itself; undefined: nothing. */
  readonly provable: boolean | undefined;
}

/** Why an item cannot be judged; `field` is where. */
export type EvidenceItemFault =
  | { readonly code: 'not-an-object' }
  /** Another `format` than the one this version reads. */
  | { readonly code: 'unknown-format' }
  | { readonly code: 'bad-field'; readonly field: string; readonly allowed: string }
  /** A kind that this version does not know. */
  | { readonly code: 'unknown-kind' }
  /** A statement that is not canonical base64url without padding. */
  | { readonly code: 'damaged-base64'; readonly index: number };

/** Why a file is no evidence. */
export type EvidenceFileFault =
  | { readonly code: 'no-evidence'; readonly allowed: string }
  | { readonly code: 'too-many-items'; readonly max: number };

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The items of a file: one item, an array of them, or an answer of `GET /pbft/suspicions`. Never throws. */
export function readEvidence(
  json: unknown,
): Result<readonly Result<EvidenceItem, EvidenceItemFault>[], EvidenceFileFault> {
  const items = isObject(json) ? (json['suspicions'] ?? [json]) : json;
  if (!Array.isArray(items))
    return fail({ code: 'no-evidence', allowed: 'one item, an array of items, or an answer of GET /pbft/suspicions' });
  if (items.length > MAX_EVIDENCE_ITEMS) return fail({ code: 'too-many-items', max: MAX_EVIDENCE_ITEMS });
  return ok(items.map(readItem));
}

function readItem(item: unknown): Result<EvidenceItem, EvidenceItemFault> {
  if (!isObject(item)) return fail({ code: 'not-an-object' });
  if (item['format'] !== EVIDENCE_FORMAT) return fail({ code: 'unknown-format' });
  const { cluster_id: clusterId, summary, provable } = item;
  if (typeof clusterId !== 'string' || !/^[0-9a-f]{64}$/.test(clusterId))
    return badField('cluster_id', '64 lowercase hexadecimal characters');
  if (typeof summary !== 'string') return badField('summary', 'text');
  if (provable !== undefined && typeof provable !== 'boolean') return badField('provable', 'true or false');
  const claim = readClaim(item);
  return claim.ok ? ok({ clusterId, claim: claim.value, summary, provable }) : claim;
}

function readClaim(item: Fields): Result<Claim, EvidenceItemFault> {
  const node = typeof item['node'] === 'string' ? replicaOfName(item['node']) : undefined;
  if (node === undefined) return badField('node', 'node1, node2 …');
  const kind = SUSPICION_KINDS.find((known: SuspicionKind) => known === item['kind']);
  if (kind === undefined)
    return typeof item['kind'] === 'string' ? fail({ code: 'unknown-kind' }) : badField('kind', 'text');
  const view = viewOf(item['view']);
  if (view === undefined) return badField('view', 'an integer from 0');
  const sequence = sequenceOf(item['sequence']);
  if (sequence === undefined) return badField('sequence', 'an integer from 0');
  const statements = readStatements(item['statements']);
  return statements.ok ? ok({ node, kind, view, sequence, statements: statements.value }) : statements;
}

function readStatements(list: unknown): Result<readonly Bytes[], EvidenceItemFault> {
  const allowed = `at most ${MAX_STATEMENTS} texts`;
  if (!Array.isArray(list) || list.length > MAX_STATEMENTS) return badField('statements', allowed);
  const statements: Bytes[] = [];
  for (const [index, text] of list.entries()) {
    if (typeof text !== 'string') return badField(`statements[${index}]`, 'text');
    const bytes = fromBase64Url(text);
    if (bytes === undefined) return fail({ code: 'damaged-base64', index });
    statements.push(bytes);
  }
  return ok(statements);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function viewOf(value: unknown): View | undefined {
  return isCount(value) ? asView(value) : undefined;
}

function sequenceOf(value: unknown): Sequence | undefined {
  return isCount(value) ? asSequence(value) : undefined;
}

function badField(field: string, allowed: string): { readonly ok: false; readonly error: EvidenceItemFault } {
  return fail({ code: 'bad-field', field, allowed });
}
