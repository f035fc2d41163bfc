/** A node of a scene that a test makes lie by hand: what it says is sealed with its own key, goes over the wire and through the others' intake. */
import { asReplicaId, asView } from '../../src/base/ids.ts';
import type { Bytes } from '../../src/base/bytes.ts';
import { blankViewChange, newViewFromNothing } from '../../src/byzantine/view-change-lies.ts';
import { newViewBytes, viewChangeBytes } from '../../src/messages/index.ts';
import type { Message } from '../../src/messages/index.ts';
import type { Authenticator, Party } from '../../src/protocol/ports.ts';
import { Sealer } from '../../src/protocol/seal.ts';
import type { SimulatedNode } from '../../src/simulation/node.ts';
import type { ScenarioWorld } from '../../src/simulation/scenario-world.ts';

export class Voice {
  readonly #scene: ScenarioWorld;
  readonly #node: SimulatedNode;
  readonly #authenticator: Authenticator;
  readonly #sealer: Sealer;

  /** node`index` counts as a liar from now on. */
  constructor(scene: ScenarioWorld, index: number) {
    const { world } = scene;
    this.#scene = scene;
    this.#node = scene.node(index);
    this.#node.isCorrect = false;
    this.#authenticator = world.authority.authenticator({ kind: 'replica', replica: this.#node.id });
    this.#sealer = new Sealer(world.cluster, this.#authenticator);
  }

  /** `to`: indexes of nodes, from 1. */
  say(to: readonly number[], message: Message, signature?: Bytes): void {
    const { world } = this.#scene;
    const from: Party = { kind: 'replica', replica: this.#node.id };
    const parties = to.map((index): Party => ({ kind: 'replica', replica: asReplicaId(index - 1) }));
    for (const [place, frame] of this.#sealer.seal(message, parties, signature).entries()) {
      const party = parties[place];
      if (frame !== undefined && party !== undefined) world.transmit(from, party, frame);
    }
  }

  /** VIEW-CHANGE of one that has done nothing. */
  leave(to: readonly number[], view: number): void {
    const message = blankViewChange(this.#node.id, asView(view));
    this.say(to, message, this.#authenticator.sign(viewChangeBytes(this.#scene.world.codec, message)));
  }

  /** NEW-VIEW that rests on no VIEW-CHANGE. Requires: it is the primary of that view. */
  begin(to: readonly number[], view: number): void {
    const message = newViewFromNothing(asView(view));
    this.say(to, message, this.#authenticator.sign(newViewBytes(this.#scene.world.codec, message)));
  }
}
