/** The eight tests that the project's first document names, each by its name. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asView, replicaName } from '../../src/base/ids.ts';
import { decodeFrame } from '../../src/messages/index.ts';
import { Identity, NodeAuthenticator } from '../../src/node/index.ts';
import type { Party } from '../../src/protocol/ports.ts';
import { Sealer } from '../../src/protocol/seal.ts';
import { CoreKit, replica } from '../support/core-kit.ts';
import { eventually, TestCluster } from '../support/nodes.ts';
import { Rig } from '../support/rig.ts';
import { eventsOfKind, refusalsOf, sentOf } from '../support/transcript.ts';

describe('the eight tests of the first document', () => {
  test('test_pbft_initialization: view 0, sequence 0, node1 is primary, f and quorum by the number of nodes', () => {
    const expected = { 1: [0, 1], 3: [0, 2], 4: [1, 3], 7: [2, 5] };
    for (const [n, [f, quorum]] of Object.entries(expected)) {
      const { status } = new Rig({ n: Number(n), self: 0 });
      expect(status).toMatchObject({ view: 0, highestAccepted: 0, lastExecuted: 0, primary: 0 });
      expect([status.quorums.faultLimit, status.quorums.quorum]).toEqual([f, quorum]);
    }
    expect(new Rig({ n: 3, cluster: { quorumRule: '2f+1' } }).status.quorums.quorum).toBe(1);
  });

  test('test_pbft_digest_computation: one digest per request and batch, another for every change', () => {
    const kit = new CoreKit();
    const batch = kit.batchOf('transfer 100');
    const digest = kit.digestOfBatch(batch);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(kit.digestOfBatch(kit.batchOf('transfer 100'))).toBe(digest);
    const others = [
      kit.batchOf('transfer 101'),
      kit.batchOf('transfer 100', { timestamp: 2 }),
      { ...batch, timestamp: batch.timestamp + 1 },
      { ...batch, flags: 1 },
      kit.batch([...batch.requests, ...batch.requests]),
    ];
    expect(new Set([digest, ...others.map((other) => kit.digestOfBatch(other))]).size).toBe(others.length + 1);
  });

  test('test_pbft_message_signing: a message verifies with its author only, and no byte of it can be changed', () => {
    const { cluster, codec } = new CoreKit();
    const identities = [Identity.generate(), Identity.generate()];
    const authenticators = identities.map(
      (identity, index) =>
        new NodeAuthenticator({
          identity,
          self: { kind: 'replica', replica: replica(index) },
          clusterId: cluster.clusterId,
          mac: cluster.mac,
          replicas: identities.map((one) => one.public),
          clients: [],
        }),
    );
    const [node1, node2] = authenticators;
    if (node1 === undefined || node2 === undefined) throw new Error('two nodes');
    const party = (index: number): Party => ({ kind: 'replica', replica: replica(index) });
    const digest = codec.digest('batch-digest', new Uint8Array(3));
    const prepare = new CoreKit().prepare(0, 1, digest);
    for (const authentication of ['mac', 'signature'] as const) {
      const [frame] = new Sealer({ ...cluster, authentication }, node1).seal(prepare, [party(1)], undefined);
      const verifies = (bytes: Uint8Array, author: number): boolean => {
        const decoded = decodeFrame(bytes, codec);
        if (!decoded.ok) return false;
        const { proof, authenticated } = decoded.value;
        if (proof.kind === 'none' || proof.kind === 'tree') return false;
        return proof.kind === 'mac'
          ? node2.verifyMac(party(author), authenticated, proof.mac)
          : node2.verifySignature(party(author), authenticated, proof.signature);
      };
      expect(frame).toBeDefined();
      const good = frame ?? new Uint8Array(0);
      expect(verifies(good, 0)).toBe(true);
      expect(verifies(good, 1)).toBe(false);
      for (let at = 0; at < good.length; at += 1) {
        expect(
          verifies(
            good.map((byte, index) => (index === at ? byte ^ 1 : byte)),
            0,
          ),
        ).toBe(false);
      }
    }
  });

  test('test_pbft_pre_prepare: a backup accepts the proposal of the primary and answers with PREPARE; the primary sends none', () => {
    const backup = new Rig({ self: 1 });
    const batch = backup.kit.batchOf('transfer 100');
    const outputs = backup.receive(backup.kit.prePrepare(1, batch));
    expect(eventsOfKind(outputs, 'pre-prepared')).toMatchObject([
      { view: 0, sequence: 1, digest: backup.kit.digestOfBatch(batch) },
    ]);
    expect(sentOf(outputs)).toMatchObject([{ type: 'prepare', view: 0, sequence: 1, replica: 1 }]);
    const primary = new Rig({ self: 0 });
    const proposed = sentOf(primary.requests([primary.kit.signed('transfer 100')]));
    expect(proposed.map(({ type }) => type)).toEqual(['pre-prepare']);
  });

  test('test_pbft_prepare: prepared with q−1 matching PREPAREs of distinct backups, and not before', () => {
    const backup = new Rig({ self: 1 });
    const { kit } = backup;
    const batch = kit.batchOf('transfer 100');
    const digest = kit.digestOfBatch(batch);
    expect(eventsOfKind(backup.receive(kit.prePrepare(1, batch)), 'prepared')).toEqual([]);
    const outputs = backup.receive(kit.prepare(2, 1, digest));
    expect(eventsOfKind(outputs, 'prepared')).toMatchObject([{ sequence: 1, digest }]);
    expect(sentOf(outputs)).toMatchObject([{ type: 'commit', sequence: 1, replica: 1 }]);
  });

  test('test_pbft_commit: executed with q matching COMMITs, and not before', () => {
    const backup = new Rig({ self: 1 });
    const { kit } = backup;
    const batch = kit.batchOf('transfer 100');
    const digest = kit.digestOfBatch(batch);
    backup.receive(kit.prePrepare(1, batch));
    backup.receive(kit.prepare(2, 1, digest));
    expect(eventsOfKind(backup.receive(kit.commit(2, 1, digest)), 'executed')).toEqual([]);
    const outputs = backup.receive(kit.commit(3, 1, digest));
    expect(eventsOfKind(outputs, 'committed')).toHaveLength(1);
    expect(eventsOfKind(outputs, 'executed')).toMatchObject([{ sequence: 1, digest }]);
  });

  describe('over real nodes', () => {
    let cluster: TestCluster;
    beforeAll(async () => {
      cluster = await TestCluster.start();
    });
    afterAll(async () => cluster.end());

    test('test_pbft_consensus: four nodes agree on a request, and the client gets f+1 matching replies', async () => {
      const answer = await cluster.execute('node1', { operation: 'transfer', amount: 100 });
      expect(answer).toMatchObject({ status: 'executed', consensus: true, sequence: 1, result: { amount: 100 } });
      expect((answer['replies'] as string[]).length).toBeGreaterThanOrEqual(2);
      for (const name of cluster.names) {
        await eventually(
          `${name} has executed it`,
          async () => Number((await cluster.status(name))['last_executed']) >= 1,
        );
      }
    });
  });

  test('test_view_change: the view alone decides who is primary, and nobody else is followed', () => {
    const { kit } = new Rig();
    const primaries = [0, 1, 2, 3, 4, 5].map((view) => replicaName(replica(asView(view) % kit.cluster.replicaCount)));
    expect(primaries).toEqual(['node1', 'node2', 'node3', 'node4', 'node1', 'node2']);
    // The primary of view 1 proposes in view 1; a backup that is in view 0 does not follow it there.
    const backup = new Rig({ self: 2 });
    const outputs = backup.receive(backup.kit.prePrepare(1, backup.kit.batchOf('transfer 100'), 1));
    expect(sentOf(outputs)).toEqual([]);
    expect(refusalsOf(outputs)).toEqual(['pre-prepare other-view']);
    expect(backup.status).toMatchObject({ view: 0, primary: 0, highestAccepted: 0 });
  });
});
