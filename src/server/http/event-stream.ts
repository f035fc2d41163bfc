/** `GET /pbft/events`: one response that does not end. The route owns the response; what is written to it comes from the node. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ServerResponse } from 'node:http';
import { apiError, ErrorBody, EventsQuery, STREAM_EVENT_KINDS, StreamEvent } from '../../api/index.ts';
import type { StreamEventKind } from '../../api/index.ts';
import type { EventSink } from '../events/consumer.ts';
import { Refused } from './refused.ts';
import type { Http } from './routes.ts';
import type { NodeService } from './service.ts';

export function addEventRoutes(http: Http, node: Pick<NodeService, 'listen'>): void {
  http.get(
    '/pbft/events',
    {
      // A HEAD that never ends would help nobody.
      exposeHeadRoute: false,
      // Whoever comes back may be sent a mebibyte at once: dear in a loop, nothing to a page that comes back once a second.
      config: { isStream: true, cost: 200 },
      schema: {
        tags: ['pbft'],
        summary:
          'What happens, as server-sent events; each `data:` is one event. Resumes after the header Last-Event-ID',
        querystring: EventsQuery,
        produces: ['text/event-stream'],
        response: { 200: StreamEvent, '4xx': ErrorBody, '5xx': ErrorBody },
      },
    },
    (request, reply) => {
      answer(node, { request, reply, kinds: kindsOf(request.query.kinds) });
    },
  );
}

interface Asked {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly kinds: ReadonlySet<StreamEventKind> | undefined;
}

function answer(node: Pick<NodeService, 'listen'>, { request, reply, kinds }: Asked): void {
  const { raw } = reply;
  const lastEventId = request.headers['last-event-id'];
  const listening = node.listen({
    kinds,
    lastEventId: typeof lastEventId === 'string' && lastEventId !== '' ? lastEventId : undefined,
    sink: responseSink(reply),
  });
  if (!listening.ok) throw new Refused(listening.error);
  raw.once('close', listening.value);
  // Who reads may go at any time: that is what `close` is for.
  raw.on('error', () => undefined);
  reply.hijack();
}

/** Writes the head with the first bytes: until then the request can still be refused. */
function responseSink(reply: FastifyReply): EventSink {
  const raw: ServerResponse = reply.raw;
  return {
    write(bytes) {
      if (!raw.headersSent) {
        for (const [name, value] of Object.entries({ ...reply.getHeaders(), ...STREAM_HEADERS }))
          if (value !== undefined) raw.setHeader(name, value);
        raw.writeHead(200);
      }
      raw.write(bytes);
    },
    get waitingBytes() {
      return raw.writableLength;
    },
    end: () => void raw.end(),
    cut: () => void raw.destroy(),
  };
}

/** The second: a proxy that gathers answers would gather this one for ever. */
const STREAM_HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' };

function kindsOf(list: string | undefined): ReadonlySet<StreamEventKind> | undefined {
  if (list === undefined) return undefined;
  const named = list.split(',').filter((name) => name !== '');
  const known = named.filter((name): name is StreamEventKind =>
    (STREAM_EVENT_KINDS as readonly string[]).includes(name),
  );
  if (known.length < named.length || known.length === 0)
    throw new Refused(
      apiError('invalid_request', undefined, {
        problems: [
          {
            in: 'querystring',
            field: 'kinds',
            problem: 'names a kind of event that there is not',
            allowed: STREAM_EVENT_KINDS,
          },
        ],
      }),
    );
  return new Set(known);
}
