/** The HTTP server of one node: fastify, our door, our routes. It owns the listening socket and nothing else. */
import swagger from '@fastify/swagger';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify from 'fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Socket } from 'node:net';
import type { Logger } from '../../node/index.ts';
import { apiError, ERROR_CATALOGUE, errorBody } from '../../api/index.ts';
import type { ApiError } from '../../api/index.ts';
import { acceptJsonOnly } from './content.ts';
import type { Credentials } from './credentials.ts';
import { guardDoor, refuseUnrouted, SECURITY_HEADERS } from './door.ts';
import type { Door } from './door.ts';
import { addEventRoutes } from './event-stream.ts';
import { OriginPolicy } from './origin.ts';
import type { DoorNames } from './origin.ts';
import { RateLimiter } from './rate-limit.ts';
import type { RateLimits } from './rate-limit.ts';
import { refusalOf, sendRefusal } from './refused.ts';
import { addLabRoutes, addProtocolRoutes, addRequestRoutes, addStatusRoutes } from './routes.ts';
import type { Http } from './routes.ts';
import type { NodeService } from './service.ts';
import { compileValidator } from './validation.ts';
import { addWebPages, WEB_DIRECTORY } from './web-pages.ts';

export interface HttpLimits {
  readonly connections: number;
  /** From the first byte of a request to its last. */
  readonly requestTimeoutMs: number;
  readonly headersTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  /** A connection on which nothing moves, in either direction; longer than the longest wait. */
  readonly idleTimeoutMs: number;
  readonly headerBytes: number;
  readonly rate: RateLimits;
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  connections: 1024,
  requestTimeoutMs: 15_000,
  headersTimeoutMs: 10_000,
  keepAliveTimeoutMs: 10_000,
  idleTimeoutMs: 75_000,
  headerBytes: 16_384,
  // Far above what one client process gets through consensus; what it stops is a loop gone wild.
  rate: { perSecond: 10_000, burst: 20_000, addresses: 4096 },
};

export interface HttpOptions {
  readonly names: DoorNames;
  readonly credentials: Credentials;
  readonly limits: HttpLimits;
  readonly logger: Logger;
  /** For metrics: one answered request. `route` is the pattern, or `unknown`. */
  readonly onAnswered: (answered: {
    readonly route: string;
    readonly method: string;
    readonly status: number;
    /** undefined for a stream: how long it lasted says nothing of the node. */
    readonly seconds: number | undefined;
  }) => void;
  readonly version: string;
  /** Where the built pages are; {@link WEB_DIRECTORY} unless given. */
  readonly webDirectory?: string;
}

/** Builds the server; it listens only when told to. */
export async function makeHttpServer(node: NodeService, options: HttpOptions): Promise<FastifyInstance> {
  const { limits } = options;
  const door: Door = {
    origins: new OriginPolicy(options.names),
    credentials: options.credentials,
    rate: new RateLimiter(limits.rate),
    nowMs: () => performance.now(),
  };
  const onAnswered = (request: FastifyRequest, reply: FastifyReply): void => {
    const { url: route = 'unknown', config } = request.routeOptions;
    const seconds = config.isStream === true ? undefined : reply.elapsedTime / 1000;
    options.onAnswered({ route, method: request.method, status: reply.statusCode, seconds });
  };
  const server = fastify({
    logger: false,
    bodyLimit: 65_536,
    // No path is longer than the header: the schema of each parameter refuses what is too long, and says so.
    routerOptions: { maxParamLength: limits.headerBytes },
    requestTimeout: limits.requestTimeoutMs,
    connectionTimeout: limits.idleTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    http: {
      headersTimeout: limits.headersTimeoutMs,
      maxHeaderSize: limits.headerBytes,
      connectionsCheckingInterval: 1000,
      // The door refuses it, with a body that says why.
      requireHostHeader: false,
    },
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => {
      reply.raw.once('finish', () => onAnswered(request, reply));
      void refuseUnrouted(door, refusalOf(error) ?? apiError('malformed_http'), { request, reply });
    },
    onProtoPoisoning: 'ignore',
    onConstructorPoisoning: 'ignore',
  });
  server.server.maxConnections = limits.connections;
  server.setValidatorCompiler(compileValidator);
  // Schemas describe the answers; tests compare. Serialising by schema would silently leave fields out.
  server.setSerializerCompiler(() => (body: unknown) => JSON.stringify(body));
  server.setErrorHandler((error, request, reply) => answerError(options.logger, { error, request, reply }));
  guardDoor(server, door);
  acceptJsonOnly(server);
  server.setNotFoundHandler((_, reply) => sendRefusal(reply, apiError('not_found')));
  server.addHook('onResponse', (request, reply, done) => {
    onAnswered(request, reply);
    done();
  });
  await addRoutes(server.withTypeProvider<TypeBoxTypeProvider>(), node, options);
  return server;
}

async function addRoutes(http: Http, node: NodeService, options: HttpOptions): Promise<void> {
  await http.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'pbft', description: 'One node of a PBFT cluster', version: options.version },
      ...(options.credentials.required
        ? {
            components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
            security: [{ bearer: [] }],
          }
        : {}),
    },
  });
  addStatusRoutes(http, node);
  addRequestRoutes(http, node);
  addProtocolRoutes(http, node);
  addLabRoutes(http, node);
  await addWebPages(http, { directory: options.webDirectory ?? WEB_DIRECTORY, clusterUrls: options.names.clusterUrls });
  addEventRoutes(http, node);
  http.get('/openapi.json', { schema: { hide: true } }, async (_, reply) => reply.send(http.swagger()));
}

interface Failed {
  readonly error: unknown;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

async function answerError(logger: Logger, { error, request, reply }: Failed): Promise<FastifyReply> {
  const refusal = refusalOf(error);
  if (refusal !== undefined) return sendRefusal(reply, forRoute(refusal, request));
  logger.error({ err: error, route: request.routeOptions.url }, 'http: a handler failed');
  return sendRefusal(reply, apiError('internal_error'));
}

/** A request without an operation has a name of its own: it is the mistake people make first. */
function forRoute(refusal: ApiError, request: FastifyRequest): ApiError {
  const isOperation =
    request.routeOptions.url === '/pbft/request' && JSON.stringify(refusal.details).includes('"in":"body"');
  return refusal.code === 'invalid_request' && isOperation ? apiError('missing_operation') : refusal;
}

const CLIENT_ERRORS: Readonly<Record<string, ApiError>> = {
  ERR_HTTP_REQUEST_TIMEOUT: apiError('request_timeout'),
  HPE_HEADER_OVERFLOW: apiError('header_too_large'),
};

/** What arrives before there is a request: answered by hand on the socket. */
function answerClientError(error: FastifyError | (Error & { code?: string }), socket: Socket): void {
  if (socket.destroyed || !socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const refusal = CLIENT_ERRORS[error.code ?? ''] ?? apiError('malformed_http');
  const body = JSON.stringify(errorBody(refusal));
  const head = [
    `HTTP/1.1 ${ERROR_CATALOGUE[refusal.code].status} Refused`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    ...Object.entries(SECURITY_HEADERS).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
