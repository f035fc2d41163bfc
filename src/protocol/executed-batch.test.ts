import { expect, test } from 'vitest';
import { CoreKit, seq } from '../../test/support/core-kit.ts';
import { asView } from '../base/ids.ts';
import { DigestList } from '../messages/index.ts';
import type { Outcome } from './event.ts';
import { ExecutedBatch, Outcomes } from './executed-batch.ts';

function outcomesOf(...added: readonly Outcome[]): Outcomes {
  const outcomes = new Outcomes();
  for (const outcome of added) outcomes.add(outcome);
  return outcomes;
}

test('outcomes are one where all are the same, else one for each', () => {
  expect([outcomesOf().list, outcomesOf().count]).toEqual([[], 0]);
  expect(outcomesOf('executed', 'executed').list).toBe('executed');
  const mixed = outcomesOf('executed', 'executed', 'ignored', 'executed');
  expect([mixed.list, mixed.count]).toEqual([['executed', 'executed', 'ignored', 'executed'], 4]);
});

test('the event tells each request with its outcome, and makes the list once', () => {
  const kit = new CoreKit({});
  const batch = kit.batch([kit.signed('x'), kit.signed('y', { timestamp: 2 })]);
  const { requests } = batch;
  const place = { view: asView(2), sequence: seq(3), digest: kit.digestOfBatch(batch), timestamp: 4, operations: 1 };
  const digests = DigestList.ofRequests(requests);
  const outcomes = outcomesOf(...requests.map((_, index) => (index === 0 ? 'executed' : 'repeated')));
  const event = new ExecutedBatch({ ...place, digests }, batch, outcomes);
  expect(event).toMatchObject({ kind: 'executed', ...place, digests, count: requests.length });
  expect(event.requests).toEqual(
    requests.map(({ request, digest }, index) => ({
      client: request.client,
      session: request.session,
      timestamp: request.timestamp,
      requestDigest: digest,
      outcome: index === 0 ? 'executed' : 'repeated',
    })),
  );
  expect(event.requests).toBe(event.requests);
});

test('the null batch has no requests', () => {
  const kit = new CoreKit({});
  const place = {
    view: asView(0),
    sequence: seq(1),
    digest: kit.digestOfBatch(kit.batchOf('x')),
    timestamp: 0,
    operations: 0,
  };
  const event = new ExecutedBatch({ ...place, digests: DigestList.of([]) }, undefined, new Outcomes());
  expect([event.requests, event.count, event.outcomes]).toEqual([[], 0, []]);
});
