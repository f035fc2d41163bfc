/**
 * A service without replication, to measure the price of agreement against: the same links, codec, client authentication, exactly-once table,
 * application, write-ahead log and replies as a replica, in one process that agrees with nobody. It owns the order of execution, the client table
 * and the replies that wait for the log. What it writes down would be enough to execute everything again; it takes no checkpoints, and never restarts.
 */
import { concatBytes } from '../base/bytes.ts';
import type { Bytes } from '../base/bytes.ts';
import { asReplicaId, asSequence, NULL_DIGEST, VIEW_ZERO } from '../base/ids.ts';
import type { ClientId } from '../base/ids.ts';
import type { CodecContext, Reply, Request } from '../messages/index.ts';
import { REQUEST_COMPOUND, decodeOperations, encodeResults, operationCount, resultDigest } from '../messages/index.ts';
import { ClientTable } from '../protocol/client-table.ts';
import type { StoredReply } from '../protocol/client-table.ts';
import type { ClusterConfig } from '../protocol/config.ts';
import type { ReceivedRequest } from '../protocol/input.ts';
import { Intake } from '../protocol/intake.ts';
import type { Authenticator, Party, StateMachine } from '../protocol/ports.ts';
import { ReplyOutbox } from '../protocol/reply-outbox.ts';
import { Sealer } from '../protocol/seal.ts';
import { applicationTransaction } from '../protocol/state-layout.ts';
import { MemoryState } from '../state/index.ts';

/** What it needs of a log; DurableLog and MemoryLog of src/node have it. */
export interface RecordLog {
  append(record: Bytes): void;
  /** Resolves when everything appended before is durable. */
  durable(): Promise<void>;
}

export interface UnreplicatedOptions {
  /** Of a cluster of one. */
  readonly cluster: ClusterConfig;
  readonly authenticator: Authenticator;
  readonly codec: CodecContext;
  readonly application: StateMachine;
  readonly log: RecordLog;
  readonly send: (to: Party, frame: Bytes) => void;
  /** µs since 1970. */
  readonly wallUs: () => number;
  /** The log failed: no reply leaves any more. */
  readonly onFault: (error: unknown) => void;
}

/** What came of the requests so far. */
export interface UnreplicatedCounts {
  readonly executed: number;
  /** Answered from the table, ignored or refused by it. */
  readonly other: number;
  /** Frames that were no authentic requests. */
  readonly refused: number;
}

const SELF = asReplicaId(0);
const TIME_BYTES = 8;

export class UnreplicatedServer {
  readonly #options: UnreplicatedOptions;
  readonly #intake: Intake;
  readonly #sealer: Sealer;
  readonly #state: MemoryState;
  readonly #table: ClientTable;
  readonly #outbox: ReplyOutbox;
  readonly #counts = { executed: 0, other: 0, refused: 0 };
  /** Frames with requests so far: what a batch is to a replica. */
  #sequence = 0;
  #timeUs = 0;
  /** Replies to what is not known to be durable. */
  #waiting: Reply[] = [];
  #isFlushing = false;

  constructor(options: UnreplicatedOptions) {
    const { cluster, authenticator, application } = options;
    this.#options = options;
    this.#intake = new Intake(cluster, SELF, authenticator);
    this.#sealer = new Sealer(cluster, authenticator);
    this.#outbox = new ReplyOutbox(SELF, cluster, authenticator);
    this.#state = new MemoryState((bytes) => authenticator.sha256(bytes));
    const genesis = this.#state.begin();
    application.initialize?.(applicationTransaction(genesis));
    genesis.commit();
    this.#table = ClientTable.load(this.#state, cluster);
  }

  get counts(): UnreplicatedCounts {
    return { ...this.#counts };
  }

  /** A frame from the authenticated link of a client. */
  onFrame(link: Party, frame: Bytes): void {
    const opened = this.#intake.open(frame, link);
    if (!opened.ok || opened.value.kind !== 'requests') {
      this.#counts.refused += 1;
      return;
    }
    this.#sequence += 1;
    this.#timeUs = Math.max(this.#timeUs + 1, this.#options.wallUs());
    const before = this.#counts.executed;
    const transaction = this.#state.begin();
    opened.value.requests.forEach((received, index) => this.#take(transaction, received, index));
    transaction.commit();
    if (this.#counts.executed > before) this.#options.log.append(this.#record(frame));
    if (this.#waiting.length === 0 || this.#isFlushing) return;
    this.#isFlushing = true;
    // At the end of this turn, so that everything that came in with one read of a socket shares a sync.
    queueMicrotask(() => void this.#flush());
  }

  #take(transaction: ReturnType<MemoryState['begin']>, { request: entry }: ReceivedRequest, index: number): void {
    const { request, digest } = entry;
    const judgement = this.#table.judge(request, digest, this.#timeUs);
    if (judgement.kind !== 'execute') {
      this.#counts.other += 1;
      if (judgement.kind === 'repeat') this.#answer(entry, judgement.reply);
      if (judgement.kind === 'error') this.#answer(entry, this.#stored('table-error', judgement.result));
      return;
    }
    const stored = this.#stored('executed', this.#run(transaction, request, index));
    this.#table.record(
      request,
      digest,
      { sequence: asSequence(this.#sequence), index, agreedTime: this.#timeUs },
      stored,
    );
    this.#counts.executed += operationCount(request);
    this.#answer(entry, stored);
  }

  /** The result of its operation; of a compound request those of all of them. */
  #run(transaction: ReturnType<MemoryState['begin']>, { client, flags, operation }: Request, index: number): Bytes {
    if ((flags & REQUEST_COMPOUND) === 0) return this.#execute(transaction, client, operation, index);
    const operations = decodeOperations(operation, this.#options.codec);
    return encodeResults(
      operations.ok ? operations.value.map((each) => this.#execute(transaction, client, each, index)) : [],
    );
  }

  #execute(transaction: ReturnType<MemoryState['begin']>, client: ClientId, operation: Bytes, index: number): Bytes {
    const inner = transaction.begin();
    const context = { sequence: asSequence(this.#sequence), index, timestamp: this.#timeUs, client };
    const result = this.#options.application.execute(applicationTransaction(inner), operation, context);
    inner.commit();
    // A copy, as a replica makes one: the table keeps it, and its author may use the buffer again.
    return new Uint8Array(result);
  }

  #stored(outcome: StoredReply['outcome'], result: Bytes): StoredReply {
    return { outcome, sequence: asSequence(this.#sequence), digest: NULL_DIGEST, result };
  }

  #answer({ request, digest }: ReceivedRequest['request'], stored: StoredReply): void {
    const { codec } = this.#options;
    const { client, session, timestamp } = request;
    this.#waiting.push({
      type: 'reply',
      view: VIEW_ZERO,
      sequence: stored.sequence,
      digest: stored.digest,
      replica: SELF,
      client,
      session,
      timestamp,
      requestDigest: digest,
      outcome: stored.outcome,
      resultDigest: resultDigest(codec, stored.result),
      since: undefined,
      result: stored.result,
      receipt: undefined,
    });
  }

  /** The time of its execution, then the frame as it came: with the frames before it, all that a repetition needs. */
  #record(frame: Bytes): Bytes {
    const time = new Uint8Array(TIME_BYTES);
    new DataView(time.buffer).setBigUint64(0, BigInt(this.#timeUs));
    return concatBytes(time, frame);
  }

  /** Group commit: one sync for everything that has gathered, then its replies. */
  async #flush(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const replies = this.#waiting;
        this.#waiting = [];
        await this.#options.log.durable();
        const isSigned = this.#options.cluster.authentication === 'signature';
        for (const reply of replies) this.#outbox.add(reply, isSigned);
        this.#sendReplies();
      }
      this.#isFlushing = false;
    } catch (error) {
      // Still "flushing": a log that failed once is not trusted again.
      this.#options.onFault(error);
    }
  }

  #sendReplies(): void {
    for (const letter of this.#outbox.drain()) {
      const frame = this.#sealer.sealReplies(letter);
      if (frame !== undefined) this.#options.send({ kind: 'client', client: letter.message.client }, frame);
    }
  }
}
