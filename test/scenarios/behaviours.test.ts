import { describe, expect, test } from 'vitest';
import { BEHAVIOUR_CATALOGUE } from '../../src/byzantine/index.ts';
import { asReplicaId, replicaName } from '../../src/base/ids.ts';
import { decodeUtf8 } from '../../src/base/utf8.ts';
import { ScenarioWorld } from '../../src/simulation/scenario-world.ts';

// Each row of the catalogue, lived through: who comes to say what of the liar, and that no correct node is called certain by anyone. The checkers
// of the scenario world watch agreement, accuracy and the rest all the time.

const SECOND_US = 1_000_000;

function live(
  entry: { readonly behaviour: (typeof BEHAVIOUR_CATALOGUE)[number]['behaviour']; readonly role: string },
  authentication: 'mac' | 'signature',
): ScenarioWorld {
  const scene = new ScenarioWorld({ checkpointInterval: 2, authentication });
  scene.behave(entry.role === 'primary' ? 1 : 3, entry.behaviour);
  for (let amount = 1; amount <= 3; amount += 1) {
    // client2's gateway is node2, which is correct in every row.
    scene.request(2, { operation: 'transfer', amount });
  }
  scene.run(5 * SECOND_US);
  return scene;
}

const rows = BEHAVIOUR_CATALOGUE.filter((entry) => entry.role !== 'gateway');

describe.each(['mac', 'signature'] as const)('authentication %s', (authentication) => {
  test.each(rows)('$behaviour as $role', (entry) => {
    const scene = live(entry, authentication);
    const liar = asReplicaId(entry.role === 'primary' ? 0 : 2);
    const said = scene.suspicions().filter(({ node }) => node === liar);
    for (const { kind, certainty } of entry.suspicions.filter(({ when }) => when === undefined)) {
      expect(said).toContainEqual(expect.objectContaining({ kind, certainty }));
    }
    const known = entry.suspicions.map(({ kind }) => kind as string);
    for (const { kind, certainty } of said.filter((one) => one.certainty === 'certain')) {
      expect(known, `${kind} (${certainty}) against ${replicaName(liar)}`).toContain(kind);
    }
    const certainOfOthers = scene
      .suspicions()
      .filter(({ node, certainty }) => node !== liar && certainty === 'certain');
    expect(certainOfOthers).toEqual([]);
  });

  test.each(rows.filter(({ role }) => role === 'backup'))(
    'requests execute although a backup does $behaviour',
    (entry) => {
      const scene = live(entry, authentication);
      expect(scene.answers.map(({ kind }) => kind)).toEqual(['executed', 'executed', 'executed']);
      expect(scene.isConverged()).toBe(true);
    },
  );
});

test.each(BEHAVIOUR_CATALOGUE.filter(({ role }) => role === 'gateway'))(
  'a caller at a gateway that does $behaviour is told what the others executed, and no correct node is called certain',
  ({ behaviour }) => {
    const scene = new ScenarioWorld({ checkpointInterval: 2 });
    scene.behave(2, behaviour);
    for (const amount of [1, 2, 3]) scene.request(2, { operation: 'transfer', amount });
    scene.run(5 * SECOND_US);
    const told = scene.answers.map(({ outcome }) =>
      outcome.kind === 'executed' ? decodeUtf8(outcome.result) : outcome,
    );
    expect(told).toEqual([1, 3, 6].map((balance) => expect.stringContaining(`"to_balance":${balance}`) as unknown));
    const certain = scene.suspicions().filter(({ certainty }) => certainty === 'certain');
    expect(certain.filter(({ node }) => node !== asReplicaId(1))).toEqual([]);
  },
);

test('with an equivocating primary of any variant no correct node is called certain by anyone, and agreement holds', () => {
  for (let variant = 0; variant < 12; variant += 1) {
    const scene = new ScenarioWorld({ checkpointInterval: 2, replicaCount: 7 });
    scene.behave(1, 'equivocate', variant);
    for (let amount = 1; amount <= 3; amount += 1) scene.request(2, { operation: 'transfer', amount });
    scene.run(5 * SECOND_US);
    const certain = scene.suspicions().filter(({ certainty }) => certainty === 'certain');
    expect(new Set(certain.map(({ node }) => node)), `variant ${variant}`).toEqual(new Set([asReplicaId(0)]));
    expect(
      certain.every(
        ({ kind }) =>
          kind === 'equivocation' ||
          kind === 'wrong-checkpoint' ||
          kind === 'false-vote' ||
          kind === 'contradictory-votes',
      ),
    ).toBe(true);
  }
});

test.each(['mac', 'signature'] as const)(
  'a primary whose batches were an hour ahead, and which then is correct again, is followed: %s',
  (authentication) => {
    const scene = new ScenarioWorld({ checkpointInterval: 4, authentication });
    scene.behave(1, 'alter-timestamps');
    scene.request(2, { operation: 'transfer', amount: 1 });
    scene.run(3 * SECOND_US);
    expect(scene.answers).toEqual([]);
    scene.behave(1, undefined);
    scene.request(2, { operation: 'transfer', amount: 2 });
    scene.run(5 * SECOND_US);
    expect(scene.answers.map(({ kind }) => kind)).toEqual(['executed', 'executed']);
    expect(scene.isConverged()).toBe(true);
  },
);
