/** Joins the parts of a running node into what its HTTP routes ask for. It maps outcomes to the error catalogue and keeps nothing itself. */
import type {
  ApiError,
  ErrorCode,
  LogBody,
  LogMessage,
  LogQuery,
  MessageAnswer,
  SimulateByzantineBody,
  SuspicionsBody,
} from '../api/index.ts';
import { apiError, MAX_LOG_MESSAGES, MAX_LOG_SLOTS } from '../api/index.ts';
import { asDigest, asSequence, replicaName } from '../base/ids.ts';
import type { Result } from '../base/result.ts';
import { fail, ok } from '../base/result.ts';
import type { CodecContext } from '../messages/index.ts';
import type { StateFault } from '../node/index.ts';
import { claimLimits } from '../protocol/config.ts';
import { judge } from '../protocol/evidence.ts';
import type { EvidenceRules } from '../protocol/evidence.ts';
import type { CoreRefusalCode, IntakeRefusalCode } from '../protocol/refusal.ts';
import { describeWait } from '../protocol/wait-text.ts';
import { toClusterConfig } from './config/index.ts';
import type { NodeConfig } from './config/index.ts';
import { describeFullDisk } from './disk-room.ts';
import type { FullDisk } from './disk-room.ts';
import type { Driver, DriverFault } from './driver.ts';
import type { EventHub } from './events/event-hub.ts';
import { explainBody } from './explanation.ts';
import type { Gateway } from './gateway.ts';
import type { NodeService, Readiness, Submission } from './http/service.ts';
import type { Lab } from './lab.ts';
import { behavioursBody } from './lab.ts';
import type { LinkWatch } from './link-watch.ts';
import type { MessageRing } from './message-ring.ts';
import type { Metrics } from './metrics.ts';
import { clusterBody, logMessage, logSlot, statusBody, suspicionsBody } from './node-view.ts';
import type { RequestRegistry } from './request-registry.ts';
import { readState } from './state-reading.ts';
import type { LabOrders } from './supervision.ts';

export interface ServiceParts {
  readonly config: NodeConfig;
  readonly applicationName: string;
  readonly codec: CodecContext;
  readonly driver: Driver;
  readonly gateway: Gateway;
  readonly registry: RequestRegistry;
  readonly ring: MessageRing;
  readonly lab: Lab;
  readonly orders: LabOrders;
  readonly stream: Pick<EventHub, 'listen'>;
  readonly metrics: Metrics;
  readonly warnings: readonly string[];
  /** What the log waits for; undefined while there is room. */
  readonly fullDisk: () => FullDisk | undefined;
  /** Why the state database takes nothing at present. */
  readonly stateFault: () => StateFault | undefined;
  readonly version: string;
  readonly peers: Pick<LinkWatch, 'up' | 'upCount' | 'down'>;
  /** For judging whether evidence proves anything to others. */
  readonly keys: EvidenceRules['keys'];
  readonly fault: () => DriverFault | undefined;
  readonly uptimeSeconds: () => number;
}

export function makeNodeService(parts: ServiceParts): NodeService {
  const { config, driver, gateway, registry, lab, metrics } = parts;
  return {
    name: replicaName(config.self),
    stopped: () => stoppedError(parts),
    readiness: () => readiness(parts),
    status: () =>
      statusBody(driver.status(), {
        byzantineNodes: lab.byzantineNodes(),
        connectedPeers: parts.peers.up(),
        authentication: config.authentication,
        mac: config.mac,
        application: parts.applicationName,
        lab: config.lab,
        uptimeSeconds: parts.uptimeSeconds(),
        version: parts.version,
        warnings: [
          ...parts.warnings,
          ...fullDiskWaits(parts).map((wait) => `votes no more, waits for ${wait}`),
          ...stateWarnings(parts),
        ],
        recoveryLacks: recoveryLacks(driver),
      }),
    cluster: () => clusterBody(driver.status(), config, { application: parts.applicationName, version: parts.version }),
    submit: (submission: Submission) => gateway.submit(submission),
    read: (submission) => gateway.read(submission),
    requestStatus: (id) => (/^[0-9a-f]{64}$/.test(id) ? registry.find(asDigest(id)) : undefined),
    deliver: (message) => deliver(parts, message),
    simulateByzantine: (order: SimulateByzantineBody) => lab.simulate(order),
    behaviours: behavioursBody,
    lab: () => parts.orders.look(),
    orderNode: (name, action) => parts.orders.node(name, action),
    orderLink: (order) => parts.orders.link(order),
    listen: (request) => parts.stream.listen(request),
    log: (query) => log(parts, query),
    state: (key, query) => readState(driver, parts.codec.clusterId, key, query),
    suspicions: () => suspicions(parts),
    explain: () =>
      explainBody(driver.moment(), {
        downLinks: parts.peers.down(),
        stopped: stoppedError(parts)?.message,
        room: fullDiskWaits(parts)[0],
      }),
    metrics: () => metrics.text(),
  };
}

/** Why no checkpoint becomes durable here at present. */
function stateWarnings({ stateFault }: ServiceParts): readonly string[] {
  const fault = stateFault();
  return fault === undefined ? [] : [fault.message];
}

/** What a recovery waits for, which comes first of all that is waited for. */
function recoveryLacks(driver: Driver): string | undefined {
  if (driver.status().recovery === undefined) return undefined;
  const [first] = driver.moment().waits;
  return first === undefined ? undefined : describeWait(first);
}

/** Why the replica does nothing any more; undefined while it runs. */
export function stoppedError({ fault, driver }: Pick<ServiceParts, 'fault' | 'driver'>): ApiError | undefined {
  const why = fault();
  if (why !== undefined) return apiError('replica_stopped', undefined, { reason: why.code });
  return driver.isStopped
    ? apiError('replica_stopped', 'This node is shutting down.', { reason: 'shutting-down' })
    : undefined;
}

/** Ready: room on disk, in a view, linked to a quorum, and not a checkpoint interval behind what f+1 peers say they have executed. */
export function readiness(
  parts: Pick<ServiceParts, 'driver' | 'config' | 'peers' | 'fullDisk' | 'stateFault'>,
): Readiness {
  const { driver, config, peers } = parts;
  const status = driver.status();
  const { quorum, weak, replicaCount } = status.quorums;
  const waitingFor: string[] = [...fullDiskWaits(parts)];
  const stateFault = parts.stateFault();
  if (stateFault !== undefined) waitingFor.push(stateFault.message);
  if (status.inViewChange) waitingFor.push(`the NEW-VIEW of view ${status.view}`);
  const links = peers.upCount + 1;
  if (links < quorum) waitingFor.push(`links to ${quorum - links} more nodes`);
  if (status.diverged) waitingFor.push('repair: the own state contradicts a stable checkpoint');
  else if (!status.mayExecute) waitingFor.push('its state, which is fetched from the others');
  const claims = [...driver.claims.values()].toSorted((left, right) => right - left);
  const heard = Math.min(weak, replicaCount - 1);
  if (claims.length < heard) waitingFor.push(`the STATUS of ${heard - claims.length} more nodes`);
  const target = (claims[weak - 1] ?? 0) - config.checkpointInterval;
  if (status.lastExecuted < target)
    waitingFor.push(`execution up to sequence ${target}, now at ${status.lastExecuted}`);
  if (waitingFor.length === 0) return { ready: true };
  return { ready: false, waitingFor, disk: parts.fullDisk() };
}

function fullDiskWaits({ fullDisk }: Pick<ServiceParts, 'fullDisk'>): readonly string[] {
  const full = fullDisk();
  return full === undefined ? [] : [describeFullDisk(full)];
}

const INTAKE_ERRORS: Readonly<Record<IntakeRefusalCode, ErrorCode>> = {
  malformed: 'malformed_message',
  oversized: 'message_too_large',
  'not-authentic': 'not_authentic',
  'unknown-author': 'not_authentic',
  'wrong-proof': 'not_authentic',
  'not-allowed-here': 'not_applicable',
};

const BUSY_CODES: readonly CoreRefusalCode[] = ['queue-full', 'budget-exhausted', 'session-busy'];
const UNPROVEN_CODES: readonly CoreRefusalCode[] = ['client-not-listed', 'signature-required'];

function deliver(parts: ServiceParts, message: unknown): Result<MessageAnswer, ApiError> {
  const delivered = parts.driver.deliver(message);
  if (!delivered.ok) {
    const fault = delivered.error;
    if (fault.kind === 'intake')
      return fail(apiError(INTAKE_ERRORS[fault.refusal.code], undefined, { reason: fault.refusal.reason }));
    if (fault.kind === 'busy') return fail(apiError('overloaded', undefined, {}, 1));
    return fail(stoppedError(parts) ?? apiError('replica_stopped'));
  }
  if (delivered.value.kind === 'taken') return ok({ status: 'accepted' });
  const { code } = delivered.value;
  if (code === 'duplicate' || code === 'old-request') return ok({ status: 'duplicate' });
  if (BUSY_CODES.includes(code)) return fail(apiError('overloaded', undefined, { reason: code }, 1));
  return fail(
    apiError(UNPROVEN_CODES.includes(code) ? 'not_authentic' : 'not_applicable', undefined, { reason: code }),
  );
}

/** `provable`: judged as a third party would. */
function suspicions({ driver, codec, keys, config }: ServiceParts): SuspicionsBody {
  const status = driver.status();
  const rules: EvidenceRules = { quorums: status.quorums, codec, keys, limits: claimLimits(toClusterConfig(config)) };
  return suspicionsBody(status, codec.clusterId, (suspicion) => {
    const verdict = judge(rules, { ...suspicion, statements: suspicion.evidence.frames });
    return verdict.kind === 'proven';
  });
}

function log(parts: ServiceParts, { from, to, messages = false }: LogQuery): Result<LogBody, ApiError> {
  const { driver, config } = parts;
  if (messages && !config.lab) return fail(apiError('lab_mode_off', 'Messages are recorded in lab mode only.'));
  const status = driver.status();
  const known = driver.slots(asSequence(from ?? 0), asSequence(to ?? Number.MAX_SAFE_INTEGER));
  const slots = from === undefined ? known.slice(-MAX_LOG_SLOTS) : known.slice(0, MAX_LOG_SLOTS);
  return ok({
    node_id: replicaName(status.self),
    low_water_mark: status.lowWaterMark,
    high_water_mark: status.highWaterMark,
    last_executed: status.lastExecuted,
    slots: slots.map((slot) => logSlot(slot, status.quorums)),
    ...(messages ? { messages: recordedMessages(parts, from, to) } : {}),
  });
}

/** The newest recorded messages, oldest first; with a range only those about its sequence numbers. */
function recordedMessages(
  { ring, codec }: ServiceParts,
  from: number | undefined,
  to: number | undefined,
): LogMessage[] {
  const hasRange = from !== undefined || to !== undefined;
  const shown: LogMessage[] = [];
  for (const recorded of ring.all().toReversed()) {
    if (shown.length >= MAX_LOG_MESSAGES) break;
    const message = logMessage(recorded, codec);
    if (message === undefined) continue;
    const sequence = (message.message as { sequence?: unknown }).sequence;
    const isInRange = typeof sequence === 'number' && sequence >= (from ?? 0) && sequence <= (to ?? Infinity);
    if (!hasRange || isInRange) shown.push(message);
  }
  return shown.toReversed();
}
