/** How a refusal leaves: thrown inside a hook or a handler, caught by the one error handler, answered as JSON. */
import type { FastifyReply } from 'fastify';
import type { ApiError } from '../../api/index.ts';
import { apiError, ERROR_CATALOGUE, errorBody } from '../../api/index.ts';

/** Carries a refusal through fastify, whose hooks can only throw. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly refusal: ApiError;

  constructor(refusal: ApiError) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

/** Answers with a refusal: status, body, and `Retry-After` where there is something to wait for. */
export async function sendRefusal(reply: FastifyReply, refusal: ApiError): Promise<FastifyReply> {
  if (refusal.retryAfterSeconds !== undefined) void reply.header('retry-after', String(refusal.retryAfterSeconds));
  if (refusal.code === 'unauthorized') void reply.header('www-authenticate', 'Bearer');
  return reply.code(ERROR_CATALOGUE[refusal.code].status).send(errorBody(refusal));
}

interface Coded {
  readonly code?: unknown;
  readonly statusCode?: unknown;
  readonly validation?: unknown;
  readonly validationContext?: unknown;
  readonly message?: unknown;
}

const FRAMEWORK_CODES: Readonly<Record<string, ApiError>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: apiError('body_too_large'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: apiError('unsupported_content_type'),
  FST_ERR_CTP_EMPTY_JSON_BODY: apiError('malformed_json', 'The body is empty: send one JSON document.'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: apiError('malformed_http', 'The body is not as long as `Content-Length` says.'),
  FST_ERR_BAD_URL: apiError('not_found', 'The path is not a valid URL.'),
  FST_ERR_MAX_PARAM_LENGTH: apiError('not_found'),
};

/** What the caller is told of something that was thrown; undefined: an error of our own, to be logged. */
export function refusalOf(thrown: unknown): ApiError | undefined {
  if (thrown instanceof Refused) return thrown.refusal;
  if (typeof thrown !== 'object' || thrown === null) return undefined;
  const { code, validation, validationContext, message } = thrown as Coded;
  if (Array.isArray(validation)) return validationRefusal(validation, String(validationContext));
  if (code === 'ECONNRESET') return apiError('request_timeout', 'The connection ended before the body was complete.');
  const known = typeof code === 'string' ? FRAMEWORK_CODES[code] : undefined;
  return (
    known ??
    (typeof message === 'string' && code === 'ERR_HTTP_REQUEST_TIMEOUT' ? apiError('request_timeout') : undefined)
  );
}

interface SchemaComplaint {
  readonly keyword?: unknown;
  readonly instancePath?: unknown;
  readonly message?: unknown;
  readonly params?: unknown;
}

/** The complaints of the schema, each with its field; nothing of what was sent is repeated. */
function validationRefusal(complaints: readonly SchemaComplaint[], context: string): ApiError {
  // `boolean` only repeats, field by field, what `additionalProperties` says of all.
  const told = complaints.filter(({ keyword }) => keyword !== 'boolean');
  const problems = told.slice(0, 20).map(({ instancePath, message, params }) => ({
    in: context,
    field: textOf(instancePath).replaceAll('/', '.').replace(/^\./, ''),
    problem: textOf(message),
    allowed: params ?? {},
  }));
  return apiError('invalid_request', undefined, { problems });
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
