import { join } from 'node:path';
import { expect, test } from 'vitest';
import { REFUSAL_CODES } from '../../src/messages/index.ts';
import type { RefusalCode } from '../../src/messages/index.ts';
import type { LinkRefusalCode } from '../../src/node/index.ts';
import type { CoreRefusalCode, IntakeRefusalCode } from '../../src/protocol/refusal.ts';

// docs/refusals.md is made from these tables, which the compiler holds to the types: a new code does not compile until it has a meaning here.
// After a change: `npx vitest run test/docs/refusals -u`.

const HEAD = `# Refusals of protocol messages and links

Whatever comes in over a link or \`POST /pbft/message\` and is not acted on has one of these codes. It is counted (\`pbft_refused_messages_total\`,
\`pbft_refused_links_total\`), changes nothing else, and never stops a node. Errors of the HTTP API itself are in [errors.md](errors.md), those of the
client table in [sessions.md](sessions.md), those of the ledger in [application.md](application.md).
`;

const DECODING: Readonly<Record<RefusalCode, string>> = {
  truncated: 'fewer bytes than the value has',
  'trailing-bytes': 'more bytes than the value has',
  oversized: 'a length, count or frame above its limit',
  'unknown-type': 'no message has this tag or `type`',
  'out-of-range': 'a number, flag, character, name or length that the field cannot have',
  'not-canonical': 'another encoding is the only one allowed for this value',
  inconsistent: 'fields that exclude each other',
  'digest-mismatch': 'attached content does not hash to the digest beside it',
  'bundle-mismatch': 'requests that cannot stand in the bundle they name',
  'wrong-type': 'JSON only: a field of another type than it must have',
  'missing-field': 'JSON only: a field that must be there',
  'unknown-field': 'JSON only: a field that does not exist',
};

const INTAKE: Readonly<Record<IntakeRefusalCode, string>> = {
  malformed: 'not a message: see the reasons above',
  oversized: 'a frame, or something in it, above its limit',
  'unknown-author': 'the author is not another replica of this cluster',
  'not-allowed-here': 'a message that this sender, or this door, may not bring',
  'wrong-proof': 'a proof of another kind than this type takes in this authentication mode, or none',
  'not-authentic': 'the MAC or signature is not the author’s for this cluster, type, content and receiver',
};

const CORE: Readonly<Record<CoreRefusalCode, string>> = {
  recovering: 'asked what was taken and prepared here, while this node itself has lost its log and recovers',
  'not-from-primary': 'a PRE-PREPARE that is not by the primary of its view, or a PREPARE that is',
  'other-view': 'of another view than this node’s',
  'in-view-change': 'this node is between two views and accepts no batch',
  'old-view': 'a VIEW-CHANGE or NEW-VIEW for a view that this node has left behind',
  unproven:
    'a VIEW-CHANGE or NEW-VIEW in which a signature or the proof of a checkpoint does not hold; its sender need not have made it so',
  'invalid-view-change': 'a signed VIEW-CHANGE that no correct replica makes',
  'wrong-new-view': 'a signed NEW-VIEW that does not follow from the VIEW-CHANGEs in it',
  'too-many-digests':
    'one batch more at a number for which this node has voted for as many as it may in different views',
  'below-window': 'at or below the low water mark, or the floor of the view: finished long ago',
  'above-window': 'further above the high water mark than is kept for later',
  'other-digest-accepted': 'this node has accepted another batch for that view and number: the primary equivocates',
  'other-digest-executed': 'this node has executed another batch at that number',
  'read-only-in-batch': 'a read-only request in a batch',
  'too-many-operations': 'a batch with more operations than it may have',
  'empty-batch': 'neither a request nor a flag in a batch that is not null',
  'flagged-batch-not-empty': 'a batch flagged `checkpoint` with requests in it',
  'timestamp-too-old': 'a batch whose time is more than half the session horizon behind this node’s clock',
  duplicate: 'known already; harmless',
  'contradicts-earlier-vote': 'its sender voted for something else at that place before; the first vote is kept',
  'not-asked-for': 'something that answers no question of this node, or is about a batch that it does not know',
  'queue-full': 'the queue of requests is full, or its client’s share of it',
  'session-busy': 'another request of that session waits here',
  'old-request': 'an earlier timestamp than the last one executed in that session',
  'client-not-listed': 'a client that is not in the configuration, and open clients are not admitted',
  'signature-required': 'a request whose MAC does not verify here, or one of a client that must sign',
  'read-only-disabled': 'a read-only request, which this cluster does not take',
  'state-behind': 'a read-only request, and the state here is below what was answered before',
  'budget-exhausted': 'more than this node holds or sends for one peer at a time',
  diverged: 'this node found that its own state is wrong, and takes nothing until it is repaired',
};

const LINK: Readonly<Record<LinkRefusalCode, string>> = {
  malformed: 'not this protocol, or not as it says',
  oversized: 'a frame above the limit',
  'version-mismatch': 'another major version of the link protocol',
  'wrong-cluster': 'the other side belongs to another cluster',
  'mac-mismatch':
    'the other side makes its MACs by another primitive: `mac` in the configuration of all nodes, and in `cluster.json`',
  'wrong-replica': 'another replica listens there than the one dialled, or this one was not the one meant',
  'unknown-node': 'no such replica in the configuration',
  'wrong-key': 'the replica is known, by another key',
  'bad-signature': 'the other side does not hold the key that it names',
  'client-not-admitted': 'a client that is not in the configuration, and open clients are not admitted',
  'too-many-clients': 'no place for another client',
  'handshake-timeout': 'the other side did not say who it is in time',
  overloaded: 'gave way to others: too many unauthenticated connections, or no memory left for open clients',
  'unexpected-frame': 'a kind of frame that has no place there',
  idle: 'nothing heard for too long',
  'slow-reader': 'the other side does not read what waits for it',
  replaced: 'the other side opened a newer link',
  'handler-failed': 'this node failed at a frame; the frame is lost and the link starts again',
  'refused-by-peer': 'the other side ended the link and said why',
  'shutting-down': 'this node ends',
  disconnected: 'the connection could not be made, or broke',
};

const SECTIONS: readonly (readonly [title: string, text: string, codes: Readonly<Record<string, string>>])[] = [
  [
    'Bytes or JSON that are no message',
    'In `details.reason` of `400 malformed_message` and `413 message_too_large`, with the path of the field: `missing-field at view`.',
    DECODING,
  ],
  [
    'Messages that are not believed',
    'Label `code` of `pbft_refused_messages_total`. They count against the link that brought them, whoever they claim to be from.',
    INTAKE,
  ],
  [
    'Authentic messages that are not for now',
    'Label `code` of `pbft_refused_messages_total`, and `details.reason` of `409 not_applicable`, `401 not_authentic` or `503 overloaded`. Most of them are part of any normal run: late, doubled, overtaken.',
    CORE,
  ],
  ['Links', 'Label `code` of `pbft_refused_links_total`. The other side dials again after a pause.', LINK],
];

test('docs/refusals.md has every code with its meaning', async () => {
  const sections = SECTIONS.map(([title, text, codes]) => {
    const rows = Object.entries(codes).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`);
    return `## ${title}\n\n${text}\n\n| code | meaning |\n|---|---|\n${rows.join('\n')}\n`;
  });
  const file = join(import.meta.dirname, '../../docs/refusals.md');
  await expect(`${HEAD}\n${sections.join('\n')}`).toMatchFileSnapshot(file);
});

test('the reasons of decoding are all there, in their order', () => {
  expect(Object.keys(DECODING)).toEqual([...REFUSAL_CODES]);
});
