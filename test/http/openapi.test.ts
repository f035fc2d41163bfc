/** The description of the API is complete, and what nodes answer is what it says. */
import { Compile } from 'typebox/compile';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  BehavioursBody,
  ClusterBody,
  ErrorBody,
  ExplainBody,
  HealthBody,
  LogBody,
  ReadyBody,
  StateValueBody,
  StatusBody,
  SuspicionsBody,
} from '../../src/api/index.ts';
import { TestCluster } from '../support/nodes.ts';

interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly summary?: string; readonly responses?: object }>>>
  >;
}

describe('/openapi.json', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await TestCluster.start({ nodes: 1 });
  });
  afterAll(async () => cluster.end());

  it('describes every endpoint with a summary and its answers', async () => {
    const { status, json } = await cluster.get('node1', '/openapi.json');
    const { openapi, paths } = json as OpenApi;
    expect([status, openapi]).toEqual([200, '3.1.0']);
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
    );
    expect(operations.map(({ name }) => name).toSorted()).toEqual([
      'get /healthz',
      'get /metrics',
      'get /pbft/behaviours',
      'get /pbft/cluster',
      'get /pbft/events',
      'get /pbft/explain',
      'get /pbft/lab',
      'get /pbft/log',
      'get /pbft/requests/{id}',
      'get /pbft/state/{key}',
      'get /pbft/status',
      'get /pbft/suspicions',
      'get /readyz',
      'post /pbft/lab/links',
      'post /pbft/lab/nodes/{id}',
      'post /pbft/message',
      'post /pbft/request',
      'post /pbft/simulate-byzantine',
    ]);
    for (const { operation } of operations) {
      expect(operation.summary).toMatch(/./);
      expect(Object.keys(operation.responses ?? {})).not.toEqual([]);
    }
  });

  it.each([
    ['/pbft/status', StatusBody],
    ['/healthz', HealthBody],
    ['/readyz', ReadyBody],
    ['/pbft/behaviours', BehavioursBody],
    ['/pbft/cluster', ClusterBody],
    ['/pbft/log?messages=true', LogBody],
    ['/pbft/suspicions', SuspicionsBody],
    ['/pbft/explain', ExplainBody],
    ['/pbft/state/treasury', StateValueBody],
    ['/pbft/requests/x', ErrorBody],
  ])('%s answers by its schema', async (path, schema) => {
    const { json } = await cluster.get('node1', path);
    expect([...Compile(schema).Errors(json)]).toEqual([]);
  });

  it('metrics are Prometheus text, with every kind that an operator asks for', async () => {
    await cluster.execute('node1', { operation: 'transfer', amount: 1 });
    const { text, headers } = await cluster.get('node1', '/metrics');
    expect(headers.get('content-type')).toContain('text/plain');
    for (const name of [
      'pbft_executed_requests_total',
      'pbft_slots_total',
      'pbft_view_number',
      'pbft_refused_messages_total',
      'pbft_queued_requests',
      'pbft_log_syncs_total',
      'pbft_link_dropped_frames_total',
    ]) {
      expect(text).toContain(`# TYPE ${name} `);
    }
  });
});
