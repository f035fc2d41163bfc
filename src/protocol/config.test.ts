import { describe, expect, test } from 'vitest';
import { CoreKit, replica } from '../../test/support/core-kit.ts';
import { LIMITS } from '../messages/index.ts';
import { validateReplicaConfig, windowSize } from './config.ts';
import type { ReplicaConfig } from './config.ts';

const { cluster, tuning } = new CoreKit();
const good: ReplicaConfig = { self: replica(1), cluster, tuning };
const pathsOf = (config: ReplicaConfig): readonly string[] => validateReplicaConfig(config).map(({ path }) => path);

test('a usable configuration has no problems', () => {
  expect(validateReplicaConfig(good)).toEqual([]);
  expect(windowSize(cluster)).toBe(8);
});

describe('each field out of its range is named, with what is allowed', () => {
  test.each([
    ['cluster.replicaCount', { ...good, cluster: { ...cluster, replicaCount: 32 } }],
    ['cluster.replicaCount', { ...good, cluster: { ...cluster, replicaCount: 4.5 } }],
    ['self', { ...good, self: replica(4) }],
    ['cluster.checkpointInterval', { ...good, cluster: { ...cluster, checkpointInterval: LIMITS.windowSlots } }],
    ['storedReplyBytes', { ...good, cluster: { ...cluster, storedReplyBytes: LIMITS.resultBytes + 1 } }],
    ['sessionsPerClient', { ...good, cluster: { ...cluster, sessionsPerClient: 0 } }],
    ['idempotencyKeys', { ...good, cluster: { ...cluster, idempotencyKeys: -1 } }],
    ['sessionHorizonUs', { ...good, cluster: { ...cluster, sessionHorizonUs: 1.5 } }],
    ['openClientLimit', { ...good, cluster: { ...cluster, openClientLimit: Number.NaN } }],
    ['requestTimeoutUs', { ...good, tuning: { ...tuning, requestTimeoutUs: 0 } }],
    ['clockSkewMs', { ...good, tuning: { ...tuning, clockSkewMs: 0.5 } }],
    ['tuning.batchRequests', { ...good, tuning: { ...tuning, batchRequests: LIMITS.requestsPerBatch + 1 } }],
    ['tuning.batchBytes', { ...good, tuning: { ...tuning, batchBytes: LIMITS.batchBytes } }],
    ['tuning.pipeline', { ...good, tuning: { ...tuning, pipeline: 9 } }],
  ])('%s', (path, config) => {
    expect(pathsOf(config)).toEqual([path]);
    expect(validateReplicaConfig(config)[0]?.allowed).toMatch(/./);
  });
});

test('all problems at once, not only the first', () => {
  const config: ReplicaConfig = {
    self: replica(9),
    cluster: { ...cluster, checkpointInterval: 0, idempotencyKeys: 0 },
    tuning: { ...tuning, statusIntervalUs: 0 },
  };
  expect(pathsOf(config).toSorted()).toEqual(
    ['cluster.checkpointInterval', 'idempotencyKeys', 'self', 'statusIntervalUs', 'tuning.pipeline'].toSorted(),
  );
});
