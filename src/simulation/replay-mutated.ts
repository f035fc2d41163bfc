/**
 * A liar that only the simulator has: it remembers what it sent and received, and later says it again with one field changed. What then names
 * the liar as its author bears the liar's own, good seal; everything else keeps the seal it had, and must be refused.
 */
import type { Bytes } from '../base/bytes.ts';
import { asReplicaId } from '../base/ids.ts';
import type { ReplicaId } from '../base/ids.ts';
import { authenticatedBytes, decodeFrame, encodeFrame } from '../messages/index.ts';
import type { DecodedFrame, EncodedMessage, Message } from '../messages/index.ts';
import type { Authenticator, Party } from '../protocol/ports.ts';
import { proofKind } from '../protocol/proof-rule.ts';
import type { Coverage } from './coverage.ts';
import { attempt, changedBytes, changedMessage, encodeAnything, withFreshDigests } from './mutations.ts';
import type { Observer } from './observer.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** Messages of each kind that it remembers: own and others'. An older one makes room by chance, so that some are very old. */
const KEPT = 48;
const RECORD_SHARE = 0.2;
const ACT_SHARE = 0.04;
const VERBATIM_SHARE = 0.1;
const RAW_SHARE = 0.1;
const OTHER_TYPE_SHARE = 0.1;

interface Parts {
  readonly self: ReplicaId;
  readonly authenticator: Authenticator;
  readonly random: Random;
  readonly coverage: Coverage;
  /** Is told of each frame that nobody may accept. */
  readonly onForged: (frame: Bytes) => void;
}

/** A PREPARE as a COMMIT and the other way round, of the same content: under one seal only if the type were not in it. */
function asOtherVote(message: Message): unknown {
  if (message.type === 'prepare') return { ...message, type: 'commit' };
  return message.type === 'commit' ? { ...message, type: 'prepare' } : message;
}

/** Who a message claims to be from; undefined for one that belongs to clients. */
function authorOf(message: Message, replicaCount: number): number | undefined {
  if ('replica' in message) return message.replica;
  return 'view' in message ? message.view % replicaCount : undefined;
}

/** Owns what it remembers. Acts when a frame arrives at it or from it. */
export class ReplayMutated implements Observer {
  readonly #world: World;
  readonly #parts: Parts;
  readonly #own: Bytes[] = [];
  readonly #others: Bytes[] = [];
  /** What it changed itself: changed once more it could be true again, and would rightly be believed. */
  readonly #changed = new WeakSet<Bytes>();

  constructor(world: World, parts: Parts) {
    this.#world = world;
    this.#parts = parts;
  }

  delivered(from: Party, to: Party, frame: Bytes): void {
    const isOwn = this.#isSelf(from);
    if (!isOwn && !this.#isSelf(to)) return;
    const { random } = this.#parts;
    if (random.chance(RECORD_SHARE) && !this.#changed.has(frame)) this.#record(isOwn ? this.#own : this.#others, frame);
    if (!isOwn && random.chance(ACT_SHARE)) this.#act();
  }

  #isSelf(party: Party): boolean {
    return party.kind === 'replica' && party.replica === this.#parts.self;
  }

  #record(kept: Bytes[], frame: Bytes): void {
    if (kept.length < KEPT) kept.push(frame);
    else kept[this.#parts.random.between(0, KEPT - 1)] = frame;
  }

  #act(): void {
    const { random, coverage } = this.#parts;
    const kept = this.#own.length > 0 && random.chance(0.5) ? this.#own : this.#others;
    if (kept.length === 0) return;
    const frame = random.pick(kept);
    const draw = random.fraction();
    if (draw < VERBATIM_SHARE) {
      coverage.count('replayed', 'unchanged');
      return this.#send(() => frame);
    }
    const decoded = decodeFrame(frame, this.#world.codec);
    if (draw < VERBATIM_SHARE + RAW_SHARE || !decoded.ok) {
      coverage.count('replayed', 'with other bytes');
      const changed = changedBytes(random, frame);
      this.#changed.add(changed);
      return this.#send(() => changed);
    }
    this.#sayChanged(decoded.value);
  }

  #sayChanged(original: DecodedFrame): void {
    const { random, coverage, self } = this.#parts;
    const { cluster, codec } = this.#world;
    let changed = random.chance(OTHER_TYPE_SHARE)
      ? asOtherVote(original.message)
      : changedMessage(random, original.message, this.#remembered());
    // Somebody else's words in its own name.
    if ('replica' in original.message && random.chance(0.3)) changed = { ...Object(changed), replica: self };
    const whole = random.chance(0.7) ? attempt(() => withFreshDigests(codec, changed)) : undefined;
    const made = encodeAnything(whole ?? changed);
    if (made === undefined) return coverage.count('replayed', 'cannot be encoded');
    const { message, encoded } = made;
    if (authorOf(message, cluster.replicaCount) === self) {
      coverage.count('replayed', 'changed, with its own seal');
      return this.#send((to) => this.#seal(message, encoded, to));
    }
    const frame = encodeFrame(encoded, original.proof);
    this.#changed.add(frame);
    const isForged =
      proofKind(message.type, cluster.authentication) !== 'none' &&
      !isSame(authenticatedBytes(codec, encoded), original.authenticated);
    coverage.count('replayed', isForged ? "changed, with another's seal" : 'changed where no seal covers it');
    if (isForged) this.#parts.onForged(frame);
    this.#send(() => frame);
  }

  /** Some of what it remembers, decoded: where foreign values come from. */
  #remembered(): readonly Message[] {
    const { random } = this.#parts;
    const kept = [...this.#own, ...this.#others];
    return [random.pick(kept), random.pick(kept)].flatMap((frame) => {
      const decoded = decodeFrame(frame, this.#world.codec);
      return decoded.ok ? [decoded.value.message] : [];
    });
  }

  #seal(message: Message, encoded: EncodedMessage, to: ReplicaId): Bytes | undefined {
    const { authenticator } = this.#parts;
    const bytes = authenticatedBytes(this.#world.codec, encoded);
    switch (proofKind(message.type, this.#world.cluster.authentication)) {
      case 'none':
        return encodeFrame(encoded, { kind: 'none' });
      case 'signature':
        return encodeFrame(encoded, { kind: 'signature', signature: authenticator.sign(bytes) });
      case 'tree':
        // For clients; what goes there is not replayed.
        return undefined;
      case 'mac': {
        const mac = authenticator.mac({ kind: 'replica', replica: to }, bytes);
        return mac === undefined ? undefined : encodeFrame(encoded, { kind: 'mac', mac });
      }
    }
  }

  /** To one of the others, or to all. */
  #send(frameFor: (to: ReplicaId) => Bytes | undefined): void {
    const { self, random } = this.#parts;
    const others = Array.from({ length: this.#world.cluster.replicaCount }, (_, index) => asReplicaId(index)).filter(
      (id) => id !== self,
    );
    if (others.length === 0) return;
    for (const to of random.chance(0.5) ? others : [random.pick(others)]) {
      const frame = frameFor(to);
      if (frame !== undefined)
        this.#world.transmit({ kind: 'replica', replica: self }, { kind: 'replica', replica: to }, frame);
    }
  }
}

function isSame(left: Bytes, right: Bytes): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}
