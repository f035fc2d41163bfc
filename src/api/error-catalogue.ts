/**
 * Every error code the HTTP API can answer with: its status, what it means, and what the caller should do. docs/errors.md says the same
 * (a test compares them). An error body is `{"error":{"code","message","details"}}`.
 */
import Type from 'typebox';
import type { Static } from 'typebox';

/** One line of the catalogue. */
export interface ErrorEntry {
  readonly status: number;
  readonly meaning: string;
  readonly advice: string;
}

const CATALOGUE = {
  // The door: what is wrong with the HTTP request itself.
  malformed_http: {
    status: 400,
    meaning: 'The bytes are not an HTTP request.',
    advice: 'Use an HTTP/1.1 client.',
  },
  malformed_json: {
    status: 400,
    meaning: 'The body is not JSON in UTF-8.',
    advice: 'Send one JSON document; `details.position` says where it goes wrong, if the parser knows.',
  },
  invalid_request: {
    status: 400,
    meaning: 'A field of the body or the query has a value that is not allowed, or is unknown.',
    advice: '`details` names each field and what is allowed.',
  },
  missing_operation: {
    status: 400,
    meaning: 'The body is not a JSON object with a string field `operation`.',
    advice: 'Send for example {"operation":"balance","account":"default"}.',
  },
  invalid_idempotency_key: {
    status: 400,
    meaning: 'The `Idempotency-Key` header is not 1 to 64 printable ASCII characters.',
    advice: 'Use for example a UUID.',
  },
  idempotency_key_for_read: {
    status: 400,
    meaning:
      'An `Idempotency-Key` came with `read_only=true`: what is not ordered leaves no outcome to repeat. Nothing was submitted.',
    advice:
      'Leave the key out: a read may be repeated at will. Or leave out `read_only` to have the operation ordered.',
  },
  unauthorized: {
    status: 401,
    meaning: 'This node demands a bearer token, and none or an unknown one was sent.',
    advice: 'Send `Authorization: Bearer <token>` with a token of the file that the node was configured with.',
  },
  foreign_origin: {
    status: 403,
    meaning: 'A web page of another origin tried to change something.',
    advice: "Call from a page of the cluster's own nodes, or from outside a browser.",
  },
  not_found: {
    status: 404,
    meaning: 'There is nothing at this path.',
    advice: '`/openapi.json` lists the paths.',
  },
  method_not_allowed: {
    status: 405,
    meaning: 'The path exists, but not with this method.',
    advice: 'Use a method of the `Allow` header.',
  },
  request_timeout: {
    status: 408,
    meaning: 'The request did not arrive completely in time.',
    advice: 'Send it again, faster.',
  },
  body_too_large: {
    status: 413,
    meaning: 'The body is larger than 65,536 bytes.',
    advice: 'Send less, or split the operation.',
  },
  unsupported_content_type: {
    status: 415,
    meaning: 'The body is not declared as `application/json` in UTF-8.',
    advice: 'Send `Content-Type: application/json`.',
  },
  misdirected_host: {
    status: 421,
    meaning: 'The `Host` header names neither a loopback address nor a name this node was configured with.',
    advice: 'Use a configured name, or add it to `http.allowed_hosts` of the node.',
  },
  rate_limited: {
    status: 429,
    meaning: 'Too many requests from this address.',
    advice: 'Wait for the seconds of `Retry-After`.',
  },
  header_too_large: {
    status: 431,
    meaning: 'The header is larger than 16 KiB.',
    advice: 'Send less header.',
  },
  internal_error: {
    status: 500,
    meaning: 'The node met an error of its own; its log has the details.',
    advice:
      'Report it. Whether a request was submitted is unknown: look at `GET /pbft/requests/{id}` or use an `Idempotency-Key`.',
  },
  // Requests.
  request_refused: {
    status: 409,
    meaning: 'The cluster ordered the request and its client table refused it; nothing was executed.',
    advice: "`details.reason` has the table's own code. Send the request again.",
  },
  idempotency_key_reused: {
    status: 422,
    meaning: 'The same `Idempotency-Key` came before with another body.',
    advice: 'Use a new key for a new request. Nothing was executed.',
  },
  not_submitted: {
    status: 503,
    meaning: 'The request was surely not submitted: too many are waiting, or the node cannot reach the cluster.',
    advice: 'Send it again after the seconds of `Retry-After`, here or at another node.',
  },
  outcome_unknown: {
    status: 504,
    meaning: 'No answer of the cluster in time. The request may have been executed, may yet be, or never.',
    advice:
      'Look at `GET /pbft/requests/{id}` with `details.request_id`, or repeat it with the same `Idempotency-Key`.',
  },
  unknown_or_forgotten: {
    status: 404,
    meaning: 'This node knows no request of that id, or forgot it: finished ones are kept for the last 10,000.',
    advice: 'Check the id; ask the node that took the request.',
  },
  // Protocol messages.
  malformed_message: {
    status: 400,
    meaning: 'The body is not a protocol message in its JSON form.',
    advice: '`details.reason` names the field. `GET /pbft/log?messages=true` shows real ones.',
  },
  not_authentic: {
    status: 401,
    meaning: 'The signature or MAC of the message is not by the node it claims to be from.',
    advice: 'A message must carry the proof of its author, made for this cluster and, for a MAC, for this node.',
  },
  not_applicable: {
    status: 409,
    meaning:
      'The message is authentic, but not for now: another view, outside the window, or in contradiction to what was accepted.',
    advice: '`details.reason` has the code of the refusal.',
  },
  message_too_large: {
    status: 413,
    meaning: 'The message exceeds a limit of the protocol.',
    advice: '`details.reason` names the limit.',
  },
  overloaded: {
    status: 503,
    meaning: 'A bounded queue of the replica is full.',
    advice: 'Send it again after the seconds of `Retry-After`.',
  },
  too_many_streams: {
    status: 503,
    meaning: 'As many read the event stream of this node as may.',
    advice: 'End one of them (a page that is open, `pbft events`), or ask again after the seconds of `Retry-After`.',
  },
  // Lab.
  lab_mode_off: {
    status: 403,
    meaning: 'This node does not run in lab mode.',
    advice: 'Start the cluster in lab mode (`pbft up` does by default); never do so with real data.',
  },
  unknown_node: {
    status: 404,
    meaning: 'No node of this cluster has that name.',
    advice: '`details.nodes` lists the names.',
  },
  unknown_behaviour: {
    status: 400,
    meaning: 'There is no behaviour of that name.',
    advice: '`details.behaviours` lists them; `GET /pbft/behaviours` explains them.',
  },
  peer_unreachable: {
    status: 503,
    meaning: 'The link to that node is down, so it could not be told.',
    advice: 'Ask that node itself, or send it again when the link is up.',
  },
  no_supervisor: {
    status: 409,
    meaning: 'This node was not started by `pbft up`, so there is nobody to carry this out.',
    advice: 'Start the cluster with `pbft up`, or act on the process or the network yourself.',
  },
  node_not_running: {
    status: 409,
    meaning: 'That node does not run, so it cannot be paused, resumed or told about its links.',
    advice: 'Restart it first; `GET /pbft/lab` says how each node stands.',
  },
  supervisor_silent: {
    status: 503,
    meaning: '`pbft up` did not answer in time; whether it acted is unknown.',
    advice: 'Look at `GET /pbft/lab`, and send it again.',
  },
  // The node.
  not_ready: {
    status: 503,
    meaning: 'The node runs, but cannot serve yet: no view, too few links, or behind the others.',
    advice: '`details.waiting_for` says what is missing.',
  },
  no_stable_checkpoint: {
    status: 503,
    meaning: 'This node holds no state that a quorum has signed: nothing was executed yet, or it is behind.',
    advice: 'Send a request, and ask again two seconds later, or ask another node.',
  },
  state_not_readable: {
    status: 503,
    meaning: 'The state of this node is being fetched from the others or repaired.',
    advice: 'Ask another node; `GET /pbft/explain` says how far this one is.',
  },
  replica_stopped: {
    status: 503,
    meaning:
      'The replica of this node has stopped: its disk failed, or it met an error of its own and refuses to vote on.',
    advice: 'Use another node, and look at the log of this one.',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof CATALOGUE;

/** The whole catalogue, by code. */
export const ERROR_CATALOGUE: Readonly<Record<ErrorCode, ErrorEntry>> = CATALOGUE;

/** What every refusal looks like. */
export const ErrorBody = Type.Object(
  {
    error: Type.Object(
      {
        code: Type.String({ description: 'stable; docs/errors.md lists all' }),
        message: Type.String({ description: 'for people: what was wrong and what to do' }),
        details: Type.Record(Type.String(), Type.Unknown()),
      },
      { additionalProperties: false },
    ),
  },
  { $id: 'ErrorBody', additionalProperties: false },
);
export type ErrorBody = Static<typeof ErrorBody>;

/** A refusal on its way to the caller. */
export interface ApiError {
  readonly code: ErrorCode;
  /** One sentence about this case; the catalogue's meaning when left out. */
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  /** Seconds for `Retry-After`. */
  readonly retryAfterSeconds: number | undefined;
}

/** Builds a refusal; `message` defaults to the meaning and advice of the catalogue. */
export function apiError(
  code: ErrorCode,
  message?: string,
  details: Readonly<Record<string, unknown>> = {},
  retryAfterSeconds?: number,
): ApiError {
  const entry = ERROR_CATALOGUE[code];
  return { code, message: message ?? `${entry.meaning} ${entry.advice}`, details, retryAfterSeconds };
}

/** The body of a refusal. */
export function errorBody(error: ApiError): ErrorBody {
  return { error: { code: error.code, message: error.message, details: { ...error.details } } };
}
