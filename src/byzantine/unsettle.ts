/**
 * What a liar says to keep a correct replica away from the view of the others: it poses as one that has left alone, to one replica at first, so that this
 * one leaves for its sake; and as the primary of the view that somebody alone has left for, it sends a NEW-VIEW that follows from nothing. Part of `lie`.
 */
import { VIEW_ZERO, asView } from '../base/ids.ts';
import type { ReplicaId, View } from '../base/ids.ts';
import { newViewBytes, viewChangeBytes } from '../messages/index.ts';
import type { Now } from '../protocol/input.ts';
import type { Output } from '../protocol/output.ts';
import type { ReplicaStatus } from '../protocol/status.ts';
import { othersOf } from './alter.ts';
import type { BehaviourContext, HeardInput } from './behaviour.ts';
import { blankViewChange, newViewFromNothing } from './view-change-lies.ts';

/** After so many T it shows everybody what it showed one. */
const SHOWN_TO_ALL_T = 30;

export class Unsettling {
  readonly #context: BehaviourContext;
  readonly #others: readonly ReplicaId[];
  /** Left for a view of which the liar is the primary. */
  readonly #alone: { readonly replica: ReplicaId; readonly view: View }[] = [];
  #posedIn = VIEW_ZERO;
  #posedAtUs = 0;
  #isShownToAll = true;

  constructor(context: BehaviourContext) {
    this.#context = context;
    this.#others = othersOf(context);
  }

  /** Takes note of what the liar hears. */
  hear(input: HeardInput): void {
    if (input.kind !== 'message' || input.message.type !== 'view-change') return;
    const { view, replica } = input.message;
    if (view % this.#context.cluster.replicaCount === this.#context.self) this.#alone.push({ replica, view });
  }

  /** What it says besides all else. */
  say(now: Now, status: ReplicaStatus): readonly Output[] {
    const empty = this.#alone.splice(0).map(({ replica, view }) => this.#emptyNewView(replica, view));
    return [...empty, ...this.#pose(now, status)];
  }

  #pose({ monotonic }: Now, { view, inViewChange }: ReplicaStatus): readonly Output[] {
    if (inViewChange) return [];
    const next = asView(view + 1);
    if (next > this.#posedIn) {
      this.#posedIn = next;
      this.#posedAtUs = monotonic;
      this.#isShownToAll = false;
      return [
        this.#viewChange(
          this.#others.filter((_, index) => index === view % this.#others.length),
          next,
        ),
      ];
    }
    if (this.#isShownToAll || monotonic - this.#posedAtUs < SHOWN_TO_ALL_T * this.#context.requestTimeoutUs) return [];
    this.#isShownToAll = true;
    return [this.#viewChange(this.#others, next)];
  }

  #viewChange(to: readonly ReplicaId[], view: View): Output {
    const { self, codec, authenticator } = this.#context;
    const message = blankViewChange(self, view);
    return { kind: 'send', to, message, signature: authenticator.sign(viewChangeBytes(codec, message)) };
  }

  #emptyNewView(to: ReplicaId, view: View): Output {
    const { codec, authenticator } = this.#context;
    const message = newViewFromNothing(view);
    return { kind: 'send', to: [to], message, signature: authenticator.sign(newViewBytes(codec, message)) };
  }
}
