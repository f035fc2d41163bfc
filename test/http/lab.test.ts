/** Lab mode: nodes that misbehave on request, who says what of them, and that the requests still execute. */
import { Compile } from 'typebox/compile';
import { afterEach, describe, expect, it } from 'vitest';
import { BehavioursBody, LogBody, SimulateByzantineAnswer, SuspicionsBody } from '../../src/api/index.ts';
import { BEHAVIOUR_NAMES } from '../../src/byzantine/index.ts';
import { eventually, TestCluster } from '../support/nodes.ts';
import type { HttpAnswer, TestPlan } from '../support/nodes.ts';

const codeOf = ({ status, json }: HttpAnswer): readonly unknown[] => [
  status,
  (json as { error?: { code?: unknown } }).error?.code,
];

interface Said {
  readonly node_id: string;
  readonly kind: string;
  readonly certainty: string;
  readonly view: number;
  readonly sequence: number;
  readonly evidence: string;
}

describe('lab mode', () => {
  let cluster: TestCluster | undefined;
  afterEach(async () => {
    await cluster?.end();
    cluster = undefined;
  });

  async function start(plan: TestPlan = {}): Promise<TestCluster> {
    cluster = await TestCluster.start(plan);
    return cluster;
  }

  async function transfer(at: TestCluster, name: string): Promise<void> {
    const answer = await at.post(name, '/pbft/request?wait=true', { operation: 'transfer', amount: 1 });
    expect([answer.status, (answer.json as { consensus?: boolean }).consensus]).toEqual([200, true]);
  }

  it('makes a backup corrupt: requests still execute, and every other node names it with kind, view, sequence and evidence', async () => {
    const at = await start();
    await transfer(at, 'node1');
    const switched = await at.post('node1', '/pbft/simulate-byzantine', { node_id: 'node2' });
    expect(switched.status).toBe(200);
    expect(Compile(SimulateByzantineAnswer).Check(switched.json)).toBe(true);
    expect(switched.json).toMatchObject({
      node_id: 'node2',
      behaviour: 'corrupt',
      enabled: true,
      byzantine_nodes: ['node2'],
      exceeds_f: false,
    });
    expect((await at.status('node1'))['byzantine_nodes']).toEqual(['node2']);
    for (const name of ['node1', 'node3', 'node4']) await transfer(at, name);
    for (const name of ['node1', 'node3', 'node4']) {
      const status = await eventually(`${name} names node2`, async () => {
        const found = await at.status(name);
        return (found['byzantine_nodes'] as string[]).includes('node2') && found;
      });
      const certain = (status['suspicions'] as readonly Said[]).filter(({ certainty }) => certainty === 'certain');
      expect(certain.map(({ node_id: node }) => node)).toContain('node2');
      expect(certain.every(({ node_id: node }) => node === 'node2')).toBe(true);
      expect(certain[0]).toMatchObject({ view: 0, evidence: expect.stringMatching(/.{10}/) as string });
      expect(certain[0]?.sequence).toBeGreaterThan(1);
      const listed = await at.get(name, '/pbft/suspicions');
      expect(Compile(SuspicionsBody).Check(listed.json)).toBe(true);
    }
  });

  it('says when more nodes misbehave than the cluster can bear, and ends a behaviour', async () => {
    const at = await start();
    await at.post('node1', '/pbft/simulate-byzantine', { node_id: 'node2', behaviour: 'silent' });
    const second = await at.post('node1', '/pbft/simulate-byzantine', { node_id: 'node3', behaviour: 'silent' });
    expect(second.json).toMatchObject({ exceeds_f: true, byzantine_nodes: ['node2', 'node3'] });
    const ended = await at.post('node1', '/pbft/simulate-byzantine', { node_id: 'node3', enabled: false });
    expect(ended.json).toMatchObject({
      status: 'behaviour_disabled',
      behaviour: 'silent',
      exceeds_f: false,
      byzantine_nodes: ['node2'],
    });
    await transfer(at, 'node1');
  });

  it('takes `slow` with so many milliseconds over a link, and refuses what is no number of them', async () => {
    const at = await start();
    const order = { node_id: 'node2', behaviour: 'slow:5' };
    const switched = await at.post('node1', '/pbft/simulate-byzantine', order);
    expect(switched.json).toMatchObject({ behaviour: 'slow:5', enabled: true, byzantine_nodes: ['node2'] });
    await transfer(at, 'node1');
    const refused = await at.post('node1', '/pbft/simulate-byzantine', { ...order, behaviour: 'slow:0' });
    expect(codeOf(refused)).toEqual([400, 'unknown_behaviour']);
    const ended = await at.post('node1', '/pbft/simulate-byzantine', { node_id: 'node2', enabled: false });
    expect(ended.json).toMatchObject({ behaviour: 'slow:5', enabled: false, byzantine_nodes: [] });
  });

  it('a node can be told itself, and lists itself', async () => {
    const at = await start();
    await at.clientsLinked();
    await at.post('node2', '/pbft/simulate-byzantine', { node_id: 'node2', behaviour: 'wrong-reply' });
    expect((await at.status('node2'))['byzantine_nodes']).toEqual(['node2']);
    await transfer(at, 'node1');
    await eventually('node1 has been told by its client who disagreed', async () =>
      ((await at.status('node1'))['byzantine_nodes'] as string[]).includes('node2'),
    );
    const { json } = await at.get('node1', '/pbft/suspicions');
    expect((json as SuspicionsBody).suspicions).toMatchObject([
      { node: 'node2', kind: 'wrong-reply', certainty: 'certain', view: 0, sequence: 1 },
    ]);
  });

  it('a restart makes a node correct again', async () => {
    const at = await start();
    await at.post('node2', '/pbft/simulate-byzantine', { node_id: 'node2', behaviour: 'silent' });
    await at.stopNode('node2');
    await at.startNode('node2');
    await at.ready();
    expect((await at.status('node2'))['byzantine_nodes']).toEqual([]);
  });

  it('refuses unknown nodes, unknown behaviours and unknown fields, and names what there is', async () => {
    const at = await start();
    for (const name of ['node5', 'node0', 'NODE2', '', '2']) {
      expect(codeOf(await at.post('node1', '/pbft/simulate-byzantine', { node_id: name }))).toEqual([
        404,
        'unknown_node',
      ]);
    }
    const unknown = await at.post('node1', '/pbft/simulate-byzantine', { node_id: 'node2', behaviour: 'explode' });
    expect(codeOf(unknown)).toEqual([400, 'unknown_behaviour']);
    expect(unknown.text).toContain('equivocate');
    for (const body of [
      {},
      { node_id: 2 },
      { node_id: 'node2', enabled: 'yes' },
      { node_id: 'node2', mode: 'x' },
      [],
    ]) {
      expect(codeOf(await at.post('node1', '/pbft/simulate-byzantine', body))).toEqual([400, 'invalid_request']);
    }
    expect((await at.status('node1'))['byzantine_nodes']).toEqual([]);
  });

  it('says so when the node that is to misbehave cannot be told', async () => {
    const at = await start();
    await at.stopNode('node4');
    await eventually(
      'node1 has noticed',
      async () => !((await at.status('node1'))['connected_peers'] as string[]).includes('node4'),
    );
    expect(codeOf(await at.post('node1', '/pbft/simulate-byzantine', { node_id: 'node4' }))).toEqual([
      503,
      'peer_unreachable',
    ]);
  });

  it('off: nothing can be switched and nothing is recorded', async () => {
    const at = await start({ lab: false });
    expect(codeOf(await at.post('node1', '/pbft/simulate-byzantine', { node_id: 'node2' }))).toEqual([
      403,
      'lab_mode_off',
    ]);
    expect(codeOf(await at.get('node1', '/pbft/log?messages=true'))).toEqual([403, 'lab_mode_off']);
    expect((await at.get('node1', '/pbft/log')).status).toBe(200);
  });

  it('off: no order for processes and links is passed on', async () => {
    const at = await start({ lab: false, nodes: 1 });
    const off = [403, 'lab_mode_off'];
    expect(codeOf(await at.get('node1', '/pbft/lab'))).toEqual(off);
    expect(codeOf(await at.post('node1', '/pbft/lab/nodes/node1', { action: 'kill' }))).toEqual(off);
    expect(codeOf(await at.post('node1', '/pbft/lab/nodes/node9', { action: 'kill' }))).toEqual(off);
    const link = { from: 'node1', to: 'node1', state: 'slow' };
    expect(codeOf(await at.post('node1', '/pbft/lab/links', link))).toEqual(off);
  });

  it('says so where nobody is there to carry out an order', async () => {
    const at = await start({ nodes: 2 });
    const nobody = [409, 'no_supervisor'];
    expect(codeOf(await at.get('node1', '/pbft/lab'))).toEqual(nobody);
    for (const action of ['kill', 'restart', 'pause', 'resume'])
      expect(codeOf(await at.post('node1', '/pbft/lab/nodes/node2', { action }))).toEqual(nobody);
    for (const order of [{ state: 'cut' }, { state: 'up' }, { state: 'slow', delay_ms: 10_000 }])
      expect(codeOf(await at.post('node1', '/pbft/lab/links', { from: 'node1', to: 'node2', ...order }))).toEqual(
        nobody,
      );
    expect((await at.get('node1', '/readyz')).status).toBe(200);
  });

  it('refuses orders for nodes that there are not, and orders that are none', async () => {
    const at = await start({ nodes: 2 });
    for (const name of ['node3', 'node0', 'NODE1', '2', '%20']) {
      const order = { action: 'kill' };
      expect(codeOf(await at.post('node1', `/pbft/lab/nodes/${name}`, order))).toEqual([404, 'unknown_node']);
    }
    const invalid = [400, 'invalid_request'];
    for (const body of [{}, { action: 'stop' }, { action: ['kill'] }, { action: 'kill', signal: 9 }, [], 'kill'])
      expect(codeOf(await at.post('node1', '/pbft/lab/nodes/node2', JSON.stringify(body)))).toEqual(invalid);
    const link = { from: 'node1', to: 'node2' };
    for (const body of [
      link,
      { ...link, state: 'down' },
      { ...link, state: 'slow' },
      { ...link, state: 'slow', delay_ms: 0 },
      { ...link, state: 'slow', delay_ms: 10_001 },
      { ...link, state: 'slow', delay_ms: 1.5 },
      { ...link, state: 'slow', delay_ms: '5' },
      { ...link, to: 'node1', state: 'cut' },
      { ...link, state: 'cut', both: true },
    ])
      expect(codeOf(await at.post('node1', '/pbft/lab/links', body))).toEqual(invalid);
    const gone = { ...link, to: 'node3', state: 'cut' };
    expect(codeOf(await at.post('node1', '/pbft/lab/links', gone))).toEqual([404, 'unknown_node']);
    expect(codeOf(await at.get('node1', '/pbft/lab/nodes/node2'))).toEqual([405, 'method_not_allowed']);
    expect(codeOf(await at.get('node1', '/pbft/lab/links'))).toEqual([405, 'method_not_allowed']);
  });

  it('off at the target: the order is refused there', async () => {
    cluster = await TestCluster.make();
    cluster.configure('node2', (config) => Object.assign(config, { lab: false }));
    const at = cluster;
    await Promise.all(at.names.map(async (name) => at.startNode(name)));
    await at.ready();
    await at.post('node1', '/pbft/simulate-byzantine', { node_id: 'node2', behaviour: 'silent' });
    await eventually('node2 has refused it', async () =>
      (await at.get('node2', '/metrics')).text.includes(
        'pbft_refused_messages_total{type="simulate-byzantine",code="not-allowed-here"} 1',
      ),
    );
    expect((await at.status('node2'))['byzantine_nodes']).toEqual([]);
  });

  it('has a catalogue of every behaviour in every role', async () => {
    const at = await start({ nodes: 1 });
    const { json } = await at.get('node1', '/pbft/behaviours');
    expect(Compile(BehavioursBody).Check(json)).toBe(true);
    const { behaviours } = json as BehavioursBody;
    expect(behaviours.map(({ behaviour }) => behaviour)).toEqual([...BEHAVIOUR_NAMES]);
    for (const { roles } of behaviours) expect(roles.map(({ role }) => role)).toEqual(['primary', 'backup', 'gateway']);
  });

  it('shows the log: slots with their voters, and the messages in the shapes that can be sent again', async () => {
    const at = await start({ tuning: { idle_checkpoint_ms: 600_000 } });
    await transfer(at, 'node1');
    await transfer(at, 'node1');
    const { json } = await at.get('node1', '/pbft/log?from=1&to=2&messages=true');
    expect(Compile(LogBody).Check(json)).toBe(true);
    const { slots, messages } = json as LogBody;
    expect(slots.map(({ sequence, phase, committed_certificate: committed }) => [sequence, phase, committed])).toEqual([
      [1, 'executed', true],
      [2, 'executed', true],
    ]);
    expect(slots[0]?.commits.length).toBeGreaterThanOrEqual(3);
    const types = new Set(messages?.map(({ message }) => (message as { type?: string }).type));
    expect([...types]).toEqual(expect.arrayContaining(['pre-prepare', 'prepare', 'commit']));
    expect((await at.get('node1', '/pbft/log?from=2&to=1')).json).toMatchObject({ slots: [] });
    expect((await at.get('node1', '/pbft/log?from=100000')).json).toMatchObject({ slots: [] });
    for (const query of ['from=0', 'from=-1', 'from=9999999999999999', 'to=9007199254740991', 'from=1.5', 'x=1']) {
      expect(codeOf(await at.get('node1', `/pbft/log?${query}`))).toEqual([400, 'invalid_request']);
    }
  });
});
