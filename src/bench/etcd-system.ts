/**
 * etcd on loopback, without TLS and without authentication, under the load of a program of others: a yardstick that is set up beside ours. What it
 * acknowledges is not counted again here. Owns nothing: its processes belong to the workplace.
 */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { BenchProcess } from './bench-process.ts';
import type { RunFigures } from './figures.ts';
import { peakRssBytes } from './process-usage.ts';
import type { Row } from './row.ts';
import type { EtcdTools, Surroundings } from './system.ts';
import type { Workplace } from './workplace.ts';

export const ETCD_LOAD_VARIABLE = 'PBFT_ETCD_LOAD';

const HOST = '127.0.0.1';
/** Connections that all clients of the load share. */
const CHANNELS = 8;
const SERVES_WITHIN_MS = 30_000;
const LOOK_AGAIN_MS = 100;
const MS_PER_SECOND = 1000;
/** A folder in memory: etcd itself has no setting for that. */
const MEMORY_FOLDER = '/dev/shm';

/** The tools, or one line that says what is missing. */
export function findEtcd(env: Readonly<Record<string, string | undefined>>): EtcdTools | string {
  const server = (env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'etcd'))
    .find((path) => existsSync(path));
  const load = env[ETCD_LOAD_VARIABLE];
  if (server === undefined) return 'there is no program `etcd` in PATH';
  if (load === undefined || load === '') return `${ETCD_LOAD_VARIABLE} does not name a program that makes the load`;
  return existsSync(load) ? { server, load } : `${ETCD_LOAD_VARIABLE} names ${load}, which is not there`;
}

/** What the load prints. */
interface EtcdLine {
  readonly ops_per_s: number;
  readonly p50_us: number;
  readonly p99_us: number;
  readonly errors?: number;
}

/** Starts the members, has them loaded, and gives back what the load measured. Throws with the reason when it does not come to that. */
export async function measureEtcd(
  place: Workplace,
  row: Row,
  {
    etcd,
    freePorts,
    warmUpMs,
    measureMs,
  }: Pick<Surroundings, 'freePorts'> & {
    readonly etcd: EtcdTools;
    readonly warmUpMs: number;
    readonly measureMs: number;
  },
): Promise<RunFigures> {
  const ports = await freePorts(HOST, 2 * row.nodes);
  const members = Array.from({ length: row.nodes }, (_, index) => ({
    name: `member${index + 1}`,
    client: `${HOST}:${ports[2 * index] ?? 0}`,
    peer: `http://${HOST}:${ports[2 * index + 1] ?? 0}`,
  }));
  const data = row.durability === 'memory' ? place.makeFolder(MEMORY_FOLDER) : place.folder;
  const running = members.map(({ name, client, peer }) =>
    place.start({
      name,
      command: etcd.server,
      args: [
        ['--name', name, '--data-dir', join(data, name)],
        ['--listen-client-urls', `http://${client}`, '--advertise-client-urls', `http://${client}`],
        ['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
        ['--initial-cluster', members.map((each) => `${each.name}=${each.peer}`).join(',')],
      ].flat(),
      hasChannel: false,
    }),
  );
  const clients = members.map(({ client }) => client);
  const endpoint = await orderingMember(clients, running);
  const load = place.start({
    name: 'etcd-load',
    command: etcd.load,
    args: [endpoint, row.sessions, warmUpMs / MS_PER_SECOND, measureMs / MS_PER_SECOND, row.request, CHANNELS].map(
      String,
    ),
    hasChannel: false,
  });
  await load.closed();
  if (load.end !== 'exit code 0') throw new Error(load.describeEnd());
  const dead = running.find(({ end }) => end !== undefined);
  if (dead !== undefined) throw new Error(dead.describeEnd());
  const peaks = running.map(({ pid }) => peakRssBytes(pid));
  return figuresOf(load.output(), peaks);
}

/** The figures from what the load printed, and the peaks of the members. Throws when it printed none. */
export function figuresOf(output: string, peaks: readonly number[]): RunFigures {
  // Libraries have things to say too.
  const text = output.split('\n').findLast((each) => each.startsWith('{')) ?? output.trim();
  let line: Partial<EtcdLine>;
  try {
    line = JSON.parse(text) as Partial<EtcdLine>;
  } catch {
    throw new Error(`the load printed no JSON: ${text.slice(0, 200)}`);
  }
  const { ops_per_s: ops, p50_us: p50, p99_us: p99, errors } = line;
  if (errors !== undefined && errors > 0) throw new Error(`${errors} puts failed`);
  if (ops === undefined || p50 === undefined || p99 === undefined || !(ops > 0))
    throw new Error(`the load printed no figures: ${text.slice(0, 200)}`);
  const figures = { ops_per_s: ops, p50_us: p50, p99_us: p99, peak_rss_bytes: Math.max(...peaks) };
  return { figures, peakRssBytes: peaks, checkedOperations: undefined };
}

/** The member that orders the writes, once there is one and all serve: a put to another would take one hop more. */
async function orderingMember(endpoints: readonly string[], running: readonly BenchProcess[]): Promise<string> {
  for (const deadline = performance.now() + SERVES_WITHIN_MS; performance.now() < deadline;) {
    const dead = running.find(({ end }) => end !== undefined);
    if (dead !== undefined) throw new Error(dead.describeEnd());
    const texts = await Promise.all(endpoints.map(async (endpoint) => metrics(endpoint)));
    const found = endpoints.find((_, index) => /^etcd_server_is_leader 1$/m.test(texts[index] ?? ''));
    if (found !== undefined && !texts.includes('')) return found;
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
  throw new Error(`etcd did not serve within ${SERVES_WITHIN_MS / MS_PER_SECOND} s`);
}

/** Empty while the member does not serve. */
async function metrics(endpoint: string): Promise<string> {
  try {
    const answer = await fetch(`http://${endpoint}/metrics`, { signal: AbortSignal.timeout(MS_PER_SECOND) });
    return await answer.text();
  } catch {
    return '';
  }
}
