/**
 * The load: sessions that submit, a window in which they are measured, and the drain after it. Closed loop: a session's next request follows its
 * last answer. Open loop: requests have the times at which they are to arrive, whatever became of those before, and wait for a session where none is
 * free; their latency counts from the time intended, so that a system which falls behind cannot hide it. Owns the counts.
 */
import type { Bytes } from '../base/bytes.ts';
import type { LoadClients } from './load-clients.ts';
import type { LoadMessage, LoadPlan, LoadReport } from './load-report.ts';
import { OPERATION_TIMEOUT_MS } from './normal-case.ts';
import { judgeReadBack, makeOperations } from './operations.ts';
import type { Operations } from './operations.ts';
import { cpuUs } from './process-usage.ts';
import type { Answer } from './submitter.ts';
import { percentile, Samples } from './statistics.ts';
import { ViewWatch } from './view-watch.ts';

const MS_PER_SECOND = 1000;
const LIMITS = { timeoutMs: OPERATION_TIMEOUT_MS };
/** What waits in an open loop when the window is over must have been answered so soon after. */
const LONGEST_DRAIN_MS = 60_000;

/** One end of the window: ms of the monotonic clock, and CPU times. */
interface Edge {
  readonly at: number;
  readonly clientCpuUs: number;
  readonly serverCpuUs: readonly number[];
}

export class Load {
  readonly #plan: LoadPlan;
  readonly #clients: LoadClients;
  readonly #operations: Operations;
  readonly #tell: (told: LoadMessage) => void;
  readonly #latencies = new Samples();
  readonly #views = new ViewWatch();
  /** When the last view began, ms of the monotonic clock, and what had been answered within the window by then. */
  #lastView = { at: 0, measured: 0 };
  #begin: Edge | undefined;
  #end: Edge | undefined;
  /** The window has been open for as long as it was to be. */
  #isDue = false;
  #acknowledged = 0;
  #readsOrdered = 0;
  #measured = 0;
  /** Arrivals of the open loop so far. */
  #arrivals = 0;
  #startedAt = 0;

  /** Requires: the clients are connected. `tell`: learns when the window opens and closes. */
  constructor(plan: LoadPlan, clients: LoadClients, tell: (told: LoadMessage) => void) {
    this.#plan = plan;
    this.#clients = clients;
    this.#tell = tell;
    this.#operations = makeOperations(plan.row);
  }

  /** Warm-up, window, drain, reading back. Throws when an operation does not end as executed, with the result that it must have. */
  async run(): Promise<LoadReport> {
    const { row, warmUpMs, measureMs } = this.#plan;
    this.#startedAt = performance.now();
    const timers: NodeJS.Timeout[] = [];
    const at = async (ms: number, action: () => void): Promise<void> =>
      new Promise((resolve) => {
        timers.push(setTimeout(() => resolve(action()), ms));
      });
    const window = [
      at(warmUpMs, () => this.#open()),
      at(warmUpMs + measureMs, () => {
        this.#isDue = true;
        if (this.#measured > 0) this.#close();
      }),
    ];
    const { sessions, rate } = row;
    const work = async (session: number): Promise<void> =>
      rate === undefined ? this.#follow(session) : this.#serve(session, rate);
    try {
      // An open loop may have nothing more to do before the window is over.
      await Promise.all([...window, ...Array.from({ length: sessions }, async (_, session) => work(session))]);
    } finally {
      timers.forEach(clearTimeout);
    }
    this.#close();
    for (const readBack of this.#operations.readBacks()) {
      const outcome = await this.#clients.of(0).submit(readBack.operation, LIMITS);
      const problem = judgeReadBack(readBack, this.#resultOf(outcome));
      if (problem !== undefined) throw new Error(problem);
    }
    return this.#report();
  }

  /** One session of a closed loop, until the window is over. */
  async #follow(session: number): Promise<void> {
    while (this.#end === undefined) {
      const since = performance.now();
      await this.#operate(session);
      if (!this.#isOpen) continue;
      this.#latencies.add(performance.now() - since);
      this.#count();
    }
  }

  /** One session of an open loop: takes what is to arrive next until all that was intended within the window has an answer. */
  async #serve(session: number, rate: number): Promise<void> {
    const { warmUpMs, measureMs } = this.#plan;
    const opensAt = this.#startedAt + warmUpMs;
    const closesAt = opensAt + measureMs;
    for (;;) {
      const since = this.#startedAt + (this.#arrivals * MS_PER_SECOND) / rate;
      if (since >= closesAt) return;
      this.#arrivals += 1;
      await until(since);
      if (performance.now() > closesAt + LONGEST_DRAIN_MS)
        throw new Error(`rate=${rate} is far above what the system takes: too many arrivals still wait for a session`);
      await this.#operate(session);
      if (since >= opensAt) this.#latencies.add(performance.now() - since);
      if (this.#isOpen) this.#count();
    }
  }

  async #operate(session: number): Promise<void> {
    const operation = this.#operations.next(session);
    const result = this.#operations.isRead(session)
      ? await this.#read(session, operation)
      : this.#resultOf(await this.#clients.of(session).submit(operation, LIMITS));
    const problem = this.#operations.judge(session, result);
    if (problem !== undefined) throw new Error(problem);
  }

  /** Only what was ordered after all is executed anywhere. */
  async #read(session: number, operation: Bytes): Promise<Bytes> {
    const outcome = await this.#clients.of(session).read(operation, LIMITS);
    if (outcome.kind !== 'read') this.#readsOrdered += 1;
    return outcome.kind === 'read' ? outcome.result : this.#resultOf(outcome);
  }

  #resultOf(outcome: Answer): Bytes {
    if (outcome.kind !== 'executed')
      throw new Error(`an operation ended as ${outcome.kind}, ${outcome.code}: ${outcome.message}`);
    this.#acknowledged += 1;
    if (this.#views.note(outcome.view, Date.now()))
      this.#lastView = { at: performance.now(), measured: this.#measured };
    return outcome.result;
  }

  /** One more was answered within the window. A window in which nothing was goes on until something is. */
  #count(): void {
    this.#measured += 1;
    if (this.#isDue) this.#close();
  }

  #open(): void {
    this.#begin = this.#edge();
    this.#tell({ kind: 'opened', atMs: Date.now() });
  }

  #close(): void {
    if (this.#end !== undefined) return;
    this.#end = this.#edge();
    this.#tell({ kind: 'closed', atMs: Date.now() });
  }

  get #isOpen(): boolean {
    return this.#begin !== undefined && this.#end === undefined;
  }

  #edge(): Edge {
    const { user, system } = process.cpuUsage();
    const serverCpuUs = this.#plan.servers.map((pid) => cpuUs(pid));
    return { at: performance.now(), clientCpuUs: user + system, serverCpuUs };
  }

  #report(): LoadReport {
    const [begin, end] = [this.#begin, this.#end];
    if (begin === undefined || end === undefined || this.#measured === 0 || this.#latencies.count === 0)
      throw new Error('nothing was answered within the window: give it more --seconds');
    const latencies = this.#latencies.ascending();
    return {
      acknowledged: this.#acknowledged,
      readsOrdered: this.#readsOrdered,
      measured: this.#measured,
      seconds: (end.at - begin.at) / MS_PER_SECOND,
      p50Us: percentile(latencies, 0.5) * MS_PER_SECOND,
      p99Us: percentile(latencies, 0.99) * MS_PER_SECOND,
      clientCpuUs: end.clientCpuUs - begin.clientCpuUs,
      serverCpuUs: end.serverCpuUs.map((us, index) => us - (begin.serverCpuUs[index] ?? 0)),
      viewChanges: this.#views.changes,
      lastView: {
        answered: this.#measured - this.#lastView.measured,
        seconds: Math.max(0, end.at - Math.max(begin.at, this.#lastView.at)) / MS_PER_SECOND,
      },
    };
  }
}

/** Resolves at that time of the monotonic clock, or at once if it is past; the timers of Node are a millisecond fine. */
async function until(at: number): Promise<void> {
  const ms = at - performance.now();
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
}
