/**
 * Read-only requests, answered at once and never ordered [OSDI'99 §5.1.3, TOCS §3.2.2; Berger et al., SRDS 2021]. Keeps invariant 4, what clients see is
 * linearizable, by four rules, all of them switched on together for a cluster:
 *
 * 1. *Every* result takes q matching replies, that of an ordered request too. Then some correct replica has answered both it and any later read.
 * 2. A replica answers no read from a state below what it may have answered before, in earlier lives too (`answeredUpTo`): an `executed` record whose slot was
 *    not prepared here is on disk before the replies. What was told tentatively counts as answered: a read waits until it is committed.
 * 3. A reply to a read says from which number on, up to which number, its result was the true one (`since`, `sequence`). A client takes a result when q replies
 *    with it have a number in common. Equal results alone would not do: a value that changes and changes back lets an old replica and a new one agree, and
 *    the next reader see what was in between.
 * 4. Replicas that are behind are brought up by the others, without the primary (catch-up.ts): else a faulty primary that leaves f of them out, and lets f
 *    liars be silent to clients, could keep every client from its q.
 */
import type { Bytes } from '../base/bytes.ts';
import { GENESIS, NULL_DIGEST, asSequence } from '../base/ids.ts';
import type { ClientId, ReplicaId, Sequence } from '../base/ids.ts';
import type { Entry, Reader } from '../base/key-value.ts';
import type { StateDamaged } from '../base/key-value.ts';
import { resultDigest } from '../messages/index.ts';
import type { AuthenticatedRequest } from '../messages/index.ts';
import { InvariantViolation } from '../base/assert.ts';
import type { Core } from './core.ts';
import { DamageWatch, whileReadable } from './damage.ts';
import { errorResult } from './run-operation.ts';
import { isReturned, sendReply } from './replying.ts';
import { releaseCommits } from './held-commits.ts';
import type { LastChanges } from './last-changes.ts';
import type { CoreRefusalCode } from './refusal.ts';
import { applicationReader } from './state-layout.ts';

/** Why a read is not answered here and now; undefined if it is. Requires: verified to be its client's. */
export function refuseRead(core: Core, from: ClientId | ReplicaId): CoreRefusalCode | undefined {
  if (!core.config.cluster.readOnlyRequests || core.application.query === undefined) return 'read-only-disabled';
  // Each replica is asked by the client itself; what another passes on is nobody's question any more.
  if (typeof from !== 'string') return 'not-asked-for';
  if (core.isRecovering) return 'recovering';
  return core.mayExecute && core.lastExecuted >= core.answeredUpTo ? undefined : 'state-behind';
}

/** Keeps a read that only waits for a tentative batch to be committed, for whose COMMITs somebody waits now. False: it waits for something else, or there is no room. */
export function parkRead(core: Core, request: AuthenticatedRequest): boolean {
  const isClose = core.mayExecute && core.tentative !== undefined && core.answeredUpTo <= core.tentative.sequence;
  if (!isClose || !core.parkedReads.add(request)) return false;
  releaseCommits(core);
  return true;
}

/** What waited for a tentative batch that is committed now, or is not to be any more: before the next one is told. */
export function answerParkedReads(core: Core): void {
  if (core.parkedReads.isEmpty || core.tentative !== undefined) return;
  for (const read of core.parkedReads.take()) {
    const code = refuseRead(core, read.request.client);
    if (code === undefined) answerRead(core, read);
    else core.refuse('requests', read.request.client, code);
  }
}

/** Answers a read on the last executed state. Requires: {@link refuseRead} finds nothing. */
export function answerRead(core: Core, { request, digest }: AuthenticatedRequest): void {
  whileReadable(core, () => {
    const { result, since } = query(core, request.operation);
    const { client, session, timestamp, replier, flags } = request;
    sendReply(core, flags, {
      type: 'reply',
      view: core.view,
      sequence: core.lastExecuted,
      digest: NULL_DIGEST,
      replica: core.self,
      client,
      session,
      timestamp,
      requestDigest: digest,
      outcome: 'read',
      resultDigest: resultDigest(core.codec, result),
      since,
      result: isReturned(core, replier, result) ? result : undefined,
      receipt: undefined,
    });
  });
}

/** The application's answer, and since when it is that. */
function query(core: Core, operation: Bytes): { readonly result: Bytes; readonly since: Sequence } {
  const reader = new WatchedReader(core.state, core.lastChanges);
  const result = answerOf(core, applicationReader(reader), operation);
  if (reader.damage !== undefined) throw reader.damage;
  return { result, since: reader.since };
}

/** What the application throws, and what is no answer, becomes an error that is the same everywhere. */
function answerOf(core: Core, reader: Reader, operation: Bytes): Bytes {
  let answer: unknown;
  try {
    answer = core.application.query?.(reader, operation);
  } catch (error) {
    if (error instanceof InvariantViolation) throw error;
    return errorResult('application_error', 'the application threw at a read');
  }
  if (!(answer instanceof Uint8Array))
    return errorResult('application_error', 'the application returned something other than bytes to a read');
  const limit = core.config.cluster.storedReplyBytes;
  return answer.length > limit
    ? errorResult('result_too_large', `the result exceeds ${limit} bytes`)
    : new Uint8Array(answer);
}

/** The state as a read sees it. Knows since when all of it that was looked at has been as it is, and which damage was met. */
class WatchedReader implements Reader {
  readonly #reader: Reader;
  readonly #changes: LastChanges;
  readonly #watch = new DamageWatch();
  since: Sequence = GENESIS;

  constructor(reader: Reader, changes: LastChanges) {
    this.#reader = reader;
    this.#changes = changes;
  }

  get damage(): StateDamaged | undefined {
    return this.#watch.damage;
  }

  get(key: Bytes): Bytes | undefined {
    this.#note(this.#changes.of(key));
    return this.#watch.over(() => this.#reader.get(key));
  }

  range(from: Bytes, to: Bytes | undefined, limit: number): readonly Entry[] {
    this.#note(this.#changes.ofRange(from, to));
    return this.#watch.over(() => this.#reader.range(from, to, limit));
  }

  #note(changed: Sequence): void {
    this.since = asSequence(Math.max(this.since, changed));
  }
}
