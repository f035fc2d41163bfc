/**
 * One node: everything that runs in one process for one replica, put together in the order in which the parts need each other and taken
 * apart in the reverse. It decides nothing; each part has its own file.
 */
import { join } from 'node:path';
import { replicaName } from '../base/ids.ts';
import type { Result } from '../base/result.ts';
import { ok } from '../base/result.ts';
import { LOG_LEVELS, makeLogger } from '../node/index.ts';
import type { LogLevel } from '../node/index.ts';
import { UnusableRecords } from '../protocol/recovery.ts';
import { configWarnings, NODE_FILES } from './config/index.ts';
import { cryptography } from './cryptography.ts';
import type { DriverFault } from './driver.ts';
import type { NodeOptions, StoredReplica } from './node-options.ts';
import { NodeParts } from './node-parts.ts';
import { prepareNode, refuse } from './preparation.ts';
import type { Prepared, StartFault } from './preparation.ts';
import { openStoredLog } from './stored-replica.ts';
import type { StoredLog } from './stored-replica.ts';
import { openStoredState } from './stored-state.ts';
import { VERSION } from './version.ts';
import { makeQuorums } from '../protocol/quorum.ts';

export interface RunningNode {
  readonly name: string;
  readonly httpUrl: string;
  readonly peerPort: number;
  /** Resolves when the replica has stopped by itself (its disk failed, or it broke a rule of its own); then only the HTTP API is left, and says so. */
  readonly failed: Promise<DriverFault>;
  /** Ends everything: HTTP first, the log last. Resolves when nothing is left; harmless when repeated. */
  stop(): Promise<void>;
}

/** Exit codes of a process whose replica stopped by itself, after sysexits.h: EX_SOFTWARE and EX_IOERR. */
export const FAULT_EXIT_CODES: Readonly<Record<DriverFault['code'], number>> = {
  'invariant-violated': 70,
  'log-failed': 74,
  'state-failed': 74,
};

/**
 * Starts the node of a directory; on a fault nothing is left running. Requires: the caller holds the lock of the directory (lockDirectory)
 * until the node has stopped: two replicas on one log would contradict each other.
 */
export async function startNode(options: NodeOptions): Promise<Result<RunningNode, StartFault>> {
  const prepared = await prepareNode(options.directory);
  if (!prepared.ok) return prepared;
  const crypto = cryptography(prepared.value);
  const { lost } = options;
  const stored = await openStoredLog(options.directory, prepared.value.config, crypto.codec, lost !== undefined);
  if (!stored.ok) return stored;
  const refused = lost === undefined ? undefined : refuseRecovery(prepared.value, stored.value);
  if (refused !== undefined) {
    await stored.value.log.close();
    return refused;
  }
  const state = await openStoredState(options.directory, prepared.value.config, crypto.authenticator);
  if (!state.ok) {
    await stored.value.log.close();
    return state;
  }
  const parts = makeParts(options, prepared.value, { ...crypto, stored: stored.value, state: state.value });
  if (!parts.ok) {
    await state.value.close();
    await stored.value.log.close();
    return parts;
  }
  return run(parts.value, prepared.value);
}

async function run(parts: NodeParts, { config }: Prepared): Promise<Result<RunningNode, StartFault>> {
  const listening = await parts.listen();
  if (!listening.ok) {
    await parts.close();
    return listening;
  }
  for (const warning of configWarnings(config)) parts.logger.warn(warning);
  parts.start();
  const { httpUrl, peerPort } = listening.value;
  parts.logger.info({ http: httpUrl, peer_port: peerPort, version: VERSION }, 'node started');
  let ending: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    ending ??= parts.close();
    await ending;
  };
  return ok({ name: parts.name, httpUrl, peerPort, failed: parts.failed, stop });
}

/** Why a node cannot be brought back by a recovery; undefined when it can. */
function refuseRecovery({ config }: Prepared, { records }: StoredLog): ReturnType<typeof refuse> | undefined {
  const name = replicaName(config.self);
  if (records.length > 0)
    return refuse(
      'log-exists',
      `${name} has its log, with which it knows what it said: start it with \`pbft start\`. A recovery is for a node that lost its log.`,
    );
  const { quorum } = makeQuorums(config.replicas.length, config.quorumRule);
  const others = config.replicas.length - 1;
  if (others >= quorum) return undefined;
  return refuse(
    'recovery-impossible',
    `${name} cannot recover: a recovery takes the answers of ${quorum} other nodes, and this cluster has ${others}. What it lost, nobody can tell it.`,
  );
}

function makeParts(options: NodeOptions, prepared: Prepared, stored: StoredReplica): Result<NodeParts, StartFault> {
  const logger =
    options.logger ?? makeLogger({ level: logLevel(), fields: { node_id: replicaName(prepared.config.self) } });
  try {
    return ok(new NodeParts({ ...options, logger }, prepared, stored));
  } catch (error) {
    if (error instanceof UnusableRecords)
      return refuse(
        'log-unusable',
        `${join(options.directory, NODE_FILES.log)}: ${error.message}. If what is right is nowhere else, \`pbft recover --discard-log\` brings the node back`,
      );
    throw error;
  }
}

/** PBFT_LOG_LEVEL, or `info`. */
function logLevel(): LogLevel {
  return LOG_LEVELS.find((level) => level === process.env['PBFT_LOG_LEVEL']) ?? 'info';
}
