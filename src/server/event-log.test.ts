import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { asReplicaId, asSequence, asView } from '../base/ids.ts';
import type { Event } from '../protocol/event.ts';
import { EventLog } from './event-log.ts';

function setUp() {
  const lines: Readonly<Record<string, unknown>>[] = [];
  const logger = pino(
    { base: null },
    { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
  const clock = { nowMs: 0 };
  return { lines, clock, log: new EventLog(logger, () => clock.nowMs) };
}

const suspicion: Event = {
  kind: 'suspicion',
  suspicion: {
    node: asReplicaId(1),
    kind: 'false-vote',
    certainty: 'certain',
    view: asView(0),
    sequence: asSequence(4),
    firstSeenMs: 0,
    lastSeenMs: 0,
    count: 1,
    evidence: { summary: 'it voted for what nobody prepared', frames: [] },
  },
};

describe('EventLog', () => {
  it('warns of a suspicion with node, kind, view, sequence and evidence', () => {
    const { lines, log } = setUp();
    log.onEvent(suspicion);
    expect(lines).toMatchObject([
      {
        level: 40,
        node: 'node2',
        kind: 'false-vote',
        view: 0,
        sequence: 4,
        evidence: 'it voted for what nobody prepared',
        msg: 'suspicion',
      },
    ]);
  });

  it('tells a repeated warning once a minute, with how many were left out', () => {
    const { lines, log, clock } = setUp();
    for (let i = 0; i < 100; i += 1) log.onEvent(suspicion);
    expect(lines).toHaveLength(1);
    clock.nowMs = 61_000;
    log.onEvent(suspicion);
    expect(lines[1]).toMatchObject({ suppressed: 99 });
  });

  it('remembers no more kinds of warnings than it may', () => {
    const { lines, log } = setUp();
    for (let i = 0; i < 5000; i += 1) log.warnSparsely(`key ${i}`, {}, 'x');
    expect(lines).toHaveLength(5000);
    log.warnSparsely('key 4999', {}, 'x');
    expect(lines).toHaveLength(5000);
  });

  it('keeps what happens per message out of the log unless debug is on', () => {
    const { lines, log } = setUp();
    log.onEvent({ kind: 'refused', type: 'frame', from: asReplicaId(1), code: 'malformed' });
    log.onEvent({ kind: 'resent', to: asReplicaId(1), messages: 3 });
    expect(lines).toEqual([]);
  });
});
