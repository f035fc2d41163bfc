/**
 * Whom to ask for replies at first [preferred quorums: Q/U, SOSP'05]: as many replicas as have to agree, in turn, without those that are not linked,
 * answered late or lied not long ago; one of them is to return the full result. Every reply that nobody needs costs its sender and the client as
 * much as one that is needed. Now and then everybody is asked, so that a lie of one that is otherwise spared comes to light. Only a choice: whom the
 * client believes does not depend on it, and a call whose replicas do not answer asks the others after a moment. Where answers are tentative, a quorum is
 * asked: everybody's turn shows that they would be.
 */
import type { ReplicaId } from '../base/ids.ts';
import { EVERYBODY, isInSet, replicaSetOf } from '../messages/index.ts';
import type { ReplicaSet } from '../messages/index.ts';

/** One in so many turns asks everybody. */
const SAMPLE = 16;
/** A replica that was late is left out so long at first, µs; twice as long each time, up to the last. */
const FIRST_BAN_US = 500_000;
const LAST_BAN_US = 32_000_000;
/** The next ban is half as long for each so many times its length that pass without one. */
const FORGIVEN_AFTER = 8;
/** An answer is late when it takes so many times what those of the quickest f+1 take, beside the patience. */
const LATENESS = 4;
/** Who takes longer than so many times that, beside a share of the patience, is asked only with everybody else, which shows whether it still does. */
const QUICK = 1.5;
const PATIENCES = 50;
/** It is looked for again after so many turns: a mean changes slowly. */
const USUAL_KEPT = 16;
/** The weight of one answer in their mean time. */
const ANSWERS_AVERAGED = 8;

export interface Asked {
  /** Who is to return the full result: one of those asked. */
  readonly replier: ReplicaId;
  readonly asked: ReplicaSet;
}

export interface ReplyChoiceOptions {
  readonly replicaCount: number;
  /** How many replies have to agree. */
  readonly needed: number;
  /** f+1: among so many is a correct replica. */
  readonly weak: number;
  /** How many have to agree on what is only tentative. */
  readonly quorum: number;
  /** µs that an answer may always take. */
  readonly patienceUs: number;
  /** With fewer requests under way than this everybody is asked; Infinity: always. */
  readonly asksAllBelow: number;
}

interface Standing {
  /** When it was first asked since it was last heard, µs monotonic. */
  owingSince: number | undefined;
  /** Mean time of its answers; undefined before the first. */
  answerUs: number | undefined;
  bannedUntil: number;
  nextBanUs: number;
}

export class ReplyChoice {
  readonly #options: ReplyChoiceOptions;
  readonly #standings: readonly Standing[];
  #turn = 0;
  /** The last answer was tentative: so may the next be, if as many are asked. */
  #isTentative = false;
  /** See {@link ReplyChoice.#usualUs}; of the turn `#usualSince`. */
  #usual = 0;
  #usualSince = 0;

  constructor(options: ReplyChoiceOptions) {
    this.#options = options;
    this.#standings = Array.from({ length: options.replicaCount }, () => ({
      owingSince: undefined,
      answerUs: undefined,
      bannedUntil: 0,
      nextBanUs: FIRST_BAN_US,
    }));
  }

  /** An authentic frame of `replica` came. */
  onHeard(replica: ReplicaId, now: number): void {
    const standing = this.#standings[replica];
    if (standing?.owingSince === undefined) return;
    const took = now - standing.owingSince;
    standing.owingSince = undefined;
    standing.answerUs =
      standing.answerUs === undefined ? took : standing.answerUs + (took - standing.answerUs) / ANSWERS_AVERAGED;
  }

  /** Its link came up or went down: what it owed is owed no more. */
  onLink(replica: ReplicaId): void {
    const standing = this.#standings[replica];
    if (standing !== undefined) standing.owingSince = undefined;
  }

  /** It did not answer a request that had to be sent again for that. */
  onMissed(replica: ReplicaId, now: number): void {
    const standing = this.#standings[replica];
    if (standing !== undefined && now >= standing.bannedUntil) ban(standing, now);
  }

  /** A request was answered. Where it was known before it was committed, a quorum is asked next: each of them costs a reply, and all are quicker. */
  onAnswered(isTentative: boolean): void {
    this.#isTentative = isTentative;
  }

  /** It claimed what is not true. */
  onWrong(replica: ReplicaId, now: number): void {
    const standing = this.#standings[replica];
    if (standing === undefined) return;
    standing.owingSince = undefined;
    standing.nextBanUs = LAST_BAN_US;
    standing.bannedUntil = now + LAST_BAN_US;
  }

  /** Whom to ask next, of those linked (in ascending order), the primary only where the others do not suffice; undefined while nobody is linked. */
  next(
    linked: readonly ReplicaId[],
    primary: ReplicaId,
    { now, underWay }: { readonly now: number; readonly underWay: number },
  ): Asked | undefined {
    if (linked.length === 0) return undefined;
    this.#turn += 1;
    const quickUs = this.#quickUs();
    const able = linked.filter((replica) => {
      const standing = this.#standings[replica];
      return standing !== undefined && now >= standing.bannedUntil && (standing.answerUs ?? 0) <= quickUs;
    });
    const [first] = turned(able.length === 0 ? linked : able, this.#turn);
    if (first === undefined) return undefined;
    const chosen = underWay < this.#options.asksAllBelow ? undefined : this.#choose(able, primary);
    return { replier: chosen?.[0] ?? first, asked: chosen === undefined ? EVERYBODY : replicaSetOf(chosen) };
  }

  /** A request has gone to the primary that asks these, of those linked: they owe an answer, but for those from whom none is expected. */
  onAsked(asked: ReplicaSet, linked: readonly ReplicaId[], now: number): void {
    for (const replica of linked) {
      const standing = this.#standings[replica];
      if (standing !== undefined && isInSet(asked, replica) && now >= standing.bannedUntil) standing.owingSince ??= now;
    }
  }

  /** When somebody will be late, µs monotonic; undefined while nobody owes an answer. */
  nextTimeout(): number | undefined {
    const patience = this.#patienceUs();
    let next: number | undefined;
    for (const { owingSince } of this.#standings)
      if (owingSince !== undefined) next = Math.min(next ?? Infinity, owingSince + patience);
    return next;
  }

  /** Who has become late: left out for a while from now on. Each is told once. */
  late(now: number): readonly ReplicaId[] {
    const patience = this.#patienceUs();
    const late: ReplicaId[] = [];
    for (const [replica, standing] of this.#standings.entries()) {
      if (standing.owingSince === undefined || now < standing.owingSince + patience) continue;
      ban(standing, now);
      late.push(replica as ReplicaId);
    }
    return late;
  }

  /** Undefined: everybody is to be asked. */
  #choose(able: readonly ReplicaId[], primary: ReplicaId): readonly ReplicaId[] | undefined {
    const { replicaCount, quorum } = this.#options;
    const needed = this.#isTentative ? quorum : this.#options.needed;
    if (needed >= replicaCount || able.length < needed || this.#turn % SAMPLE === 0) return undefined;
    const backups = able.filter((replica) => replica !== primary);
    return turned(backups.length >= needed ? backups : able, this.#turn).slice(0, needed);
  }

  /** What the answers of the quickest f+1 take, of which one is correct: no liar that answers at once makes others look slow. 0 where that is not known. */
  #usualUs(): number {
    if (this.#turn - this.#usualSince < USUAL_KEPT && this.#usual > 0) return this.#usual;
    const times = this.#standings.flatMap(({ answerUs }) => (answerUs === undefined ? [] : [answerUs]));
    this.#usual = times.toSorted((left, right) => left - right)[this.#options.weak - 1] ?? 0;
    this.#usualSince = this.#turn;
    return this.#usual;
  }

  /** What a quick answer takes at most. */
  #quickUs(): number {
    const usual = this.#usualUs();
    return usual === 0 ? Infinity : QUICK * usual + this.#options.patienceUs / PATIENCES;
  }

  #patienceUs(): number {
    return this.#options.patienceUs + LATENESS * this.#usualUs();
  }
}

function ban(standing: Standing, now: number): void {
  standing.owingSince = undefined;
  const forgiven = Math.floor(Math.max(0, now - standing.bannedUntil) / (FORGIVEN_AFTER * standing.nextBanUs));
  const banUs = Math.max(FIRST_BAN_US, standing.nextBanUs / 2 ** Math.min(forgiven, 32));
  standing.bannedUntil = now + banUs;
  standing.nextBanUs = Math.min(LAST_BAN_US, 2 * banUs);
}

/** The list, beginning elsewhere each time. */
function turned<T>(list: readonly T[], turn: number): readonly T[] {
  const start = list.length === 0 ? 0 : turn % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}
