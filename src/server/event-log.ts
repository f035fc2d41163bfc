/** Which events reach the log, and how loud: info = a rare change, warn = may need an operator, error = needs one, debug = per message. */
import type { Logger } from '../node/index.ts';
import { replicaName } from '../base/ids.ts';
import type { ClientId, ReplicaId } from '../base/ids.ts';
import type { Event } from '../protocol/event.ts';

/** Writes events to a log. Repetitions of one warning are counted and told once a minute, so that nobody can flood the log. */
export class EventLog {
  readonly #logger: Logger;
  readonly #nowMs: () => number;
  /** Asked once: what happens for each message asks for it. */
  readonly #isDebug: boolean;
  readonly #quiet = new Map<string, { untilMs: number; suppressed: number }>();

  constructor(logger: Logger, nowMs: () => number) {
    this.#logger = logger;
    this.#nowMs = nowMs;
    this.#isDebug = logger.isLevelEnabled('debug');
  }

  onEvent(event: Event): void {
    switch (event.kind) {
      case 'started':
        this.#logger.info(
          { view: event.view, last_executed: event.lastExecuted, low_water_mark: event.lowWaterMark },
          'replica started',
        );
        return;
      case 'view-entered':
        this.#logger.info({ view: event.view, primary: replicaName(event.primary) }, 'view entered');
        return;
      case 'view-change-started':
        this.#logger.info({ view: event.view, reason: event.reason }, 'view change started');
        return;
      case 'new-view-made':
        this.#logger.info(
          { view: event.view, start: event.start, batches: event.slots, null_batches: event.nulls },
          'new view made',
        );
        return;
      case 'checkpoint-stable':
        this.#logger.info(
          { sequence: event.sequence, root: event.root, nodes: event.replicas.map(replicaName) },
          'checkpoint stable',
        );
        return;
      case 'suspicion': {
        const { node, kind, certainty, view, sequence, evidence } = event.suspicion;
        const fields = { node: replicaName(node), kind, certainty, view, sequence, evidence: evidence.summary };
        this.warnSparsely(`suspicion ${node} ${kind} ${certainty}`, fields, 'suspicion');
        return;
      }
      case 'diverged':
        this.#logger.error(
          { sequence: event.sequence, own: event.own, stable: event.stable },
          'the own state contradicts a stable checkpoint: this replica executes and votes no more; restore its disk or start it empty',
        );
        return;
      case 'state-damaged':
        this.#logger.error(
          { reason: event.reason },
          'the state cannot be read; nothing is executed until it is repaired from the other nodes',
        );
        return;
      case 'transfer-started':
        this.#logger.info(
          { sequence: event.sequence, root: event.root, from: event.from.map(replicaName) },
          'fetching the state',
        );
        return;
      case 'transferred':
        this.#logger.info(
          { sequence: event.sequence, root: event.root, bytes: event.sizeBytes },
          'the state was fetched',
        );
        return;
      case 'request-timeout':
        this.warnSparsely(
          'request-timeout',
          { view: event.view, request: event.requestDigest, sequence: event.sequence },
          'a request waits too long',
        );
        return;
      case 'client-marked':
        this.warnSparsely(
          'client-marked',
          { client: event.client },
          'client marked: only its signed requests are proposed',
        );
        return;
      case 'refused':
        if (this.#isDebug)
          this.#logger.debug({ type: event.type, from: partyName(event.from), code: event.code }, 'refused');
        return;
      default:
        if (this.#isDebug) this.#logger.debug({ event }, event.kind);
    }
  }

  /** A warning that others can cause: at most once a minute each, with how many were left out. */
  warnSparsely(key: string, fields: Readonly<Record<string, unknown>>, message: string): void {
    const now = this.#nowMs();
    const quiet = this.#quiet.get(key);
    if (quiet !== undefined && now < quiet.untilMs) {
      quiet.suppressed += 1;
      return;
    }
    this.#quiet.delete(key);
    this.#quiet.set(key, { untilMs: now + QUIET_MS, suppressed: 0 });
    if (this.#quiet.size > MAX_KEYS) {
      const [oldest] = this.#quiet.keys();
      if (oldest !== undefined) this.#quiet.delete(oldest);
    }
    this.#logger.warn(
      { ...fields, ...(quiet === undefined || quiet.suppressed === 0 ? {} : { suppressed: quiet.suppressed }) },
      message,
    );
  }
}

const QUIET_MS = 60_000;
const MAX_KEYS = 1024;

function partyName(party: ReplicaId | ClientId): string {
  return typeof party === 'number' ? replicaName(party) : `client:${party}`;
}
