/** The network between parties: when, and how often, a frame arrives. Links keep their order unless a frame is drawn to be reordered. */
import type { Random } from './random.ts';

/** What a link does to frames. Probabilities 0 … 1, times in µs. */
export interface LinkQuality {
  readonly minDelayUs: number;
  readonly maxDelayUs: number;
  readonly loss: number;
  readonly duplication: number;
  /** A reordered frame takes up to `reorderUs` longer, and others pass it. */
  readonly reordering: number;
  readonly reorderUs: number;
}

export const PERFECT_LINK: LinkQuality = {
  minDelayUs: 200,
  maxDelayUs: 200,
  loss: 0,
  duplication: 0,
  reordering: 0,
  reorderUs: 0,
};

/** Name of a party for the network: `node1`, `client1`. */
export type Address = string;

/** Decides what happens to a frame before it is sent: `drop`, or how it is delayed on top; undefined = as the quality says. */
export type FrameRule = (
  from: Address,
  to: Address,
  frame: Uint8Array,
) => 'drop' | { readonly extraUs: number } | undefined;

/** Owns qualities, cuts and the order of links. Delivers nothing itself: it answers with delays. */
export class Network {
  readonly #random: Random;
  /** What links are like when nothing is wrong. */
  readonly usual: LinkQuality;
  #quality: LinkQuality;
  /** Directed links and single parties that are worse (or better) than the rest. */
  readonly #linkQualities = new Map<string, LinkQuality>();
  readonly #partyQualities = new Map<Address, LinkQuality>();
  readonly #cuts = new Set<string>();
  readonly #lastArrival = new Map<string, number>();
  readonly #rules: FrameRule[] = [];

  constructor(random: Random, quality: LinkQuality) {
    this.#random = random;
    this.usual = quality;
    this.#quality = quality;
  }

  setQuality(quality: LinkQuality): void {
    this.#quality = quality;
  }

  /** All frames to and from `party` fare so; undefined = as everybody's. */
  setPartyQuality(party: Address, quality: LinkQuality | undefined): void {
    if (quality === undefined) this.#partyQualities.delete(party);
    else this.#partyQualities.set(party, quality);
  }

  setLinkQuality(from: Address, to: Address, quality: LinkQuality | undefined): void {
    if (quality === undefined) this.#linkQualities.delete(`${from}>${to}`);
    else this.#linkQualities.set(`${from}>${to}`, quality);
  }

  /** Cuts or mends the link in this direction. */
  setCut(from: Address, to: Address, cut: boolean): void {
    if (cut) this.#cuts.add(`${from}>${to}`);
    else this.#cuts.delete(`${from}>${to}`);
  }

  /** The links that are cut, as (from, to). */
  cuts(): readonly (readonly [Address, Address])[] {
    return [...this.#cuts].map((link): readonly [Address, Address] => {
      const [from = '', to = ''] = link.split('>');
      return [from, to];
    });
  }

  /** Returns what takes the rule away again. */
  addRule(rule: FrameRule): () => void {
    this.#rules.push(rule);
    return () => {
      const at = this.#rules.indexOf(rule);
      if (at >= 0) this.#rules.splice(at, 1);
    };
  }

  /** Everything as good as new: no cuts, no rules, `quality` everywhere. */
  heal(quality: LinkQuality): void {
    this.#quality = quality;
    this.#linkQualities.clear();
    this.#partyQualities.clear();
    this.#cuts.clear();
    this.#rules.length = 0;
  }

  /** The arrival times of a frame sent at `now`: none when it is lost, several when it is duplicated. */
  arrivals(now: number, from: Address, to: Address, frame: Uint8Array): readonly number[] {
    const extraUs = this.#delayByRules(from, to, frame);
    if (extraUs === undefined) return [];
    const link = `${from}>${to}`;
    const quality =
      this.#linkQualities.get(link) ?? this.#partyQualities.get(from) ?? this.#partyQualities.get(to) ?? this.#quality;
    if (this.#random.chance(quality.loss)) return [];
    const first = this.#arrival(now + extraUs, link, quality);
    return this.#random.chance(quality.duplication) ? [first, this.#arrival(now + extraUs, link, quality)] : [first];
  }

  /** The arrival time of a frame that was held back and goes at `now`, behind all before it; undefined when the link is cut. */
  burstArrival(now: number, from: Address, to: Address, frame: Uint8Array): number | undefined {
    const extraUs = this.#delayByRules(from, to, frame);
    if (extraUs === undefined) return undefined;
    const link = `${from}>${to}`;
    const arrival = Math.max(now + extraUs + this.#quality.minDelayUs, this.#lastArrival.get(link) ?? 0);
    this.#lastArrival.set(link, arrival);
    return arrival;
  }

  /** By how much cuts and rules delay a frame, in µs; undefined: for ever. */
  #delayByRules(from: Address, to: Address, frame: Uint8Array): number | undefined {
    if (this.#cuts.size > 0 && this.#cuts.has(`${from}>${to}`)) return undefined;
    let extraUs = 0;
    for (const rule of this.#rules) {
      const verdict = rule(from, to, frame);
      if (verdict === 'drop') return undefined;
      extraUs += verdict?.extraUs ?? 0;
    }
    return extraUs;
  }

  #arrival(now: number, link: string, quality: LinkQuality): number {
    const delay = this.#random.between(quality.minDelayUs, quality.maxDelayUs);
    if (this.#random.chance(quality.reordering)) return now + delay + this.#random.between(0, quality.reorderUs);
    const arrival = Math.max(now + delay, this.#lastArrival.get(link) ?? 0);
    this.#lastArrival.set(link, arrival);
    return arrival;
  }
}
