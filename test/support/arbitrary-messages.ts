/** Random valid messages of every type, for properties. Digests are real, so that what is generated also decodes. */
import { hash } from 'node:crypto';
import fc from 'fast-check';
import type { Arbitrary } from 'fast-check';
import type { Bytes } from '../../src/base/bytes.ts';
import { toHex } from '../../src/base/bytes.ts';
import { NULL_DIGEST, asClientId, asDigest, asReplicaId, asSequence, asView } from '../../src/base/ids.ts';
import type { ClientId, Digest, ReplicaId, Sequence, View } from '../../src/base/ids.ts';
import type { SubtreeAddress } from '../../src/base/key-value.ts';
import { encodeUtf8 } from '../../src/base/utf8.ts';
import {
  EVERYBODY,
  CodecContext,
  LIMITS,
  batchDigest,
  requestDigest,
  resultDigest,
  viewChangeDigest,
} from '../../src/messages/index.ts';
import type {
  AuthenticatedRequest,
  Batch,
  Message,
  MessageType,
  Proof,
  Replies,
  Reply,
  Request,
  SignedViewChange,
  SlotDigest,
  StateSubtree,
  TreeSignature,
  ViewChange,
} from '../../src/messages/index.ts';

/** The cluster of all generated messages. */
export const CLUSTER: Digest = asDigest('c1'.repeat(32));
/** A codec for them, with the real hash. */
export const context: CodecContext = new CodecContext(CLUSTER, (bytes) => asDigest(hash('sha256', bytes, 'hex')));

/** Of the path to a key. */
const PATH_BITS = 256;

const EDGES = [0, 1, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];

/** Integers from 0 to 2^53−1, the edges of their encoding among them. */
export const integer: Arbitrary<number> = fc.oneof(fc.constantFrom(...EDGES), fc.maxSafeNat());

const hex32: Arbitrary<string> = exactBytes(32).map(toHex);
const view: Arbitrary<View> = integer.map(asView);
const sequence: Arbitrary<Sequence> = integer.map(asSequence);
const digest: Arbitrary<Digest> = hex32.map(asDigest);
const replica: Arbitrary<ReplicaId> = fc.nat(255).map(asReplicaId);
const client: Arbitrary<ClientId> = hex32.map(asClientId);
const mac: Arbitrary<Bytes> = fc.uint8Array({ minLength: LIMITS.macMinBytes, maxLength: LIMITS.macMaxBytes });

/** Plain objects, as the codec makes them. */
function record<T extends object>(fields: { [K in keyof T]: Arbitrary<T[K]> }): Arbitrary<T> {
  return fc.record<T>(fields, { noNullPrototype: true });
}

const subtreeAddress: Arbitrary<SubtreeAddress> = fc
  .tuple(exactBytes(32), fc.nat(PATH_BITS), digest)
  .map(([bytes, depth, hash]) => ({
    path: asDigest(toHex(bytes.map((byte, at) => byte & maskOf(depth - 8 * at)))),
    depth,
    hash,
  }));

/** The first `bits` bits of a byte. */
function maskOf(bits: number): number {
  return bits >= 8 ? 0xff : bits <= 0 ? 0 : 0xff & (0xff << (8 - bits));
}

const subtreeOfEntries: Arbitrary<StateSubtree> = record({
  address: subtreeAddress,
  entries: fc.array(
    record({ key: fc.uint8Array({ minLength: 1, maxLength: 80 }), value: fc.uint8Array({ maxLength: 80 }) }),
    { minLength: 1, maxLength: 4 },
  ),
  nodes: fc.constant([]),
});
const subtreeOfNodes: Arbitrary<StateSubtree> = record({
  address: subtreeAddress,
  entries: fc.constant([]),
  nodes: fc.array(record({ bit: fc.nat(PATH_BITS - 1), left: digest, right: digest }), { minLength: 1, maxLength: 4 }),
});

function exactBytes(length: number): Arbitrary<Bytes> {
  return fc.uint8Array({ minLength: length, maxLength: length });
}

function printable(minLength: number, maxLength: number): Arbitrary<string> {
  return fc.string({ unit: 'grapheme-ascii', minLength, maxLength });
}

/** Bytes of an operation or a result: JSON objects of all kinds, their text with flaws, and noise around the edges of slabs. */
export const contentBytes: Arbitrary<Bytes> = fc.oneof(
  fc.object({ maxDepth: 3 }).map((value) => utf8(JSON.stringify(value))),
  fc.json({ maxDepth: 3 }).map(utf8),
  fc
    .constantFrom(
      '{"operation":"transfer","amount":100}',
      '{ "operation": "transfer" }',
      '{"base64":"AAAA"}',
      '{"base64":1}',
      '{"b":1,"1":2}',
      '{"a":1,"a":2}',
      '{"__proto__":{"polluted":true}}',
      '{}',
      '{',
      '[]',
    )
    .map(utf8),
  fc.uint8Array({ maxLength: 100 }),
  fc.uint8Array({ minLength: 1000, maxLength: 1100 }),
);

function utf8(text: string): Bytes {
  return encodeUtf8(text) ?? new Uint8Array([0x7b]);
}

/** A request of the client, or of any. */
export function request(of: Arbitrary<ClientId> = client): Arbitrary<Request> {
  return record({
    type: fc.constant('request' as const),
    client: of,
    session: integer,
    timestamp: integer,
    flags: fc.nat(3),
    idempotency: fc.option(
      record({
        scope: printable(0, LIMITS.idempotencyScopeLength),
        key: printable(1, LIMITS.idempotencyKeyLength),
      }),
      { nil: undefined },
    ),
    operation: contentBytes,
    replier: replica,
  });
}

const signedRequest: Arbitrary<readonly AuthenticatedRequest[]> = record({
  request: request(),
  signature: exactBytes(64),
  asked: fc.option(fc.integer({ min: 1, max: 2 ** 31 - 1 }), { nil: undefined }),
}).map(({ request: value, signature, asked = EVERYBODY }) => [
  { request: value, digest: requestDigest(context, value), proof: { kind: 'signature' as const, asked, signature } },
]);

/** Some requests of one client under one bundle, which also covers requests that are elsewhere. */
const bundledRequests: Arbitrary<readonly AuthenticatedRequest[]> = client
  .chain((of) =>
    record({
      requests: fc.array(request(fc.constant(of)), { minLength: 1, maxLength: 4 }),
      others: fc.array(digest, { maxLength: 3 }),
      macs: fc.array(mac, { maxLength: 5 }),
      asked: fc.option(fc.integer({ min: 1, max: 2 ** 31 - 1 }), { nil: undefined }),
      order: fc.array(fc.nat(1000), { minLength: 7, maxLength: 7 }),
    }),
  )
  .map(({ requests, others, macs, asked, order }) => {
    const rank = new Map<Digest, number>();
    for (const value of [...requests.map((entry) => requestDigest(context, entry)), ...others]) {
      rank.set(value, order[rank.size] ?? 0);
    }
    const digests = [...rank.keys()].sort((left, right) => (rank.get(left) ?? 0) - (rank.get(right) ?? 0));
    const bundle = { asked: asked ?? EVERYBODY, digests, macs };
    return requests.map((value) => {
      const own = requestDigest(context, value);
      return {
        request: value,
        digest: own,
        proof: { kind: 'authenticator' as const, bundle, position: digests.indexOf(own) },
      };
    });
  });

/** Requests of several bundles and signed ones, mixed. */
export const authenticatedRequests: Arbitrary<readonly AuthenticatedRequest[]> = fc
  .array(fc.oneof(signedRequest, bundledRequests), { maxLength: 4 })
  .chain((groups) => fc.shuffledSubarray(groups.flat(), { minLength: groups.flat().length }));

/** At least one request or a flag. */
export const batch: Arbitrary<Batch> = record({
  timestamp: fc.nat(LIMITS.timestampMs),
  flags: fc.nat(1),
  requests: authenticatedRequests,
}).map((value) => (value.requests.length === 0 ? { ...value, flags: 1 } : value));

/** Of any tree; whether the hashes lead to a root is not the codec's question. */
export const treeSignature: Arbitrary<TreeSignature> = fc
  .record({ leaves: fc.integer({ min: 1, max: LIMITS.repliesPerTree }), at: fc.nat(LIMITS.repliesPerTree) })
  .chain(({ leaves, at }) =>
    record({
      leaves: fc.constant(leaves),
      position: fc.constant(at % leaves),
      siblings: fc.array(digest, { maxLength: 24 }),
      signature: exactBytes(64),
    }),
  );

function reply(of: Arbitrary<ClientId>, from: Arbitrary<ReplicaId>): Arbitrary<Reply> {
  return record({
    type: fc.constant('reply' as const),
    view,
    sequence,
    digest,
    replica: from,
    client: of,
    session: integer,
    timestamp: integer,
    requestDigest: digest,
    outcome: fc.constantFrom('executed' as const, 'replayed' as const, 'table-error' as const, 'read' as const),
    since: fc.constant(undefined),
    resultDigest: digest,
    result: fc.option(contentBytes, { nil: undefined }),
    receipt: fc.option(treeSignature, { nil: undefined }),
  })
    .map((value) => (value.outcome === 'read' ? { ...value, since: value.sequence } : value))
    .map((value) =>
      value.result === undefined ? value : { ...value, resultDigest: resultDigest(context, value.result) },
    );
}

/** The values of a field in a list of replies that have much in common. */
const FEW_DIGESTS = ['00', 'd1', 'd2'].map((byte) => asDigest(byte.repeat(32)));
const FEW_RESULTS = ['', '{"balance":100}', 'x'].map(utf8);
const FEW_SIGNATURES = [1, 2].map((byte) => new Uint8Array(64).fill(byte));

/** A reply that mostly shares something with others like it, whatever it is. */
function replyAlike(of: ClientId, from: ReplicaId): Arbitrary<Reply> {
  return record({
    type: fc.constant('reply' as const),
    view: fc.nat(1).map(asView),
    sequence: fc.constantFrom(0, 9).map(asSequence),
    digest: fc.constantFrom(...FEW_DIGESTS),
    replica: fc.constant(from),
    client: fc.constant(of),
    session: integer,
    timestamp: integer,
    requestDigest: digest,
    outcome: fc.constantFrom('executed' as const, 'table-error' as const, 'read' as const, 'read' as const),
    since: fc.constantFrom(0, 9),
    resultDigest: fc.constantFrom(...FEW_DIGESTS, ...FEW_RESULTS.map((each) => resultDigest(context, each))),
    result: fc.option(fc.constantFrom(...FEW_RESULTS), { nil: undefined }),
    receipt: fc.option(
      record({
        leaves: fc.constantFrom(3, 5),
        position: fc.nat(2),
        siblings: fc.array(digest, { maxLength: 2 }),
        signature: fc.constantFrom(...FEW_SIGNATURES),
      }),
      { nil: undefined },
    ),
  }).map((value) => ({
    ...value,
    since: value.outcome === 'read' ? asSequence(Math.min(value.since, value.sequence)) : undefined,
    resultDigest: value.result === undefined ? value.resultDigest : resultDigest(context, value.result),
  }));
}

/** REPLIES whose replies have much in common. */
export const repliesAlike: Arbitrary<Replies> = record({ client, replica }).chain((of) =>
  record({
    type: fc.constant('replies' as const),
    replica: fc.constant(of.replica),
    client: fc.constant(of.client),
    replies: fc.array(replyAlike(of.client, of.replica), { maxLength: 8 }),
  }),
);

const slotDigests: Arbitrary<readonly SlotDigest[]> = fc.array(record({ sequence, digest }), { maxLength: 5 });

const claimedSlots = fc.array(record({ sequence, digest, view }), { maxLength: 4 });

/** With a proof of h that is about h; at genesis without one. */
function viewChange(of: Arbitrary<View>, from: Arbitrary<ReplicaId>): Arbitrary<ViewChange> {
  return record({
    type: fc.constant('view-change' as const),
    view: of,
    lowWaterMark: sequence,
    root: digest,
    checkpoints: fc.array(record({ sequence, root: digest }), { maxLength: 3 }),
    prepared: claimedSlots,
    prePrepared: claimedSlots,
    replica: from,
    signers: fc.array(record({ replica, signature: exactBytes(64) }), { minLength: 1, maxLength: 4 }),
  }).map(({ signers, ...value }) => {
    if (value.lowWaterMark === 0) return { ...value, root: NULL_DIGEST, stableProof: [] };
    const stableProof = signers.map(({ replica: signer, signature }) => ({
      checkpoint: { type: 'checkpoint' as const, sequence: value.lowWaterMark, root: value.root, replica: signer },
      signature,
    }));
    return { ...value, stableProof };
  });
}

/** VIEW-CHANGEs for one view, of distinct senders, ascending. */
function signedViewChanges(of: View): Arbitrary<readonly SignedViewChange[]> {
  return fc
    .uniqueArray(record({ viewChange: viewChange(fc.constant(of), replica), signature: exactBytes(64) }), {
      maxLength: 3,
      selector: (each) => each.viewChange.replica,
    })
    .map((all) => all.toSorted((left, right) => left.viewChange.replica - right.viewChange.replica));
}

const newView = view.chain((of) =>
  record({
    type: fc.constant('new-view' as const),
    view: fc.constant(of),
    start: record({ sequence: fc.nat(1_000_000).map(asSequence), root: digest }),
    digests: fc.array(digest, { maxLength: 4 }),
    viewChanges: signedViewChanges(of),
  }).map(({ digests, ...value }) => ({
    ...value,
    slots: digests.map((each, index) => ({ sequence: asSequence(value.start.sequence + 1 + index), digest: each })),
    supports: value.viewChanges.map((each) => ({
      replica: each.viewChange.replica,
      digest: viewChangeDigest(context, each.viewChange),
    })),
  })),
);

function type<Type extends MessageType>(word: Type): Arbitrary<Type> {
  return fc.constant(word);
}

/** For each type, its valid messages. */
export const MESSAGE_OF_TYPE: { readonly [Type in MessageType]: Arbitrary<Extract<Message, { readonly type: Type }>> } =
  {
    'pre-prepare': record({
      type: type('pre-prepare'),
      view,
      sequence,
      batch: fc.option(batch, { nil: undefined }),
    }).map((value) => ({
      ...value,
      digest: value.batch === undefined ? NULL_DIGEST : batchDigest(context, value.batch),
    })),
    prepare: record({ type: type('prepare'), view, sequence, digest, replica }),
    commit: record({ type: type('commit'), view, sequence, digest, replica }),
    checkpoint: record({ type: type('checkpoint'), sequence, root: digest, replica }),
    reply: reply(client, replica),
    replies: fc.oneof(
      record({ client, replica }).chain((of) =>
        record({
          type: type('replies'),
          replica: fc.constant(of.replica),
          client: fc.constant(of.client),
          replies: fc.array(reply(fc.constant(of.client), fc.constant(of.replica)), { maxLength: 4 }),
        }),
      ),
      repliesAlike,
    ),
    requests: record({ type: type('requests'), requests: authenticatedRequests }),
    status: record({
      type: type('status'),
      replica,
      view,
      inViewChange: fc.boolean(),
      lowWaterMark: sequence,
      lastExecuted: sequence,
      slots: fc.array(record({ sequence, prepared: fc.boolean(), committed: fc.boolean() }), { maxLength: 5 }),
    }),
    fetch: record({ type: type('fetch'), replica, wanted: slotDigests }),
    batch: record({ type: type('batch'), replica, sequence, batch }).map((value) => ({
      ...value,
      digest: batchDigest(context, value.batch),
    })),
    decided: record({ type: type('decided'), replica, decisions: slotDigests }),
    complaint: record({
      type: type('complaint'),
      replica,
      view,
      sequence,
      digest,
      requests: fc.array(digest, { maxLength: 5 }),
    }),
    'simulate-byzantine': record({
      type: type('simulate-byzantine'),
      replica,
      target: replica,
      behaviour: printable(1, LIMITS.behaviourLength),
      enabled: fc.boolean(),
    }),
    'fetch-state': record({
      type: type('fetch-state'),
      replica,
      sequence,
      root: digest,
      subtrees: fc.array(subtreeAddress, { maxLength: 4 }),
    }),
    state: record({
      type: type('state'),
      replica,
      sequence,
      root: digest,
      held: fc.boolean(),
      subtrees: fc.array(fc.oneof(subtreeOfEntries, subtreeOfNodes), { maxLength: 4 }),
    }),
    'view-change': viewChange(view, replica),
    'new-view': newView,
    'query-stable': record({ type: type('query-stable'), replica, nonce: digest, recovered: sequence }),
    'reply-stable': record({
      type: type('reply-stable'),
      replica,
      nonce: digest,
      recovered: sequence,
      taken: sequence,
      prepared: sequence,
      entered: view,
      viewChange: fc.option(record({ viewChange: viewChange(view, replica), signature: exactBytes(64) }), {
        nil: undefined,
      }),
    }),
  };

/** Any valid message. */
export const message: Arbitrary<Message> = fc.oneof(...Object.values(MESSAGE_OF_TYPE));

/** Any proof of a frame. */
export const proof: Arbitrary<Proof> = fc.oneof(
  fc.constant({ kind: 'none' as const }),
  mac.map((value) => ({ kind: 'mac' as const, mac: value })),
  exactBytes(64).map((signature) => ({ kind: 'signature' as const, signature })),
  treeSignature.map((tree) => ({ kind: 'tree' as const, tree })),
);
