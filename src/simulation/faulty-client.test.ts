import { describe, expect, test } from 'vitest';
import { record, settle, transfers } from '../../test/support/scenes.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import { decodeFrame } from '../messages/index.ts';
import type { ClientFault } from './faults.ts';
import { FaultyClient } from './faulty-client.ts';
import { Random } from './random.ts';
import { ScenarioWorld } from './scenario-world.ts';

const OPERATION = encodeUtf8('{"operation":"transfer","amount":1}') ?? new Uint8Array(0);

/** What client3 sends: `mac → node1`, in order, with how many requests a frame holds. */
interface Sent {
  readonly way: string;
  readonly requests: number;
}

/** Two correct clients are served while client3 does this; small queues. */
function attacked(fault: ClientFault): { readonly scene: ScenarioWorld; readonly sent: readonly Sent[] } {
  const scene = new ScenarioWorld({ clientCount: 3, tuning: { queueRequests: 16 } });
  const { world } = scene;
  const id = world.cluster.clients[2];
  if (id === undefined) throw new Error('client3 is listed');
  const sent: Sent[] = [];
  world.addObserver({
    sent: (from, to, frame) => {
      if (from.kind !== 'client' || from.client !== id) return;
      const decoded = decodeFrame(frame, world.codec);
      if (!decoded.ok || decoded.value.message.type !== 'requests') return;
      const { requests } = decoded.value.message;
      const [first] = requests;
      const kind = first?.proof.kind === 'signature' ? 'signed' : 'mac';
      sent.push({ way: `${kind} → ${world.addressOf(to)}`, requests: requests.length });
    },
  });
  const client = new FaultyClient(world, id, { fault, random: new Random(7, fault), makeOperation: () => OPERATION });
  world.addClient(client, 'client3');
  world.armClient(client);
  return { scene, sent };
}

describe('crowded-primary', () => {
  test('the primary alone gets more than it has room for, the backups one signed request, which it then refuses them', () => {
    const { scene, sent } = attacked('crowded-primary');
    const refused = record(scene, 'refused');
    for (const client of [1, 2]) transfers(scene, 20, client);
    expect(settle(scene)).toBe(true);
    expect(scene.isConverged()).toBe(true);
    expect(new Set(sent.map(({ way }) => way))).toContain('mac → node1');
    const first = sent.slice(0, 6).map(({ way, requests }) => `${way}: ${requests}`);
    expect(first).toEqual([
      'mac → node1: 40',
      'mac → node1: 40',
      'signed → node2: 1',
      'signed → node3: 1',
      'signed → node4: 1',
      'mac → node1: 40',
    ]);
    const full = refused.filter(({ node, event }) => node === 1 && event.code === 'queue-full');
    expect(full.length).toBeGreaterThan(20);
  });
});

describe('shown-late', () => {
  test('what one side got, or nobody, comes signed to one of the two sides', () => {
    const { scene, sent } = attacked('shown-late');
    for (const client of [1, 2]) transfers(scene, 20, client);
    expect(settle(scene)).toBe(true);
    scene.run(2_000_000);
    expect(scene.isConverged()).toBe(true);
    const ways = new Set(sent.map(({ way }) => way));
    for (const way of ['mac → node1', 'mac → node2', 'signed → node1', 'signed → node2']) expect(ways).toContain(way);
    expect(sent.filter(({ way }) => way === 'signed → node3')).toEqual(
      sent.filter(({ way }) => way === 'signed → node4').map((each) => ({ ...each, way: 'signed → node3' })),
    );
  });
});
