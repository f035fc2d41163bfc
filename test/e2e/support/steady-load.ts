/**
 * Sixteen sessions that send transfers one after the other over the client library and keep account of what was acknowledged. Each has an
 * account of its own to which it moves 1 at a time: the k-th acknowledgement must say that k is there now. One transfer that was
 * acknowledged and lost, or done twice, shows in the next answer, and after the last in the balance.
 */
import { join } from 'node:path';
import { PbftClient } from '../../../src/client/index.ts';
import { Identity } from '../../../src/node/index.ts';
import { describeCluster, readClusterFile } from '../../../src/server/config/index.ts';
import { must } from '../../support/must.ts';
import { eventually } from '../local-cluster.ts';
import type { Workplace } from '../local-cluster.ts';

const SESSIONS = 16;
/** Longer than any fault of a test lasts: nobody gives up, so every transfer has an outcome. */
const PATIENCE_MS = 240_000;

export class SteadyLoad {
  readonly #client: PbftClient;
  readonly #workers: readonly Promise<void>[];
  readonly #counts = new Map<string, number>();
  readonly #startedAt = performance.now();
  #lastAt = performance.now();
  #longestGap = 0;
  #longestGapAt = 0;
  #acknowledged = 0;
  #isRunning = true;
  #problem: Error | undefined;

  /** Starts at once. */
  constructor(place: Workplace, sessions = SESSIONS) {
    const cluster = describeCluster(must(readClusterFile(join(place.folder, 'pbft-data/cluster.json'))));
    this.#client = new PbftClient({ cluster, identity: Identity.generate(), sessions });
    this.#workers = Array.from({ length: sessions }, async (_, index) => this.#work(`load-${index}`));
  }

  /** How many transfers were acknowledged until now. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** The longest time between two acknowledgements since the last call, and when it began, in ms from the start; one that lasts counts. */
  takeLongestGap(): { readonly ms: number; readonly atMs: number } {
    this.#noteGap(performance.now());
    const taken = { ms: Math.round(this.#longestGap), atMs: Math.round(this.#longestGapAt - this.#startedAt) };
    this.#longestGap = 0;
    return taken;
  }

  /** Waits for `count` more acknowledgements. */
  async progress(count = 1, withinMs = 15_000): Promise<void> {
    const goal = this.#acknowledged + count;
    await eventually(
      `${count} more transfers are acknowledged`,
      () => {
        if (this.#problem !== undefined) return true;
        return this.#acknowledged >= goal;
      },
      withinMs,
    );
    if (this.#problem !== undefined) throw this.#problem;
  }

  /** Lets each session end its transfer, and sends no more. Throws what one of them ran into. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    await Promise.all(this.#workers);
    if (this.#problem !== undefined) throw this.#problem;
  }

  /** After `stop`: every acknowledged transfer is there once, as every node says. */
  async check(place: Workplace, nodes: readonly string[]): Promise<void> {
    for (const node of nodes) {
      const found = await Promise.all([...this.#counts.keys()].map(async (account) => place.balance(node, account)));
      const expected = [...this.#counts.values()];
      if (String(found) !== String(expected)) {
        throw new Error(`${node} has ${String(found)} where ${String(expected)} were acknowledged`);
      }
    }
  }

  /** Ends everything, whatever state it is in. */
  async close(): Promise<void> {
    this.#isRunning = false;
    await this.#client.close();
    await Promise.all(this.#workers);
  }

  async #work(account: string): Promise<void> {
    const operation = Buffer.from(JSON.stringify({ operation: 'transfer', to: account, amount: 1 }));
    let count = 0;
    while (this.#isRunning && this.#problem === undefined) {
      const outcome = await this.#client.submit(operation, { timeoutMs: PATIENCE_MS });
      const now = performance.now();
      if (outcome.kind !== 'executed') {
        // Only who closes the client before its time gets here without a fault.
        if (this.#isRunning)
          this.#problem ??= new Error(`${account}: ${outcome.kind} (${outcome.code}): ${outcome.message}`);
        return;
      }
      count += 1;
      this.#counts.set(account, count);
      this.#acknowledged += 1;
      this.#noteGap(now);
      this.#lastAt = now;
      const result = Buffer.from(outcome.result).toString('utf8');
      const balance = (JSON.parse(result) as { readonly to_balance?: number }).to_balance;
      if (balance !== count) {
        this.#problem ??= new Error(`${account}: acknowledgement ${count} says ${result}: one was lost or done twice`);
      }
    }
  }

  #noteGap(now: number): void {
    const gap = now - this.#lastAt;
    if (gap <= this.#longestGap) return;
    this.#longestGap = gap;
    this.#longestGapAt = this.#lastAt;
  }
}
