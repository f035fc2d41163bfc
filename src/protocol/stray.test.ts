import { describe, expect, test } from 'vitest';
import { asDigest } from '../base/ids.ts';
import { Rig } from '../../test/support/rig.ts';
import { eventsOfKind, linesOf, sentOf } from '../../test/support/transcript.ts';
import { newViewOf, viewChangeOf } from '../../test/support/view-messages.ts';
import type { Output } from './output.ts';

const T = 500_000;
const PATIENCE = 20 * T;
/** A replica is there to be joined when it was heard in this time. */
const STATUS_US = 1_000_000;

const reasons = (outputs: readonly Output[]): readonly string[] =>
  eventsOfKind(outputs, 'view-change-started').map(({ view, reason }) => `${view} ${reason}`);

/** node2 in view 0, where node4 has sent VIEW-CHANGE for `view`. */
function withStray(view: number): Rig {
  const rig = new Rig();
  leave(rig, view);
  return rig;
}

/** The others come to `view`, node4 among them, and so does node2: as its primary, or by its NEW-VIEW. */
function enter(rig: Rig, view: number): void {
  const claims = [0, 2, 3].map((from) => viewChangeOf(rig.kit, from, view));
  if (view % 4 === 1) {
    for (const { viewChange, signature } of claims) rig.receive(viewChange, { signature });
  } else {
    const { newView, signature } = newViewOf(rig.kit, view, claims);
    rig.receive(newView, { signature });
  }
  expect(rig.status).toMatchObject({ view, inViewChange: false });
}

function leave(rig: Rig, view: number): readonly Output[] {
  const { viewChange, signature } = viewChangeOf(rig.kit, 3, view);
  return rig.receive(viewChange, { signature });
}

/** Time passes in which node4 is heard regularly. */
function pass(rig: Rig, us: number): readonly Output[] {
  const outputs: Output[] = [];
  for (let passed = 0; passed < us; passed += STATUS_US) {
    outputs.push(...rig.receive(rig.kit.status(3, {})));
    outputs.push(...rig.pass(Math.min(STATUS_US, us - passed)));
  }
  return outputs;
}

describe('a replica alone in the next view', () => {
  test('is joined there after twenty T, though nothing is waited for', () => {
    const rig = withStray(1);
    expect(reasons(pass(rig, PATIENCE - 1))).toEqual([]);
    expect(reasons(pass(rig, 1))).toEqual(['1 stray']);
    expect(rig.status).toMatchObject({ view: 1, inViewChange: true });
    expect(rig.status.suspicions.filter(({ node }) => node === 3)).toEqual([]);
  });

  test('is joined from a view that was entered after it had left for the next', () => {
    const rig = new Rig();
    leave(rig, 3);
    enter(rig, 2);
    expect(reasons(pass(rig, PATIENCE))).toEqual(['3 stray']);
  });

  test('is not joined while it is silent, and is when it is heard again', () => {
    const rig = withStray(1);
    expect(reasons(rig.pass(3 * PATIENCE))).toEqual([]);
    expect(reasons(pass(rig, PATIENCE))).toEqual(['1 stray']);
  });

  test('is waited for anew when the others have come to its view by themselves', () => {
    const rig = withStray(1);
    pass(rig, PATIENCE / 2 - 1);
    enter(rig, 1);
    expect(reasons(pass(rig, 2 * PATIENCE))).toEqual([]);
    leave(rig, 2);
    expect(reasons(pass(rig, PATIENCE - 1))).toEqual([]);
    expect(reasons(pass(rig, 1))).toEqual(['2 stray']);
  });

  test('is made known to the others once, when it has stood there for T', () => {
    const rig = withStray(1);
    const passedOn = (outputs: readonly Output[]): readonly unknown[] =>
      sentOf(outputs).filter(({ type }) => type === 'view-change');
    expect(passedOn(rig.pass(T - 1))).toEqual([]);
    const outputs = rig.pass(1);
    expect(passedOn(outputs)).toMatchObject([{ view: 1, replica: 3 }]);
    expect(linesOf(outputs)).toContain('send view-change → 0 2 signed');
    expect(passedOn(pass(rig, PATIENCE / 2))).toEqual([]);
  });

  test('is joined with the others when they are the first to go, and nobody calls the last view too short', () => {
    const rig = withStray(1);
    pass(rig, PATIENCE / 2);
    const { viewChange, signature } = viewChangeOf(rig.kit, 0, 1);
    expect(reasons(rig.receive(viewChange, { signature }))).toEqual(['1 stray']);
    expect(rig.replica.inside().timeoutUs).toBe(T);
  });

  test('is one of f+1 like all others, while it has not been waited for for long', () => {
    const rig = withStray(1);
    pass(rig, PATIENCE / 2 - 1);
    const { viewChange, signature } = viewChangeOf(rig.kit, 0, 1);
    expect(reasons(rig.receive(viewChange, { signature }))).toEqual(['1 joined']);
    expect(rig.replica.inside().timeoutUs).toBe(2 * T);
  });

  test('moves nobody from further away, where no correct one gets', () => {
    for (const view of [2, 3, 1000]) expect(reasons(pass(withStray(view), 4 * PATIENCE))).toEqual([]);
  });

  // It may be a liar: then it costs one view change each time, and ever fewer of them.
  test('is joined after twice as long each time, up to 64 times; another one is not', () => {
    const rig = new Rig();
    const waits: number[] = [];
    for (let view = 1; view <= 9; view += 1) {
      leave(rig, view);
      let waited = 0;
      while (rig.status.view < view && waited < 200) {
        pass(rig, PATIENCE);
        waited += 1;
      }
      waits.push(waited);
      enter(rig, view);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 64, 64]);
    const { viewChange, signature } = viewChangeOf(rig.kit, 2, 10);
    rig.receive(viewChange, { signature });
    rig.receive(rig.kit.status(2, {}));
    rig.pass(PATIENCE - STATUS_US);
    rig.receive(rig.kit.status(2, {}));
    expect(reasons(rig.pass(STATUS_US))).toEqual(['10 stray']);
  });
});

describe('nobody is joined by a replica', () => {
  test('that lost its log, and sends no VIEW-CHANGE', () => {
    const rig = new Rig({ lost: { nonce: asDigest('07'.repeat(32)) } });
    leave(rig, 1);
    expect(reasons(pass(rig, 2 * PATIENCE))).toEqual([]);
  });
});
