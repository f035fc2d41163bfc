/** Accuracy: no correct replica ever holds a certain suspicion against a correct one. */
import type { ReplicaId } from '../../base/ids.ts';
import { replicaName } from '../../base/ids.ts';
import type { Input } from '../../protocol/input.ts';
import type { Output } from '../../protocol/output.ts';
import type { Suspicion } from '../../protocol/suspicion.ts';
import { demand } from '../observer.ts';
import type { Checker, NodeView } from '../observer.ts';

export class AccuracyChecker implements Checker {
  readonly judges = ['accuracy'];
  readonly #isCorrect: (replica: ReplicaId) => boolean;

  constructor(isCorrect: (replica: ReplicaId) => boolean) {
    this.#isCorrect = isCorrect;
  }

  booted(node: NodeView): void {
    if (node.isCorrect) for (const suspicion of node.status.suspicions) this.#check(node, suspicion);
  }

  stepped(node: NodeView, _input: Input | undefined, outputs: readonly Output[]): void {
    if (!node.isCorrect) return;
    for (const output of outputs) {
      if (output.kind === 'event' && output.event.kind === 'suspicion') this.#check(node, output.event.suspicion);
    }
  }

  #check(node: NodeView, suspicion: Suspicion): void {
    const { node: suspect, kind, certainty, view, sequence, evidence } = suspicion;
    demand(certainty === 'uncertain' || !this.#isCorrect(suspect), 'accuracy', () => {
      return `${replicaName(node.id)} is certain that correct ${replicaName(suspect)} did "${kind}" at ${view}/${sequence}: ${evidence.summary}`;
    });
    demand(suspect !== node.id, 'accuracy', () => `${replicaName(node.id)} suspects itself of "${kind}"`);
  }
}
