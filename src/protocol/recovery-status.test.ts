import { expect, test } from 'vitest';
import { asDigest, asView } from '../base/ids.ts';
import type { ReplyStable } from '../messages/index.ts';
import { replica, seq } from '../../test/support/core-kit.ts';
import { Rig } from '../../test/support/rig.ts';
import { describeWait } from './wait-text.ts';

const NONCE = asDigest('a5'.repeat(32));

const answer = (from: number): ReplyStable => ({
  type: 'reply-stable',
  replica: replica(from),
  nonce: NONCE,
  recovered: seq(0),
  taken: seq(4),
  prepared: seq(6),
  entered: asView(0),
  viewChange: undefined,
});

test('a replica that remembers has no recovery, and waits for none', () => {
  const rig = new Rig();
  expect(rig.status.recovery).toBeUndefined();
  expect(rig.replica.waits()).toEqual([]);
});

test('one that lost its log waits for answers, and names who has given none', () => {
  const rig = new Rig({ self: 3, lost: { nonce: NONCE } });
  rig.receive(answer(1));
  const [wait] = rig.replica.waits();
  expect(wait).toMatchObject({ what: 'estimates', needed: 3, have: [1], missing: [0, 2] });
  expect(wait && describeWait(wait)).toContain('answers to QUERY-STABLE (3 needed) from node1, node3');
});

test('then for its RECOVER, with its mark', () => {
  const rig = new Rig({ self: 3, lost: { nonce: NONCE } });
  rig.receiveAll([0, 1, 2].map(answer));
  expect(rig.status.recovery).toEqual({ mark: 12, recoveredAt: undefined, end: undefined });
  const [wait] = rig.replica.waits();
  expect(wait).toMatchObject({ what: 'recover', sequence: 12, amount: 0 });
  expect(wait && describeWait(wait)).toBe('its RECOVER to be ordered: it lost its log and casts no vote up to M = 12');
});
