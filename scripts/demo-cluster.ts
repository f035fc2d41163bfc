// A cluster as `pbft up` starts it, in a folder that goes away, for scripts that look at its pages.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MAIN = join(import.meta.dirname, '../src/cli/main.ts');
const READY_MS = 90_000;

export class DemoCluster {
  /** HTTP origins of the nodes, in order. */
  readonly urls: readonly string[];
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(folder: string, process: ChildProcess) {
    this.#folder = folder;
    this.#process = process;
    const file = readFileSync(join(folder, 'data/cluster.json'), 'utf8');
    this.urls = (JSON.parse(file) as { replicas: { http_url: string }[] }).replicas.map(({ http_url: url }) => url);
  }

  /** Rejects with what `up` said where it does not come up. */
  static async start(): Promise<DemoCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'pbft-demo-'));
    const args = ['up', '--port', '0', '--peer-port', '0', '--data', join(folder, 'data')];
    const up = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the cluster is not ready: ${said}`)), READY_MS);
      const onText = (chunk: Buffer): void => {
        said += chunk.toString();
        if (!said.includes('Ctrl-C ends it')) return;
        clearTimeout(timer);
        resolve();
      };
      up.stdout.on('data', onText);
      up.stderr.on('data', onText);
      up.once('exit', () => reject(new Error(`the cluster ended: ${said}`)));
    });
    return new DemoCluster(folder, up);
  }

  /** Has the first node order a request, and waits for its result. */
  async request(body: object): Promise<void> {
    await this.post('/pbft/request?wait=true', body);
  }

  async post(path: string, body: object): Promise<void> {
    const response = await fetch(`${this.urls[0] ?? ''}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGINT');
    await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
