/** A node that cannot start says what is wrong and what to do, and leaves nothing running. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeLogger } from '../../src/node/index.ts';
import { startNode } from '../../src/server/index.ts';
import type { StartFault } from '../../src/server/index.ts';
import { TestCluster } from '../support/nodes.ts';

describe('starting a node', () => {
  let cluster: TestCluster;
  beforeEach(async () => {
    cluster = await TestCluster.make({ nodes: 1 });
  });
  afterEach(async () => cluster.end());

  async function fault(): Promise<StartFault> {
    const started = await startNode({
      directory: cluster.directory('node1'),
      logger: makeLogger({ level: 'silent', fields: {} }),
    });
    if (!started.ok) return started.error;
    await started.value.stop();
    throw new Error('it started');
  }

  const own = (path: string): string => join(cluster.directory('node1'), path);

  it('without a usable configuration: every problem at once', async () => {
    cluster.configure('node1', (config) => Object.assign(config, { format: 7, quorum_rul: 'x' }));
    const { code, message } = await fault();
    expect(code).toBe('config-unusable');
    expect(message).toMatch(/format/);
    expect(message).toMatch(/did you mean "quorum_rule"/);
  });

  it('with a key that others can read', async () => {
    chmodSync(own('keys/node.key'), 0o644);
    expect(await fault()).toMatchObject({
      code: 'key-unusable',
      message: expect.stringContaining('node.key') as string,
    });
  });

  it("with another node's key", async () => {
    copyFileSync(own('keys/gateway.key'), own('keys/node.key'));
    expect((await fault()).code).toBe('key-mismatch');
  });

  it.each([
    ['that is not there', undefined, /cannot load/],
    ['that throws', 'throw new Error("bad module");', /bad module/],
    ['that exports nothing', 'export const x = 1;', /has no state machine/],
    ['whose execute is no function', 'export default { execute: 1 };', /has no state machine/],
  ])('with an application %s', async (_, source, reason) => {
    const path = join(cluster.folder, 'application.mjs');
    if (source !== undefined) writeFileSync(path, source);
    cluster.configure('node1', (config) => Object.assign(config, { application: path }));
    const { code, message } = await fault();
    expect(code).toMatch(/application-unusable|config-unusable/);
    expect(message).toMatch(source === undefined ? /application/ : reason);
  });

  it('with a log that is damaged, or of another cluster', async () => {
    mkdirSync(own('log'));
    writeFileSync(own('log/0000000001.seg'), 'this is no log at all, whatever it once was');
    expect(await fault()).toMatchObject({
      code: 'log-damaged',
      message: expect.stringContaining('0000000001.seg is damaged at byte 0') as string,
    });
    const other = await TestCluster.start({ nodes: 1 });
    try {
      await other.execute('node1', { operation: 'transfer', amount: 1 });
      await other.stopNode('node1');
      copyFileSync(join(other.directory('node1'), 'log/0000000001.seg'), own('log/0000000001.seg'));
    } finally {
      await other.end();
    }
    expect((await fault()).code).toBe('log-foreign');
  });

  it('without its log, unless it is new: and the mark of a new node goes with its first start', async () => {
    const mark = (): boolean => existsSync(own('new'));
    expect(mark()).toBe(true);
    await cluster.startNode('node1');
    expect(mark()).toBe(false);
    await cluster.stopNode('node1');
    rmSync(own('log'), { recursive: true });
    for (let attempt = 0; attempt < 2; attempt += 1) {
      expect(await fault()).toMatchObject({
        code: 'log-missing',
        message: expect.stringContaining('pbft recover') as string,
      });
      expect(existsSync(own('log'))).toBe(false);
    }
  });

  it('again where it was, when it waits for the system and not for the disk', async () => {
    cluster.configure('node1', (config) => Object.assign(config, { durability: 'async' }));
    for (const balance of [1, 2]) {
      await cluster.startNode('node1');
      await cluster.ready();
      expect(await cluster.execute('node1', { operation: 'transfer', amount: 1 })).toMatchObject({
        result: { to_balance: balance },
      });
      expect((await cluster.status('node1'))['warnings']).toEqual([expect.stringContaining('durability "async"')]);
      await cluster.stopNode('node1');
    }
  });

  it('that keeps nothing over a log that another setting needs', async () => {
    cluster.configure('node1', (config) => Object.assign(config, { durability: 'memory' }));
    await cluster.startNode('node1');
    await cluster.ready();
    expect(await cluster.execute('node1', { operation: 'transfer', amount: 1 })).toMatchObject({ status: 'executed' });
    expect((await cluster.status('node1'))['warnings']).toEqual([expect.stringContaining('durability "memory"')]);
    expect([existsSync(own('log')), existsSync(own('new'))]).toEqual([false, false]);
    await cluster.stopNode('node1');
    cluster.configure('node1', (config) => Object.assign(config, { durability: 'sync' }));
    expect((await fault()).code).toBe('log-missing');
    mkdirSync(own('log'));
    cluster.configure('node1', (config) => Object.assign(config, { durability: 'memory' }));
    expect(await fault()).toMatchObject({ message: expect.stringContaining('out of date') as string });
  });

  it('with a port that is taken: and the next start succeeds once it is free', async () => {
    const config = JSON.parse(readFileSync(own('config.json'), 'utf8')) as {
      http: { port: number };
      replicas: { peer_port: number }[];
    };
    for (const port of [config.http.port, config.replicas[0]?.peer_port ?? 0]) {
      const squatter = createServer();
      await new Promise<void>((resolve) => {
        squatter.listen(port, '127.0.0.1', resolve);
      });
      const { code, message } = await fault();
      expect([code, message]).toEqual(['address-unusable', expect.stringContaining(`port ${port}`)]);
      await new Promise((resolve) => squatter.close(resolve));
    }
    await cluster.startNode('node1');
    await cluster.ready();
  });

  it('with an application of its own, loaded from a module', async () => {
    const path = join(cluster.folder, 'echo.mjs');
    writeFileSync(path, 'export const application = { execute: (_state, operation) => operation };');
    cluster.configure('node1', (config) => Object.assign(config, { application: path }));
    await cluster.startNode('node1');
    await cluster.ready();
    const { text } = await cluster.post(
      'node1',
      '/pbft/request?wait=true',
      '{"operation": "shout", "n": 1.0, "n": 12345678901234567890}',
    );
    expect(text).toContain('"result":{"operation":"shout","n":1.0,"n":12345678901234567890}');
  });

  it('stops within seconds, requests under way included, and starts again where it was', async () => {
    await cluster.startNode('node1');
    await cluster.ready();
    await cluster.execute('node1', { operation: 'transfer', amount: 100 });
    const begun = performance.now();
    await cluster.stopNode('node1');
    expect(performance.now() - begun).toBeLessThan(4000);
    await cluster.startNode('node1');
    await cluster.ready();
    expect(await cluster.execute('node1', { operation: 'balance', account: 'default' })).toMatchObject({
      result: { balance: 100 },
    });
  });
});

describe('a node that was away', () => {
  it('is ready only when it has caught up, also behind the window of the others', async () => {
    const cluster = await TestCluster.start({ checkpointInterval: 4 });
    try {
      await cluster.stopNode('node4');
      for (let amount = 1; amount <= 30; amount += 1) await cluster.execute('node1', { operation: 'transfer', amount });
      const { last_executed: target } = await cluster.status('node1');
      expect(target).toBeGreaterThanOrEqual(30);
      await cluster.startNode('node4');
      await cluster.ready();
      const { last_executed: reached } = await cluster.status('node4');
      expect(Number(reached)).toBeGreaterThanOrEqual(Number(target) - 4);
      expect(await cluster.execute('node4', { operation: 'balance', account: 'default' })).toMatchObject({
        result: { balance: 465 },
      });
    } finally {
      await cluster.end();
    }
  });
});

describe('a node whose disk fails', () => {
  it('votes no more and says so, and its process is told', async () => {
    const cluster = await TestCluster.start({ nodes: 1, checkpointInterval: 4 });
    try {
      // The log is rewritten at the next stable checkpoint, into a folder that is gone.
      rmSync(cluster.directory('node1'), { recursive: true });
      for (let amount = 1; amount <= 8; amount += 1)
        await cluster.post('node1', '/pbft/request?timeout_ms=200', { operation: 'transfer', amount });
      expect(await cluster.node('node1').failed).toMatchObject({
        code: 'log-failed',
        reason: expect.stringContaining('.seg') as string,
      });
      for (const answer of [
        await cluster.get('node1', '/healthz'),
        await cluster.get('node1', '/readyz'),
        await cluster.post('node1', '/pbft/request', { operation: 'x' }),
      ]) {
        expect([answer.status, (answer.json as { error: { code: string; details: object } }).error]).toMatchObject([
          503,
          { code: 'replica_stopped', details: { reason: 'log-failed' } },
        ]);
      }
      expect((await cluster.get('node1', '/pbft/status')).status).toBe(200);
    } finally {
      await cluster.end();
    }
  });
});
