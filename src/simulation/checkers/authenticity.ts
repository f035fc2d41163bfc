/** Authenticity: what bears another's seal over other bytes than were sealed is refused, by every correct replica. */
import type { Bytes } from '../../base/bytes.ts';
import type { ReplicaId } from '../../base/ids.ts';
import { replicaName } from '../../base/ids.ts';
import type { Input } from '../../protocol/input.ts';
import type { Party } from '../../protocol/ports.ts';
import { demand } from '../observer.ts';
import type { NodeView, Observer } from '../observer.ts';

export class AuthenticityChecker implements Observer {
  readonly #forged = new WeakSet<Bytes>();
  /** To whom a forged frame has just been delivered: what that replica does next is its answer to it. */
  #judging: ReplicaId | undefined;

  /** `frame` was made from another one whose seal it keeps. */
  forged(frame: Bytes): void {
    this.#forged.add(frame);
  }

  delivered(_from: Party, to: Party, frame: Bytes): void {
    this.#judging = to.kind === 'replica' && this.#forged.has(frame) ? to.replica : undefined;
  }

  stepped(node: NodeView, input: Input | undefined): void {
    const { kind } = input ?? { kind: 'start' };
    demand(this.#judging !== node.id || !node.isCorrect || kind === 'refused', 'authenticity', () => {
      return `${replicaName(node.id)} takes a message whose seal was made for another one (${kind})`;
    });
    this.#judging = undefined;
  }
}
