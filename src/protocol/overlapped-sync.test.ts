import { describe, expect, test } from 'vitest';
import { BOB, seq } from '../../test/support/core-kit.ts';
import { Rig } from '../../test/support/rig.ts';
import type { RigOptions } from '../../test/support/rig.ts';
import { eventsOfKind, recordLine, refusalsOf, sentOf, suspicionsOf } from '../../test/support/transcript.ts';
import { newViewOf, preparedAt, viewChangeOf } from '../../test/support/view-messages.ts';
import type { Output } from './output.ts';

const rigOf = ({ cluster, ...options }: RigOptions = {}): Rig =>
  new Rig({ ...options, cluster: { overlappedSync: true, ...cluster } });

/** What is written down and what is sent, in order. */
const orderOf = (outputs: readonly Output[]): readonly string[] =>
  outputs.flatMap((output) => {
    if (output.kind === 'persist') return [`write ${recordLine(output.record).split(' ').slice(0, 3).join(' ')}`];
    return output.kind === 'send' ? [`send ${output.message.type}`] : [];
  });
const typesOf = (outputs: readonly Output[]): readonly string[] => sentOf(outputs).map(({ type }) => type);

describe('a primary', () => {
  test('proposes before its vote is on disk, and sends PREPARE when it is; once in a view it writes down that it proposes there', () => {
    const rig = rigOf({ self: 0 });
    expect(orderOf(rig.requests([rig.kit.signed('x')]))).toEqual([
      'write proposes v0',
      'send pre-prepare',
      'write accepted v0 n1',
      'send prepare',
    ]);
    expect(orderOf(rig.requests([rig.kit.signed('y', { client: BOB })], BOB))).toEqual([
      'send pre-prepare',
      'write accepted v0 n2',
      'send prepare',
    ]);
  });

  test('needs two PREPAREs besides its own', () => {
    const rig = rigOf({ self: 0 });
    const request = rig.kit.signed('x');
    rig.requests([request]);
    const digest = rig.kit.digestOfBatch(rig.kit.batch([request]));
    expect(typesOf(rig.receive(rig.kit.prepare(1, 1, digest)))).toEqual([]);
    expect(typesOf(rig.receive(rig.kit.prepare(2, 1, digest)))).toEqual(['commit']);
  });

  test('sends PREPARE for what its NEW-VIEW chose as well', () => {
    const rig = rigOf({ self: 2 });
    const batch = rig.kit.batchOf('x');
    rig.receive(rig.kit.prePrepare(1, batch));
    const claims = [0, 1, 3].map((from) => viewChangeOf(rig.kit, from, 2, preparedAt(1, rig.kit.digestOfBatch(batch))));
    const outputs = claims.flatMap(({ viewChange, signature }) => rig.receive(viewChange, { signature }));
    expect(rig.status.view).toBe(2);
    expect(typesOf(outputs)).toContain('new-view');
    expect(sentOf(outputs)).toContainEqual(
      expect.objectContaining({ type: 'prepare', view: 2, sequence: 1, replica: 2 }),
    );
  });

  test('that starts again where it has proposed leaves the view, and proposes nothing there', () => {
    const rig = rigOf({ self: 0 });
    // The power goes when the PRE-PREPARE has left and before anything of it is on disk.
    const [proposes] = rig
      .requests([rig.kit.signed('x')])
      .flatMap((output) => (output.kind === 'persist' ? [output.record] : []));
    if (proposes === undefined) throw new Error('nothing was written down');
    const again = rig.restarted([proposes]);
    expect(eventsOfKind(again.started, 'view-change-started')).toMatchObject([{ view: 1, reason: 'restart' }]);
    expect(typesOf(again.requests([again.kit.signed('y', { client: BOB })], BOB))).not.toContain('pre-prepare');
  });

  test('that starts again where it has proposed nothing may', () => {
    const again = rigOf({ self: 0 }).restarted();
    expect(again.status.inViewChange).toBe(false);
    expect(typesOf(again.requests([again.kit.signed('x')]))).toContain('pre-prepare');
  });

  test('knows it after the log was rewritten, too', () => {
    const rig = rigOf({ self: 0 });
    rig.requests([rig.kit.signed('x')]);
    const again = rig.restarted(rig.replica.records());
    expect(again.status.inViewChange).toBe(true);
  });
});

describe('a backup', () => {
  test('counts the PREPARE of the primary, and not its PRE-PREPARE', () => {
    const rig = rigOf();
    const batch = rig.kit.batchOf('x');
    const digest = rig.kit.digestOfBatch(batch);
    expect(typesOf(rig.receive(rig.kit.prePrepare(1, batch)))).toEqual(['prepare']);
    expect(typesOf(rig.receive(rig.kit.prepare(2, 1, digest)))).toEqual([]);
    expect(rig.replica.slots(seq(1), seq(1))[0]?.waitingFor).toMatchObject({
      what: 'prepares',
      needed: 3,
      missing: [0, 3],
    });
    expect(typesOf(rig.receive(rig.kit.prepare(0, 1, digest)))).toEqual(['commit']);
  });

  test('is certain of a primary whose PREPARE is not for what it proposed, and leaves the view', () => {
    const rig = rigOf();
    rig.receive(rig.kit.prePrepare(1, rig.kit.batchOf('x')));
    const outputs = rig.receive(rig.kit.prepare(0, 1, rig.kit.digestOfBatch(rig.kit.batchOf('other'))));
    expect(suspicionsOf(outputs)).toEqual(['certain equivocation node1 v0 n1']);
    expect(rig.status).toMatchObject({ view: 1, inViewChange: true });
  });

  test('follows a primary that has left its view, and nobody else alone', () => {
    const rig = rigOf();
    const claim = (from: number): Parameters<Rig['receive']> => {
      const { viewChange, signature } = viewChangeOf(rig.kit, from, 1);
      return [viewChange, { signature }];
    };
    rig.receive(...claim(2));
    expect(rig.status.view).toBe(0);
    expect(eventsOfKind(rig.receive(...claim(0)), 'view-change-started')).toMatchObject([
      { view: 1, reason: 'joined' },
    ]);
  });

  test('that starts again in that view stays there', () => {
    const rig = rigOf();
    rig.receive(rig.kit.prePrepare(1, rig.kit.batchOf('x')));
    expect(rig.restarted().status.inViewChange).toBe(false);
  });

  test('follows a NEW-VIEW whose primary votes by PREPARE', () => {
    const rig = rigOf({ self: 3 });
    const batch = rig.kit.batchOf('x');
    const digest = rig.kit.digestOfBatch(batch);
    rig.receive(rig.kit.prePrepare(1, batch));
    const { newView, signature } = newViewOf(
      rig.kit,
      2,
      [0, 1, 2].map((from) => viewChangeOf(rig.kit, from, 2, preparedAt(1, digest))),
    );
    rig.receive(newView, { signature });
    expect(typesOf(rig.receive(rig.kit.prepare(0, 1, digest, 2)))).toEqual([]);
    expect(typesOf(rig.receive(rig.kit.prepare(2, 1, digest, 2)))).toEqual(['commit']);
  });
});

describe('without the switch, and where no fault is borne', () => {
  test.each<readonly [string, RigOptions]>([
    ['off', { cluster: { overlappedSync: false } }],
    ['three nodes', { n: 3 }],
  ])('%s: the vote is on disk before PRE-PREPARE leaves, and a PREPARE of the primary is none', (_, options) => {
    const primary = rigOf({ ...options, self: 0 });
    expect(orderOf(primary.requests([primary.kit.signed('x')]))).toEqual(['write accepted v0 n1', 'send pre-prepare']);
    const backup = rigOf(options);
    const batch = backup.kit.batchOf('x');
    backup.receive(backup.kit.prePrepare(1, batch));
    expect(refusalsOf(backup.receive(backup.kit.prepare(0, 1, backup.kit.digestOfBatch(batch))))).toEqual([
      'prepare not-from-primary',
    ]);
  });
});
