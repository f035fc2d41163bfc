/** What a node shows of itself: the replica's readonly view in the words of the API. Pure functions; nothing is kept. */
import { suspicionItem, suspicionSummary } from '../api/index.ts';
import type { ClusterBody, LogMessage, LogSlot, StatusBody, SuspicionsBody } from '../api/index.ts';
import type { Digest, ReplicaId } from '../base/ids.ts';
import { replicaName } from '../base/ids.ts';
import { decodeFrame, toJson } from '../messages/index.ts';
import type { CodecContext } from '../messages/index.ts';
import type { Quorums } from '../protocol/quorum.ts';
import type { ReplicaStatus, SlotStatus } from '../protocol/status.ts';
import type { Suspicion } from '../protocol/suspicion.ts';
import { describeWait } from '../protocol/wait-text.ts';
import type { NodeConfig } from './config/index.ts';
import type { RecordedFrame } from './message-ring.ts';

/** What the replica does not know of its node. */
export interface NodeFacts {
  readonly byzantineNodes: readonly ReplicaId[];
  readonly connectedPeers: readonly ReplicaId[];
  readonly authentication: StatusBody['authentication'];
  readonly mac: StatusBody['mac'];
  readonly application: string;
  readonly lab: boolean;
  readonly uptimeSeconds: number;
  readonly version: string;
  readonly warnings: readonly string[];
  /** What its recovery waits for; undefined when it does not recover. */
  readonly recoveryLacks: string | undefined;
}

export function statusBody(status: ReplicaStatus, facts: NodeFacts): StatusBody {
  const { quorums } = status;
  return {
    node_id: replicaName(status.self),
    primary: replicaName(status.primary),
    is_primary: status.primary === status.self,
    view: status.view,
    sequence: status.highestAccepted,
    f: quorums.faultLimit,
    quorum_size: quorums.quorum,
    byzantine_nodes: facts.byzantineNodes.map(replicaName),
    n: quorums.replicaCount,
    last_executed: status.lastExecuted,
    low_water_mark: status.lowWaterMark,
    high_water_mark: status.highWaterMark,
    in_view_change: status.inViewChange,
    recovery: recoveryBody(status, facts),
    suspicions: status.suspicions.map(suspicionSummary),
    state_root: status.stateRoot,
    state_root_sequence: status.stateRootSequence,
    queued_requests: status.queuedRequests,
    connected_peers: facts.connectedPeers.map(replicaName),
    quorum_rule: quorums.rule,
    authentication: facts.authentication,
    mac: facts.mac,
    application: facts.application,
    lab: facts.lab,
    uptime_s: facts.uptimeSeconds,
    version: facts.version,
    warnings: [...facts.warnings, ...(status.diverged ? [DIVERGED] : [])],
  };
}

/** What every node of the cluster would say alike. */
export function clusterBody(
  { self, quorums }: ReplicaStatus,
  config: Pick<NodeConfig, 'replicas' | 'authentication' | 'mac' | 'lab'>,
  { application, version }: Pick<NodeFacts, 'application' | 'version'>,
): ClusterBody {
  return {
    node_id: replicaName(self),
    nodes: config.replicas.map(({ id, httpUrl }) => ({ node_id: replicaName(id), url: httpUrl })),
    n: quorums.replicaCount,
    f: quorums.faultLimit,
    quorum_size: quorums.quorum,
    prepares_needed: quorums.prepares,
    quorum_rule: quorums.rule,
    authentication: config.authentication,
    mac: config.mac,
    application,
    lab: config.lab,
    version,
  };
}

function recoveryBody({ recovery }: ReplicaStatus, { recoveryLacks }: NodeFacts): StatusBody['recovery'] {
  if (recovery === undefined) return null;
  const { mark, recoveredAt, end } = recovery;
  return {
    mark: mark ?? null,
    recovered_at: recoveredAt ?? null,
    end: end ?? null,
    missing: recoveryLacks ?? 'nothing',
  };
}

const DIVERGED = 'The state of this node contradicts a stable checkpoint: it executes and votes no more.';

/** `isProvable`: whether its evidence proves a suspicion to third parties. */
export function suspicionsBody(
  status: ReplicaStatus,
  clusterId: Digest,
  isProvable: (suspicion: Suspicion) => boolean,
): SuspicionsBody {
  return {
    node_id: replicaName(status.self),
    suspicions: status.suspicions.map((suspicion) => suspicionItem(clusterId, suspicion, isProvable(suspicion))),
  };
}

export function logSlot(slot: SlotStatus, quorums: Quorums): LogSlot {
  const isDecided = slot.phase === 'executed' || slot.phase === 'committed';
  return {
    sequence: slot.sequence,
    view: slot.view,
    digest: slot.digest ?? null,
    phase: slot.phase,
    body_held: slot.bodyHeld,
    requests: [...slot.requests],
    prepares: slot.prepares.map(replicaName),
    commits: slot.commits.map(replicaName),
    prepared_certificate: slot.phase === 'prepared' || slot.prepares.length >= quorums.prepares,
    committed_certificate: isDecided || slot.commits.length >= quorums.quorum,
    waiting_for: slot.waitingFor === undefined ? null : describeWait(slot.waitingFor),
  };
}

/** A recorded frame as JSON; undefined for one that does not decode (it was refused for it). */
export function logMessage(
  { atMs, direction, peer, frame }: RecordedFrame,
  codec: CodecContext,
): LogMessage | undefined {
  const decoded = decodeFrame(frame, codec);
  if (!decoded.ok) return undefined;
  const name = peer.kind === 'replica' ? replicaName(peer.replica) : `client:${peer.client}`;
  return { at_ms: atMs, direction, peer: name, message: toJson(decoded.value.message, decoded.value.proof) };
}
