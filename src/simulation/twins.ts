/**
 * Twins: a Byzantine replica that is two correct instances with one identity and one key, each with its own disk and state, each in touch with
 * a part of the others. What they say together no single correct node would say. [Bano et al., "Twins", OPODIS 2021]
 */
import type { ClientId, ReplicaId } from '../base/ids.ts';
import type { Party } from '../protocol/ports.ts';
import type { Random } from './random.ts';

/** Which of the two instances somebody talks to, and hears; `same`: another twin, first with first and second with second. */
export type TwinSide = 'first' | 'second' | 'both' | 'same';
export type TwinSplit = (party: Party) => TwinSide;

/** Shares of the sides for one period of a split, in percent for `first` and `second`; the rest talks to both. */
const SHARES: readonly (readonly [number, number])[] = [
  [50, 50],
  [40, 40],
  [70, 30],
  [30, 70],
  [100, 0],
];

/** Owns who is on which side. A party is put on one when it first says something in a period. */
export class ChangingSplit {
  readonly #random: Random;
  readonly #sides = new Map<ReplicaId | ClientId, TwinSide>();
  #shares: readonly [number, number] = [50, 50];

  constructor(random: Random) {
    this.#random = random;
  }

  readonly sideOf: TwinSplit = (party) => {
    const name = party.kind === 'replica' ? party.replica : party.client;
    let side = this.#sides.get(name);
    if (side === undefined) {
      const [first, second] = this.#shares;
      const draw = this.#random.between(0, 99);
      side = draw < first ? 'first' : draw < first + second ? 'second' : 'both';
      this.#sides.set(name, side);
    }
    return side;
  };

  /** A new period begins: everybody may come to be on another side. */
  change(): void {
    this.#sides.clear();
    this.#shares = this.#random.pick(SHARES);
  }
}
