/** [G22] Whatever the JSON: a message that has the same JSON, or a refusal with a reason. Never an exception. */
import fc from 'fast-check';
import type { Arbitrary } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { context, message, proof } from '../../test/support/arbitrary-messages.ts';
import { fromJson, toJson } from './json.ts';
import { REFUSAL_CODES } from './refusal.ts';
import type { DecodeRefusal } from './refusal.ts';
import type { Json } from './schema/json-value.ts';

const OUTCOMES_OF_JSON = [
  undefined,
  ...REFUSAL_CODES.filter((code) => code !== 'truncated' && code !== 'trailing-bytes'),
];

const VOTE = {
  type: 'prepare',
  view: 0,
  sequence: 1,
  digest: 'ab'.repeat(32),
  node_id: 'node2',
};

const SIGNED = `ed25519:${'A'.repeat(86)}`;
const hashes = (count: number): readonly string[] => new Array<string>(count).fill('ab'.repeat(32));
const inTree = (change: object): object => ({
  ...VOTE,
  tree_signature: { leaves: 3, position: 2, siblings: hashes(1), signature: SIGNED, ...change },
});

function checkJson(value: unknown): DecodeRefusal | undefined {
  const decoded = fromJson(value, context);
  const again = decoded.ok ? fromJson(toJson(decoded.value.message, decoded.value.proof), context) : decoded;
  expect(again).toStrictEqual(decoded);
  const refusal = decoded.ok ? undefined : decoded.error;
  expect(OUTCOMES_OF_JSON).toContain(refusal?.code);
  return refusal;
}

const jsons: Arbitrary<Json> = fc.tuple(message, proof).map(([value, evidence]) => toJson(value, evidence));
const anyValue: Arbitrary<unknown> = fc.oneof(
  fc.jsonValue(),
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withBoxedValues: true, withSparseArray: true }),
  fc.constantFrom<unknown>(
    'node1',
    'node0',
    'node257',
    -0,
    1.5,
    2 ** 53,
    -1,
    'ab'.repeat(32),
    [],
    {},
    null,
    '',
    'ed25519:',
    'mac:AA',
  ),
);

interface Edit {
  readonly path: readonly number[];
  readonly kind: 'replace' | 'remove' | 'add' | 'rename';
  readonly name: string;
  readonly value: unknown;
}

const edits: Arbitrary<Edit> = fc.record({
  path: fc.array(fc.nat(20), { minLength: 1, maxLength: 5 }),
  kind: fc.constantFrom('replace', 'remove', 'add', 'rename'),
  name: fc.oneof(fc.constantFrom('__proto__', 'constructor', 'toString', 'type', 'request', 'requests'), fc.string()),
  value: anyValue,
});

/** A copy with one change somewhere down the path. */
function edited(json: unknown, edit: Edit, depth = 0): unknown {
  if (typeof json !== 'object' || json === null) return edit.value;
  const entries: [string, unknown][] = Object.entries(json);
  const index = (edit.path[depth] ?? 0) % Math.max(1, entries.length);
  const chosen = entries[index];
  if (chosen !== undefined && depth + 1 < edit.path.length && typeof chosen[1] === 'object' && chosen[1] !== null) {
    entries[index] = [chosen[0], edited(chosen[1], edit, depth + 1)];
  } else if (edit.kind === 'add' || chosen === undefined) entries.push([edit.name, edit.value]);
  else if (edit.kind === 'remove') entries.splice(index, 1);
  else if (edit.kind === 'rename') entries[index] = [edit.name, chosen[1]];
  else entries[index] = [chosen[0], edit.value];
  return Array.isArray(json) ? entries.map(([, value]) => value) : Object.fromEntries(entries);
}

describe('never throws', () => {
  test('on anything', () => {
    fc.assert(
      fc.property(anyValue, (value) => void checkJson(value)),
      { numRuns: 1000 },
    );
  });

  test('on objects that begin like a message', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...Object.keys(VOTE), 'signature', 'x'), anyValue), (value) => {
        checkJson({ ...VOTE, ...value });
      }),
      { numRuns: 1000 },
    );
  });

  test('on valid messages with one or several changes', () => {
    fc.assert(
      fc.property(jsons, edits, (json, edit) => void checkJson(edited(json, edit))),
      { numRuns: 1200 },
    );
    fc.assert(
      fc.property(jsons, edits, edits, (json, one, two) => void checkJson(edited(edited(json, one), two))),
      { numRuns: 600 },
    );
  });

  test('on values nested so deep that recursion would end', () => {
    const deep = JSON.parse('{"a":'.repeat(20_000) + '1' + '}'.repeat(20_000)) as unknown;
    const list = JSON.parse('['.repeat(20_000) + ']'.repeat(20_000)) as unknown;
    for (const value of [deep, list]) {
      expect(checkJson(value)).toBeDefined();
      expect(checkJson({ ...VOTE, digest: value })).toEqual({ code: 'wrong-type', at: 'digest' });
      expect(checkJson({ type: 'requests', request: value, request_headers: [value] })).toBeDefined();
    }
  });
});

describe('refusals', () => {
  test.each<[string, unknown, DecodeRefusal]>([
    ['no object', 'prepare', { code: 'wrong-type', at: '' }],
    ['a list', [VOTE], { code: 'wrong-type', at: '' }],
    ['null', null, { code: 'wrong-type', at: '' }],
    ['an unknown type', { ...VOTE, type: 'raft' }, { code: 'unknown-type', at: 'type' }],
    ['a type that is no word', { ...VOTE, type: 1 }, { code: 'wrong-type', at: 'type' }],
    ['a type that objects inherit', { ...VOTE, type: 'constructor' }, { code: 'unknown-type', at: 'type' }],
    ['a typed reply', { type: 'reply' }, { code: 'unknown-type', at: 'type' }],
    ['a request alone', { type: 'request' }, { code: 'unknown-type', at: 'type' }],
    ['an unknown member', { ...VOTE, colour: 1 }, { code: 'unknown-field', at: 'colour' }],
    ['an unprintable member', { ...VOTE, 'a\u0000b': 1 }, { code: 'unknown-field', at: 'a?b' }],
    ['a member of another message', { ...VOTE, root: VOTE.digest }, { code: 'unknown-field', at: 'root' }],
    ['a prototype', JSON.parse('{"__proto__":{"type":"prepare"}}'), { code: 'unknown-field', at: '__proto__' }],
    ['no view', { type: 'prepare' }, { code: 'missing-field', at: 'view' }],
    ['a view in text', { ...VOTE, view: '0' }, { code: 'wrong-type', at: 'view' }],
    ['a fraction', { ...VOTE, view: 0.5 }, { code: 'out-of-range', at: 'view' }],
    ['a negative view', { ...VOTE, view: -1 }, { code: 'out-of-range', at: 'view' }],
    ['a view too large', { ...VOTE, view: 2 ** 53 }, { code: 'out-of-range', at: 'view' }],
    ['a short digest', { ...VOTE, digest: 'ab' }, { code: 'out-of-range', at: 'digest' }],
    ['a digest in capitals', { ...VOTE, digest: 'AB'.repeat(32) }, { code: 'out-of-range', at: 'digest' }],
    ['node0', { ...VOTE, node_id: 'node0' }, { code: 'out-of-range', at: 'node_id' }],
    ['an index for a node', { ...VOTE, node_id: 1 }, { code: 'wrong-type', at: 'node_id' }],
    ['an unknown scheme', { ...VOTE, signature: 'rsa:AAAA' }, { code: 'out-of-range', at: 'signature' }],
    [
      'a signature of the first document',
      { ...VOTE, signature: 'sig_node2_' },
      { code: 'out-of-range', at: 'signature' },
    ],
    ['a short MAC', { ...VOTE, signature: 'mac:AAAA' }, { code: 'out-of-range', at: 'signature' }],
    ['a long MAC', { ...VOTE, signature: `mac:${'A'.repeat(44)}` }, { code: 'oversized', at: 'signature' }],
    ['padding', { ...VOTE, signature: `ed25519:${'A'.repeat(84)}==` }, { code: 'out-of-range', at: 'signature' }],
    ['no signature text', { ...VOTE, signature: null }, { code: 'wrong-type', at: 'signature' }],
    ['no tree', { ...VOTE, tree_signature: null }, { code: 'wrong-type', at: 'tree_signature' }],
    ['a tree without leaves', inTree({ leaves: 0 }), { code: 'inconsistent', at: 'tree_signature.position' }],
    ['a tree too large', inTree({ leaves: 4097 }), { code: 'out-of-range', at: 'tree_signature.leaves' }],
    ['a place beyond the tree', inTree({ position: 3 }), { code: 'inconsistent', at: 'tree_signature.position' }],
    ['too many hashes', inTree({ siblings: hashes(25) }), { code: 'oversized', at: 'tree_signature.siblings' }],
    ['a hash too short', inTree({ siblings: ['ab'] }), { code: 'out-of-range', at: 'tree_signature.siblings[0]' }],
    ['a tree with a MAC', inTree({ signature: 'mac:AA' }), { code: 'out-of-range', at: 'tree_signature.signature' }],
    ['two proofs', { ...inTree({}), signature: SIGNED }, { code: 'inconsistent', at: 'tree_signature' }],
  ])('%s', (_, value, refusal) => {
    expect(checkJson(value)).toEqual(refusal);
  });
});

test('what an object inherits is not there', () => {
  const { view, ...rest } = VOTE;
  expect(checkJson(Object.assign(Object.create({ view }) as object, rest))).toEqual({
    code: 'missing-field',
    at: 'view',
  });
});

test('nothing that was sent ends up on a prototype', () => {
  const hostile = JSON.parse(
    `{"type":"requests","request":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}},
      "request_headers":[{"__proto__":{"client":"${'ab'.repeat(32)}"},"session":1,"timestamp":1,"replier":"node1"}]}`,
  ) as unknown;
  expect(checkJson(hostile)).toEqual({ code: 'unknown-field', at: 'request_headers[0].__proto__' });
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});
