/**
 * RECOVER, ordered like a client's request [TOCS §4.3.2; PROTOCOL: lost votes]: a signed request under the name that a replica has as a client
 * (replica-client.ts), judged by a table of its own (recovery-table.ts) instead of the client table. Rules kept here:
 * - accepted at most once per nonce and once per 10 minutes of agreed time for each replica, and never again when replayed: its number must be
 *   above the last one and within the session horizon of agreed time, as for a session that opens;
 * - executed at r it obliges primaries to order null batches until a checkpoint at or above max(r + L, M) is stable, so that recovery ends in an
 *   idle cluster too. M is below r + 2L whenever its replica tells the truth (what is prepared at a correct replica lies less than a window above
 *   what was decided before r), and is cut off there where it does not.
 */
import { asSequence } from '../base/ids.ts';
import type { ClientId, ReplicaId, Sequence } from '../base/ids.ts';
import type { OpenTransaction } from '../base/key-value.ts';
import { EVERYBODY, readRecover, recoverBytes, requestDigest, requestSigningBytes } from '../messages/index.ts';
import type { AuthenticatedRequest, Recover, Request } from '../messages/index.ts';
import { windowSize } from './config.ts';
import type { Core } from './core.ts';
import { RECOVERY_SPACING_US } from './recovery-table.ts';
import type { RecoverVerdict } from './recovery-table.ts';
import { clientOfReplica, replicaOfClient } from './replica-client.ts';

/** Of the one request under each number. */
const TIMESTAMP = 1;

/** This replica's RECOVER, signed. `session`: its number. */
export function makeRecover(core: Core, recover: Recover, session: number): AuthenticatedRequest {
  const request: Request = {
    type: 'request',
    client: clientOfReplica(core.self),
    session,
    timestamp: TIMESTAMP,
    flags: 0,
    idempotency: undefined,
    operation: recoverBytes(recover),
    replier: core.self,
  };
  const digest = requestDigest(core.codec, request);
  const signature = core.authenticator.sign(requestSigningBytes(core.codec, digest));
  return { request, digest, proof: { kind: 'signature', asked: EVERYBODY, signature } };
}

/** The number that the next RECOVER of this replica bears: its clock in µs, above what it used and what was agreed on. */
export function nextRecoverSession(core: Core): number {
  return Math.max(core.now.wall * 1000, core.agreedTime, (core.recoveries.of(core.self)?.session ?? 0) + 1);
}

/** What would become of a request under a replica's name at `timeUs` of agreed time. */
export function judgeRecover(core: Core, { client, session, operation }: Request, timeUs: number): RecoverVerdict {
  const replica = replicaOfClient(client);
  const recover = readRecover(operation, core.codec);
  if (replica === undefined || recover === undefined) return 'stale';
  const horizonUs = core.config.cluster.sessionHorizonUs;
  return core.recoveries.judge(replica, { session, nonce: recover.nonce }, { timeUs, horizonUs });
}

/** Agreed time will be about this when a request that comes now is executed, µs. */
export function expectedTime(core: Core): number {
  return Math.max(core.agreedTime, core.now.wall * 1000);
}

/** True if it would be accepted were it ordered now. */
export function wouldRecover(core: Core, request: Request): boolean {
  return judgeRecover(core, request, expectedTime(core)) === 'accept';
}

/** µs until this replica may have its next RECOVER ordered, whoever's clock is asked; 0: now. */
export function untilRecover(core: Core): number {
  const last = core.recoveries.of(core.self);
  if (last === undefined) return 0;
  const bound = 2 * core.config.tuning.clockSkewMs * 1000;
  return Math.max(0, last.agreedTime + RECOVERY_SPACING_US + bound - expectedTime(core));
}

/** Executes a RECOVER in its place in the order. False: it changes nothing, the same on every replica. */
export function executeRecover(
  core: Core,
  transaction: OpenTransaction,
  request: Request,
  sequence: Sequence,
): boolean {
  const replica = replicaOfClient(request.client);
  const recover = readRecover(request.operation, core.codec);
  if (replica === undefined || recover === undefined || replica >= core.quorums.replicaCount) return false;
  if (judgeRecover(core, request, core.agreedTime) !== 'accept') return false;
  const target = recoveryTarget(core, sequence, recover.mark);
  const { session } = request;
  core.recoveries.record(transaction, replica, {
    session,
    nonce: recover.nonce,
    sequence,
    target,
    agreedTime: core.agreedTime,
  });
  core.emit({ kind: 'recovery-ordered', replica, sequence, target });
  return true;
}

function recoveryTarget(core: Core, sequence: Sequence, mark: Sequence): Sequence {
  const window = windowSize(core.config.cluster);
  return asSequence(Math.max(sequence + window, Math.min(mark, sequence + 2 * window)));
}

/**
 * Up to here null batches are owed where nothing else is to be ordered: the first multiple of K at or above the highest target, until a checkpoint
 * at or above that target is stable here; 0 when none are.
 */
export function owedUpTo(core: Core): number {
  const { target } = core.recoveries;
  if (target <= core.log.low) return 0;
  const { checkpointInterval } = core.config.cluster;
  return Math.ceil(target / checkpointInterval) * checkpointInterval;
}

/** Does the primary owe this replica batches on which somebody's recovery waits? */
export function isOwedBatches(core: Core): boolean {
  return core.lastExecuted < owedUpTo(core);
}

/** Last timestamp executed of a session, of clients and of replicas alike: what lies at or below it needs no place in the queue. */
export function lastTimestampOf(core: Core, client: ClientId, session: number): number | undefined {
  const replica = replicaOfClient(client);
  if (replica === undefined) return core.clientTable.lastTimestamp(client, session);
  return session <= (core.recoveries.of(replica)?.session ?? 0) ? TIMESTAMP : undefined;
}

/** True for a request of a replica of this cluster. */
export function isOfReplica(core: Core, client: ClientId): boolean {
  const replica: ReplicaId | undefined = replicaOfClient(client);
  return replica !== undefined && replica < core.quorums.replicaCount;
}
