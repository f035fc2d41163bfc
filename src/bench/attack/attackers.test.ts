// What those who attack send is well-formed, and comes to what it is to come to at the nodes.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { asReplicaId, replicaName } from '../../base/ids.ts';
import { Intake } from '../../protocol/intake.ts';
import type { Party } from '../../protocol/ports.ts';
import { describeCluster, generateCluster, readClusterFile, toClusterConfig } from '../../server/config/index.ts';
import { cryptography } from '../../server/cryptography.ts';
import { prepareNode } from '../../server/preparation.ts';
import { must } from '../../../test/support/must.ts';
import type { Attacker } from './attacker.ts';
import { FloodingReplica } from './flooding-replica.ts';
import { HostileClient } from './hostile-client.ts';

const HOST = '127.0.0.1';
const NODES = [0, 1, 2, 3];

let folder: string;
let attacker: Attacker | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pbft-attackers-'));
  // Nothing listens there, and nobody dials.
  const nodes = NODES.map((index) => ({ host: HOST, httpPort: 1 + index, peerPort: 11 + index }));
  must(generateCluster(join(folder, 'cluster'), { nodes, openClients: true }));
});
afterEach(async () => {
  await attacker?.close();
  attacker = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const directoryOf = (node: number): string => join(folder, 'cluster', replicaName(asReplicaId(node)));

async function prepared(node: number) {
  return must(await prepareNode(directoryOf(node)));
}

/** What a node makes of frames from a link: what it takes, or the code of the refusal. */
async function openedBy(node: number, link: Party, client: HostileClient | undefined, frames: readonly Uint8Array[]) {
  const parts = await prepared(node);
  const { authenticator } = cryptography(parts);
  if (client !== undefined) authenticator.admitClient(client.identity);
  const intake = new Intake(toClusterConfig(parts.config), asReplicaId(node), authenticator);
  return frames.map((frame) => {
    const opened = intake.open(frame, link);
    if (!opened.ok) return opened.error.code;
    if (opened.value.kind === 'requests') return opened.value.requests.map(({ verified }) => verified).join();
    return opened.value.kind === 'message' ? opened.value.message.type : opened.value.kind;
  });
}

function hostileClient(kind: 'bad-macs' | 'client-flood'): HostileClient {
  const file = must(readClusterFile(join(folder, 'cluster', 'cluster.json')));
  const client = new HostileClient(kind, describeCluster(file), Uint8Array.of(0, 0, 0, 0));
  attacker = client;
  return client;
}

describe('a hostile client', () => {
  test('bad MACs: each request convinces the node that it is sent to, and no other', async () => {
    const client = hostileClient('bad-macs');
    const link: Party = { kind: 'client', client: client.id };
    const sendings = client.next();
    expect(sendings.map(({ to }) => to)).toEqual(NODES);
    for (const { to, frame } of sendings) {
      for (const node of NODES)
        expect(await openedBy(node, link, client, [frame])).toEqual([node === to ? 'mac' : 'not-authentic']);
    }
  });

  test('a backup finds such a request unverified in what the primary proposes or passes on', async () => {
    const client = hostileClient('bad-macs');
    const [first] = client.next();
    const primary: Party = { kind: 'replica', replica: asReplicaId(0) };
    expect(await openedBy(1, primary, client, first === undefined ? [] : [first.frame])).toEqual(['unverified']);
  });

  test('flood: everything goes to the primary and is refused at its door', async () => {
    const client = hostileClient('client-flood');
    const sendings = Array.from({ length: 256 }, () => client.next()).flat();
    expect(new Set(sendings.map(({ to }) => to))).toEqual(new Set([0]));
    const link: Party = { kind: 'client', client: client.id };
    const codes = await openedBy(
      0,
      link,
      client,
      sendings.map(({ frame }) => frame),
    );
    expect(codes.filter((code) => code === 'not-authentic')).toHaveLength(192);
    expect(codes.filter((code) => code === 'not-allowed-here')).toHaveLength(64);
  });
});

test('a flooding replica: bad MACs, votes that are authentic, STATUS, and requests of others in equal parts', async () => {
  const replica = await FloodingReplica.open(directoryOf(3), { host: HOST, port: 11 });
  attacker = replica;
  const sendings = Array.from({ length: 256 }, () => replica.next()).flat();
  expect(new Set(sendings.map(({ to }) => to))).toEqual(new Set([0]));
  const link: Party = { kind: 'replica', replica: asReplicaId(3) };
  const frames = sendings.map(({ frame }) => frame);
  const opened = await openedBy(0, link, undefined, frames);
  const count = (what: string): number => opened.filter((each) => each === what).length;
  expect([count('not-authentic'), count('commit'), count('status'), count('unverified')]).toEqual([64, 64, 64, 64]);
});
