import { expect, test } from 'vitest';
import { replica, seq } from '../../test/support/core-kit.ts';
import { Rig } from '../../test/support/rig.ts';
import { A, B, claim, entry, root } from '../../test/support/view-change-kit.ts';
import { NULL_DIGEST, asView } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import { authenticatedBytes, encodeMessage, viewChangeDigest } from '../messages/index.ts';
import type { NewView, SignedViewChange, ViewChange } from '../messages/index.ts';
import { claimLimits } from './config.ts';
import { judge } from './evidence.ts';
import type { Verdict } from './evidence.ts';
import type { ReplicaMessage } from './input.ts';

/** What a replica sees of a view change, signed by those who lie about it. */
class Witness {
  readonly rig = new Rig({ self: 3, cluster: { authentication: 'signature' } });

  receive(by: number, message: ReplicaMessage): void {
    this.rig.receive(message, { signature: this.#sign(by, message) });
  }

  #sign(by: number, message: ReplicaMessage): Uint8Array {
    const { kit } = this.rig;
    return kit.of(by).sign(authenticatedBytes(kit.codec, encodeMessage(message)));
  }

  viewChange(by: number, view: number, given: Partial<ViewChange> = {}): ViewChange {
    return { type: 'view-change', view: asView(view), stableProof: [], ...claim(by), ...given };
  }

  /** At a checkpoint that three signed. */
  at(sequence: number): Partial<ViewChange> {
    const stableProof = [0, 1, 2].map((by) => {
      const { message, signature } = this.rig.kit.checkpoint(by, sequence, root('r'));
      return { checkpoint: message, signature };
    });
    return { lowWaterMark: seq(sequence), root: root('r'), stableProof };
  }

  /** For view 2, by its primary. */
  newView(claims: readonly ViewChange[], ...slots: readonly Digest[]): NewView {
    const viewChanges: readonly SignedViewChange[] = claims.map((viewChange) => ({
      viewChange,
      signature: this.#sign(viewChange.replica, viewChange),
    }));
    return {
      type: 'new-view',
      view: asView(2),
      start: { sequence: seq(0), root: NULL_DIGEST },
      slots: slots.map((digest, index) => ({ sequence: seq(index + 1), digest })),
      supports: claims.map((each) => ({ replica: each.replica, digest: viewChangeDigest(this.rig.kit.codec, each) })),
      viewChanges,
    };
  }

  /** What a third party finds of each suspicion. */
  verdicts(): readonly (readonly [number, string, Verdict])[] {
    const { kit, status } = this.rig;
    const limits = claimLimits(kit.cluster);
    const rules = { quorums: status.quorums, codec: kit.codec, keys: kit.of(0), limits };
    return status.suspicions.map((suspicion) => [
      suspicion.node,
      suspicion.kind,
      judge(rules, { ...suspicion, statements: suspicion.evidence.frames }),
    ]);
  }
}

const PREPARED = { prepared: [entry(A, 0)], prePrepared: [entry(A, 0)] };
const supports = (witness: Witness): readonly ViewChange[] =>
  [0, 1, 2].map((by) => witness.viewChange(by, 2, PREPARED));

test.each<readonly [string, number, string, (witness: Witness) => void]>([
  [
    'two VIEW-CHANGEs for one view',
    1,
    'contradictory-view-changes',
    (at) => {
      at.receive(1, at.viewChange(1, 3));
      at.receive(1, at.viewChange(1, 3, PREPARED));
    },
  ],
  [
    'a lower h in a later view',
    1,
    'contradictory-view-changes',
    (at) => {
      at.receive(1, at.viewChange(1, 3, at.at(8)));
      at.receive(1, at.viewChange(1, 4, at.at(4)));
    },
  ],
  [
    'a VIEW-CHANGE that leaves a COMMIT out',
    1,
    'contradictory-view-changes',
    (at) => {
      at.receive(1, at.rig.kit.commit(1, 2, A));
      at.receive(1, at.viewChange(1, 3));
    },
  ],
  [
    'a COMMIT that came after the VIEW-CHANGE that leaves it out',
    1,
    'contradictory-view-changes',
    (at) => {
      at.receive(1, at.viewChange(1, 3));
      at.receive(1, at.rig.kit.commit(1, 2, A));
    },
  ],
  [
    'a second VIEW-CHANGE inside the NEW-VIEW',
    1,
    'contradictory-view-changes',
    (at) => {
      at.receive(1, at.viewChange(1, 2));
      at.receive(2, at.newView(supports(at), A));
    },
  ],
  [
    'a lower h than that of the VIEW-CHANGE inside the NEW-VIEW',
    1,
    'contradictory-view-changes',
    (at) => {
      at.receive(1, at.viewChange(1, 1, at.at(8)));
      at.receive(2, at.newView(supports(at), A));
    },
  ],
  [
    'a COMMIT that the VIEW-CHANGE inside the NEW-VIEW leaves out',
    1,
    'contradictory-view-changes',
    (at) => {
      at.receive(1, at.rig.kit.commit(1, 2, A));
      at.receive(2, at.newView(supports(at), A));
    },
  ],
  [
    'an invalid VIEW-CHANGE',
    1,
    'invalid-view-change',
    (at) => at.receive(1, at.viewChange(1, 3, { prepared: [entry(A, 3)] })),
  ],
  ['a NEW-VIEW that does not follow', 2, 'wrong-new-view', (at) => at.receive(2, at.newView(supports(at), B))],
  [
    'two NEW-VIEWs',
    2,
    'wrong-new-view',
    (at) => {
      at.receive(2, at.newView(supports(at), A));
      at.receive(2, at.newView([...supports(at).slice(1), at.viewChange(3, 2)], A));
    },
  ],
  [
    'a PRE-PREPARE beside what the NEW-VIEW chose',
    2,
    'wrong-new-view',
    (at) => {
      at.receive(2, at.newView(supports(at), A));
      at.receive(2, at.rig.kit.prePrepare(1, at.rig.kit.batchOf('b'), 2));
    },
  ],
])('what a replica gives out about %s proves it to anyone', (_, node, kind, happens) => {
  const witness = new Witness();
  happens(witness);
  expect(witness.verdicts()).toEqual([[replica(node), kind, { kind: 'proven', assuming: 'nothing' }]]);
});
