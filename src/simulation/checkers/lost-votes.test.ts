import { describe, expect, test } from 'vitest';
import { asReplicaId, asSequence, asView } from '../../base/ids.ts';
import type { Event } from '../../protocol/event.ts';
import type { ViewChangeReason } from '../../protocol/view-change-reason.ts';
import { ScenarioWorld } from '../scenario-world.ts';
import { LostVotesChecker } from './lost-votes.ts';

/** node4 lost its disk, has recovered, and is barred up to view 3; all nodes are in a view. */
class Recovered {
  readonly #nodes = new ScenarioWorld({}).world.nodes;
  readonly #checker = new LostVotesChecker();

  constructor() {
    this.#checker.diskLost(asReplicaId(3));
    this.see({ kind: 'recovered', sequence: asSequence(104), barred: asView(3) });
  }

  see(event: Event): this {
    const [, , , node4] = this.#nodes;
    if (node4 === undefined) throw new Error('four nodes');
    this.#checker.released(node4, { kind: 'event', event });
    return this;
  }

  leave(view: number, reason: ViewChangeReason): this {
    return this.see({ kind: 'view-change-started', view: asView(view), reason });
  }

  enter(view: number): this {
    return this.see({ kind: 'view-entered', view: asView(view), primary: asReplicaId(view % 4) });
  }

  end(): void {
    this.#checker.checkDone(this.#nodes);
  }
}

describe('a replica that has recovered', () => {
  test('has come to a view above those that it is barred from', () => {
    expect(() => new Recovered().leave(4, 'recovery').enter(4).end()).not.toThrow();
    expect(() => new Recovered().enter(3).end()).toThrow('node4 has recovered, and came to no view above 3');
  });

  test('is not back when nobody followed it', () => {
    expect(() => new Recovered().leave(4, 'recovery').end()).toThrow('came to no view above 3');
  });

  // Seed 1034249: a network that held back its NEW-VIEW left it alone in a higher view, where the others had followed it before.
  test('is back when a quorum followed it and its view change only lasted too long', () => {
    expect(() => new Recovered().leave(4, 'recovery').leave(5, 'timeout').end()).not.toThrow();
  });
});
