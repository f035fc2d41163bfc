import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { must } from '../../test/support/must.ts';
import { SEQUENCE, StateProofMaker, utf8 } from '../../test/support/state-proofs.ts';
import { describeStateProofFault, stateProofBody } from '../api/index.ts';
import type { CertifiedValue } from '../api/index.ts';
import { asDigest, asReplicaId, asSequence } from '../base/ids.ts';
import type { StateProof } from '../base/key-value.ts';
import { Identity, sha256 } from '../node/index.ts';
import { applicationKey } from '../protocol/state-layout.ts';
import { verifyStateProofFile } from './state-proof.ts';

const maker = new StateProofMaker();
const stranger = new StateProofMaker();

const OTHER_DIGEST = asDigest('ab'.repeat(32));

function verify(certified: CertifiedValue, cluster = maker.cluster): ReturnType<typeof verifyStateProofFile> {
  return verifyStateProofFile(cluster, JSON.stringify(stateProofBody(certified)));
}

/** The reason, as people read it; `proven` when there is none. */
function told(certified: CertifiedValue, cluster = maker.cluster): string {
  const verdict = verify(certified, cluster);
  return verdict.ok ? 'proven' : `${verdict.error.code}: ${describeStateProofFault(verdict.error)}`;
}

const certificateOf = (...numbers: readonly number[]): CertifiedValue['certificate'] =>
  numbers.map((number) => maker.checkpoint(number));

describe('a state proof is proven', () => {
  test.each([
    ['account/alice', utf8('{"balance":5,"transfers":1}')],
    ['account/carol', new Uint8Array(0)],
    ['binary', Uint8Array.of(0xff, 0, 0xfe)],
    ['account/dave', undefined],
    // A key of the protocol's own tables is none of the application's.
    ['\u0000account/alice', undefined],
  ] as const)('of %j', (key, value) => {
    expect(must(verify(maker.certified(key)))).toEqual({
      key: utf8(key),
      value,
      sequence: SEQUENCE,
      root: maker.version.root,
      signers: [0, 1, 3],
    });
  });

  test('by more signers than it takes', () => {
    expect(must(verify(maker.certified('binary', { certificate: certificateOf(4, 3, 2, 1) }))).signers).toHaveLength(4);
  });

  test.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [5, 4],
    [7, 5],
  ])('of %i nodes by %i, and by none fewer', (size, quorum) => {
    const small = new StateProofMaker(Array.from({ length: size }, () => Identity.generate()));
    const signed = (count: number): CertifiedValue =>
      small.certified('binary', {
        certificate: Array.from({ length: count }, (_, index) => small.checkpoint(index + 1)),
      });
    expect(told(signed(quorum), small.cluster)).toBe('proven');
    expect(told(signed(quorum - 1), small.cluster)).toContain(
      `${quorum - 1} nodes signed the checkpoint, and it takes`,
    );
  });
});

describe('a state proof does not hold:', () => {
  const spoilt = (signature: Uint8Array): Uint8Array => signature.with(5, (signature[5] ?? 0) ^ 1);
  const alice = maker.certified('account/alice');
  const dave = maker.certified('account/dave');
  const change = (certificate: CertifiedValue['certificate']): CertifiedValue => ({ ...alice, certificate });
  const [one, two, four] = [maker.checkpoint(1), maker.checkpoint(2), maker.checkpoint(4)];

  test.each<readonly [string, CertifiedValue, string]>([
    ['too few signatures', change([one, two]), 'too-few-signers: 2 nodes signed the checkpoint, and it takes 3'],
    ['none at all', change([]), 'too-few-signers: 0 nodes'],
    ['one node twice', change([one, two, one]), 'repeated-signer: CHECKPOINT 3 is another one by node1'],
    ['one node twice, beside enough others', change([one, two, four, two]), 'repeated-signer: CHECKPOINT 4'],
    [
      'a node that there is not',
      change([one, two, { ...four, checkpoint: { ...four.checkpoint, replica: asReplicaId(4) } }]),
      'unknown-signer: CHECKPOINT 3 is by node5',
    ],
    [
      "another node's signature",
      change([one, two, { ...four, checkpoint: { ...four.checkpoint, replica: asReplicaId(2) } }]),
      'bad-signature: the signature of CHECKPOINT 3 is not by node3',
    ],
    [
      'a spoilt signature',
      change([one, { ...two, signature: spoilt(two.signature) }, four]),
      'bad-signature: the signature of CHECKPOINT 2',
    ],
    [
      'a spoilt signature, beside enough others',
      change([...certificateOf(1, 2, 3), { ...four, signature: spoilt(four.signature) }]),
      'bad-signature: the signature of CHECKPOINT 4',
    ],
    [
      "another cluster's keys",
      { ...alice, certificate: [1, 2, 3].map((number) => stranger.checkpoint(number)) },
      'bad-signature',
    ],
    [
      'a CHECKPOINT for another root',
      change([one, maker.checkpoint(2, { root: OTHER_DIGEST }), four]),
      'other-checkpoint: CHECKPOINT 2 is for another root',
    ],
    [
      'a CHECKPOINT for another number',
      change([one, two, maker.checkpoint(4, { sequence: asSequence(SEQUENCE + 8) })]),
      'other-checkpoint: CHECKPOINT 3 is for another sequence number',
    ],
    [
      'another root than the CHECKPOINTs',
      { ...alice, root: OTHER_DIGEST },
      'other-checkpoint: CHECKPOINT 1 is for another root',
    ],
    ['another number than the CHECKPOINTs', { ...alice, sequence: asSequence(1) }, 'other-checkpoint: CHECKPOINT 1'],
    [
      'a root that they did not sign',
      {
        ...alice,
        root: OTHER_DIGEST,
        certificate: alice.certificate.map(({ checkpoint, signature }) => ({
          checkpoint: { ...checkpoint, root: OTHER_DIGEST },
          signature,
        })),
      },
      'bad-signature: the signature of CHECKPOINT 1 is not by node1',
    ],
    [
      'a root that they signed, of another state',
      {
        ...alice,
        root: OTHER_DIGEST,
        certificate: [1, 2, 4].map((number) => maker.checkpoint(number, { root: OTHER_DIGEST })),
      },
      'wrong-path: the Merkle path does not lead to the root that was signed',
    ],
    ['another key', { ...alice, key: utf8('account/bob') }, 'wrong-path: the Merkle path does not lead'],
    [
      'another value',
      { ...alice, value: utf8('{"balance":500,"transfers":1}') },
      'wrong-path: the Merkle path does not lead',
    ],
    [
      'absent where there is a value',
      { ...alice, value: undefined },
      'wrong-path: the Merkle path is about the opposite',
    ],
    ['a value where there is none', { ...dave, value: utf8('1') }, 'wrong-path: the Merkle path is about the opposite'],
    ['absent by the path of another key', { ...alice, value: undefined, proof: dave.proof }, 'wrong-path:'],
    [
      'absent by the key itself',
      { ...alice, value: undefined, proof: absentBeside(alice) },
      'wrong-path: the neighbour that is to show',
    ],
    [
      'a path with a step left out',
      withPath(alice, (path) => path.slice(1)),
      'wrong-path: the Merkle path does not lead',
    ],
    [
      'a path with another sibling',
      withPath(alice, (path) => path.map((step) => ({ ...step, sibling: OTHER_DIGEST }))),
      'wrong-path: the Merkle path does not lead',
    ],
    ['a path turned round', withPath(alice, (path) => path.toReversed()), 'wrong-path: the Merkle path is none'],
    [
      'a path with a step twice',
      withPath(alice, (path) => [...path, ...path.slice(-1)]),
      'wrong-path: the Merkle path is none',
    ],
    [
      'absent by an empty state',
      { ...dave, proof: { kind: 'absent', path: [], other: undefined } },
      'wrong-path: the Merkle path does not lead',
    ],
  ])('%s', (_, certified, reason) => {
    expect(told(certified)).toContain(reason);
  });

  test('another cluster: of the same keys, or said to be this one', () => {
    const sibling = new StateProofMaker(maker.identities, '44'.repeat(32));
    const theirs = sibling.certified('account/alice');
    expect(told(theirs, sibling.cluster)).toBe('proven');
    expect(told(theirs)).toBe('foreign-cluster: it is about another cluster than the one of the public keys');
    expect(told({ ...theirs, clusterId: maker.clusterId })).toContain('bad-signature: the signature of CHECKPOINT 1');
  });

  test('a changed character of the file is seen, or changes nothing', () => {
    const text = JSON.stringify(stateProofBody(alice));
    const changed = Array.from({ length: text.length }, (_, at) => at)
      .filter((at) => at % 3 === 0)
      .map((at) => `${text.slice(0, at)}${text[at] === '1' ? '2' : '1'}${text.slice(at + 1)}`);
    const proven = changed.flatMap((file) => {
      const verdict = verifyStateProofFile(maker.cluster, file);
      return verdict.ok ? [verdict.value] : [];
    });
    expect(changed.length).toBeGreaterThan(400);
    expect(proven.filter((value) => !isDeepStrictEqual(value, must(verify(alice))))).toEqual([]);
  });
});

function withPath(certified: CertifiedValue, change: (path: StateProof['path']) => StateProof['path']): CertifiedValue {
  expect(certified.proof.path.length, 'a path that can be changed').toBeGreaterThan(1);
  return { ...certified, proof: { ...certified.proof, path: change(certified.proof.path) } };
}

/** What a liar might say of a key that is there: its own leaf, as if it were another's. */
function absentBeside({ key, value = new Uint8Array(0), proof }: CertifiedValue): StateProof {
  const other = { keyDigest: sha256(applicationKey(key)), valueDigest: sha256(value) };
  return { kind: 'absent', path: proof.path, other };
}
