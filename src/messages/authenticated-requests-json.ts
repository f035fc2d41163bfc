/**
 * The JSON of a list of requests with their proofs: members of the message around it.
 *
 * - `request` (the operation of the only one) or `requests` (a list of operations, any number of them);
 * - `request_headers`: for each, in the same order, `{client, session, timestamp, flags?, idempotency?: {scope, key}, replier,
 *   request_digest?, …proof}`, where the proof is `signature: "ed25519:…"` with `asked?`, or `bundle` (index into `bundles`) with `position`;
 *   `request_digest` may be left out by whoever writes one, and must be right if given;
 * - `bundles`, if any: `[{asked?, digests, macs: ["mac:…"]}]`, each used by at least one request; `asked` names the replicas that are to reply,
 *   and is absent where all are.
 */
import type { AuthenticatedRequest, Bundle, RequestProof } from './bundle.ts';
import { macList, tabulate } from './bundle.ts';
import type { CodecContext } from './codec-context.ts';
import { LIMITS } from './limits.ts';
import { refuse } from './refusal.ts';
import { EVERYBODY, replicaSet } from './replica-set.ts';
import type { ReplicaSet } from './replica-set.ts';
import type { Request } from './request.ts';
import { request, requestDigest } from './request.ts';
import { list, object } from './schema/composites.ts';
import type { Json, JsonObject } from './schema/json-value.ts';
import { at, member, openList, openObject } from './schema/json-value.ts';
import { digest, wholeNumber } from './schema/scalars.ts';
import type { MembersForm, ValueForm } from './schema/schema.ts';
import { valueForm } from './schema/schema.ts';
import { signature } from './schema/signed-text.ts';

type Requests = readonly AuthenticatedRequest[];
type Members = { readonly [name: string]: Json };

const bundleForm: ValueForm<Bundle> = object({
  asked: replicaSet,
  digests: list(digest, LIMITS.requestsPerBundle),
  macs: macList,
}).json;
const askedForm = valueForm(replicaSet);
const digestForm = valueForm(digest);
const signatureForm = valueForm(signature);

const OPERATION = 'operation';
const HEADER_NAMES: ReadonlySet<string> = new Set([
  ...request.members.names.filter((name) => name !== OPERATION),
  'request_digest',
  'asked',
  'signature',
  'bundle',
  'position',
]);

/** The members of a message that hold its requests. */
export const authenticatedRequestsForm: MembersForm<Requests> = {
  kind: 'members',
  names: ['request', 'requests', 'request_headers', 'bundles'],
  put,
  take,
};

function put(requests: Requests, members: JsonObject): void {
  const table = tabulate(requests);
  const operations: Json[] = [];
  const headers: Json[] = [];
  requests.forEach((entry, index) => {
    const { [OPERATION]: operation = null, ...header } = putRequest(entry.request);
    operations.push(operation);
    const { proof } = entry;
    const proofMembers: JsonObject =
      proof.kind === 'signature'
        ? { ...putAsked(proof.asked), signature: signatureForm.to(proof.signature) ?? null }
        : { bundle: table.rowOf[index]?.number ?? null, position: proof.position };
    headers.push({ ...header, request_digest: entry.digest, ...proofMembers });
  });
  if (operations.length === 1) members['request'] = operations[0] ?? null;
  else members['requests'] = operations;
  members['request_headers'] = headers;
  if (table.rows.length > 0) members['bundles'] = table.rows.map((row) => bundleForm.to(row.bundle) ?? null);
}

function putAsked(asked: ReplicaSet): JsonObject {
  const json = askedForm.to(asked);
  return json === undefined ? {} : { asked: json };
}

function putRequest(value: Request): JsonObject {
  const made: JsonObject = {};
  request.members.put(value, made);
  return made;
}

function take(members: Members, context: CodecContext): Requests {
  const operations = takeOperations(members);
  const bundles = takeBundles(members, context);
  const headers = at('request_headers', () =>
    openList(member(members, 'request_headers') ?? refuse('missing-field'), LIMITS.requestsPerBatch),
  );
  if (headers.length !== operations.length) refuse('inconsistent', 'request_headers');
  const requests = headers.map((header, index) =>
    at(`request_headers[${index}]`, () => takeRequest(header, operations[index] ?? null, bundles, context)),
  );
  const { rows } = tabulate(requests, (index) => refuse('bundle-mismatch', `request_headers[${index}]`));
  if (rows.length !== bundles.length) refuse('inconsistent', 'bundles');
  return requests;
}

function takeOperations(members: Members): readonly Json[] {
  const one = member(members, 'request');
  const many = member(members, 'requests');
  if (one !== undefined && many !== undefined) refuse('inconsistent', 'request');
  if (one !== undefined) return [one];
  return at('requests', () => openList(many ?? refuse('missing-field'), LIMITS.requestsPerBatch));
}

function takeBundles(members: Members, context: CodecContext): readonly Bundle[] {
  const json = member(members, 'bundles') ?? [];
  return at('bundles', () =>
    openList(json, LIMITS.requestsPerBatch).map((item, index) =>
      at(`[${index}]`, () => bundleForm.from(item, context)),
    ),
  );
}

function takeRequest(
  json: Json,
  operation: Json,
  bundles: readonly Bundle[],
  context: CodecContext,
): AuthenticatedRequest {
  const header = openObject(json, HEADER_NAMES);
  const value = request.members.take({ ...header, [OPERATION]: operation }, context);
  const computed = requestDigest(context, value);
  const stated = member(header, 'request_digest');
  if (stated !== undefined) {
    at('request_digest', () => (digestForm.from(stated, context) === computed ? undefined : refuse('digest-mismatch')));
  }
  return { request: value, digest: computed, proof: takeProof(header, bundles, context) };
}

function takeAsked(header: Members, context: CodecContext): ReplicaSet {
  const json = member(header, 'asked');
  return json === undefined ? EVERYBODY : at('asked', () => askedForm.from(json, context));
}

function takeProof(header: Members, bundles: readonly Bundle[], context: CodecContext): RequestProof {
  const signed = member(header, 'signature');
  const number = member(header, 'bundle');
  const position = member(header, 'position');
  if (signed !== undefined) {
    if (number !== undefined || position !== undefined) refuse('inconsistent', 'signature');
    return {
      kind: 'signature',
      asked: takeAsked(header, context),
      signature: at('signature', () => signatureForm.from(signed, context)),
    };
  }
  if (number === undefined) return refuse('missing-field', 'signature');
  if (member(header, 'asked') !== undefined) return refuse('inconsistent', 'asked');
  const bundle = at('bundle', () => bundles[wholeNumber(number, LIMITS.requestsPerBatch)] ?? refuse('out-of-range'));
  if (position === undefined) return refuse('missing-field', 'position');
  return {
    kind: 'authenticator',
    bundle,
    position: at('position', () => wholeNumber(position, LIMITS.requestsPerBundle - 1)),
  };
}
