import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asDigest, asSequence } from '../base/ids.ts';
import type { Digest } from '../base/ids.ts';
import type { Assembly, Entry, SubtreeAddress, SubtreeContent, SubtreeLimits, Version } from '../base/key-value.ts';
import { MemoryState } from './memory-state.ts';
import { bitOf, emptyRoot, firstDifferingBit, nodeHash } from './merkle-hash.ts';
import type { Sha256 } from './merkle-hash.ts';

const sha256: Sha256 = (bytes) => asDigest(hash('sha256', bytes, 'hex'));
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const ZERO = asDigest('0'.repeat(64));
const FEW: SubtreeLimits = { entries: 3, bytes: 60, levels: 3 };

type Content = Readonly<Record<string, string>>;

const numbered = (from: number, to: number, value = 'v'): Content =>
  Object.fromEntries(Array.from({ length: to - from }, (_, i) => [`key${from + i}`, value]));

function stateOf(content: Content, sequence = 10, base = new MemoryState(sha256)): MemoryState {
  const state = MemoryState.reopened(base);
  const transaction = state.begin();
  for (const [key, value] of Object.entries(content)) transaction.put(text(key), text(value));
  transaction.commit();
  state.seal(asSequence(sequence));
  return state;
}

function versionOf(content: Content): Version {
  const version = stateOf(content).versions()[0];
  if (version === undefined) throw new Error('a sealed content is a version');
  return version;
}

const rootAddress = (root: Digest): SubtreeAddress => ({ path: ZERO, depth: 0, hash: root });
const never = (): boolean => false;

/** Takes from `source` what is wanted until nothing is; gives what was asked for and how many bytes came. */
function fill(assembly: Assembly, source: Version, limits = FEW): { asked: SubtreeAddress[]; bytes: number } {
  const asked: SubtreeAddress[] = [];
  let bytes = 0;
  for (let wanted = assembly.wanted(2, never); wanted.length > 0; wanted = assembly.wanted(2, never)) {
    for (const address of wanted) {
      const content = source.subtree(address, limits);
      if (content === undefined) throw new Error('what is wanted is there');
      asked.push(address);
      bytes += bytesOf(content);
      expect(assembly.take(address, content)).toBe('taken');
    }
  }
  expect(assembly.isComplete).toBe(true);
  return { asked, bytes };
}

const bytesOf = (content: SubtreeContent): number =>
  content.kind === 'nodes'
    ? 65 * content.nodes.length
    : content.entries.reduce((sum, { key, value }) => sum + key.length + value.length, 0);

const all = (state: MemoryState): readonly Entry[] => state.range(new Uint8Array(0), undefined, 1_000_000);

describe('subtree', () => {
  it('gives all entries in the order of their digests where the limits allow, and else upper nodes', () => {
    const version = versionOf(numbered(0, 100));
    const whole = version.subtree(rootAddress(version.root), { entries: 100, bytes: 10_000, levels: 1 });
    const digests = whole?.kind === 'entries' ? whole.entries.map(({ key }) => sha256(key)) : [];
    expect(digests).toEqual(Array.from({ length: 100 }, (_, i) => sha256(text(`key${i}`))).toSorted());
    for (const limits of [
      { entries: 99, bytes: 10_000, levels: 1 },
      { entries: 100, bytes: 99, levels: 1 },
    ]) {
      const top = version.subtree(rootAddress(version.root), limits);
      if (top?.kind !== 'nodes') throw new Error('too many for entries');
      expect(top.nodes.length).toBe(1);
      expect(top.nodes.map(({ bit, left, right }) => nodeHash(sha256, bit, left, right))).toEqual([version.root]);
    }
  });

  it('gives nodes in preorder, none below what can be asked for at once, and at least one entry or node', () => {
    const version = versionOf(numbered(0, 100));
    const content = version.subtree(rootAddress(version.root), { entries: 30, bytes: 10_000, levels: 10 });
    if (content?.kind !== 'nodes') throw new Error('too many for entries');
    const [top, left] = content.nodes;
    expect(left && nodeHash(sha256, left.bit, left.left, left.right)).toBe(top?.left);
    expect(content.nodes.length).toBeLessThan(8);
    const one = versionOf({ a: 'a long value' });
    expect(one.subtree(rootAddress(one.root), { entries: 0, bytes: 0, levels: 0 })?.kind).toBe('entries');
    const two = versionOf({ a: '1', b: '2' });
    expect(two.subtree(rootAddress(two.root), { entries: 0, bytes: 0, levels: 0 })?.kind).toBe('nodes');
    const none = versionOf({});
    expect(none.subtree(rootAddress(emptyRoot(sha256)), FEW)).toEqual({ kind: 'entries', entries: [] });
  });

  it('gives nothing for another hash or place', () => {
    const version = versionOf(numbered(0, 100));
    expect(version.subtree(rootAddress(ZERO), FEW)).toBeUndefined();
    expect(version.subtree({ path: ZERO, depth: 256, hash: version.root }, FEW)).toBeUndefined();
    expect(versionOf({}).subtree(rootAddress(ZERO), FEW)).toBeUndefined();
  });
});

describe('an assembly', () => {
  it('ends in the content of the root, asks for nothing it has, and hides the present content meanwhile', () => {
    const target = versionOf({ ...numbered(0, 200), key17: 'other', extra: 'new' });
    const state = stateOf(numbered(0, 200));
    const assembly = state.assemble(asSequence(30), target.root);
    expect(state.assembling).toBe(assembly);
    expect(() => state.get(text('key1'))).toThrow('not read while');
    expect(() => state.begin()).toThrow('not changed while');
    expect(() => state.install()).toThrow('complete');
    expect(state.versions()[0]?.get(text('key17'))).toEqual(text('v'));
    const { asked } = fill(assembly, target);
    expect(asked.length).toBeLessThan(12);
    expect(assembly.takenBytes).toBeLessThan(100);
    state.install();
    expect(state.assembling).toBeUndefined();
    expect(state.versions().map(({ sequence }) => sequence)).toEqual([10, 30]);
    expect(state.versions()[1]?.root).toBe(target.root);
    expect(all(state)).toEqual(all(stateOf({ ...numbered(0, 200), key17: 'other', extra: 'new' })));
  });

  it('needs nothing for the empty tree, nor for the content that is there', () => {
    const state = stateOf(numbered(0, 9));
    const [version] = state.versions();
    expect(state.assemble(asSequence(20), version?.root ?? ZERO).isComplete).toBe(true);
    const empty = state.assemble(asSequence(20), emptyRoot(sha256));
    expect(empty.isComplete).toBe(true);
    expect(empty.wanted(9, never)).toEqual([]);
    expect(empty.take(rootAddress(empty.root), { kind: 'entries', entries: [] })).toBe('unknown');
    state.install();
    expect(all(state)).toEqual([]);
  });

  it('makes higher versions go, and gives up what was sealed and not yet durable', () => {
    const state = new MemoryState(sha256, { durable: 'when-settled' });
    for (const sequence of [10, 20, 30]) {
      const transaction = state.begin();
      transaction.put(text('a'), text(String(sequence)));
      transaction.commit();
      state.seal(asSequence(sequence));
      if (sequence < 30) state.store(asSequence(sequence));
      state.settle();
    }
    const target = versionOf(numbered(0, 9));
    fill(state.assemble(asSequence(20), target.root), target);
    expect(state.unsettled()).toEqual([]);
    state.install();
    expect(state.versions().map(({ sequence }) => sequence)).toEqual([10]);
    state.seal(asSequence(21));
    expect(state.unsettled()).toEqual([20]);
    state.store(asSequence(21));
    expect(state.unsettled()).toEqual([20, 21]);
    state.settle();
    expect(state.versions().map(({ sequence, root }) => [sequence, root])).toEqual([
      [10, state.versions()[0]?.root],
      [20, target.root],
    ]);
    expect(state.get(text('a'))).toBeUndefined();
  });

  it('survives a crash with what it had taken, also when it was installed but not yet durable', () => {
    const target = versionOf(numbered(0, 50));
    const state = new MemoryState(sha256, { durable: 'when-settled' });
    const assembly = state.assemble(asSequence(20), target.root);
    for (const address of assembly.wanted(1, never)) {
      const content = target.subtree(address, FEW);
      if (content !== undefined) assembly.take(address, content);
    }
    const second = MemoryState.reopened(state);
    const resumed = second.assembling;
    expect(resumed?.wanted(100, never)).toEqual(assembly.wanted(100, never));
    expect(second.assemble(asSequence(20), target.root)).toBe(resumed);
    if (resumed === undefined) throw new Error('it goes on');
    fill(resumed, target);
    second.install();
    expect(second.get(text('key7'))).toEqual(text('v'));
    const third = MemoryState.reopened(second);
    expect(third.assembling?.isComplete).toBe(true);
    expect(third.assembling?.takenBytes).toBe(resumed.takenBytes);
    third.install();
    third.settle();
    expect(third.versions()[0]?.root).toBe(target.root);
    expect(MemoryState.reopened(third).assembling).toBeUndefined();
  });

  it('goes over into another root with all that has come', () => {
    const [one, other] = [versionOf(numbered(0, 300)), versionOf({ ...numbered(0, 300), key5: 'other' })];
    const state = new MemoryState(sha256);
    const first = state.assemble(asSequence(20), one.root);
    for (let i = 0; i < 40; i += 1) {
      for (const address of first.wanted(1, never)) {
        first.take(address, one.subtree(address, FEW) ?? { kind: 'entries', entries: [] });
      }
    }
    const left = fill(MemoryState.reopened(state).assemble(asSequence(20), one.root), one);
    const second = fill(state.assemble(asSequence(30), other.root), other);
    expect(second.asked.length).toBeLessThan(left.asked.length + 10);
    state.install();
    expect(state.versions()[0]?.root).toBe(other.root);
  });

  it('leaves out what is asked already, and asks for no more than it may', () => {
    const target = versionOf(numbered(0, 300));
    const assembly = new MemoryState(sha256).assemble(asSequence(20), target.root);
    const [top] = assembly.wanted(9, never);
    if (top === undefined) throw new Error('the root is wanted');
    expect(top).toEqual(rootAddress(target.root));
    expect(assembly.wanted(9, () => true)).toEqual([]);
    assembly.take(top, target.subtree(top, { entries: 1, bytes: 1, levels: 4 }) ?? { kind: 'nodes', nodes: [] });
    const wanted = assembly.wanted(100, never);
    expect(wanted.length).toBe(16);
    expect(assembly.wanted(5, never)).toEqual(wanted.slice(0, 5));
    expect(assembly.wanted(5, (address) => wanted.indexOf(address) < 0 && address.hash === wanted[0]?.hash)).toEqual(
      wanted.slice(1, 6),
    );
    expect(assembly.take(top, { kind: 'entries', entries: [] })).toBe('unknown');
  });
});

describe('what peers send', () => {
  const target = versionOf(numbered(0, 40));
  const top = rootAddress(target.root);
  const content = target.subtree(top, { entries: 100, bytes: 10_000, levels: 1 });
  const upper = target.subtree(top, { entries: 0, bytes: 0, levels: 3 });
  const entries = content?.kind === 'entries' ? content.entries : [];
  const nodes = upper?.kind === 'nodes' ? upper.nodes : [];
  const begin = (): Assembly => new MemoryState(sha256).assemble(asSequence(20), target.root);
  const swapped = [...entries.slice(1, 2), ...entries.slice(0, 1), ...entries.slice(2)];
  const bytes = (length: number): Uint8Array => new Uint8Array(length);
  const [node, ...lower] = nodes;
  if (node === undefined) throw new Error('there are upper nodes');

  const wrong: Readonly<Record<string, SubtreeContent>> = {
    'no entry': { kind: 'entries', entries: [] },
    'no node': { kind: 'nodes', nodes: [] },
    'an entry twice': { kind: 'entries', entries: [...entries.slice(0, 1), ...entries] },
    'an entry missing': { kind: 'entries', entries: entries.slice(1) },
    'entries in another order': { kind: 'entries', entries: swapped },
    'another value': { kind: 'entries', entries: entries.map(({ key }) => ({ key, value: text('w') })) },
    'an empty key': { kind: 'entries', entries: [{ key: bytes(0), value: bytes(0) }] },
    'a key too long': { kind: 'entries', entries: [{ key: bytes(1025), value: bytes(0) }] },
    'a value too long': { kind: 'entries', entries: [{ key: bytes(1), value: bytes(1024 * 1024 + 1) }] },
    'another node': { kind: 'nodes', nodes: [{ ...node, bit: node.bit + 1 }, ...lower] },
    'sides exchanged': { kind: 'nodes', nodes: [{ ...node, left: node.right, right: node.left }] },
    'a node more': { kind: 'nodes', nodes: [...nodes, node] },
    'lower nodes only': { kind: 'nodes', nodes: lower },
    'no bit': { kind: 'nodes', nodes: [{ ...node, bit: Number.NaN }] },
    'a bit beyond the path': { kind: 'nodes', nodes: [{ ...node, bit: 256 }] },
    'a bit between two': { kind: 'nodes', nodes: [{ ...node, bit: 0.5 }] },
    'no digest': { kind: 'nodes', nodes: [{ ...node, left: '' as Digest }] },
  };

  it.each(Object.entries(wrong))('is refused: %s', (_, each) => {
    const assembly = begin();
    expect(assembly.take(top, each)).toBe('wrong');
    expect(assembly.wanted(2, never)).toEqual([top]);
    expect(assembly.takenBytes).toBe(0);
  });

  it('is refused where the entries hash right but belong to another place, and where bits do not rise', () => {
    // Roots of trees that no content has; a certificate never bears one.
    const [a, b] = entries;
    if (a === undefined || b === undefined) throw new Error('there are entries');
    const leaf = versionOf({ [new TextDecoder().decode(a.key)]: 'v' }).root;
    const other = versionOf({ [new TextDecoder().decode(b.key)]: 'v' }).root;
    const bit = firstDifferingBit(sha256(a.key), sha256(b.key)) ?? 0;
    const crossed = { bit, left: other, right: leaf };
    const root = nodeHash(sha256, bit, crossed.left, crossed.right);
    const assembly = new MemoryState(sha256).assemble(asSequence(20), root);
    expect(assembly.take(rootAddress(root), { kind: 'nodes', nodes: [crossed] })).toBe('taken');
    const [left] = assembly.wanted(1, never);
    expect(left && assembly.take(left, { kind: 'entries', entries: [b] })).toBe(
      bitOf(sha256(b.key), bit) === 0 ? 'taken' : 'wrong',
    );
    const outer = { bit, left: root, right: leaf };
    const twice = nodeHash(sha256, bit, root, leaf);
    const second = new MemoryState(sha256).assemble(asSequence(20), twice);
    expect(second.take(rootAddress(twice), { kind: 'nodes', nodes: [outer, crossed] })).toBe('wrong');
    expect(second.take(rootAddress(twice), { kind: 'nodes', nodes: [outer] })).toBe('taken');
    const [below] = second.wanted(1, never);
    expect(below && second.take(below, { kind: 'nodes', nodes: [crossed] })).toBe('wrong');
  });

  it('is unknown where nothing is missing', () => {
    const assembly = begin();
    for (const address of [
      { ...top, hash: ZERO },
      { ...top, hash: emptyRoot(sha256) },
    ]) {
      expect(assembly.take(address, { kind: 'entries', entries })).toBe('unknown');
    }
    expect(assembly.take(top, { kind: 'entries', entries })).toBe('taken');
    expect(assembly.take(top, { kind: 'entries', entries })).toBe('unknown');
  });

  it('is copied', () => {
    const state = new MemoryState(sha256);
    const assembly = state.assemble(asSequence(20), target.root);
    const sent = entries.map(({ key, value }) => ({ key: key.slice(), value: value.slice() }));
    assembly.take(top, { kind: 'entries', entries: sent });
    for (const { key, value } of sent) [key, value].forEach((each) => each.fill(0));
    state.install();
    expect(state.get(text('key3'))).toEqual(text('v'));
  });
});

describe('an assembly between any two contents', () => {
  const name = fc.integer({ min: 0, max: 300 }).map((i) => `k${i}`);
  const someContent = fc.dictionary(name, fc.constantFrom('1', '2'), { maxKeys: 200 });
  const limits = fc.record({
    entries: fc.nat(20),
    bytes: fc.nat(200),
    levels: fc.nat(6),
  });

  it('ends in the right root, in any order, with pieces lost, twice and wrong, and takes what differs', () => {
    const contents = fc
      .tuple(someContent, someContent, fc.boolean())
      .map(([before, changes, isApart]) => [before, isApart ? changes : { ...before, ...changes }] as const);
    fc.assert(
      fc.property(contents, limits, fc.infiniteStream(fc.nat(5)), ([before, after], within, chance) => {
        const state = stateOf(before);
        const present = state.versions()[0];
        const target = versionOf(after);
        const next = (): number => (chance.next().value as number | undefined) ?? 0;
        const assembly = state.assemble(asSequence(20), target.root);
        for (let wanted = assembly.wanted(5, never); wanted.length > 0; wanted = assembly.wanted(5, never)) {
          const address = wanted[next() % wanted.length];
          const content = address && target.subtree(address, within);
          if (address === undefined || content === undefined) throw new Error('what is wanted is there');
          expect(present?.subtree(address, within)).toBeUndefined();
          const what = next();
          if (what === 0) continue;
          const answers = [
            ...(what === 1 ? [assembly.take(address, damaged(content, next()))] : []),
            assembly.take(address, content),
            ...(what === 2 ? [assembly.take(address, content)] : []),
          ];
          expect(answers).toEqual([...(what === 1 ? ['wrong'] : []), 'taken', ...(what === 2 ? ['unknown'] : [])]);
        }
        state.install();
        expect(state.versions().at(-1)?.root).toBe(target.root);
        expect(all(state)).toEqual(all(stateOf(after)));
      }),
      { numRuns: 200 },
    );
  });

  it('takes bytes in proportion to what differs', () => {
    const base = stateOf(numbered(0, 3000));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 50 }), (changes, from) => {
        const changed = Object.fromEntries(Array.from({ length: changes }, (_, i) => [`key${from + 70 * i}`, 'w']));
        const state = MemoryState.reopened(base);
        const target = stateOf(changed, 20, base).versions()[1];
        if (target === undefined) throw new Error('a sealed content is a version');
        const { bytes } = fill(state.assemble(asSequence(20), target.root), target, {
          entries: 8,
          bytes: 1000,
          levels: 4,
        });
        // At most a path of 15 nodes for each change (log2 of 3,000 keys, and some), each with its fellows of a level, and 8 entries of 8 bytes.
        expect(bytes).toBeLessThan(changes * (15 * 65 * 4 + 8 * 8));
      }),
      { numRuns: 20 },
    );
  });
});

function damaged(content: SubtreeContent, how: number): SubtreeContent {
  if (content.kind === 'nodes') {
    const nodes = content.nodes.map((node, i) => (i === 0 ? { ...node, bit: (node.bit + 1 + how) % 256 } : node));
    return { kind: 'nodes', nodes };
  }
  const entries = content.entries.map((entry, i) => (i === 0 ? { key: entry.key, value: text(`bad${how}`) } : entry));
  return { kind: 'entries', entries };
}
