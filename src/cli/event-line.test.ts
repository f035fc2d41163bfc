import { describe, expect, test } from 'vitest';
import { STREAM_EVENTS } from '../api/index.ts';
import type { StreamEvent } from '../api/index.ts';
import { eventLine } from './event-line.ts';

const DIGEST = '3f9ac210aa'.padEnd(64, '0');
const AT_US = new Date(2026, 4, 1, 9, 3, 5, 42).getTime() * 1000 + 7;
const HEAD = { id: '0badcafe-7', node: 'node2', at_us: AT_US };

/** What stands behind time, node and kind. */
const told = (event: object): string => eventLine({ ...HEAD, ...event } as StreamEvent).slice(43);

describe('eventLine', () => {
  test('begins with local time, node and kind', () => {
    const line = eventLine({ ...HEAD, kind: 'prepared', view: 1, sequence: 17, digest: DIGEST });
    expect(line).toBe('09:03:05.042007 node2 prepared             number 17 in view 1, batch 3f9ac210aa');
  });

  test.each<[object, string]>([
    [{ kind: 'lost', count: 12 }, '12 events are missing here'],
    [{ kind: 'view-change-started', view: 3, reason: 'timeout' }, 'for view 3: timeout'],
    [
      {
        kind: 'message-sent',
        to: 'node3',
        message: { type: 'pre-prepare', id: '', view: 0, sequence: 4, digest: DIGEST, requests: 1, size_bytes: 99 },
      },
      'to node3: PRE-PREPARE view 0 number 4 3f9ac210aa 1 request, 99 bytes',
    ],
    [
      {
        kind: 'message-received',
        from: 'client:0a1b2c3d',
        message: { type: 'requests', id: '', view: null, sequence: null, digest: null, requests: 8, size_bytes: 900 },
      },
      'from client:0a1b2c3d: REQUESTS 8 requests, 900 bytes',
    ],
    [
      {
        kind: 'suspicion',
        suspicion: {
          node_id: 'node4',
          kind: 'equivocation',
          certainty: 'certain',
          view: 0,
          sequence: 3,
          first_seen_ms: 1,
          last_seen_ms: 1,
          count: 2,
          evidence: 'two batches',
        },
      },
      'node4: equivocation, certain, view 0, number 3 (2 times): two batches',
    ],
    [{ kind: 'transferred', sequence: 8, root: DIGEST, size_bytes: 5 }, `sequence 8, root ${DIGEST}, size bytes 5`],
    [{ kind: 'recovery-started', mark: null }, 'mark null'],
    [{ kind: 'behaviour', behaviour: null }, 'correct again'],
    [{ kind: 'a-kind-of-tomorrow', so: ['new'] }, 'so ["new"]'],
  ])('says of %j what it is about', (event, line) => {
    expect(told(event)).toBe(line);
  });

  test('leaves no kind without words', () => {
    for (const { properties } of STREAM_EVENTS) {
      const kind = properties.kind.const;
      const fields = {
        view: 1,
        sequence: 2,
        digest: DIGEST,
        root: DIGEST,
        request_digest: DIGEST,
        claims: [],
        nodes: [],
      };
      const message = { type: 'status', view: null, sequence: null, digest: null, requests: null, size_bytes: 1 };
      expect(told({ kind, ...fields, message, suspicion: { node_id: 'node1' } })).not.toBe('');
    }
  });
});
