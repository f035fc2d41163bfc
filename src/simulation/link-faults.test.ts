import { describe, expect, test } from 'vitest';
import { asReplicaId } from '../base/ids.ts';
import { MESSAGE_TYPES, NO_PROOF, encodeFrame, encodeMessage } from '../messages/index.ts';
import { coversLink, crosses, typeOfFrame } from './link-faults.ts';

const ids = { one: asReplicaId(0), two: asReplicaId(1), three: asReplicaId(2), four: asReplicaId(3) };
const PARTIES = ['node1', 'node2', 'node3', 'client1'];

/** Links among `PARTIES` that the filter covers, as `from>to`. */
function covered(filter: (from: string, to: string) => boolean): readonly string[] {
  return PARTIES.flatMap((from) =>
    PARTIES.filter((to) => to !== from && filter(from, to)).map((to) => `${from}>${to}`),
  );
}

describe('coversLink', () => {
  test('in: a node hears nobody', () => {
    expect(covered(coversLink({ kind: 'in', replica: ids.two }))).toEqual([
      'node1>node2',
      'node3>node2',
      'client1>node2',
    ]);
  });

  test('out: nobody hears a node', () => {
    expect(covered(coversLink({ kind: 'out', replica: ids.two }))).toEqual([
      'node2>node1',
      'node2>node3',
      'node2>client1',
    ]);
  });

  test('both directions, and one link', () => {
    expect(covered(coversLink({ kind: 'both', replica: ids.two }))).toHaveLength(6);
    expect(covered(coversLink({ kind: 'one', replica: ids.two, peer: ids.one }))).toEqual(['node2>node1']);
  });
});

describe('crosses', () => {
  const groups = [
    [ids.four, ids.one],
    [ids.two, ids.three],
  ];

  test('only links between the groups, clients reach everybody', () => {
    const isAcross = crosses({ groups, withClients: false }, ['client1', 'client2']);
    expect(covered(isAcross)).toEqual(['node1>node2', 'node1>node3', 'node2>node1', 'node3>node1']);
  });

  test('a client is with the node of its number', () => {
    const isAcross = crosses({ groups, withClients: true }, ['client1', 'client2', 'client3', 'client4', 'client5']);
    expect(isAcross('client1', 'node1')).toBe(false);
    expect(isAcross('node2', 'client1')).toBe(true);
    expect(isAcross('client5', 'node4')).toBe(false);
    expect(isAcross('client2', 'node4')).toBe(true);
  });

  test('with ten nodes as well', () => {
    const all = Array.from({ length: 10 }, (_, index) => asReplicaId(index));
    const clients = ['client1', 'client2'];
    const isAcross = crosses({ groups: [all.slice(0, 1), all.slice(1)], withClients: true }, clients);
    expect(isAcross('client2', 'node2')).toBe(false);
    expect(isAcross('client2', 'node1')).toBe(true);
  });
});

describe('typeOfFrame', () => {
  test('is that of the message in it', () => {
    const message = { type: 'fetch', replica: ids.one, wanted: [] } as const;
    expect(typeOfFrame(encodeFrame(encodeMessage(message), NO_PROOF))).toBe('fetch');
    expect(MESSAGE_TYPES).toContain('fetch');
  });

  test('a frame that says nothing has none', () => {
    expect(typeOfFrame(new Uint8Array(0))).toBeUndefined();
    expect(typeOfFrame(Uint8Array.of(255))).toBeUndefined();
  });
});
