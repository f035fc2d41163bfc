// What the liars make of the VIEW-CHANGEs and NEW-VIEWs of their replicas: well-formed, signed by themselves, and wrong in one way each.
import { describe, expect, test } from 'vitest';
import { asDigest, asReplicaId, asSequence, asView, NULL_DIGEST } from '../base/ids.ts';
import { newViewBytes, viewChangeBytes, viewChangeDigest } from '../messages/index.ts';
import type { ClaimedSlot, Message, NewView, ViewChange } from '../messages/index.ts';
import { claimLimits } from '../protocol/config.ts';
import { validateClaims } from '../protocol/view-change-claims.ts';
import type { InvalidClaims } from '../protocol/view-change-claims.ts';
import type { Output } from '../protocol/output.ts';
import {
  cluster,
  codec,
  isWellFormed,
  sending,
  signedBy,
  statusOf,
  NOW,
  make,
} from '../../test/support/behaviour-kit.ts';
import type { BehaviourName } from './index.ts';

const FIRST = asDigest('01'.repeat(32));
const SECOND = asDigest('02'.repeat(32));
const claimed = (sequence: number, digest: ClaimedSlot['digest'], view: number): ClaimedSlot => ({
  sequence: asSequence(sequence),
  digest,
  view: asView(view),
});
const LISTED = [claimed(1, FIRST, 0), claimed(2, SECOND, 1)];

function viewChangeOf(replica: number, view = 5): ViewChange {
  return {
    type: 'view-change',
    view: asView(view),
    lowWaterMark: asSequence(0),
    root: NULL_DIGEST,
    checkpoints: [],
    prepared: LISTED,
    prePrepared: [claimed(1, FIRST, 0), claimed(1, SECOND, 1), claimed(2, SECOND, 1)],
    replica: asReplicaId(replica),
    stableProof: [],
  };
}

function newViewOf(view: number, digests: readonly ClaimedSlot['digest'][]): NewView {
  const viewChanges = [0, 1, 2].map((replica) => ({
    viewChange: viewChangeOf(replica, view),
    signature: new Uint8Array(64).fill(replica),
  }));
  return {
    type: 'new-view',
    view: asView(view),
    start: { sequence: asSequence(0), root: NULL_DIGEST },
    slots: digests.map((digest, index) => ({ sequence: asSequence(index + 1), digest })),
    supports: viewChanges.map(({ viewChange }) => ({
      replica: viewChange.replica,
      digest: viewChangeDigest(codec, viewChange),
    })),
    viewChanges,
  };
}

interface Told {
  readonly to: readonly number[];
  readonly message: Message;
}

/** What node2, the liar, sends instead. All of it is well-formed and signed over what it says now. */
function told(name: BehaviourName, variant: number, message: ViewChange | NewView): readonly Told[] {
  const liar = make(name, 1, variant, signedBy);
  const status = { ...statusOf(1), view: message.view, primary: asReplicaId(message.view % 4), inViewChange: true };
  const outputs = liar.rewrite(NOW, [sending(1, message, new Uint8Array(64))], status);
  return outputs.flatMap((output: Output) => {
    if (output.kind !== 'send' || (output.message.type !== 'view-change' && output.message.type !== 'new-view'))
      return [];
    expect(isWellFormed(output.message)).toBe(true);
    const isAsItWas = output.message === message;
    const bytes =
      output.message.type === 'view-change'
        ? viewChangeBytes(codec, output.message)
        : newViewBytes(codec, output.message);
    expect(output.signature).toEqual(isAsItWas ? new Uint8Array(64) : signedBy(bytes));
    return [{ to: output.to, message: output.message }];
  });
}

function viewChanges(name: BehaviourName, variant: number): readonly ViewChange[] {
  return told(name, variant, viewChangeOf(1)).flatMap(({ message }) =>
    message.type === 'view-change' ? [message] : [],
  );
}

function newViews(name: BehaviourName, variant: number, message: NewView): readonly NewView[] {
  return told(name, variant, message).flatMap((each) => (each.message.type === 'new-view' ? [each.message] : []));
}

function faultOf(message: ViewChange | undefined): InvalidClaims | undefined {
  expect(message).toBeDefined();
  return message && validateClaims(message, message.view, claimLimits(cluster));
}

const places = (claims: readonly ClaimedSlot[] = []): readonly string[] =>
  claims.map(({ sequence, view }) => `${sequence}@${view}`);

describe.each([
  ['corrupt', 0],
  ['corrupt', 1],
  ['equivocate', 0],
  ['equivocate', 4],
  ['lie', 0],
  ['lie', 1],
] as const)('%s, variant %i', (name, variant) => {
  test("passes others' VIEW-CHANGEs and NEW-VIEWs on as they are", () => {
    for (const message of [viewChangeOf(2), newViewOf(6, [FIRST, NULL_DIGEST])]) {
      for (const each of told(name, variant, message)) expect(each.message).toEqual(message);
      expect(
        told(name, variant, message)
          .flatMap(({ to }) => to)
          .toSorted((left, right) => left - right),
      ).toEqual([0, 2, 3]);
    }
  });

  test('leaves the VIEW-CHANGEs in its NEW-VIEW alone', () => {
    const original = newViewOf(5, [FIRST, NULL_DIGEST]);
    const made = newViews(name, variant, original);
    expect(made.length).toBeGreaterThan(0);
    for (const { supports, viewChanges: within } of made) {
      expect(supports).toEqual(original.supports);
      expect(within).toEqual(original.viewChanges);
    }
  });

  test('says the same again when it is sent again', () => {
    expect(told(name, variant, viewChangeOf(1))).toEqual(told(name, variant, viewChangeOf(1)));
  });
});

describe('corrupt', () => {
  test('lists other digests at the same places, in order', () => {
    const [altered, ...more] = viewChanges('corrupt', 0);
    expect(more).toEqual([]);
    expect(faultOf(altered)).toBeUndefined();
    expect(places(altered?.prepared)).toEqual(['1@0', '2@1']);
    expect(places(altered?.prePrepared).toSorted()).toEqual(['1@0', '1@1', '2@1']);
    const digests = [...(altered?.prepared ?? []), ...(altered?.prePrepared ?? [])].map(({ digest }) => digest);
    expect(digests).not.toContain(FIRST);
    expect(digests).not.toContain(SECOND);
  });

  test('an odd variant lists views that it cannot have been in', () => {
    const [altered] = viewChanges('corrupt', 1);
    expect(faultOf(altered)).toMatchObject({ code: 'view-too-high', list: 'P', view: 5 });
    expect(altered?.prePrepared).toEqual(viewChangeOf(1).prePrepared);
  });

  test('its NEW-VIEW starts with other digests, null included', () => {
    const [altered] = newViews('corrupt', 0, newViewOf(5, [FIRST, NULL_DIGEST]));
    const chosen = altered?.slots.map(({ digest }) => digest);
    expect(chosen).toHaveLength(2);
    expect(chosen).not.toContain(FIRST);
    expect(chosen).not.toContain(NULL_DIGEST);
    expect(altered?.start).toEqual(newViewOf(5, []).start);
  });

  test('its NEW-VIEW starts from another root where nothing was chosen', () => {
    const [altered] = newViews('corrupt', 0, newViewOf(5, []));
    expect(altered?.start.sequence).toBe(0);
    expect(altered?.start.root).not.toBe(NULL_DIGEST);
  });
});

describe('equivocate', () => {
  test('half of the nodes are told that it prepared nothing', () => {
    const [first, second] = told('equivocate', 0, viewChangeOf(1));
    expect(first).toEqual({ to: [0], message: viewChangeOf(1) });
    expect(second).toEqual({ to: [2, 3], message: { ...viewChangeOf(1), prepared: [], prePrepared: [] } });
  });

  test('other variants show both to everybody', () => {
    const both = told('equivocate', 4, viewChangeOf(1));
    expect(both.map(({ to }) => to)).toEqual([
      [0, 2, 3],
      [0, 2, 3],
    ]);
    expect(both.map(({ message }) => message)).toEqual([
      viewChangeOf(1),
      { ...viewChangeOf(1), prepared: [], prePrepared: [] },
    ]);
  });

  test('the deceived get a NEW-VIEW with null in place of everything', () => {
    const [first, second] = told('equivocate', 0, newViewOf(5, [FIRST, SECOND]));
    expect(first).toEqual({ to: [0, 2], message: newViewOf(5, [FIRST, SECOND]) });
    expect(second).toEqual({
      to: [3],
      message: { ...newViewOf(5, [FIRST, SECOND]), slots: newViewOf(5, [NULL_DIGEST, NULL_DIGEST]).slots },
    });
  });
});

describe('lie', () => {
  test('claims one digest that nobody proposed per number, in the latest view there can be, and for three numbers more', () => {
    const [invented, ...more] = viewChanges('lie', 0);
    expect(more).toEqual([]);
    expect(faultOf(invented)).toBeUndefined();
    expect(places(invented?.prepared)).toEqual(['1@4', '2@4', '3@4', '4@4', '5@4']);
    expect(invented?.prePrepared).toEqual(invented?.prepared);
    const digests = invented?.prepared.map(({ digest }) => digest);
    expect(digests).not.toContain(FIRST);
    expect(digests).not.toContain(SECOND);
  });

  test('claims nothing beyond the window', () => {
    const last = 2 * cluster.checkpointInterval;
    const full = { ...viewChangeOf(1), prepared: [claimed(last - 1, FIRST, 0)], prePrepared: [] };
    const [invented] = told('lie', 0, full);
    expect(invented?.message).toMatchObject({ prepared: [{ sequence: last - 1 }, { sequence: last }] });
  });

  test('an odd variant shouts a view 1000 ahead as well', () => {
    const [own, shouted, ...more] = viewChanges('lie', 1);
    expect(more).toEqual([]);
    expect([own?.view, shouted?.view]).toEqual([5, 1005]);
    expect(faultOf(shouted)).toBeUndefined();
    expect(places(shouted?.prepared)).toEqual(['1@1004', '2@1004', '3@1004', '4@1004', '5@1004']);
  });

  test('its NEW-VIEW is true: the next view begins', () => {
    const original = newViewOf(5, [FIRST, NULL_DIGEST]);
    expect(newViews('lie', 0, original)).toEqual([original]);
  });
});
