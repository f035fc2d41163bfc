/** Prometheus metrics of one node: a registry of its own, fed by events and read by gauges. Names end in their unit; docs/metrics.md lists them. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { replicaName } from '../base/ids.ts';
import type { Event, ExecutedEvent } from '../protocol/event.ts';
import type { EventStreamCounts } from './events/event-hub.ts';
import type { ReplicaStatus } from '../protocol/status.ts';
import { Tally } from './tally.ts';

/** What gauges read when Prometheus asks. */
export interface MetricSources {
  readonly status: () => ReplicaStatus;
  readonly heldOutputs: () => number;
  readonly servingSeconds: () => number;
  readonly isDiskFull: () => boolean;
  readonly gatewayPending: () => number;
  readonly openRequests: () => number;
  readonly connectedPeers: () => number;
  readonly connectedClients: () => number;
  readonly links: () => LinkCounts;
  readonly eventStream: () => EventStreamCounts;
}

/** Totals of the links since the start. */
export interface LinkCounts {
  readonly sentFrames: number;
  readonly sentBytes: number;
  readonly receivedFrames: number;
  readonly receivedBytes: number;
  readonly droppedFrames: number;
  readonly queuedBytes: number;
}

/** prom-client looks at the event loop so often, in ms, and each look wakes the process: at its own 10 ms that is half of what an idle node costs. So it never does. */
const EVENT_LOOP_LOOK_MS = 2 ** 31 - 1;
/** What would come of these looks alone. `pbft_event_loop_busy_seconds_total` tells how busy the loop is, and costs nothing. */
const EVENT_LOOP_LOOKS = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'].map(
  (name) => `nodejs_eventloop_lag_${name}_seconds`,
);

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export class Metrics {
  readonly registry = new Registry();
  readonly #requests: Tally;
  readonly #phases: Tally;
  readonly #refusals: Counter<'type' | 'code'>;
  readonly #linkRefusals: Counter<'code'>;
  readonly #suspicions: Counter<'node' | 'kind' | 'certainty'>;
  readonly #events: Tally;
  #syncs = 0;
  #records = 0;
  readonly #dropped: Counter<'reason'>;
  readonly #gateway: Counter<'outcome'>;
  readonly #gatewaySeconds: Histogram;
  readonly #http: Counter<'route' | 'method' | 'status'>;
  readonly #httpSeconds: Histogram<'route'>;

  constructor(sources: MetricSources) {
    this.#requests = this.#tally(
      'pbft_executed_requests_total',
      'Requests executed here, by what came of them; of a compound one each operation that ran',
      'outcome',
    );
    this.#phases = this.#tally('pbft_slots_total', 'Slots that reached a phase here', 'phase');
    this.#refusals = this.#counter('pbft_refused_messages_total', 'Messages refused, by type and reason', [
      'type',
      'code',
    ]);
    this.#linkRefusals = this.#counter('pbft_refused_links_total', 'Links refused or ended, by reason', ['code']);
    this.#suspicions = this.#counter('pbft_suspicions_total', 'Suspicions raised, by node, kind and certainty', [
      'node',
      'kind',
      'certainty',
    ]);
    this.#events = this.#tally('pbft_events_total', 'Everything that happened in the replica, by kind', 'kind');
    this.#total('pbft_log_syncs_total', 'Syncs of the write-ahead log', () => this.#syncs);
    this.#total('pbft_log_records_total', 'Records made durable', () => this.#records);
    this.#dropped = this.#counter('pbft_dropped_inputs_total', 'Inputs dropped because a bounded queue was full', [
      'reason',
    ]);
    this.#gateway = this.#counter('pbft_gateway_requests_total', 'Requests taken over HTTP, by outcome', ['outcome']);
    this.#gatewaySeconds = this.#histogram(
      'pbft_gateway_request_duration_seconds',
      'From the door to the accepted result',
      [],
    );
    this.#http = this.#counter('pbft_http_requests_total', 'HTTP requests answered', ['route', 'method', 'status']);
    this.#httpSeconds = this.#histogram('pbft_http_request_duration_seconds', 'Time to answer an HTTP request', [
      'route',
    ]);
    this.#addStatusGauges(sources);
    this.#addQueueGauges(sources);
    this.#addTotals(sources);
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: EVENT_LOOP_LOOK_MS });
    for (const name of EVENT_LOOP_LOOKS) this.registry.removeSingleMetric(name);
  }

  /** Counts what happened in the replica. */
  onEvent(event: Event): void {
    this.#events.add(event.kind);
    switch (event.kind) {
      case 'pre-prepared':
      case 'prepared':
      case 'tentatively-executed':
      case 'committed':
        this.#phases.add(event.kind);
        return;
      case 'executed':
        this.#phases.add('executed');
        this.#onOutcomes(event);
        return;
      case 'refused':
        this.#refusals.inc({ type: event.type, code: event.code });
        return;
      case 'suspicion': {
        const { node, kind, certainty } = event.suspicion;
        this.#suspicions.inc({ node: replicaName(node), kind, certainty });
        return;
      }
      default:
    }
  }

  /** Of what ran, each operation of a compound request counts as one. */
  #onOutcomes({ count, operations, outcomes }: ExecutedEvent): void {
    if (operations > 0) this.#requests.add('executed', operations);
    if (outcomes === 'executed') return;
    if (typeof outcomes === 'string') this.#requests.add(outcomes, count);
    else for (const outcome of outcomes) if (outcome !== 'executed') this.#requests.add(outcome);
  }

  onLinkRefused(code: string): void {
    this.#linkRefusals.inc({ code });
  }

  onSync(records: number): void {
    this.#syncs += 1;
    this.#records += records;
  }

  onDropped(reason: 'log-backlog' | 'stopped'): void {
    this.#dropped.inc({ reason });
  }

  onGateway(outcome: string, seconds: number): void {
    this.#gateway.inc({ outcome });
    this.#gatewaySeconds.observe(seconds);
  }

  onHttp({
    route,
    method,
    status,
    seconds,
  }: {
    readonly route: string;
    readonly method: string;
    readonly status: number;
    /** undefined for an answer that ends only with its reader. */
    readonly seconds: number | undefined;
  }): void {
    this.#http.inc({ route, method, status: String(status) });
    if (seconds !== undefined) this.#httpSeconds.observe({ route }, seconds);
  }

  /** The text that Prometheus reads. */
  async text(): Promise<string> {
    return this.registry.metrics();
  }

  #tally(name: string, help: string, label: string): Tally {
    return new Tally({ name, help, label, registry: this.registry });
  }

  #counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.registry] });
  }

  #histogram<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Histogram<Label> {
    return new Histogram({ name, help, labelNames: [...labelNames], buckets: SECONDS, registers: [this.registry] });
  }

  #gauge(name: string, help: string, read: () => number): void {
    const gauge: Gauge = new Gauge({ name, help, registers: [this.registry], collect: () => gauge.set(read()) });
  }

  #total(name: string, help: string, read: () => number): void {
    const counter: Counter = new Counter({
      name,
      help,
      registers: [this.registry],
      collect: () => {
        counter.reset();
        counter.inc(read());
      },
    });
  }

  #addStatusGauges({ status }: MetricSources): void {
    this.#gauge('pbft_view_number', 'View of this replica', () => status().view);
    this.#gauge('pbft_is_primary_boolean', '1 at the primary', () => Number(status().primary === status().self));
    this.#gauge('pbft_in_view_change_boolean', '1 during a view change', () => Number(status().inViewChange));
    this.#gauge('pbft_diverged_boolean', '1 when the own state contradicts a stable checkpoint', () =>
      Number(status().diverged),
    );
    this.#gauge('pbft_accepted_sequence_number', 'Highest sequence number accepted', () => status().highestAccepted);
    this.#gauge('pbft_executed_sequence_number', 'Highest sequence number executed', () => status().lastExecuted);
    this.#gauge('pbft_low_water_mark_sequence_number', 'Last stable checkpoint', () => status().lowWaterMark);
    this.#gauge(
      'pbft_certain_suspicions',
      'Certain suspicions held',
      () => status().suspicions.filter(({ certainty }) => certainty === 'certain').length,
    );
    this.#gauge('pbft_open_slots', 'Slots above the last executed one', () => status().openSlots);
  }

  #addQueueGauges(sources: MetricSources): void {
    this.#gauge(
      'pbft_queued_requests',
      'Requests waiting to be proposed or executed',
      () => sources.status().queuedRequests,
    );
    this.#gauge('pbft_queued_request_bytes', 'Bytes of the requests waiting', () => sources.status().queuedBytes);
    this.#gauge('pbft_held_outputs', 'Outputs waiting for a sync of the log', sources.heldOutputs);
    this.#gauge('pbft_disk_full_boolean', '1 while the log waits for room on disk, and the replica does not vote', () =>
      Number(sources.isDiskFull()),
    );
    this.#gauge('pbft_gateway_pending_requests', 'HTTP requests waiting for the cluster', sources.gatewayPending);
    this.#gauge('pbft_known_open_requests', 'Requests known here and not finished', sources.openRequests);
    this.#gauge('pbft_connected_peers', 'Replicas this node is linked to', sources.connectedPeers);
    this.#gauge('pbft_connected_clients', 'Clients linked to this node', sources.connectedClients);
    this.#gauge('pbft_event_stream_readers', 'Who reads the event stream', () => sources.eventStream().listeners);
    this.#gauge('pbft_link_queued_bytes', 'Bytes waiting to be sent on all links', () => sources.links().queuedBytes);
  }

  #addTotals({ links, servingSeconds, eventStream }: MetricSources): void {
    this.#total('pbft_link_sent_frames_total', 'Frames sent on all links', () => links().sentFrames);
    this.#total('pbft_link_sent_bytes_total', 'Bytes sent on all links', () => links().sentBytes);
    this.#total('pbft_link_received_frames_total', 'Frames received on all links', () => links().receivedFrames);
    this.#total('pbft_link_received_bytes_total', 'Bytes received on all links', () => links().receivedBytes);
    this.#total(
      'pbft_link_dropped_frames_total',
      'Frames dropped because a queue was full or a link down',
      () => links().droppedFrames,
    );
    this.#total('pbft_state_serving_seconds_total', 'Time spent on handing out state to peers', servingSeconds);
    this.#total('pbft_event_stream_cpu_seconds_total', 'Time spent on telling what happens to those who listen', () => {
      return eventStream().cpuSeconds;
    });
    this.#total('pbft_event_stream_sent_events_total', 'Events put into the stream', () => eventStream().sentEvents);
    this.#total(
      'pbft_event_stream_left_out_events_total',
      'Events left out of the stream because telling them would take too much time',
      () => eventStream().leftOutEvents,
    );
    this.#total(
      'pbft_event_stream_lost_events_total',
      'Events that a reader lost because it did not read',
      () => eventStream().lostEvents,
    );
    this.#total('pbft_event_loop_busy_seconds_total', 'Time in which the event loop had something to do', () => {
      return performance.eventLoopUtilization().active / 1000;
    });
  }
}
