/**
 * The door: what is checked of every request before any route, in this order: host, method and path, origin, credentials, rate.
 * What it refuses has touched nothing, and counts for the rate like what it lets in.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { apiError } from '../../api/index.ts';
import type { ApiError } from '../../api/index.ts';
import type { Credentials } from './credentials.ts';
import type { OriginPolicy } from './origin.ts';
import type { RateLimiter } from './rate-limit.ts';
import { Refused, refusalOf, sendRefusal } from './refused.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose idempotency keys are meant: '' where nobody has to show a token, else a hash of the token. */
    credentialScope: string;
  }
  interface FastifyContextConfig {
    /** Answered without credentials: probes of an orchestrator carry none. */
    open?: boolean;
    /** Tokens of the rate limit that one call takes; 1 unless given. */
    cost?: number;
    /** Its answer does not end by itself. */
    isStream?: boolean;
  }
}

export interface Door {
  readonly origins: OriginPolicy;
  readonly credentials: Credentials;
  readonly rate: RateLimiter;
  readonly nowMs: () => number;
}

/** Which methods each path has, learned while routes are registered. */
export class PathTable {
  readonly #paths: { readonly pattern: RegExp; readonly methods: Set<string> }[] = [];
  /** Paths without parameters: most of those asked for. */
  readonly #literal = new Set<string>();
  /** What was found for them. */
  readonly #known = new Map<string, readonly string[]>();

  add(url: string, methods: readonly string[]): void {
    this.#known.clear();
    if (!/[:*]/.test(url)) this.#literal.add(url);
    const source = `^${url.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll(/:[a-z_]+/g, '[^/]+')}$`;
    const known = this.#paths.find(({ pattern }) => pattern.source === new RegExp(source).source);
    if (known === undefined) this.#paths.push({ pattern: new RegExp(source), methods: new Set(methods) });
    else for (const method of methods) known.methods.add(method);
  }

  /** The methods of a path, for `Allow`; empty when there is nothing. */
  methodsOf(path: string): readonly string[] {
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const methods = this.#find(path);
    if (this.#literal.has(path)) this.#known.set(path, methods);
    return methods;
  }

  #find(path: string): readonly string[] {
    const found = this.#paths.find(({ pattern }) => pattern.test(path));
    return found === undefined ? [] : [...found.methods, 'OPTIONS'].toSorted();
  }
}

const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

/** With every answer, whoever gives it. */
export const SECURITY_HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-site',
  'cache-control': 'no-store',
} as const;

/** What a page of another node may read beside the body. */
const EXPOSED = { 'access-control-expose-headers': 'retry-after, idempotent-replay' } as const;

/** Registers the checks. Requires: called before the routes, so that `paths` sees them. */
export function guardDoor(server: FastifyInstance, door: Door): PathTable {
  const paths = new PathTable();
  server.decorateRequest('credentialScope', '');
  server.addHook('onRoute', ({ url, method }) => paths.add(url, Array.isArray(method) ? method : [method]));
  // With callbacks: a promise for each request costs more than all these checks.
  server.addHook('onRequest', (request, reply, done) => {
    let isAnswered: boolean;
    try {
      isAnswered = letIn(request, reply, { door, paths });
    } catch (error) {
      done(error as Error);
      return;
    }
    if (!isAnswered) done();
  });
  return paths;
}

/** Throws what is refused. True: answered here, since it only asked what may be asked. */
function letIn(
  request: FastifyRequest,
  reply: FastifyReply,
  { door, paths }: { readonly door: Door; readonly paths: PathTable },
): boolean {
  void reply.headers(SECURITY_HEADERS);
  const host = checkHost(request, door);
  const methods = paths.methodsOf(pathOf(request));
  const origin = request.headers.origin;
  const isKnownOrigin = origin !== undefined && door.origins.isOriginAllowed(origin, host);
  if (isKnownOrigin) void reply.headers({ 'access-control-allow-origin': origin, vary: 'origin', ...EXPOSED });
  if (request.method === 'OPTIONS' && methods.length > 0) {
    spend(request, door, 1);
    void answerOptions(reply, methods, isKnownOrigin);
    return true;
  }
  if (!SAFE_METHODS.includes(request.method) && origin !== undefined && !isKnownOrigin) {
    spend(request, door, 1);
    throw new Refused(apiError('foreign_origin'));
  }
  checkCaller(request, door);
  if (methods.length > 0 && !methods.includes(request.method)) {
    void reply.header('allow', methods.join(', '));
    throw new Refused(apiError('method_not_allowed', undefined, { allow: methods }));
  }
  return false;
}

/** Refuses what the router itself does not take, and which so comes past the hooks: under the same headers, for a known host, and not for nothing. */
export async function refuseUnrouted(
  door: Door,
  refusal: ApiError,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
): Promise<FastifyReply> {
  void reply.headers(SECURITY_HEADERS);
  try {
    checkHost(request, door);
    spend(request, door, 1);
    return await sendRefusal(reply, refusal);
  } catch (error) {
    return sendRefusal(reply, refusalOf(error) ?? apiError('internal_error'));
  }
}

/** The path of a request, without its query. */
export function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '';
}

function checkHost(request: FastifyRequest, door: Door): string {
  const host = onlyHost(request.raw.rawHeaders);
  if (host === undefined || !door.origins.isHostAllowed(host)) {
    spend(request, door, 1);
    throw new Refused(apiError('misdirected_host'));
  }
  return host;
}

/** The value of the one Host header; undefined where there is none or more than one. `headers` keeps the first of several, and `headersDistinct` is costly. */
function onlyHost(rawHeaders: readonly string[]): string | undefined {
  let host: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue;
    if (host !== undefined) return undefined;
    host = rawHeaders[at + 1];
  }
  return host;
}

function checkCaller(request: FastifyRequest, door: Door): void {
  const { config } = request.routeOptions;
  if (config.open !== true) {
    const scope = door.credentials.scopeOf(request.headers.authorization);
    if (scope === undefined) {
      // A guess costs as much as ten good calls.
      spend(request, door, 10);
      throw new Refused(apiError('unauthorized'));
    }
    request.credentialScope = scope;
  }
  spend(request, door, config.cost ?? 1);
}

function spend(request: FastifyRequest, door: Door, cost: number): void {
  const waitSeconds = door.rate.take(request.ip, cost, door.nowMs());
  if (waitSeconds !== undefined) throw new Refused(apiError('rate_limited', undefined, {}, waitSeconds));
}

function answerOptions(reply: FastifyReply, methods: readonly string[], isKnownOrigin: boolean): FastifyReply {
  void reply.header('allow', methods.join(', '));
  if (isKnownOrigin) {
    void reply.headers({
      'access-control-allow-methods': methods.join(', '),
      'access-control-allow-headers': 'authorization, content-type, idempotency-key, last-event-id',
      'access-control-max-age': '600',
    });
  }
  return reply.code(204).send();
}
