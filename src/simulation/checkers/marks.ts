/** Marks and bounds: h and view never fall, nothing outside (h, h+L] is accepted, and what a replica holds stays within its limits. */
import type { ReplicaId } from '../../base/ids.ts';
import { replicaName } from '../../base/ids.ts';
import { windowSize } from '../../protocol/config.ts';
import type { ReplicaConfig } from '../../protocol/config.ts';
import type { Event } from '../../protocol/event.ts';
import type { Input } from '../../protocol/input.ts';
import type { Output } from '../../protocol/output.ts';
import { maxWaitingOf } from '../fragile-state.ts';
import { Demand } from '../observer.ts';
import type { Checker, NodeView } from '../observer.ts';

interface Marks {
  readonly view: number;
  readonly low: number;
}

const SUSPICIONS_PER_NODE = 16;

export class MarksChecker implements Checker {
  readonly judges = ['marks never fall', 'marks', 'accepted in the window', 'h moves with q', 'bounds'];
  readonly #noFall = new Demand('marks never fall');
  readonly #window = new Demand('marks');
  readonly #inWindow = new Demand('accepted in the window');
  readonly #stable = new Demand('h moves with q');
  readonly #bounds = new Demand('bounds');
  readonly #config: ReplicaConfig;
  readonly #marks = new Map<ReplicaId, Marks>();
  /** The highest marks that a node told others: what a restart must not fall below. */
  readonly #told = new Map<ReplicaId, Marks>();

  constructor(config: ReplicaConfig) {
    this.#config = config;
  }

  diskLost(node: ReplicaId): void {
    this.#told.delete(node);
  }

  booted(node: NodeView): void {
    this.#marks.delete(node.id);
    const told = this.#told.get(node.id);
    const { view, lowWaterMark } = node.status;
    this.#noFall.check(!node.isCorrect || told === undefined || (view >= told.view && lowWaterMark >= told.low), () => {
      return `${replicaName(node.id)} starts with view ${view}, h ${lowWaterMark}, and told others ${told?.view ?? 0}, ${told?.low ?? 0}`;
    });
  }

  released(node: NodeView, output: Output): void {
    if (!node.isCorrect || output.kind !== 'send' || output.message.type !== 'status') return;
    this.#told.set(node.id, { view: output.message.view, low: output.message.lowWaterMark });
  }

  stepped(node: NodeView, _input: Input | undefined, outputs: readonly Output[]): void {
    if (!node.isCorrect || outputs.length === 0) return;
    const { status } = node;
    const before = this.#marks.get(node.id) ?? { view: 0, low: 0 };
    const { view, lowWaterMark, highWaterMark } = status;
    this.#marks.set(node.id, { view, low: lowWaterMark });
    this.#noFall.check(view >= before.view && lowWaterMark >= before.low, () => {
      return `${replicaName(node.id)} went from view ${before.view}, h ${before.low} to ${view}, ${lowWaterMark}`;
    });
    const window = windowSize(this.#config.cluster);
    this.#window.check(
      highWaterMark === lowWaterMark + window,
      () => `${replicaName(node.id)}: high mark ${highWaterMark}, h ${lowWaterMark}`,
    );
    for (const output of outputs) if (output.kind === 'event') this.#onEvent(node, before, output.event);
    this.#checkBounds(node);
  }

  #onEvent(node: NodeView, before: Marks, event: Event): void {
    const { lowWaterMark, highWaterMark, quorums } = node.status;
    if (event.kind === 'pre-prepared') {
      const { sequence } = event;
      this.#inWindow.check(sequence > before.low && sequence <= highWaterMark, () => {
        return `${replicaName(node.id)} accepted ${sequence} with h ${before.low} … ${lowWaterMark}`;
      });
    } else if (event.kind === 'checkpoint-stable') {
      const { sequence, replicas } = event;
      this.#stable.check(new Set(replicas).size >= quorums.quorum, () => {
        return `${replicaName(node.id)} takes ${sequence} for stable by ${replicas.map(replicaName).join(' ')}`;
      });
    }
  }

  #checkBounds(node: NodeView): void {
    const { status } = node;
    const { tuning, cluster } = this.#config;
    const bounds: readonly (readonly [string, number, number])[] = [
      ['queued requests', status.queuedRequests, tuning.queueRequests],
      ['open slots', status.openSlots, 2 * windowSize(cluster)],
      ['suspicions', status.suspicions.length, SUSPICIONS_PER_NODE * cluster.replicaCount],
      [
        // A state takes its time to be durable; with so many that wait, each at most K after the one before, execution waits as well.
        'executed since the last checkpoint',
        status.lastExecuted - status.stateRootSequence,
        maxWaitingOf(node.id) * cluster.checkpointInterval,
      ],
    ];
    for (const [name, actual, limit] of bounds) {
      this.#bounds.check(actual <= limit, () => `${replicaName(node.id)}: ${actual} ${name}, at most ${limit}`);
    }
  }
}
