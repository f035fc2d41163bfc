/** Several calls as one: a compound request, and what its outcome is to each of them. */
import { decodeOperations, decodeResults } from '../messages/index.ts';
import type { CodecContext } from '../messages/index.ts';
import { Call } from './call.ts';
import type { Gathered } from './gathering.ts';
import type { Outcome } from './outcome.ts';

const US_PER_MS = 1000;

export interface CompoundModules {
  readonly codec: CodecContext;
  /** The result of this call does not fit beside the others, so nothing was done for it: it is to be issued alone. */
  readonly onAlone: (call: Call) => void;
}

/** Its deadline is the first of theirs. */
export class CompoundCall extends Call {
  readonly #calls: readonly Call[];
  readonly #modules: CompoundModules;

  /** Requires: at least two calls, whose operations `operation` lists. */
  constructor({ calls, operation }: Gathered, now: number, modules: CompoundModules) {
    const first = calls.reduce((least, { deadline }) => Math.min(least, deadline), Infinity);
    super(operation, {}, now, (first - now) / US_PER_MS);
    this.#calls = calls;
    this.#modules = modules;
  }

  override get size(): number {
    return this.#calls.length;
  }

  override get isJoinable(): boolean {
    return false;
  }

  override get isCompound(): boolean {
    return true;
  }

  override end(outcome: Outcome): void {
    super.end(outcome);
    if (outcome.kind !== 'executed') {
      for (const call of this.#calls) call.end(outcome);
      return;
    }
    // What is no list of results is an error of the request as a whole: nothing was done for any of them.
    const decoded = decodeResults(outcome.result, this.#modules.codec);
    const results = decoded.ok ? decoded.value : [];
    const alone: number[] = [];
    for (let at = 0; at < this.#calls.length; at += 1) {
      const result = results[at];
      if (result === undefined) alone.push(at);
      else (this.#calls[at] as Call).end({ ...outcome, result });
    }
    if (alone.length > 0) this.#issueAlone(alone);
  }

  #issueAlone(places: readonly number[]): void {
    const operations = decodeOperations(this.operation, this.#modules.codec);
    for (const at of places) {
      const call = this.#calls[at] as Call;
      const operation = operations.ok ? operations.value[at] : undefined;
      if (operation !== undefined) call.standAlone(operation);
      this.#modules.onAlone(call);
    }
  }
}
