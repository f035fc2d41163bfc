/**
 * One node: everything that runs in one process for one replica, put together in the order in which the parts need each other and taken
 * apart in the reverse. It decides nothing; each part has its own file.
 */
import { join } from 'node:path';
import { replicaName } from '../base/ids.ts';
import type { Result } from '../base/result.ts';
import { ok } from '../base/result.ts';
import { CodecContext } from '../messages/index.ts';
import { DurableLog, LOG_LEVELS, makeLogger, NodeAuthenticator } from '../node/index.ts';
import type { LogLevel } from '../node/index.ts';
import type { Record as ReplicaRecord } from '../protocol/record.ts';
import { UnusableRecords } from '../protocol/recovery.ts';
import { configWarnings } from './config/index.ts';
import type { DriverFault } from './driver.ts';
import type { Cryptography, NodeOptions, StoredReplica } from './node-options.ts';
import { LOG_FILE } from './log-file.ts';
import { NodeParts, VERSION } from './node-parts.ts';
import { prepareNode, refuse } from './preparation.ts';
import type { Prepared, StartFault } from './preparation.ts';
import { makeQuorums } from '../protocol/quorum.ts';
import { decodeRecord } from '../protocol/record-codec.ts';

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
};

/**
 * Starts the node of a directory; on a fault nothing is left running. Requires: the caller holds the lock of the directory (lockDirectory)
 * until the node has stopped: two replicas on one log would contradict each other.
 */
export async function startNode(options: NodeOptions): Promise<Result<RunningNode, StartFault>> {
  const prepared = await prepareNode(options.directory);
  if (!prepared.ok) return prepared;
  const opened = await openLog(join(options.directory, LOG_FILE), cryptography(prepared.value));
  if (!opened.ok) return opened;
  const refused = options.lost === undefined ? undefined : refuseRecovery(prepared.value, opened.value);
  if (refused !== undefined) {
    await opened.value.log.close();
    return refused;
  }
  const parts = makeParts(options, prepared.value, opened.value);
  if (!parts.ok) {
    await opened.value.log.close();
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

function cryptography({ config, identity }: Prepared): Cryptography {
  const authenticator = new NodeAuthenticator({
    identity,
    self: { kind: 'replica', replica: config.self },
    clusterId: config.clusterId,
    replicas: config.replicas.map((replica) => replica.identity),
    clients: config.clients.map((client) => client.identity),
  });
  return { authenticator, codec: new CodecContext(config.clusterId, (bytes) => authenticator.sha256(bytes)) };
}

/** Why a node cannot be brought back by a recovery; undefined when it can. */
function refuseRecovery({ config }: Prepared, { records }: StoredReplica): ReturnType<typeof refuse> | undefined {
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

async function openLog(file: string, crypto: Cryptography): Promise<Result<StoredReplica, StartFault>> {
  const opened = await DurableLog.open(file);
  if (!opened.ok) return refuse('log-unusable', opened.error.reason);
  const { log, records: stored } = opened.value;
  const records: ReplicaRecord[] = [];
  for (const [index, bytes] of stored.entries()) {
    const decoded = decodeRecord(bytes, crypto.codec);
    if (!decoded.ok) {
      await log.close();
      return refuse(
        'log-unusable',
        `${file}, record ${index + 1} of ${stored.length}: ${decoded.error.code} at "${decoded.error.at}". It is damaged, of another cluster, or of a newer version: put the right log there, or treat this disk as lost.`,
      );
    }
    records.push(decoded.value);
  }
  return ok({ ...crypto, log, records });
}

function makeParts(options: NodeOptions, prepared: Prepared, stored: StoredReplica): Result<NodeParts, StartFault> {
  const logger =
    options.logger ?? makeLogger({ level: logLevel(), fields: { node_id: replicaName(prepared.config.self) } });
  try {
    return ok(new NodeParts({ ...options, logger }, prepared, stored));
  } catch (error) {
    if (error instanceof UnusableRecords)
      return refuse('log-unusable', `${join(options.directory, LOG_FILE)}: ${error.message}`);
    throw error;
  }
}

/** PBFT_LOG_LEVEL, or `info`. */
function logLevel(): LogLevel {
  return LOG_LEVELS.find((level) => level === process.env['PBFT_LOG_LEVEL']) ?? 'info';
}
