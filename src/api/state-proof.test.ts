import fc from 'fast-check';
import { Compile } from 'typebox/compile';
import { describe, expect, test } from 'vitest';
import { must } from '../../test/support/must.ts';
import { StateProofMaker } from '../../test/support/state-proofs.ts';
import { toJson } from '../messages/index.ts';
import { exactBytes, StateProofBody, stateProofBody } from './state-proof.ts';
import {
  claimsToBeStateProof,
  MAX_STATE_PROOF_CHARACTERS,
  readStateProof,
  readStateProofText,
} from './state-proof-file.ts';

const maker = new StateProofMaker();
const schema = Compile(StateProofBody);

/** As a file holds it. */
function written(body: object): Record<string, unknown> {
  return JSON.parse(JSON.stringify(body)) as Record<string, unknown>;
}

describe('the body of a state proof', () => {
  test.each(['account/alice', 'account/carol', 'binary', 'kv/ä "quoted"', 'nobody', '\u0000'])(
    'of %j: is as its schema says, and reads as what it was made of',
    (key) => {
      const certified = maker.certified(key);
      const body = stateProofBody(certified);
      expect([...schema.Errors(body)]).toEqual([]);
      expect(must(readStateProof(written(body)))).toEqual(certified);
      expect(must(readStateProofText(JSON.stringify(body, undefined, 2)))).toEqual(certified);
    },
  );

  test('its CHECKPOINTs stand there as all messages do', () => {
    const { certificate } = maker.certified('binary');
    expect(stateProofBody(maker.certified('binary')).certificate).toEqual(
      certificate.map(({ checkpoint, signature }) => toJson(checkpoint, { kind: 'signature', signature })),
    );
  });

  test('an absent key in an empty state has no neighbour', () => {
    const proof = { kind: 'absent', path: [], other: undefined } as const;
    const certified = maker.certified('nobody', { proof });
    expect(stateProofBody(certified)).toMatchObject({ value: null, proof: { kind: 'absent', other: null } });
    expect(must(readStateProof(written(stateProofBody(certified))))).toEqual(certified);
  });

  test('bytes are exact: as text where they are UTF-8, else base64url', () => {
    expect(exactBytes(Uint8Array.of(0x61, 0))).toEqual({ utf8: 'a\u0000' });
    expect(exactBytes(Uint8Array.of(0xff))).toEqual({ base64url: '_w' });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (value) => {
        const body = stateProofBody(maker.certified('binary', { value }));
        expect(must(readStateProof(written(body))).value).toEqual(value);
      }),
    );
  });
});

describe('reading', () => {
  const body = (key = 'account/alice'): Record<string, unknown> => written(stateProofBody(maker.certified(key)));
  const [first] = body()['certificate'] as readonly object[];
  const checkpoint = (change: object): object => ({ certificate: [{ ...first, ...change }] });
  const absent = body('nobody')['proof'] as object;

  test.each<readonly [string, object]>([
    ['cluster_id', { cluster_id: 'AB'.repeat(32) }],
    ['key', { key: 'account/alice' }],
    ['key', { key: { utf8: 'a', base64url: 'YQ' } }],
    ['key', { key: { hex: '61' } }],
    ['key', { key: null }],
    ['key.utf8', { key: { utf8: '' } }],
    ['key.utf8', { key: { utf8: 'a'.repeat(1001) } }],
    ['key.utf8', { key: { utf8: '\ud800' } }],
    ['key.base64url', { key: { base64url: 'YQ==' } }],
    ['key.base64url', { key: { base64url: 'YR' } }],
    ['value', { value: undefined }],
    ['value', { value: 5 }],
    ['value.utf8', { value: { utf8: 'a'.repeat(1024 * 1024 + 1) } }],
    ['as_of_sequence', { as_of_sequence: -1 }],
    ['as_of_sequence', { as_of_sequence: 1.5 }],
    ['as_of_sequence', { as_of_sequence: 2 ** 53 }],
    ['as_of_sequence', { as_of_sequence: '128' }],
    ['root', { root: 'ab' }],
    ['proof', { proof: [] }],
    ['proof.kind', { proof: { kind: 'perhaps', path: [] } }],
    ['proof.path', { proof: { kind: 'present' } }],
    ['proof.path', { proof: { kind: 'present', path: Array.from({ length: 257 }, () => ({})) } }],
    ['proof.path[0]', { proof: { kind: 'present', path: [7] } }],
    ['proof.path[0].bit', { proof: { kind: 'present', path: [{ bit: 256, sibling: 'ab'.repeat(32) }] } }],
    ['proof.path[0].sibling', { proof: { kind: 'present', path: [{ bit: 0, sibling: 'ab' }] } }],
    ['proof.other', { proof: { ...absent, other: undefined } }],
    ['proof.other.key_digest', { proof: { ...absent, other: {} } }],
    ['proof.other.value_digest', { proof: { ...absent, other: { key_digest: 'ab'.repeat(32), value_digest: 7 } } }],
    ['certificate', { certificate: {} }],
    ['certificate', { certificate: Array.from({ length: 32 }, () => first) }],
    ['certificate[0]', { certificate: ['checkpoint'] }],
    ['certificate[0].type', checkpoint({ type: 'commit' })],
    ['certificate[0].node_id', checkpoint({ node_id: 'node0' })],
    ['certificate[0].node_id', checkpoint({ node_id: 0 })],
    ['certificate[0].signature', checkpoint({ signature: 'ed25519:AA' })],
    ['certificate[0].signature', checkpoint({ signature: `mac:${'A'.repeat(86)}` })],
    ['certificate[0].sequence', checkpoint({ sequence: null })],
    ['certificate[0].root', checkpoint({ root: undefined })],
  ])('%s: %j', (field, change) => {
    const read = readStateProof({ ...body(), ...change });
    expect(read).toMatchObject({ ok: false, error: { code: 'bad-field', field } });
  });

  test.each<readonly [string, string]>([
    ['not-json', '{'],
    ['not-an-object', '[]'],
    ['not-an-object', 'null'],
    ['unknown-format', '{}'],
    ['unknown-format', '{"format": "pbft-state-proof/2"}'],
    ['too-large', ' '.repeat(MAX_STATE_PROOF_CHARACTERS + 1)],
  ])('%s', (code, text) => {
    expect(readStateProofText(text)).toMatchObject({ ok: false, error: { code } });
  });

  test('the largest value there may be is not too large', () => {
    const value = new Uint8Array(1024 * 1024);
    const text = JSON.stringify(stateProofBody(maker.certified('binary', { value })), undefined, 2);
    expect(must(readStateProofText(text)).value).toEqual(value);
  });

  test('what else a file says is not looked at', () => {
    expect(must(readStateProof({ ...body(), comment: 'of last week' }))).toEqual(maker.certified('account/alice'));
  });

  test('a state proof of any version is told from other files', () => {
    expect(claimsToBeStateProof(body())).toBe(true);
    expect(claimsToBeStateProof({ format: 'pbft-state-proof/2' })).toBe(true);
    for (const other of [{ format: 'pbft-evidence/1' }, {}, [body()], null, 'pbft-state-proof/1'])
      expect(claimsToBeStateProof(other)).toBe(false);
  });
});
