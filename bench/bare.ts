/**
 * What the machine and the runtime allow: `node bench/bare.ts [CLIENTS] [SECONDS] [NODES] [--tentative] [--json]`. Clients of their own, in one process, each with a connection to each node and
 * one request at a time, and nodes that exchange what the normal case consists of: as many frames, as long, with as many MACs, in processes as many, by writes as many. Nothing
 * else is done: no request is kept, executed, or judged, nothing is decoded, nobody can be faulty. So no implementation of the protocol in this runtime that sends these frames is
 * faster here; `pbft bench --row durability=memory,clients=independent,sessions=CLIENTS` is the real one beside it. With
 * `--tentative` replies follow the PREPAREs, and COMMITs leave with the next vote. With one node: a server without replication. Linux only (`/proc`).
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { cpuUs } from '../src/bench/process-usage.ts';
import { NODE_FLAGS } from '../src/cli/node-command.ts';
import { argumentsOf, whole } from './support/arguments.ts';
import { BareLink } from './support/bare-link.ts';
import { KIND, hello, readHead, repliesNeeded, request } from './support/bare-messages.ts';
import { pause } from './support/real-cluster.ts';
import { describeHost, print } from './support/report.ts';

const WARM_UP_MS = 8000;
const NODE_SCRIPT = new URL('support/bare-node.ts', import.meta.url);

const { values, flags } = argumentsOf('bare.ts', {
  places: [whole('CLIENTS', 64), whole('SECONDS', 5), whole('NODES', 4)],
  flags: ['--tentative', '--json'],
});
const [clients, seconds, nodes] = values;
const isTentative = flags.has('--tentative');
/** Replies that make an answer. */
const needed = repliesNeeded(nodes, isTentative);

/** µs that each answer took. */
let latencies: number[] = [];

class BareClient {
  readonly #index: number;
  readonly #links: readonly BareLink[];
  #timestamp = 0;
  #replies = 0;
  #sentAt = 0;

  constructor(index: number, ports: readonly number[]) {
    this.#index = index;
    this.#links = ports.map((port) => new BareLink(connect(port, '127.0.0.1'), (content) => this.#onReply(content)));
    for (const link of this.#links) link.send(hello(KIND.client, index));
  }

  next(): void {
    this.#timestamp += 1;
    this.#replies = 0;
    this.#sentAt = performance.now();
    this.#links[0]?.send(request(this.#index, this.#timestamp, nodes));
  }

  #onReply(content: Buffer): void {
    if (readHead(content).second !== this.#timestamp) return;
    this.#replies += 1;
    if (this.#replies < needed) return;
    latencies.push((performance.now() - this.#sentAt) * 1000);
    this.next();
  }
}

async function told(child: ChildProcess): Promise<Readonly<Record<string, unknown>>> {
  const [message] = (await once(child, 'message')) as [Readonly<Record<string, unknown>>];
  return message;
}

async function measure(children: readonly ChildProcess[]): Promise<void> {
  const ports = await Promise.all(children.map(async (child) => Number((await told(child))['port'])));
  const linked = children.map(told);
  for (const child of children) child.send({ ports });
  await Promise.all(linked);
  const all = Array.from({ length: clients }, (_, index) => new BareClient(index, ports));
  // Their links stand before the first of them asks.
  await pause(500);
  for (const client of all) client.next();
  await pause(WARM_UP_MS);
  const pids = [process.pid, ...children.map(({ pid }) => pid ?? 0)];
  const before = pids.map(cpuUs);
  const began = performance.now();
  latencies = [];
  await pause(seconds * 1000);
  const tookS = (performance.now() - began) / 1000;
  const [client = 0, primary = 0, ...backups] = pids.map((pid, at) => cpuUs(pid) - (before[at] ?? 0));
  const count = latencies.length;
  const row = {
    ops_per_s: Math.round(count / tookS),
    p50_us: latencies.toSorted((left, right) => left - right)[count >> 1] ?? 0,
    client_cpu_us: client / count,
    primary_cpu_us: primary / count,
    backup_cpu_us: backups.reduce((sum, us) => sum + us, 0) / Math.max(1, backups.length) / count,
  };
  const kind = isTentative ? ', told when prepared' : '';
  const title = `the bare exchange of ${nodes} nodes with ${clients} clients${kind}, ${tookS.toFixed(1)} s after ${WARM_UP_MS / 1000}`;
  print(
    { benchmark: 'bare', ...describeHost(), nodes, clients, tentative: isTentative, seconds: tookS, rows: [row] },
    title,
  );
}

const children = Array.from({ length: nodes }, (_, index) =>
  fork(NODE_SCRIPT, [index, nodes, clients, Number(isTentative)].map(String), { execArgv: [...NODE_FLAGS] }),
);
for (const [index, child] of children.entries())
  child.once('exit', (code) => {
    console.error(`node ${index} ended by itself, with exit code ${code ?? 'none'}`);
    process.exit(1);
  });
await measure(children);
for (const child of children) child.removeAllListeners('exit').kill();
process.exit(0);
