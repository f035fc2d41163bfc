/** Equal roots: correct replicas have one state at each checkpoint, and none finds out that it has another. */
import { replicaName } from '../../base/ids.ts';
import type { Output } from '../../protocol/output.ts';
import { demand } from '../observer.ts';
import type { Checker, NodeView } from '../observer.ts';

export class RootsChecker implements Checker {
  readonly judges = ['equal roots'];
  readonly #roots = new Map<number, string>();

  released(node: NodeView, output: Output): void {
    if (!node.isCorrect || output.kind !== 'event') return;
    const { event } = output;
    switch (event.kind) {
      case 'checkpoint-taken':
      case 'transferred':
      case 'checkpoint-stable':
        return this.#onRoot(node, event.sequence, event.root);
      case 'diverged':
        return demand(false, 'equal roots', () => `${replicaName(node.id)} found out that it has diverged`);
      default:
    }
  }

  #onRoot(node: NodeView, sequence: number, root: string): void {
    const agreed = this.#roots.get(sequence) ?? root;
    this.#roots.set(sequence, agreed);
    demand(
      agreed === root,
      'equal roots',
      () => `${replicaName(node.id)} has root ${root} at ${sequence}, not ${agreed}`,
    );
  }
}
