import { describe, expect, test } from 'vitest';
import { authentic } from '../../../test/support/behaviour-kit.ts';
import { NULL_DIGEST, asReplicaId, asSequence, asView } from '../../base/ids.ts';
import { DigestList } from '../../messages/index.ts';
import type { Output } from '../../protocol/output.ts';
import { ScenarioWorld } from '../scenario-world.ts';
import { ProposalsChecker } from './proposals.ts';

/** A PRE-PREPARE with the request in it, and its record where it is sent for the first time. */
function proposal(view: number, sequence: number, isFirst = true): readonly Output[] {
  const batch = { timestamp: 1, flags: 0, requests: [authentic] };
  const message = {
    type: 'pre-prepare',
    view: asView(view),
    sequence: asSequence(sequence),
    digest: NULL_DIGEST,
    batch,
  } as const;
  const record = { ...message, kind: 'accepted', signature: undefined } as const;
  const sending: Output = { kind: 'send', to: [asReplicaId(3)], message, signature: undefined };
  return isFirst ? [{ kind: 'persist', record }, sending] : [sending];
}

const refused: readonly Output[] = [
  {
    kind: 'event',
    event: {
      kind: 'executed',
      view: asView(0),
      sequence: asSequence(1),
      digest: NULL_DIGEST,
      timestamp: 1,
      requests: [{ ...authentic.request, requestDigest: authentic.digest, outcome: 'table-error' }],
      count: 1,
      operations: 1,
      outcomes: 'table-error',
      digests: DigestList.of([authentic.digest]),
    },
  },
];

const { client, session } = authentic.request;
const evicted: readonly Output[] = [{ kind: 'event', event: { kind: 'session-evicted', client, session } }];

/** node1 takes a step with each of these; `undefined`: it is started again. */
function judge(steps: readonly (readonly Output[] | undefined)[], isCorrect = true, isCorrectClient = true): void {
  const checker = new ProposalsChecker(4, () => isCorrectClient);
  const node = new ScenarioWorld().node(1);
  node.isCorrect = isCorrect;
  for (const outputs of steps) {
    if (outputs === undefined) checker.booted(node);
    else checker.stepped(node, { kind: 'timeout' }, outputs);
  }
}

describe('a request in two batches of one view', () => {
  test('breaks the invariant', () => {
    expect(() => judge([proposal(0, 1), proposal(0, 2)])).toThrow('node1 puts');
    expect(() => judge([proposal(0, 1), proposal(0, 2)], false)).not.toThrow();
    expect(() => judge([proposal(0, 1), proposal(0, 2)], true, false)).not.toThrow();
  });

  test.each([
    ['the same batch is sent again', [proposal(0, 1), proposal(0, 1, false)]],
    ['an old one is sent again after a start', [proposal(0, 1), undefined, proposal(0, 1, false), proposal(0, 2)]],
    ['its session has made room in between', [proposal(0, 1), evicted, proposal(0, 2)]],
    ['it was refused in order in between', [proposal(0, 1), refused, proposal(0, 2)]],
    ['the views are two', [proposal(0, 1), proposal(4, 2)]],
    ['it was started again in between', [proposal(0, 1), undefined, proposal(0, 2)]],
    ['it passes on what another proposed', [proposal(1, 1), proposal(1, 2)]],
  ])('does not where %s', (_where, steps) => {
    expect(() => judge(steps)).not.toThrow();
  });
});
