/** The endpoints, one function each: schema in, {@link NodeService} call, schema out. No decision is made here. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, RawServerDefault } from 'fastify';
import type { IncomingMessage, ServerResponse } from 'node:http';
import Type from 'typebox';
import {
  apiError,
  BehavioursBody,
  ClusterBody,
  DEFAULT_WAIT_MS,
  ErrorBody,
  ExecutedBody,
  ExplainBody,
  HealthBody,
  LabBody,
  LabLinkBody,
  LabNodeBody,
  LabNodeParams,
  LogBody,
  LogQuery,
  MAX_BODY_BYTES,
  MessageAnswer,
  MessageBody,
  ReadBody,
  ReadyBody,
  RequestBody,
  RequestParams,
  RequestQuery,
  RequestStatusBody,
  SimulateByzantineAnswer,
  SimulateByzantineBody,
  StartedBody,
  StateParams,
  StateProofBody,
  StateQuery,
  StateValueBody,
  StatusBody,
  SuspicionsBody,
} from '../../api/index.ts';
import type { ApiError } from '../../api/index.ts';
import { EMPTY } from '../../base/bytes.ts';
import type { Result } from '../../base/result.ts';
import type { FullDisk } from '../disk-room.ts';
import { compactJson } from './content.ts';
import { Refused } from './refused.ts';
import type { LabOutcome } from '../supervision.ts';
import type { NodeService } from './service.ts';

/** fastify with our schemas as types. */
export type Http = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** A protocol message may hold a whole batch: more than a request, far less than a frame. */
export const MAX_MESSAGE_BODY_BYTES = 1_048_576;

const OPEN = { open: true } as const;

function valueOf<Value>(result: Result<Value, ApiError>): Value {
  if (!result.ok) throw new Refused(result.error);
  return result.value;
}

/** Puts JSON text in as one more field, untouched: parsing and writing it again could change numbers. */
function withField(body: object, name: string, json: string): string {
  const rest = JSON.stringify(body);
  return `${rest.slice(0, -1)},${JSON.stringify(name)}:${json}}`;
}

async function sendJson(reply: FastifyReply, status: number, text: string): Promise<FastifyReply> {
  return reply.code(status).type('application/json; charset=utf-8').send(text);
}

/** What stands in the way on a full disk, for programs. */
function diskDetails(disk: FullDisk | undefined): object {
  if (disk === undefined) return {};
  const { code, path, freeBytes, neededBytes } = disk;
  return { disk: { code, path, free_bytes: freeBytes ?? null, needed_bytes: neededBytes } };
}

/** A read has no number to be told before its result. */
function waitForRead(): ApiError {
  const problem = 'a read is answered with its result: leave wait out, or read_only';
  return apiError('invalid_request', undefined, {
    problems: [{ in: 'querystring', field: 'wait', problem, allowed: { const: true } }],
  });
}

export function addStatusRoutes(http: Http, node: NodeService): void {
  http.get(
    '/healthz',
    {
      config: OPEN,
      schema: { tags: ['node'], summary: 'Does the node live?', response: { 200: HealthBody, '5xx': ErrorBody } },
    },
    async () => {
      const stopped = node.stopped();
      if (stopped !== undefined) throw new Refused(stopped);
      return { status: 'live' as const, node_id: node.name };
    },
  );
  http.get(
    '/readyz',
    {
      config: OPEN,
      schema: {
        tags: ['node'],
        summary: 'In a view, linked to a quorum, caught up?',
        response: { 200: ReadyBody, '5xx': ErrorBody },
      },
    },
    async () => {
      const stopped = node.stopped();
      if (stopped !== undefined) throw new Refused(stopped);
      const readiness = node.readiness();
      if (readiness.ready) return { status: 'ready' as const, node_id: node.name };
      const { waitingFor, disk } = readiness;
      throw new Refused(apiError('not_ready', undefined, { waiting_for: waitingFor, ...diskDetails(disk) }, 1));
    },
  );
  http.get(
    '/metrics',
    {
      schema: {
        tags: ['node'],
        summary: 'Prometheus metrics',
        produces: ['text/plain'],
        response: { 200: Type.String() },
      },
    },
    async (_, reply) => reply.type('text/plain; version=0.0.4; charset=utf-8').send(await node.metrics()),
  );
  http.get(
    '/pbft/status',
    {
      schema: {
        tags: ['pbft'],
        summary: 'What this node is and knows',
        response: { 200: StatusBody, '4xx': ErrorBody },
      },
    },
    async () => node.status(),
  );
  http.get(
    '/pbft/cluster',
    {
      schema: {
        tags: ['pbft'],
        summary: 'Who belongs to the cluster, and how it is set up',
        response: { 200: ClusterBody, '4xx': ErrorBody },
      },
    },
    async () => node.cluster(),
  );
}

const IDEMPOTENCY_KEY = /^[\x20-\x7e]{1,64}$/;

/** 1 to 64 printable characters, or nothing. */
function idempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header !== 'string' || !IDEMPOTENCY_KEY.test(header))
    throw new Refused(apiError('invalid_idempotency_key'));
  return header;
}

export function addRequestRoutes(http: Http, node: NodeService): void {
  http.post(
    '/pbft/request',
    {
      bodyLimit: MAX_BODY_BYTES,
      schema: {
        tags: ['pbft'],
        summary: 'Have an operation ordered and executed by the cluster',
        headers: Type.Object({
          'idempotency-key': Type.Optional(
            Type.String({ description: '1 to 64 printable characters; not with read_only' }),
          ),
        }),
        querystring: RequestQuery,
        body: RequestBody,
        response: { 200: Type.Union([ExecutedBody, ReadBody]), 202: StartedBody, '4xx': ErrorBody, '5xx': ErrorBody },
      },
    },
    async (request, reply) => {
      const key = idempotencyKey(request.headers['idempotency-key']);
      if (request.query.read_only === true) {
        if (key !== undefined) throw new Refused(apiError('idempotency_key_for_read'));
        if (request.query.wait === false) throw new Refused(waitForRead());
        const operation = compactJson(request.rawBody ?? EMPTY);
        const read = valueOf(await node.read({ operation, timeoutMs: request.query.timeout_ms ?? DEFAULT_WAIT_MS }));
        return sendJson(reply, 200, withField(read.body, 'result', read.resultJson));
      }
      const answer = valueOf(
        await node.submit({
          operation: compactJson(request.rawBody ?? EMPTY),
          wait: request.query.wait ?? false,
          timeoutMs: request.query.timeout_ms ?? DEFAULT_WAIT_MS,
          idempotency: key === undefined ? undefined : { scope: request.credentialScope, key },
        }),
      );
      if (answer.replayed) void reply.header('idempotent-replay', 'true');
      if (answer.kind === 'started') return sendJson(reply, 202, JSON.stringify(answer.body));
      return sendJson(reply, 200, withField(answer.body, 'result', answer.resultJson));
    },
  );
  http.get(
    '/pbft/requests/:id',
    {
      schema: {
        tags: ['pbft'],
        summary: 'Where a request stands here',
        params: RequestParams,
        response: { 200: RequestStatusBody, '4xx': ErrorBody },
      },
    },
    async (request, reply) => {
      const found = node.requestStatus(request.params.id);
      if (found === undefined) throw new Refused(apiError('unknown_or_forgotten'));
      const { body, resultJson } = found;
      return sendJson(
        reply,
        200,
        resultJson === undefined ? JSON.stringify(body) : withField(body, 'result', resultJson),
      );
    },
  );
}

export function addProtocolRoutes(http: Http, node: NodeService): void {
  http.post(
    '/pbft/message',
    {
      bodyLimit: MAX_MESSAGE_BODY_BYTES,
      // Checking a signature costs more than anything else a caller can ask for.
      config: { cost: 10 },
      schema: {
        tags: ['pbft'],
        summary: 'Hand in one protocol message; the proof in it decides',
        body: MessageBody,
        response: { 200: MessageAnswer, 202: MessageAnswer, '4xx': ErrorBody, '5xx': ErrorBody },
      },
    },
    async (request, reply) => {
      const answer = valueOf(node.deliver(request.body));
      return reply.code(answer.status === 'accepted' ? 202 : 200).send(answer);
    },
  );
  http.get(
    '/pbft/log',
    {
      schema: {
        tags: ['pbft'],
        summary: 'The slots between the water marks',
        querystring: LogQuery,
        response: { 200: LogBody, '4xx': ErrorBody },
      },
    },
    async (request) => valueOf(node.log(request.query)),
  );
  http.get(
    '/pbft/state/:key',
    {
      schema: {
        tags: ['pbft'],
        summary: "A value of the application's state; with proof=true for whoever trusts no single node",
        params: StateParams,
        querystring: StateQuery,
        response: { 200: Type.Union([StateValueBody, StateProofBody]), '4xx': ErrorBody, '5xx': ErrorBody },
      },
    },
    async (request) => valueOf(node.state(request.params.key, request.query)),
  );
  http.get(
    '/pbft/suspicions',
    {
      schema: {
        tags: ['pbft'],
        summary: 'What this node says against others, with evidence',
        response: { 200: SuspicionsBody, '4xx': ErrorBody },
      },
    },
    async () => node.suspicions(),
  );
  http.get(
    '/pbft/explain',
    {
      schema: {
        tags: ['pbft'],
        summary: 'Why nothing moves: what is missing, from whom, since when',
        response: { 200: ExplainBody, '4xx': ErrorBody },
      },
    },
    async () => node.explain(),
  );
}

export function addLabRoutes(http: Http, node: NodeService): void {
  http.post(
    '/pbft/simulate-byzantine',
    {
      schema: {
        tags: ['lab'],
        summary: 'Make a node really misbehave (lab mode)',
        body: SimulateByzantineBody,
        response: { 200: SimulateByzantineAnswer, '4xx': ErrorBody, '5xx': ErrorBody },
      },
    },
    async (request) => valueOf(node.simulateByzantine(request.body)),
  );
  http.get(
    '/pbft/behaviours',
    {
      schema: {
        tags: ['lab'],
        summary: 'Every behaviour in every role',
        response: { 200: BehavioursBody, '4xx': ErrorBody },
      },
    },
    async () => node.behaviours(),
  );
  const answers = { 200: LabBody, '4xx': ErrorBody, '5xx': ErrorBody };
  http.get(
    '/pbft/lab',
    {
      schema: {
        tags: ['lab'],
        summary: 'Which nodes and links were switched (lab mode, under `pbft up`)',
        response: answers,
      },
    },
    async (_, reply) => tellOutcome(reply, await node.lab()),
  );
  http.post(
    '/pbft/lab/nodes/:id',
    {
      schema: {
        tags: ['lab'],
        summary: 'Kill, restart, pause or resume the process of a node (lab mode, under `pbft up`)',
        params: LabNodeParams,
        body: LabNodeBody,
        response: answers,
      },
    },
    async (request, reply) => tellOutcome(reply, await node.orderNode(request.params.id, request.body.action)),
  );
  http.post(
    '/pbft/lab/links',
    {
      schema: {
        tags: ['lab'],
        summary: 'Cut or slow down what one node sends to another (lab mode, under `pbft up`)',
        body: LabLinkBody,
        response: answers,
      },
    },
    async (request, reply) => tellOutcome(reply, await node.orderLink(request.body)),
  );
}

/** An order that ends this node is carried out once its answer has left. */
async function tellOutcome(reply: FastifyReply, outcome: Result<LabOutcome, ApiError>): Promise<LabBody> {
  const { body, answered } = valueOf(outcome);
  reply.raw.once('close', answered);
  return body;
}
