/**
 * The state of one replica and its only way to speak. The handlers (normal-case, execution, checkpoints, catch-up, complaints, detection)
 * are functions over this; nobody outside src/protocol sees it. It holds no clock: `now` is the time of the step under way.
 */
import { ChurningSet } from '../base/churning.ts';
import { assert } from '../base/assert.ts';
import type { Bytes } from '../base/bytes.ts';
import { GENESIS, NULL_DIGEST, VIEW_ZERO, asReplicaId, asSequence } from '../base/ids.ts';
import type { ClientId, Digest, ReplicaId, Sequence, View } from '../base/ids.ts';
import type { CodecContext } from '../messages/index.ts';
import type {
  Commit,
  FetchState,
  Message,
  MessageType,
  SignedCheckpoint,
  SignedNewView,
  SignedViewChange,
  SlotDigest,
} from '../messages/index.ts';
import { ClientTable } from './client-table.ts';
import { Crowd } from './crowd.ts';
import { windowSize } from './config.ts';
import { codecOf } from './codec-of.ts';
import type { ReplicaConfig } from './config.ts';
import type { Event } from './event.ts';
import { IdempotencyTable } from './idempotency.ts';
import type { Now } from './input.ts';
import { LastChanges } from './last-changes.ts';
import { Log } from './log.ts';
import { Moments } from './moments.ts';
import type { StepOutput } from './output.ts';
import { ParkedReads } from './parked-reads.ts';
import type { AuthenticatedState, Authenticator, Reader, StateMachine } from './ports.ts';
import { PrimaryPerformance } from './primary-performance.ts';
import { makeQuorums, primaryPrepares } from './quorum.ts';
import type { Quorums } from './quorum.ts';
import { RecoveryTable } from './recovery-table.ts';
import type { Record } from './record.ts';
import type { Recovery } from './recovery-progress.ts';
import type { CoreRefusalCode } from './refusal.ts';
import { RequestQueue } from './request-queue.ts';
import type { Slot } from './slot.ts';
import type { SlotStatus } from './status.ts';
import type { Stray } from './stray.ts';
import type { Suspicion } from './suspicion.ts';
import type { Transfer } from './state-transfer.ts';
import type { Tentative } from './tentative.ts';
import { Timers } from './timers.ts';
import type { ViewChangeReason } from './view-change-reason.ts';

export interface ReplicaModules {
  readonly authenticator: Authenticator;
  /** Empty, or what this replica left when it stopped; from now on the replica's alone. */
  readonly state: AuthenticatedState;
  readonly application: StateMachine;
}

/** A state without entries. */
const NOTHING: Reader = { get: () => undefined, range: () => [] };

/** The highest stable checkpoint: `q` signatures, except at genesis, which is stable without. */
export interface StableCheckpoint {
  readonly sequence: Sequence;
  readonly root: Digest;
  readonly proof: readonly SignedCheckpoint[];
}

/** What this replica knows of one peer. Monotonic µs; undefined = not since the start. */
export interface PeerState {
  lastHeard: number | undefined;
  /** When the first batch was executed without a vote of it since its last vote. */
  silentSince: number | undefined;
  /** When this replica last resent something to it. */
  lastHelped: number | undefined;
  /** Bytes sent to it in answer to FETCH and FETCH-STATE since `servedSince`, and what is to be answered when there is allowance again. */
  servedBytes: number;
  servedSince: number;
  deferredFetchState: FetchState | undefined;
  /** Last executed, as its latest STATUS says: a hint. */
  claimedExecuted: Sequence;
}

/** See complaints.ts. Monotonic µs. */
export interface ComplaintPenalty {
  complainedInView: boolean;
  lastToppledAt: number | undefined;
  signedOnlyUntil: number;
  times: number;
}

export class Core {
  readonly config: ReplicaConfig;
  readonly quorums: Quorums;
  readonly authenticator: Authenticator;
  readonly codec: CodecContext;
  readonly state: AuthenticatedState;
  readonly application: StateMachine;

  now: Now = { monotonic: 0, wall: 0 };
  /** Stored records are being replayed: nobody is answered. */
  replaying = false;
  view: View = VIEW_ZERO;
  inViewChange = false;
  /** Nothing at or below it is accepted in this view (the start of its NEW-VIEW). */
  floor: Sequence = GENESIS;
  /** The NEW-VIEW of this view; undefined in view 0 and during a view change. */
  newView: SignedNewView | undefined;
  /** The NEW-VIEW of the last view entered, kept beyond its end; undefined in view 0. */
  lastNewView: SignedNewView | undefined;
  /** X: the digest that it chose for each number above the floor. */
  chosen: ReadonlyMap<number, Digest> = new Map();
  /** Valid VIEW-CHANGEs, the own one too: per sender that of the highest view. */
  readonly viewChanges = new Map<ReplicaId, SignedViewChange>();
  /** The highest view that each replica was seen in, by an authentic message. A hint: it starts timers and moves nothing. */
  readonly seenViews: View[];
  /** When the view change under way began, monotonic µs. */
  viewChangeSince = 0;
  /** New primary: bodies that its decision asks for, and what it waits for, for people. */
  awaitedBodies: readonly SlotDigest[] = [];
  decisionWaits: string | undefined;
  /** New primary: something came that its decision may have waited for. */
  isDecisionDue = false;
  /** Seen in the step under way: on to the next view. */
  toppled: ViewChangeReason | undefined;
  /** Who stands alone in the next view, and how often this replica has left its view for whose sake (stray.ts). */
  readonly strays = new Map<ReplicaId, Stray>();
  readonly straysJoined = new Map<ReplicaId, number>();
  /** Up to here others had executed when a timer of this replica last expired and blamed nobody. */
  excusedUpTo: Sequence = GENESIS;
  /** What a backup measures of the primary of this view. */
  readonly performance = new PrimaryPerformance();
  /** T as it is now, µs: doubles with each view change, halves with each checkpoint at a multiple of K. */
  timeoutUs: number;

  readonly log: Log;
  readonly queue: RequestQueue;
  readonly timers = new Timers();
  /** When what last moved, for people who ask why it does not. */
  readonly moments = new Moments();
  readonly peers: readonly PeerState[];
  clientTable: ClientTable;
  idempotency: IdempotencyTable;
  /** Whose RECOVER was executed, and where. */
  recoveries: RecoveryTable;
  /** The log was lost and what follows from it is not over: no votes. undefined for a replica that remembers. */
  recovery: Recovery | undefined;
  /** For which RECOVER of whom this replica has changed views. */
  readonly granted = new Map<ReplicaId, Sequence>();

  lastExecuted: Sequence = GENESIS;
  /** Up to here requests may have been answered, in earlier lives too: no read is answered from a state below. */
  answeredUpTo: Sequence = GENESIS;
  /** With read-only requests on: when what was last changed. */
  readonly lastChanges = new LastChanges();
  /** µs since 1970. */
  agreedTime = 0;
  highestAccepted: Sequence = GENESIS;
  /** Primary: the number of its next batch. */
  nextSequence: Sequence = asSequence(1);
  /** The last view in which this replica proposed before its votes were on disk, in earlier lives too. */
  proposesIn: View | undefined;
  /** Running mean of the µs from a batch's PRE-PREPARE to committed-local here; 0: none so far. */
  batchTimeUs = 0;
  /** Primary: who keeps it busy. */
  readonly crowd = new Crowd();
  /** Monotonic µs of the last execution, and of the last flagged batch accepted in this view. */
  lastExecutionAt = 0;
  lastFlaggedAt: number | undefined;

  /** What was collected last, for people who look: one window of it, ascending. */
  finishedSlots: readonly SlotStatus[] = [];

  /** What the next batch comes to, if it is committed (tentative.ts). */
  tentative: Tentative | undefined;
  /** COMMITs of batches that are prepared here, for which nobody waits yet. */
  unsentCommits: Commit[] = [];
  /** Reads that wait for a tentative batch to be committed. */
  readonly parkedReads = new ParkedReads();

  /** Own checkpoints from h up, by sequence: each is a durable version of the state. */
  readonly ownCheckpoints = new Map<number, SignedCheckpoint>();
  /** The last checkpoint whose state was sealed here: hashed and durable now, or soon. */
  sealedUpTo: Sequence = GENESIS;
  /** Others' and own CHECKPOINTs above h: by sequence, one per sender. */
  readonly checkpointVotes = new Map<number, Map<ReplicaId, SignedCheckpoint>>();
  /** Per sender up to two CHECKPOINTs beyond two windows: the highest, and the one that most others name. */
  readonly farCheckpoints = new Map<ReplicaId, readonly SignedCheckpoint[]>();
  stable: StableCheckpoint;
  /** A state being fetched. */
  transfer: Transfer | undefined;
  /** The state cannot be read, why and since when (monotonic µs): nothing is executed until it is repaired by a transfer. */
  damage: { readonly reason: string; readonly sinceUs: number } | undefined;
  /** Transfers in vain since the last transfer was completed, or was not needed any more. */
  transferAttempts = 0;
  /** What was executed last when a certified checkpoint above it was seen at a STATUS tick. */
  stuckAt: Sequence | undefined;
  /** Own state contradicts a stable checkpoint: no more execution and no more votes. */
  diverged = false;

  /** Slots in which an authentic PRE-PREPARE waits to be accepted. */
  readonly pending = new ChurningSet<Slot>();
  /** Bytes of batch bodies held above h, pending ones included. */
  heldBytes = 0;
  readonly suspicions = new Map<string, Suspicion>();
  /** Under which primaries a backup disagreed with the accepted digest, by sender. */
  readonly disagreements = new Map<ReplicaId, Set<ReplicaId>>();
  /** Clients that were marked: until when this replica proposes their requests only when they are signed (monotonic µs), and how often (mac mode, complaints.ts). */
  readonly markedClients = new Map<ClientId, { readonly until: number; readonly times: number }>();
  /** View changes that complaints preceded, and until when (monotonic µs) open clients must sign for this replica as primary. */
  readonly complaintPenalty: ComplaintPenalty = {
    complainedInView: false,
    lastToppledAt: undefined,
    signedOnlyUntil: 0,
    times: 0,
  };
  readonly listedClients: ReadonlySet<ClientId>;

  #outputs: StepOutput[] = [];
  readonly #others: readonly ReplicaId[];

  constructor(config: ReplicaConfig, modules: ReplicaModules) {
    const { cluster, tuning } = config;
    this.config = config;
    this.quorums = makeQuorums(cluster.replicaCount, cluster.quorumRule, cluster.overlappedSync);
    this.authenticator = modules.authenticator;
    this.codec = codecOf(cluster.clusterId, modules.authenticator);
    this.state = modules.state;
    this.application = modules.application;
    this.log = new Log(cluster.replicaCount, windowSize(cluster), (sequence) => {
      this.moments.onOpened(sequence, this.now.monotonic);
    });
    this.queue = new RequestQueue(tuning, (request) => {
      if (this.performance.isWaiting) this.performance.forget(request.digest);
    });
    this.timeoutUs = tuning.requestTimeoutUs;
    this.listedClients = new Set(cluster.clients);
    const all = Array.from({ length: cluster.replicaCount }, (_, index) => asReplicaId(index));
    this.#others = all.filter((replica) => replica !== config.self);
    this.peers = all.map(() => ({
      lastHeard: undefined,
      silentSince: undefined,
      lastHelped: undefined,
      servedBytes: 0,
      servedSince: 0,
      deferredFetchState: undefined,
      claimedExecuted: GENESIS,
    }));
    this.seenViews = all.map(() => VIEW_ZERO);
    this.clientTable = ClientTable.load(NOTHING, cluster);
    this.idempotency = IdempotencyTable.load(NOTHING, cluster);
    this.recoveries = RecoveryTable.load(NOTHING);
    this.stable = { sequence: GENESIS, root: NULL_DIGEST, proof: [] };
  }

  get self(): ReplicaId {
    return this.config.self;
  }

  get others(): readonly ReplicaId[] {
    return this.#others;
  }

  primaryOf(view: View): ReplicaId {
    return asReplicaId(view % this.quorums.replicaCount);
  }

  get primary(): ReplicaId {
    return this.primaryOf(this.view);
  }

  get isPrimary(): boolean {
    return this.primary === this.self;
  }

  /** Does the primary's sync go on beside those of the backups (proposing.ts)? Then a PRE-PREPARE is no vote, and its primary sends PREPARE as well. */
  get overlaps(): boolean {
    return primaryPrepares(this.quorums);
  }

  /** May this replica vote or propose now? */
  get mayVote(): boolean {
    return !this.inViewChange && !this.diverged && !this.isRecovering;
  }

  /** Up to here those who wait for batches have been told: executed, or tentatively so. */
  get lastTold(): Sequence {
    return this.tentative?.sequence ?? this.lastExecuted;
  }

  /** Has it lost what it said before, so that nothing may be said for which it would have to be remembered? */
  get isRecovering(): boolean {
    return this.recovery !== undefined;
  }

  /** Can this replica not execute here what the view goes on with, because of its own state: it is still to come, or to be written? */
  get isBehind(): boolean {
    return !this.mayExecute || this.state.isFull || this.lastExecuted < Math.max(this.log.low, this.floor);
  }

  /** Is the present state right, whole and readable? */
  get mayExecute(): boolean {
    return !this.diverged && this.damage === undefined && this.state.assembling === undefined && !this.isInstalling;
  }

  /** A fetched state is complete and being made durable. */
  get isInstalling(): boolean {
    return this.transfer?.isInstalling === true;
  }

  /** The highest number that f+1 others, one of them correct, say to have executed. */
  get executedElsewhere(): Sequence {
    const claims = this.#others
      .map((other) => this.peer(other).claimedExecuted)
      .toSorted((left, right) => right - left);
    return claims[this.quorums.weak - 1] ?? GENESIS;
  }

  /** `replica` was in `view`: an authentic message of it says so. */
  noteView(replica: ReplicaId, view: View): void {
    if (view > (this.seenViews[replica] ?? VIEW_ZERO)) this.seenViews[replica] = view;
  }

  /** Replicas seen in `view` or a higher one, the replica itself included. */
  seenIn(view: View): readonly ReplicaId[] {
    this.noteView(this.self, this.view);
    return this.seenViews.flatMap((seen, replica) => (seen >= view ? [asReplicaId(replica)] : []));
  }

  /** Has a quorum been seen in this view or a higher one? Before, nobody can decide it, and who goes on to the next scatters the views. */
  get isViewShared(): boolean {
    return this.seenIn(this.view).length >= this.quorums.quorum;
  }

  peer(replica: ReplicaId): PeerState {
    const peer = this.peers[replica];
    assert(peer !== undefined, 'a peer is a replica of the configuration');
    return peer;
  }

  /** Slots with a waiting PRE-PREPARE, lowest first; the set may change meanwhile. */
  pendingSlots(): readonly Slot[] {
    return this.pending.size === 0 ? [] : [...this.pending].toSorted((left, right) => left.sequence - right.sequence);
  }

  /** Everything behind it waits until `record` is durable. */
  persist(record: Record): void {
    this.#outputs.push({ kind: 'persist', record });
  }

  send(to: readonly ReplicaId[], message: Message, signature?: Bytes): void {
    if (to.length > 0) this.#outputs.push({ kind: 'send', to, message, signature });
  }

  broadcast(message: Message, signature?: Bytes): void {
    this.send(this.#others, message, signature);
  }

  emit(event: Event): void {
    this.moments.onEvent(event, this.now.monotonic);
    this.#outputs.push({ kind: 'event', event });
  }

  output(output: StepOutput): void {
    this.#outputs.push(output);
  }

  /** Counts a refusal; the message is dropped by the caller. */
  refuse(type: MessageType, from: ReplicaId | ClientId, code: CoreRefusalCode): void {
    this.emit({ kind: 'refused', type, from, code });
  }

  /** How much has come out since the last drain: a place to go back to. */
  get outputCount(): number {
    return this.#outputs.length;
  }

  /** What came out since then is not said: it rested on what did not happen. */
  takeBack(outputCount: number): void {
    this.#outputs.length = outputCount;
  }

  /** What has come out since the last drain, in order. */
  drain(): readonly StepOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }
}
