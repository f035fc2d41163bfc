/**
 * What the event stream costs a node: `node bench/events.ts [SECONDS] [SESSIONS] [--json]`. Four real nodes on loopback, under load and idle, with and
 * without a reader at each. Prints, for each, the CPU time of the stream by the nodes' own counter as a part of what their processes take, the requests
 * that were executed, and the events that were told and left out.
 */
import { readEventStream } from '../src/cli/event-stream.ts';
import { argumentsOf, whole } from './support/arguments.ts';
import { pause, RealCluster } from './support/real-cluster.ts';
import { describeHost, print } from './support/report.ts';

const NODES = 4;
/** For what the engine compiles first, and for a share that is still being found. */
const WARM_MS = 5000;

const {
  values: [seconds, sessions],
} = argumentsOf('events.ts', { places: [whole('SECONDS', 10), whole('SESSIONS', 64)], flags: ['--json'] });

interface Counters {
  readonly streamS: number;
  readonly processS: number;
  readonly told: number;
  readonly leftOut: number;
}

const METRICS = {
  streamS: 'pbft_event_stream_cpu_seconds_total',
  processS: 'process_cpu_seconds_total',
  told: 'pbft_event_stream_sent_events_total',
  leftOut: 'pbft_event_stream_left_out_events_total',
} as const;

await measure();
process.exit(0);

async function measure(): Promise<void> {
  const cluster = await RealCluster.start(NODES);
  await cluster.load(sessions, during(WARM_MS));
  const rows = [...(await rowsOf(cluster, 'load', false)), ...(await rowsOf(cluster, 'idle', false))];
  const stop = new AbortController();
  for (const url of cluster.urls)
    void readEventStream({
      url,
      kinds: undefined,
      lastEventId: undefined,
      onEvent: () => undefined,
      signal: stop.signal,
    });
  await cluster.load(sessions, during(WARM_MS));
  rows.push(...(await rowsOf(cluster, 'load', true)), ...(await rowsOf(cluster, 'idle', true)));
  stop.abort();
  const loaded = rows.filter(({ state }) => state === 'load');
  const worst = Math.max(...loaded.map(({ stream_percent: percent }) => percent));
  print(
    { benchmark: 'events', ...describeHost(), nodes: NODES, sessions, seconds, rows },
    `under load the event stream took at most ${worst.toFixed(2)} % of the CPU time of a node`,
  );
}

function during(ms: number): () => boolean {
  const end = performance.now() + ms;
  return () => performance.now() < end;
}

async function rowsOf(cluster: RealCluster, state: 'load' | 'idle', isRead: boolean) {
  const before = await Promise.all(cluster.urls.map(counters));
  const began = performance.now();
  const requests =
    state === 'load' ? await cluster.load(sessions, during(seconds * 1000)) : await pause(seconds * 1000).then(() => 0);
  const tookS = (performance.now() - began) / 1000;
  const after = await Promise.all(cluster.urls.map(counters));
  return after.map((now, index) => {
    const grown = (name: keyof Counters): number => now[name] - (before[index]?.[name] ?? 0);
    return {
      state,
      node: `node${index + 1}`,
      read: isRead ? 'yes' : 'no',
      requests_per_s: requests / tookS,
      process_core_percent: (100 * grown('processS')) / tookS,
      stream_core_percent: (100 * grown('streamS')) / tookS,
      stream_percent: (100 * grown('streamS')) / grown('processS'),
      told_per_s: grown('told') / tookS,
      left_out_per_s: grown('leftOut') / tookS,
    };
  });
}

async function counters(url: string): Promise<Counters> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const read = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  return {
    streamS: read(METRICS.streamS),
    processS: read(METRICS.processS),
    told: read(METRICS.told),
    leftOut: read(METRICS.leftOut),
  };
}
