import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { must } from '../../test/support/must.ts';
import { prepareLocalCluster } from './local-cluster.ts';
import type { LocalClusterWishes } from './local-cluster.ts';

const WISHES: Omit<LocalClusterWishes, 'directory'> = {
  nodes: 1,
  port: 0,
  peerPort: 0,
  lab: undefined,
  quorumRule: undefined,
  authentication: undefined,
  mac: undefined,
  readOnlyRequests: undefined,
  tentativeExecution: undefined,
  overlappedSync: undefined,
  application: undefined,
};

describe('a cluster with a node that a process has still', () => {
  let folder: string;
  let holder: ChildProcess;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pbft-local-'));
    const directory = join(folder, 'data');
    must(await prepareLocalCluster({ ...WISHES, directory })).lock.release();
    holder = spawn('sleep', ['60']);
    writeFileSync(join(directory, 'node1/lock'), JSON.stringify({ pid: holder.pid, started: '' }));
  });
  afterEach(() => {
    holder.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  const refusal = async (): Promise<string> => {
    const prepared = await prepareLocalCluster({ ...WISHES, directory: join(folder, 'data') });
    return prepared.ok ? 'it is ready' : prepared.error.join('\n');
  };

  test('is refused with the process to end', async () => {
    expect(await refusal()).toMatch(new RegExp(`node1 is in use by process ${holder.pid ?? 0}: end it first$`));
  });

  test('is refused at once where that process is stopped, with how it is ended', async () => {
    holder.kill('SIGSTOP');
    const status = `/proc/${holder.pid ?? 0}/status`;
    await vi.waitUntil(() => /^State:\s+T/m.test(readFileSync(status, 'utf8')));
    const began = performance.now();
    const refused = await refusal();
    expect(performance.now() - began).toBeLessThan(3000);
    const pid = String(holder.pid);
    expect(refused).toContain(`node1 is in use by process ${pid}, which is stopped`);
    expect(refused).toContain(`\`kill -CONT ${pid}\``);
    expect(refused).toContain(`\`kill -KILL ${pid}\``);
  });
});
