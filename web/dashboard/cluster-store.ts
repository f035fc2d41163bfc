/**
 * What the dashboard knows, as signals: the members, the picture that all streams make together, which nodes are there, and what is asked of them now and
 * then. It lives on when the node that served the page does not.
 */
import { batch, computed, signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import type { ClusterBody, ExplainBody, LabBody, StatusBody } from '../../src/api/index.ts';
import type { Presence } from '../model/nodes.ts';
import { phaseOf } from '../model/language.ts';
import { Picture } from '../model/picture.ts';
import type { StreamEvent } from '../model/stream-event.ts';
import { call, Token } from './api-client.ts';
import type { ApiFailure, ApiResult, Call } from './api-client.ts';
import { NodeStream } from './node-stream.ts';
import type { StreamState } from './node-stream.ts';

export type Phase =
  | { readonly kind: 'loading' }
  | { readonly kind: 'needs-token'; readonly wasRefused: boolean }
  | { readonly kind: 'failed'; readonly why: ApiFailure }
  | { readonly kind: 'ready' };

/** Panels are drawn at most so often, in ms; only the diagram follows each frame. */
const REDRAW_MS = 250;
/** After a quiet time at once, but for what comes together. */
const GATHER_MS = 60;
const SAMPLE_MS = 1000;
const POLL_MS = 2000;
/** A quiet cluster is asked every so many polls only. */
const QUIET_POLLS = 4;
const RETRY_MS = 1500;

export class ClusterStore {
  readonly token = new Token();
  readonly phase = signal<Phase>({ kind: 'loading' });
  readonly cluster = signal<ClusterBody | undefined>(undefined);
  readonly picture = signal<Picture | undefined>(undefined);
  /** Of the picture: grows when there is something new to draw. */
  readonly version = signal(0);
  readonly streams = signal<ReadonlyMap<string, StreamState>>(new Map());
  readonly statuses = signal<ReadonlyMap<string, StatusBody>>(new Map());
  readonly explanations = signal<ReadonlyMap<string, ExplainBody>>(new Map());
  readonly lab = signal<LabBody | undefined>(undefined);
  readonly presences: ReadonlySignal<ReadonlyMap<string, Presence>> = computed(() => this.#presences());

  #streams = new Map<string, NodeStream>();
  #redrawTimer: number | undefined;
  #redrawnMs = -Infinity;
  #polls = 0;
  #lastSampleMs = 0;

  /** Learns who belongs to the cluster, and joins them all. */
  async start(): Promise<void> {
    const answer = await call<ClusterBody>('', '/pbft/cluster', this.token);
    if (!answer.ok) {
      if (answer.error.status === 401) {
        this.phase.value = { kind: 'needs-token', wasRefused: this.token.value !== undefined };
        return;
      }
      this.phase.value = { kind: 'failed', why: answer.error };
      setTimeout(() => void this.start(), RETRY_MS);
      return;
    }
    this.token.keep();
    if (this.#streams.size === 0) this.#join(answer.body);
    else this.#rejoin();
  }

  async signIn(token: string): Promise<void> {
    this.token.set(token);
    await this.start();
  }

  /** Calls the node of that name; without one the serving node if it is there, else any that is. */
  async call<Body>(node: string | undefined, path: string, options?: Call): Promise<ApiResult<Body>> {
    const name = node ?? this.anyNode();
    return call<Body>(this.#urlOf(name), path, this.token, options);
  }

  /** A node that answers; the serving one where none is known to. */
  anyNode(): string | undefined {
    const own = this.cluster.value?.node_id;
    const isUp = (name: string): boolean => this.presences.value.get(name) === 'up';
    if (own !== undefined && isUp(own)) return own;
    return this.cluster.value?.nodes.map(({ node_id }) => node_id).find(isUp) ?? own;
  }

  /** What a node says that answers and does not tell this page; undefined of all others. */
  refusalOf(name: string): string | undefined {
    const state = this.streams.value.get(name);
    return state?.kind === 'down' && isRefusal(state.why) ? state.why.message : undefined;
  }

  /** Asks at once for what is otherwise asked now and then: something was just ordered. */
  refresh(): void {
    void this.#pollLab();
    void this.#pollNodes();
    for (const stream of this.#streams.values()) stream.retry();
  }

  #urlOf(name: string | undefined): string {
    const cluster = this.cluster.value;
    if (name === undefined || name === cluster?.node_id) return '';
    return cluster?.nodes.find(({ node_id }) => node_id === name)?.url ?? '';
  }

  #join(cluster: ClusterBody): void {
    const nodes = cluster.nodes.map(({ node_id }) => node_id);
    batch(() => {
      this.cluster.value = cluster;
      this.picture.value = new Picture({
        nodes,
        faultLimit: cluster.f,
        quorum: cluster.quorum_size,
        prepares: cluster.prepares_needed,
      });
      this.phase.value = { kind: 'ready' };
    });
    for (const name of nodes) {
      const stream = new NodeStream({
        node: name,
        url: this.#urlOf(name),
        token: this.token,
        onEvents: (events) => this.#onEvents(events),
        onState: (state) => this.#onState(name, state),
      });
      this.#streams.set(name, stream);
      stream.start();
    }
    this.#lastSampleMs = performance.now();
    setInterval(() => this.#sample(), SAMPLE_MS);
    setInterval(() => this.#poll(), POLL_MS);
    void this.#pollLab();
  }

  /** The token was refused after a while, and is another one now. */
  #rejoin(): void {
    this.phase.value = { kind: 'ready' };
    for (const stream of this.#streams.values()) stream.retry();
  }

  #onEvents(events: readonly StreamEvent[]): void {
    for (const event of events) this.picture.value?.apply(event);
    if (events.some(isNews)) this.#redrawSoon();
  }

  #redrawSoon(): void {
    if (this.#redrawTimer !== undefined) return;
    const inMs = Math.max(GATHER_MS, this.#redrawnMs + REDRAW_MS - performance.now());
    this.#redrawTimer = setTimeout(() => {
      this.#redrawTimer = undefined;
      this.#redrawnMs = performance.now();
      this.version.value = this.picture.value?.version ?? 0;
    }, inMs);
  }

  #onState(name: string, state: StreamState): void {
    const before = this.streams.value.get(name);
    this.streams.value = new Map(this.streams.value).set(name, state);
    if (state.kind === 'open') void this.#pollNode(name);
    if (state.kind !== 'down') return;
    if (state.why.status === 401) this.phase.value = { kind: 'needs-token', wasRefused: true };
    if (before?.kind !== 'down') void this.#pollLab();
  }

  #presences(): ReadonlyMap<string, Presence> {
    const ordered = new Map(this.lab.value?.nodes.map(({ node_id, state }) => [node_id, state]));
    return new Map(
      [...this.streams.value].map(([name, state]) => {
        if (ordered.get(name) === 'paused') return [name, 'paused'];
        if (state.kind === 'down') return [name, isRefusal(state.why) ? 'refused' : 'down'];
        return [name, state.kind === 'open' ? 'up' : 'connecting'];
      }),
    );
  }

  #sample(): void {
    const now = performance.now();
    this.picture.value?.closeSample(Date.now() / 1000, (now - this.#lastSampleMs) / 1000);
    this.#lastSampleMs = now;
    this.version.value = (this.picture.value?.version ?? 0) + 0.5;
  }

  #poll(): void {
    this.#polls += 1;
    if (document.hidden) return;
    if (!this.#isQuiet() || this.#polls % QUIET_POLLS === 0) void this.#pollNodes();
    if (this.lab.value !== undefined) void this.#pollLab();
  }

  /** Nothing is open, as far as the picture shows. */
  #isQuiet(): boolean {
    const picture = this.picture.value;
    if (picture === undefined) return true;
    const nodes = [...picture.nodes.values()];
    return (
      nodes.every(({ inViewChange }) => !inViewChange) &&
      ![...picture.requests.values()].some((request) => picture.isOpen(request)) &&
      [...this.explanations.value.values()].every(({ open_slots, waits }) => open_slots === 0 && waits.length === 0)
    );
  }

  async #pollNodes(): Promise<void> {
    const up = [...this.presences.value].filter(([, presence]) => presence === 'up').map(([name]) => name);
    await Promise.all(up.map(async (name) => this.#pollNode(name)));
  }

  async #pollNode(name: string): Promise<void> {
    const [status, explanation] = await Promise.all([
      this.call<StatusBody>(name, '/pbft/status'),
      this.call<ExplainBody>(name, '/pbft/explain'),
    ]);
    batch(() => {
      if (status.ok) {
        this.statuses.value = new Map(this.statuses.value).set(name, status.body);
        this.picture.value?.applyStatus(name, status.body);
        this.#redrawSoon();
      }
      if (explanation.ok) this.explanations.value = new Map(this.explanations.value).set(name, explanation.body);
    });
  }

  async #pollLab(): Promise<void> {
    if (this.cluster.value?.lab !== true) return;
    const answer = await this.call<LabBody>(undefined, '/pbft/lab');
    if (answer.ok) this.lab.value = answer.body;
    else if (answer.error.code === 'no_supervisor') this.lab.value = undefined;
  }
}

/** It is there, and will not tell: too many listen, or not with this token. */
function isRefusal({ status, code }: ApiFailure): boolean {
  return status >= 400 && code !== 'replica_stopped';
}

/** Nodes tell each other how they stand several times a second, also while nothing happens: that can wait for the next sample. */
function isNews(event: StreamEvent): boolean {
  const isMessage = event.kind === 'message-sent' || event.kind === 'message-received';
  return !isMessage || phaseOf(event.message.type) !== 'repair';
}
