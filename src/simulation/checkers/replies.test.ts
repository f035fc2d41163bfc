import { describe, expect, test } from 'vitest';
import { authentic, reply } from '../../../test/support/behaviour-kit.ts';
import { asReplicaId, asSequence, asView } from '../../base/ids.ts';
import { DigestList, EVERYBODY, replicaSetOf } from '../../messages/index.ts';
import type { ReplicaSet } from '../../messages/index.ts';
import type { ExecutedRequest } from '../../protocol/event.ts';
import type { Output } from '../../protocol/output.ts';
import { ScenarioWorld } from '../scenario-world.ts';
import { RepliesChecker } from './replies.ts';

const { client, session, timestamp } = authentic.request;
const [ONE, TWO, THREE] = [[1], [2], [2, 3]].map((ids) => replicaSetOf(ids.map(asReplicaId)));
const answer: Output = { kind: 'reply', reply, isSigned: false };

function executing(outcome: ExecutedRequest['outcome'] = 'executed'): Output {
  const requests = [{ client, session, timestamp, requestDigest: authentic.digest, outcome }];
  const { digest } = authentic;
  return {
    kind: 'event',
    event: {
      kind: 'executed',
      view: asView(0),
      sequence: asSequence(1),
      digest,
      timestamp: 0,
      requests,
      count: requests.length,
      operations: requests.length,
      outcomes: requests.map(({ outcome }) => outcome),
      digests: DigestList.of([digest]),
    },
  };
}

/** node3 (replica 2) takes a step in which these outputs come, after proofs were issued that ask these. */
function judge(issued: readonly (ReplicaSet | undefined)[], outputs: readonly Output[], isCorrect = true): void {
  const checker = new RepliesChecker();
  for (const asked of issued)
    checker.issued({
      ...authentic,
      proof: { kind: 'signature', asked: asked ?? EVERYBODY, signature: new Uint8Array(64) },
    });
  const node = new ScenarioWorld().node(3);
  node.isCorrect = isCorrect;
  checker.stepped(node, { kind: 'timeout' }, outputs);
}

describe('who keeps silent about what it executes', () => {
  test.each([
    ['everybody is asked', [EVERYBODY]],
    ['it is asked by name', [TWO]],
    ['each time, together with others or not', [EVERYBODY, THREE, TWO]],
  ])('breaks the invariant where %s', (_when, issued) => {
    expect(() => judge(issued, [executing()])).toThrow('node3 executes');
    expect(() => judge(issued, [executing('repeated')])).toThrow('node3 executes');
    expect(() => judge(issued, [executing(), answer])).not.toThrow();
  });

  test.each([
    ['the client asks others', [ONE]],
    ['the client asked others first', [ONE, EVERYBODY]],
    ['different ones were asked each time', [TWO, ONE, EVERYBODY]],
    ['nobody knows of the request, as of a RECOVER', []],
  ])('may do so where %s', (_when, issued) => {
    expect(() => judge(issued, [executing()])).not.toThrow();
  });

  test('may do so where the request is ignored, and where it lies', () => {
    expect(() => judge([EVERYBODY], [executing('ignored')])).not.toThrow();
    expect(() => judge([EVERYBODY], [executing()], false)).not.toThrow();
  });
});
