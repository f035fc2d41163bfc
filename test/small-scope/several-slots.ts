/**
 * Random runs of an abstract model of the protocol: up to three sequence numbers in a window of two, a checkpoint at each, and any number of
 * replicas. Each view starts from what `checkChoice` accepts for some VIEW-CHANGEs, up to two choices at once if its primary lies; nothing here
 * knows the rules of the decision. As in one-slot.ts, every primary is taken to lie, and runs are in order view by view; but VIEW-CHANGEs may be
 * older than the checkpoints taken since.
 */
import { NULL_DIGEST, asDigest, asReplicaId, asSequence, asView } from '../../src/base/ids.ts';
import type { Digest } from '../../src/base/ids.ts';
import { checkChoice, decide } from '../../src/protocol/decision.ts';
import type { NewViewChoice } from '../../src/protocol/decision.ts';
import type { Quorums } from '../../src/protocol/quorum.ts';
import { validateClaims } from '../../src/protocol/view-change-claims.ts';
import type { ClaimedSlot, ViewChangeClaims } from '../../src/protocol/view-change-claims.ts';
import type { Random } from '../../src/simulation/random.ts';
import { A, B, entry } from '../support/view-change-kit.ts';

/** Ascending, as Q lists them. */
const DIGESTS: readonly Digest[] = [NULL_DIGEST, A, B];
const NUMBERS: readonly number[] = [1, 2, 3];
const WINDOW = 2;
const VIEWS = 4;
const LIMITS = { window: WINDOW, digestsPerSlot: 2 };

/** What happened in some run: a batch of runs in which one of these never did shows nothing. */
export type Happening =
  | 'several choices at once'
  | 'choice of what committed'
  | 'null chosen below something prepared'
  | 'start proven'
  | 'start listed'
  | 'decision waits'
  | 'number not covered';

class Replica {
  /** Its stable checkpoint. */
  low = 0;
  readonly executed: Digest[] = [];
  readonly announced = new Set<number>();
  readonly prepared = new Map<number, ClaimedSlot>();
  readonly prePrepared = new Map<number, Map<Digest, number>>();

  accept(sequence: number, digest: Digest, view: number): void {
    const views = this.prePrepared.get(sequence) ?? new Map<Digest, number>();
    this.prePrepared.set(sequence, views.set(digest, view));
  }

  /** The checkpoint at `sequence` is stable: what lies at or below goes. */
  collect(sequence: number): void {
    this.low = Math.max(this.low, sequence);
    for (const number of NUMBERS.filter((other) => other <= this.low)) {
      this.announced.delete(number);
      this.prepared.delete(number);
      this.prePrepared.delete(number);
    }
  }
}

/** How a replica may be shown the start of a view: the choice, and the highest stable checkpoint proven with it. */
interface Opening {
  readonly choice: NewViewChoice;
  readonly proven: number;
}

export class Run {
  readonly happened = new Set<Happening>();
  readonly #random: Random;
  readonly #quorums: Quorums;
  readonly #correct: readonly Replica[];
  /** Per number, what may have committed in any view. */
  readonly #committed = new Map<number, Set<Digest>>();
  /** Per number, which correct replicas have sent CHECKPOINT. */
  readonly #announcers = new Map<number, Set<Replica>>();

  constructor(random: Random, quorums: Quorums) {
    this.#random = random;
    this.#quorums = quorums;
    const correct = quorums.replicaCount - quorums.faultLimit;
    this.#correct = Array.from({ length: correct }, () => new Replica());
  }

  /** What went wrong, or undefined. */
  violation(): string | undefined {
    let claims: readonly ViewChangeClaims[] = [];
    for (let view = 0; view < VIEWS; view += 1) {
      const openings = view === 0 ? [this.#genesis()] : this.#openings(claims, view);
      const unsafe = openings.map(({ choice }) => this.#contradiction(choice)).find((found) => found !== undefined);
      if (unsafe !== undefined) return `view ${view}: ${unsafe} ${JSON.stringify(claims)}`;
      this.#runView(view, openings);
      const early = this.#correct.map((_, index) => this.#claimsOf(index));
      this.#executeAndCollect();
      claims = early.map((before, index) => (this.#random.chance(0.5) ? before : this.#claimsOf(index)));
      const stuck = this.#stuck(claims, view + 1);
      if (stuck !== undefined) return `view ${view + 1}: ${stuck} ${JSON.stringify(claims)}`;
    }
    return undefined;
  }

  #genesis(): Opening {
    return { choice: { start: { sequence: asSequence(0), root: NULL_DIGEST }, slots: [] }, proven: 0 };
  }

  /** Agreement, between what may have committed and what the view starts with. */
  #contradiction({ start, slots }: NewViewChoice): string | undefined {
    if (start.root !== this.#rootAt(start.sequence)) return `start ${start.sequence} is not what committed`;
    const chosen = new Map<number, Digest>(slots.map(({ sequence, digest }) => [sequence, digest]));
    for (const number of NUMBERS.filter((other) => other > start.sequence)) {
      const committed = this.#committed.get(number) ?? new Set();
      const digest = chosen.get(number);
      if (committed.size > 1) return `two digests committed at ${number}`;
      if (committed.size === 1 && (digest === undefined || !committed.has(digest))) {
        return `${digest ?? 'nothing'} chosen at ${number} instead of what committed`;
      }
      if (committed.size === 1) this.happened.add('choice of what committed');
      else if (digest === NULL_DIGEST) this.happened.add('null chosen below something prepared');
      if (digest === undefined) this.happened.add('number not covered');
    }
    return undefined;
  }

  /** The root of the state after what committed up to `number`; undefined where something is missing. */
  #rootAt(number: number): Digest | undefined {
    const history = NUMBERS.slice(0, number).map((other) => [...(this.#committed.get(other) ?? [])]);
    if (history.some(({ length }) => length !== 1)) return undefined;
    if (number === 0) return NULL_DIGEST;
    return asDigest(
      `c${history.map(([digest]) => DIGESTS.findIndex((other) => other === digest)).join('')}`.padEnd(64, '0'),
    );
  }

  #claimsOf(index: number): ViewChangeClaims {
    const replica = this.#correct[index] ?? new Replica();
    const window = NUMBERS.filter((number) => number > replica.low && number <= replica.low + WINDOW);
    return {
      replica: asReplicaId(index),
      lowWaterMark: asSequence(replica.low),
      root: this.#rootAt(replica.low) ?? NULL_DIGEST,
      checkpoints: window
        .filter((number) => replica.announced.has(number))
        .map((number) => ({ sequence: asSequence(number), root: this.#rootAt(number) ?? NULL_DIGEST })),
      prepared: window.flatMap((number) => replica.prepared.get(number) ?? []),
      prePrepared: window.flatMap((number) => this.#inQ(replica, number)),
    };
  }

  /** Entries older than what prepared may be left out. */
  #inQ({ prepared, prePrepared }: Replica, number: number): readonly ClaimedSlot[] {
    const views = prePrepared.get(number) ?? new Map<Digest, number>();
    const oldest = this.#random.chance(0.5) ? (prepared.get(number)?.view ?? 0) : 0;
    return DIGESTS.flatMap((digest) => {
      const view = views.get(digest);
      return view === undefined || view < oldest ? [] : [entry(digest, view, number)];
    });
  }

  /** Which checkpoints have a proof: the liars sign all. */
  #provable(): readonly number[] {
    const { faultLimit, quorum } = this.#quorums;
    return NUMBERS.filter((number) => (this.#announcers.get(number)?.size ?? 0) + faultLimit >= quorum);
  }

  /** Valid claims of a liar for `view`, biased to what does harm. */
  #lie(index: number, view: number): ViewChangeClaims {
    const random = this.#random;
    const low = random.pick([0, 0, ...this.#provable()]);
    const window = NUMBERS.filter((number) => number > low && number <= low + WINDOW);
    const someView = (): number => (random.chance(0.6) ? view - 1 : random.between(0, view - 1));
    const fakeRoot = (): Digest => asDigest(`f${random.between(0, 1)}`.padEnd(64, '0'));
    return {
      replica: asReplicaId(index),
      lowWaterMark: asSequence(low),
      root: this.#rootAt(low) ?? NULL_DIGEST,
      checkpoints: window
        .filter(() => random.chance(0.4))
        .map((number) => ({
          sequence: asSequence(number),
          root: (random.chance(0.5) ? this.#rootAt(number) : undefined) ?? fakeRoot(),
        })),
      prepared: window
        .filter(() => random.chance(0.7))
        .map((number) => entry(random.pick(DIGESTS), someView(), number)),
      prePrepared: window.flatMap((number) =>
        DIGESTS.filter(() => random.chance(0.8)).map((digest) => entry(digest, someView(), number)),
      ),
    };
  }

  #lies(view: number, probability: number): readonly ViewChangeClaims[] {
    const { replicaCount, faultLimit } = this.#quorums;
    return Array.from({ length: faultLimit }, (_, index) => replicaCount - 1 - index)
      .filter(() => this.#random.chance(probability))
      .map((index) => this.#lie(index, view));
  }

  /** What the primary of `view` can show, from claims that it picks: usually as few correct ones as it can. */
  #openings(claims: readonly ViewChangeClaims[], view: number): readonly Opening[] {
    const openings = [1, 2].flatMap(() => {
      const lies = this.#lies(view, 0.9);
      const fewest = this.#quorums.quorum - lies.length;
      const count = this.#random.chance(0.7) ? fewest : this.#random.between(fewest, claims.length);
      const heard = this.#random.shuffle([...this.#random.shuffle(claims).slice(0, count), ...lies]);
      const decision = decide(heard, this.#quorums, () => this.#random.chance(0.8));
      if (decision.kind === 'waiting') this.happened.add('decision waits');
      if (decision.kind === 'waiting') return [];
      const proven = Math.max(...heard.map(({ lowWaterMark }) => lowWaterMark));
      const { start } = decision.choice;
      if (start.sequence > 0) this.happened.add(start.sequence === proven ? 'start proven' : 'start listed');
      return [{ choice: this.#another(decision.choice, heard), proven }];
    });
    if (openings.length > 1) this.happened.add('several choices at once');
    return openings;
  }

  /** Some other choice that the check accepts on these claims, or the same. */
  #another(choice: NewViewChoice, heard: readonly ViewChangeClaims[]): NewViewChoice {
    if (checkChoice(choice, heard, this.#quorums) !== undefined) throw new Error('decided, but the check refuses it');
    let other = choice;
    for (const { sequence } of choice.slots) {
      const digest = this.#random.pick(DIGESTS);
      const slots = other.slots.map((slot) => (slot.sequence === sequence ? { sequence, digest } : slot));
      const changed = { start: choice.start, slots };
      if (checkChoice(changed, heard, this.#quorums) === undefined) other = changed;
    }
    return other;
  }

  #runView(view: number, openings: readonly Opening[]): void {
    const accepted = new Map<string, { readonly replica: Replica; readonly slot: ClaimedSlot }[]>();
    const fresh = NUMBERS.map(() => [this.#random.pick(DIGESTS), this.#random.pick(DIGESTS)]);
    const eagerness = this.#random.pick([0.6, 0.8, 1]);
    for (const replica of this.#correct) {
      if (openings.length === 0 || !this.#random.chance(0.9)) continue;
      const { choice, proven } = this.#random.pick(openings);
      this.#enter(replica, choice, proven);
      for (const number of NUMBERS) {
        const shown = this.#shown(number, choice, fresh[number - 1] ?? DIGESTS);
        if (shown === undefined || !this.#random.chance(eagerness) || !canAccept(replica, number, shown)) continue;
        replica.accept(number, shown, view);
        const key = `${number} ${shown}`;
        accepted.set(key, [...(accepted.get(key) ?? []), { replica, slot: entry(shown, view, number) }]);
      }
    }
    for (const acceptances of accepted.values()) this.#prepare(acceptances);
  }

  /** What a replica with this choice is shown for `number`; undefined at or below the floor. */
  #shown(number: number, { start, slots }: NewViewChoice, fresh: readonly Digest[]): Digest | undefined {
    if (number <= start.sequence) return undefined;
    return slots[number - start.sequence - 1]?.digest ?? this.#random.pick(fresh);
  }

  /** It takes the highest proven checkpoint as its h; the state it fetches, or does not yet. */
  #enter(replica: Replica, { start }: NewViewChoice, proven: number): void {
    replica.collect(proven);
    if (this.#random.chance(0.5)) this.#fetchState(replica, start.sequence);
  }

  #fetchState(replica: Replica, number: number): void {
    if (replica.executed.length >= number) return;
    replica.executed.length = 0;
    for (const other of NUMBERS.slice(0, number)) replica.executed.push(...(this.#committed.get(other) ?? []));
    this.#announce(replica, number);
  }

  #announce(replica: Replica, number: number): void {
    if (number > replica.low) replica.announced.add(number);
    this.#announcers.set(number, (this.#announcers.get(number) ?? new Set()).add(replica));
  }

  /** To prepare, q must have pre-prepared, of whom f may lie; to commit, q must have prepared, likewise. */
  #prepare(acceptances: readonly { readonly replica: Replica; readonly slot: ClaimedSlot }[]): void {
    const { faultLimit, quorum } = this.#quorums;
    if (acceptances.length + faultLimit < quorum) return;
    const eagerness = this.#random.pick([0.3, 0.6, 1]);
    const preparing = acceptances.filter(() => this.#random.chance(eagerness));
    for (const { replica, slot } of preparing) {
      replica.prepared.set(slot.sequence, slot);
      if (preparing.length + faultLimit < quorum) continue;
      this.#committed.set(slot.sequence, (this.#committed.get(slot.sequence) ?? new Set()).add(slot.digest));
    }
  }

  #executeAndCollect(): void {
    for (const replica of this.#random.shuffle(this.#correct)) {
      for (const number of NUMBERS.slice(replica.executed.length)) {
        const [digest] = this.#committed.get(number) ?? [];
        if (digest === undefined || !this.#random.chance(0.7)) break;
        replica.executed.push(digest);
        this.#announce(replica, number);
      }
    }
    for (const replica of this.#correct) {
      for (const number of this.#provable()) if (this.#random.chance(0.3)) replica.collect(number);
      if (this.#random.chance(0.5)) this.#fetchState(replica, replica.low);
    }
  }

  /** With all correct replicas heard, and any lies or none, there is a choice, with bodies that one of them holds. */
  #stuck(claims: readonly ViewChangeClaims[], view: number): string | undefined {
    const holdsBody = (sequence: number, digest: Digest): boolean =>
      claims.some(({ prePrepared }) =>
        prePrepared.some((slot) => slot.sequence === sequence && slot.digest === digest),
      );
    for (const lies of [[], this.#lies(view, 1)]) {
      const heard = [...claims, ...lies];
      const invalid = heard.map((one) => validateClaims(one, asView(view), LIMITS)).find((one) => one !== undefined);
      if (invalid !== undefined) return `invalid claims: ${JSON.stringify(invalid)}`;
      const decision = decide(heard, this.#quorums, holdsBody);
      if (decision.kind === 'waiting') return `stuck: ${JSON.stringify({ lies, decision })}`;
    }
    return undefined;
  }
}

/** What a replica executed at a number is the only thing it accepts there. */
function canAccept({ low, executed }: Replica, number: number, digest: Digest): boolean {
  const before = executed[number - 1];
  return number > low && number <= low + WINDOW && (before === undefined || before === digest);
}
