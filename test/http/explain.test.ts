/** `GET /pbft/explain` and `GET /pbft/suspicions` of real nodes: why nothing moves, and evidence that a third party can check. */
import { Compile } from 'typebox/compile';
import { afterEach, describe, expect, it } from 'vitest';
import { ExplainBody, readEvidence, SuspicionsBody } from '../../src/api/index.ts';
import { CodecContext } from '../../src/messages/index.ts';
import { makeSignatureVerifier, sha256 } from '../../src/node/index.ts';
import { judge } from '../../src/protocol/evidence.ts';
import type { Verdict } from '../../src/protocol/evidence.ts';
import { makeQuorums } from '../../src/protocol/quorum.ts';
import { readClusterFile } from '../../src/server/config/index.ts';
import { must } from '../support/must.ts';
import { eventually, TestCluster } from '../support/nodes.ts';

describe('explain and evidence', () => {
  let cluster: TestCluster | undefined;
  afterEach(async () => {
    await cluster?.end();
    cluster = undefined;
  });

  async function explained(at: TestCluster, name: string): Promise<ExplainBody> {
    const { status, json } = await at.get(name, '/pbft/explain');
    expect([status, [...Compile(ExplainBody).Errors(json)]]).toEqual([200, []]);
    return json as ExplainBody;
  }

  it('says of two nodes of four what they lack, from whom and for how long; and nothing once all are back', async () => {
    const at = (cluster = await TestCluster.start());
    await Promise.all(['node3', 'node4'].map(async (name) => at.stopNode(name)));
    await eventually('node1 has noticed', async () => (await explained(at, 'node1')).waits.length >= 2);
    const body = await explained(at, 'node1');
    expect(body.summary).toMatch(/no link to node3, node4 for \d+\.\d s, and a quorum takes 3 nodes\.$/);
    expect(body.waits.filter(({ what }) => what === 'link').map(({ missing }) => missing)).toEqual([
      ['node3'],
      ['node4'],
    ]);
    await Promise.all(['node3', 'node4'].map(async (name) => at.startNode(name)));
    await at.ready();
    await at.execute('node1', { operation: 'transfer', amount: 1 });
    const healed = await eventually('nothing is open', async () => {
      const found = await explained(at, 'node1');
      return found.slots.length === 0 && found.waits.length === 0 && found;
    });
    expect(healed).toMatchObject({ summary: 'nothing is open here: nothing waits.', open_slots: 0, view_change: null });
  });

  it('says whose votes a slot lacks while backups say nothing', async () => {
    const at = (cluster = await TestCluster.start({ tuning: { request_timeout_ms: 30_000 } }));
    for (const name of ['node3', 'node4'])
      await at.post(name, '/pbft/simulate-byzantine', { node_id: name, behaviour: 'silent' });
    await at.post('node1', '/pbft/request?timeout_ms=1', { operation: 'transfer', amount: 1 });
    const [slot] = await eventually('a slot is open at node1', async () => {
      const { slots } = await explained(at, 'node1');
      return slots[0]?.waiting_for.have.length === 1 && slots;
    });
    expect(slot).toMatchObject({
      phase: 'pre-prepared',
      waiting_for: { what: 'prepares', needed: 2, have: ['node2'], missing: ['node3', 'node4'] },
    });
    const { waiting_for: before } = slot ?? { waiting_for: { since_ms: 0 } };
    await eventually('time goes on', async () => {
      const [later] = (await explained(at, 'node1')).slots;
      return (later?.waiting_for.since_ms ?? 0) > before.since_ms;
    });
  });

  it('signature mode: what a node says against one that lies to clients is proven to whoever has the public keys', async () => {
    const at = (cluster = await TestCluster.start({ authentication: 'signature' }));
    await at.clientsLinked();
    await at.post('node2', '/pbft/simulate-byzantine', { node_id: 'node2', behaviour: 'wrong-reply' });
    await at.execute('node1', { operation: 'transfer', amount: 1 });
    const json = await eventually('node1 has named node2', async () => {
      const answer = await at.get('node1', '/pbft/suspicions');
      return (answer.json as SuspicionsBody).suspicions.some(({ kind }) => kind === 'wrong-reply') && answer.json;
    });
    expect([...Compile(SuspicionsBody).Errors(json)]).toEqual([]);
    const item = (json as SuspicionsBody).suspicions.find(({ kind }) => kind === 'wrong-reply');
    expect(item).toMatchObject({ format: 'pbft-evidence/1', node: 'node2', certainty: 'certain', provable: true });
    expect(verdicts(at, item)).toEqual([{ kind: 'proven', assuming: 'at-most-f-faults' }]);
  });

  it('MACs: the same lie is known here, and proves nothing to others', async () => {
    const at = (cluster = await TestCluster.start());
    await at.clientsLinked();
    await at.post('node2', '/pbft/simulate-byzantine', { node_id: 'node2', behaviour: 'wrong-reply' });
    await at.execute('node1', { operation: 'transfer', amount: 1 });
    const json = await eventually('node1 has named node2', async () => {
      const answer = await at.get('node1', '/pbft/suspicions');
      return (answer.json as SuspicionsBody).suspicions.length > 0 && answer.json;
    });
    expect(json).toMatchObject({
      suspicions: [{ node: 'node2', kind: 'wrong-reply', provable: false, statements: [] }],
    });
  });
});

/** As a third party judges, with the public file alone. */
function verdicts(at: TestCluster, evidence: unknown): readonly Verdict[] {
  const { clusterId, replicas, quorumRule } = must(readClusterFile(`${at.folder}/data/cluster.json`));
  const keys = makeSignatureVerifier(replicas.map(({ identity }) => identity.signing));
  const rules = {
    quorums: makeQuorums(replicas.length, quorumRule),
    codec: new CodecContext(clusterId, sha256),
    keys,
    limits: undefined,
  };
  return must(readEvidence(evidence)).map((item) => judge(rules, must(item).claim));
}
