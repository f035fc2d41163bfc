/**
 * What the state database of a running node needs from outside: its news passed on to the replica, another try when there is room again, and the
 * scrub, which reads all of it once in a while. Owns the timers of these and the latest fault; decides nothing about the protocol.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger, StateFault } from '../node/index.ts';
import type { Driver } from './driver.ts';
import type { StoredState } from './stored-state.ts';

export interface StateKeeperOptions {
  readonly stored: StoredState;
  readonly driver: Pick<Driver, 'onSealed' | 'onDamaged' | 'onStateFailed'>;
  readonly logger: Logger;
  /** From the end of one scrub to the beginning of the next, in ms; 0: none. */
  readonly scrubIntervalMs: number;
}

const RETRY_MS = 2000;
/** Keys that a scrub reads in a second: a state of a million is through in a few minutes, and the replica hardly notices. */
const SCRUB_KEYS_PER_SECOND = 5000;

export class StateKeeper {
  readonly #options: StateKeeperOptions;
  readonly #stopping = new AbortController();
  #fault: StateFault | undefined;
  #retry: NodeJS.Timeout | undefined;
  #scrubbing: Promise<void> | undefined;

  constructor(options: StateKeeperOptions) {
    this.#options = options;
    const { driver, logger } = options;
    options.stored.listen({
      onProgress: () => {
        this.#onProgress();
        driver.onSealed();
      },
      onDamage: (reason) => {
        logger.error({ reason }, 'the state is damaged; it is repaired from the other nodes');
        driver.onDamaged(reason);
      },
      onFault: (fault) => this.#onFault(fault),
    });
  }

  /** Why no checkpoint becomes durable at present; undefined when all is well. */
  get fault(): StateFault | undefined {
    return this.#fault;
  }

  /** From now on the state is scrubbed. */
  start(): void {
    const { scrubIntervalMs, stored } = this.#options;
    if (scrubIntervalMs > 0 && stored.database !== undefined) this.#scrubbing = this.#scrubForEver(scrubIntervalMs);
  }

  /** Resolves when nothing of it runs any more. The state is not closed. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#retry);
    await this.#scrubbing;
  }

  #onProgress(): void {
    if (this.#fault === undefined) return;
    this.#options.logger.warn('the state database is written again');
    this.#fault = undefined;
  }

  #onFault(fault: StateFault): void {
    const { driver, logger, stored } = this.#options;
    const isNew = this.#fault === undefined;
    this.#fault = fault;
    if (fault.code !== 'disk_full') {
      driver.onStateFailed(fault.message);
      return;
    }
    if (isNew) logger.error({ path: fault.path }, fault.message);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => stored.database?.retry(), RETRY_MS);
  }

  async #scrubForEver(intervalMs: number): Promise<void> {
    const { signal } = this.#stopping;
    try {
      for (;;) {
        await pause(intervalMs, undefined, { signal, ref: false });
        await this.#scrubOnce();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #scrubOnce(): Promise<void> {
    const { stored, logger, driver } = this.#options;
    let checked = 0;
    let damaged = 0;
    for await (const step of stored.database?.scrub({ keysPerSecond: SCRUB_KEYS_PER_SECOND }) ?? []) {
      if (this.#stopping.signal.aborted) return;
      if (step.kind === 'progress') {
        checked += step.checked;
        continue;
      }
      damaged += 1;
      if (damaged === 1) driver.onDamaged(step.damage.message);
      logger.error({ reason: step.damage.message }, 'the scrub found damage in the state');
    }
    logger.info({ checked, damaged }, 'the state was scrubbed');
  }
}
