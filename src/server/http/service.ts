/** What the HTTP routes need from a node: its public face, without any of its parts. Every refusal is a value from the error catalogue. */
import type {
  ApiError,
  BehavioursBody,
  ClusterBody,
  ExecutedBody,
  ExplainBody,
  LabLinkBody,
  LabNodeAction,
  LogBody,
  LogQuery,
  MessageAnswer,
  ReadBody,
  RequestStatusBody,
  SimulateByzantineAnswer,
  SimulateByzantineBody,
  StartedBody,
  StateProofBody,
  StateQuery,
  StateValueBody,
  StatusBody,
  SuspicionsBody,
} from '../../api/index.ts';
import type { Bytes } from '../../base/bytes.ts';
import type { Result } from '../../base/result.ts';
import type { FullDisk } from '../disk-room.ts';
import type { ListenRequest } from '../events/event-hub.ts';
import type { LabOutcome } from '../supervision.ts';

/** A request as it came through the door. */
export interface Submission {
  /** The body, token for token; only the white space between them is gone. */
  readonly operation: Bytes;
  /** true: answer with the result; false: as soon as it has a sequence number. */
  readonly wait: boolean;
  readonly timeoutMs: number;
  readonly idempotency: { readonly scope: string; readonly key: string } | undefined;
}

/** `resultJson`: JSON text that stands for `result`, exactly as the application wrote it. */
export interface ExecutedAnswer {
  readonly kind: 'executed';
  readonly body: Omit<ExecutedBody, 'result'>;
  readonly resultJson: string;
  readonly replayed: boolean;
}

export type SubmissionAnswer =
  | { readonly kind: 'started'; readonly body: StartedBody; readonly replayed: boolean }
  | ExecutedAnswer;

/** A read is ordered after all where no quorum answers it. */
export type ReadAnswer =
  | { readonly kind: 'read'; readonly body: Omit<ReadBody, 'result'>; readonly resultJson: string }
  | ExecutedAnswer;

export interface RequestAnswer {
  readonly body: Omit<RequestStatusBody, 'result'>;
  readonly resultJson: string | undefined;
}

/** `disk`: what the log waits for, when that is full. */
export type Readiness =
  | { readonly ready: true }
  | { readonly ready: false; readonly waitingFor: readonly string[]; readonly disk: FullDisk | undefined };

export interface NodeService {
  readonly name: string;
  /** undefined while the replica runs; else why it stopped. */
  stopped(): ApiError | undefined;
  readiness(): Readiness;
  status(): StatusBody;
  cluster(): ClusterBody;
  submit(submission: Submission): Promise<Result<SubmissionAnswer, ApiError>>;
  /** Has a read-only operation answered. */
  read(submission: Pick<Submission, 'operation' | 'timeoutMs'>): Promise<Result<ReadAnswer, ApiError>>;
  requestStatus(id: string): RequestAnswer | undefined;
  deliver(message: unknown): Result<MessageAnswer, ApiError>;
  simulateByzantine(order: SimulateByzantineBody): Result<SimulateByzantineAnswer, ApiError>;
  behaviours(): BehavioursBody;
  /** Lab mode: where processes and links stand, and what becomes of them. */
  lab(): Promise<Result<LabOutcome, ApiError>>;
  orderNode(name: string, action: LabNodeAction): Promise<Result<LabOutcome, ApiError>>;
  orderLink(order: LabLinkBody): Promise<Result<LabOutcome, ApiError>>;
  /** The event stream goes to `sink` from now on; the function says that it is gone. */
  listen(request: ListenRequest): Result<() => void, ApiError>;
  log(query: LogQuery): Result<LogBody, ApiError>;
  /** The value at `key` of the application's state, as `query` asks for it. */
  state(key: string, query: StateQuery): Result<StateValueBody | StateProofBody, ApiError>;
  suspicions(): SuspicionsBody;
  explain(): ExplainBody;
  /** Prometheus text. */
  metrics(): Promise<string>;
}
