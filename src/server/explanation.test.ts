import { Compile } from 'typebox/compile';
import { describe, expect, test } from 'vitest';
import { replica, seq } from '../../test/support/core-kit.ts';
import { Rig } from '../../test/support/rig.ts';
import { ExplainBody } from '../api/index.ts';
import { MAX_NUMBER, asSequence, asView } from '../base/ids.ts';
import type { ViewChangeStatus } from '../protocol/status.ts';
import { ageText, explainBody } from './explanation.ts';
import type { ExplainFacts, ReplicaMoment } from './explanation.ts';

const FINE: ExplainFacts = { downLinks: [], stopped: undefined, room: undefined };

function momentOf(rig: Rig): ReplicaMoment {
  const { status, monotonic } = rig;
  const openSlots = rig.replica.slots(asSequence(status.lastExecuted + 1), asSequence(MAX_NUMBER));
  return { nowUs: monotonic, status, waits: rig.replica.waits(), openSlots };
}

function explained(moment: ReplicaMoment, facts: ExplainFacts = FINE): ExplainBody {
  const body = explainBody(moment, facts);
  expect([...Compile(ExplainBody).Errors(body)]).toEqual([]);
  return body;
}

/** A backup that accepted number 1 and heard nobody else, 12 s ago. */
function stuck(): Rig {
  const rig = new Rig();
  rig.receive(rig.kit.prePrepare(1, rig.kit.batchOf('x')));
  rig.monotonic += 12_000_000;
  return rig;
}

const CHANGE: ViewChangeStatus = {
  view: asView(3),
  sinceUs: 0,
  viewChangesFrom: [replica(0), replica(1)],
  seenInView: [replica(0), replica(1)],
  needed: 3,
  timeoutAtUs: undefined,
  decision: undefined,
};

function changing(change: Partial<ViewChangeStatus> = {}): ReplicaMoment {
  const moment = momentOf(stuck());
  const viewChange = { ...CHANGE, sinceUs: moment.nowUs - 12_000_000, ...change };
  return { ...moment, status: { ...moment.status, inViewChange: true, view: viewChange.view, viewChange } };
}

describe('one sentence says what holds everything up', () => {
  test('nothing is open', () => {
    const body = explained(momentOf(new Rig()));
    expect(body).toMatchObject({ waits: [], slots: [], open_slots: 0, view_change: null });
    expect(body.summary).toBe('nothing is open here: nothing waits.');
  });

  test('votes are missing in the lowest open slot', () => {
    const body = explained(momentOf(stuck()));
    expect(body.summary).toBe(
      'sequence 1 waits for PREPAREs (2 needed) from node3, node4, has those of node2, since 12 s.',
    );
    expect(body.slots).toMatchObject([
      {
        sequence: 1,
        phase: 'pre-prepared',
        waiting_for: { what: 'prepares', needed: 2, have: ['node2'], missing: ['node3', 'node4'], since_ms: 12_000 },
      },
    ]);
  });

  test('links are down, too many of them for a quorum', () => {
    const moment = momentOf(stuck());
    const since = (ms: number): number => moment.nowUs - ms * 1000;
    const downLinks = [
      { replica: replica(2), sinceUs: since(12_500) },
      { replica: replica(3), sinceUs: since(200_000) },
    ];
    const body = explained(moment, { ...FINE, downLinks });
    expect(body.summary).toContain('; no link to node3, node4 for 3 min, and a quorum takes 3 nodes.');
    expect(body.waits).toMatchObject([
      { what: 'link', missing: ['node3'], since_ms: 12_500 },
      { what: 'link', missing: ['node4'], since_ms: 200_000 },
    ]);
    const one = explained(
      { ...momentOf(new Rig()), nowUs: moment.nowUs },
      { ...FINE, downLinks: downLinks.slice(0, 1) },
    );
    expect(one.summary).toBe('nothing is open here; no link to node3 for 13 s.');
  });

  test('a view change: whose VIEW-CHANGEs are here, and whose are not', () => {
    const body = explained(changing());
    expect(body.summary).toBe(
      'view change to view 3 since 12 s: VIEW-CHANGEs from node1, node2; 3 needed; nothing from node3, node4.',
    );
    expect(body.view_change).toMatchObject({
      view: 3,
      primary: 'node4',
      since_ms: 12_000,
      needed: 3,
      have: ['node1', 'node2'],
      missing: ['node3', 'node4'],
      seen_in_view: ['node1', 'node2'],
      next_view_in_ms: null,
      decision: null,
    });
  });

  test('a view change at its new primary, and the timer for the next view', () => {
    const timeoutAtUs = momentOf(stuck()).nowUs + 800_000;
    const body = explained(changing({ viewChangesFrom: [], timeoutAtUs, decision: 'the batch ab… of sequence 4' }));
    expect(body.view_change?.next_view_in_ms).toBe(800);
    expect(body.summary).toContain('VIEW-CHANGEs from nobody; 3 needed; nothing from node1, node2, node3, node4');
    expect(body.summary).toContain('; its primary decides and waits for the batch ab… of sequence 4.');
  });

  test('a replica that has stopped comes before all else', () => {
    const body = explained(changing(), { ...FINE, stopped: 'its disk failed' });
    expect(body.summary).toBe('this node waits for a restart of this node: its disk failed.');
  });

  test('many open slots: the lowest are told, and how many there are', () => {
    const rig = new Rig({ cluster: { checkpointInterval: 128 } });
    const digest = rig.kit.digestOfBatch(rig.kit.batchOf('x'));
    for (let number = 1; number <= 100; number += 1) rig.receive(rig.kit.prepare(3, number, digest));
    const body = explained(momentOf(rig));
    expect(body.open_slots).toBe(100);
    expect(body.slots.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 64 }, (_, index) => index + 1));
    expect(body.slots[0]?.waiting_for.missing).toEqual(['node1']);
  });

  test('requests that no batch has', () => {
    const rig = new Rig();
    rig.requests([rig.kit.signed('x')]);
    rig.monotonic += 1_500_000;
    expect(explained(momentOf(rig)).summary).toBe(
      'this node waits for a batch of node1 with 1 waiting requests, since 1.5 s.',
    );
  });

  test('a slot that is out of order waits for the one before it', () => {
    const rig = new Rig();
    rig.decide(2, rig.kit.batchOf('x'));
    const [slot] = explained(momentOf(rig)).slots;
    expect(slot).toMatchObject({ sequence: 2, waiting_for: { what: 'earlier-slot', sequence: seq(1) } });
  });
});

test.each([
  [0, '0.0 s'],
  [449, '0.4 s'],
  [9_999, '10.0 s'],
  [10_000, '10 s'],
  [119_499, '119 s'],
  [120_000, '2 min'],
])('%i ms is told as %s', (ms, text) => {
  expect(ageText(ms)).toBe(text);
});
