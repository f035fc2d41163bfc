/**
 * Carries out what the lab orders: acts on the processes through the supervisor, and tells nodes how their links are to be. Owns the list of links
 * that were switched, and the orders that wait until whoever gave them was answered.
 */
import { apiError } from '../api/index.ts';
import type { ApiError, LabBody } from '../api/index.ts';
import { replicaName } from '../base/ids.ts';
import type { ReplicaId } from '../base/ids.ts';
import type { Result } from '../base/result.ts';
import { fail, ok } from '../base/result.ts';
import type { LabOrder, LinkOrder } from '../server/index.ts';
import type { LabNotice, LabRequest } from './lab-channel.ts';
import type { Supervisor } from './supervisor.ts';

export interface LabDeskOptions {
  /** Names in order. */
  readonly nodes: readonly string[];
  /** Nodes in lab mode: only these may order, and only these are acted on. */
  readonly inLab: ReadonlySet<string>;
  readonly supervisor: Pick<Supervisor, 'order' | 'labState' | 'tell'>;
}

/** A node that orders its own end is answered within this, or ended all the same. */
const ANSWERED_WITHIN_MS = 1000;

export class LabDesk {
  readonly #options: LabDeskOptions;
  /** By the node that sends, then by the one that is sent to. */
  readonly #links = new Map<string, Map<string, LinkOrder>>();
  readonly #waiting = new Map<string, () => void>();

  constructor(options: LabDeskOptions) {
    this.#options = options;
  }

  /** What a node's process said. */
  onRequest(asker: string, request: LabRequest): void {
    if (request.kind === 'lab-answered') {
      this.#waiting.get(`${asker} ${request.id}`)?.();
      return;
    }
    const { id, order } = request;
    const outcome = this.#options.inLab.has(asker) ? this.#act(asker, id, order) : fail(apiError('lab_mode_off'));
    this.#tell(asker, { kind: 'lab-outcome', id, outcome });
  }

  /** The process of this node is gone, and with it what it was told of its links. */
  onEnded(node: string): void {
    this.#links.delete(node);
  }

  #act(asker: string, id: number, order: LabOrder): Result<LabBody, ApiError> {
    switch (order.kind) {
      case 'look':
        break;
      case 'link': {
        const refusal =
          this.#refusal(order.from) ??
          (this.#knows(order.to) ? undefined : this.#unknown()) ??
          this.#switch(order.from, order.to, order.order);
        if (refusal !== undefined) return fail(refusal);
        break;
      }
      case 'node': {
        const refusal = this.#refusal(order.node);
        if (refusal !== undefined) return fail(refusal);
        const name = replicaName(order.node);
        const act = this.#options.supervisor.order(name, order.action);
        if (act === undefined) return fail(notRunning(name));
        if (name === asker && order.action !== 'resume') this.#defer(`${asker} ${id}`, act);
        else act();
      }
    }
    return ok(this.#body());
  }

  /** Undefined where this node may be acted on. Who is in lab mode must not act on one that is not. */
  #refusal(node: ReplicaId): ApiError | undefined {
    const name = replicaName(node);
    if (!this.#knows(node)) return this.#unknown();
    return this.#options.inLab.has(name) ? undefined : notInLab(name);
  }

  #knows(node: ReplicaId): boolean {
    return this.#options.nodes.includes(replicaName(node));
  }

  #unknown(): ApiError {
    return apiError('unknown_node', undefined, { nodes: this.#options.nodes });
  }

  /** Until the asker has answered, and so can no longer be harmed by it. */
  #defer(key: string, act: () => void): void {
    const timer = setTimeout(() => this.#waiting.get(key)?.(), ANSWERED_WITHIN_MS);
    this.#waiting.set(key, () => {
      clearTimeout(timer);
      this.#waiting.delete(key);
      act();
    });
  }

  #switch(from: ReplicaId, to: ReplicaId, order: LinkOrder): ApiError | undefined {
    const [sender, receiver] = [replicaName(from), replicaName(to)];
    const state = this.#options.supervisor.labState(sender);
    if ((state !== 'running' && state !== 'paused') || !this.#tell(sender, { kind: 'link', peer: to, order }))
      return notRunning(sender);
    const links = this.#links.get(sender) ?? new Map<string, LinkOrder>();
    this.#links.set(sender, links);
    if (order.state === 'up') links.delete(receiver);
    else links.set(receiver, order);
    return undefined;
  }

  #body(): LabBody {
    const { nodes, supervisor } = this.#options;
    const links = nodes.flatMap((from) =>
      nodes.flatMap((to): LabBody['links'] => {
        const order = this.#links.get(from)?.get(to);
        if (order === undefined || order.state === 'up') return [];
        return [{ from, to, state: order.state, delay_ms: order.state === 'slow' ? order.delayMs : null }];
      }),
    );
    return { nodes: nodes.map((name) => ({ node_id: name, state: supervisor.labState(name) })), links };
  }

  #tell(node: string, notice: LabNotice): boolean {
    return this.#options.supervisor.tell(node, notice);
  }
}

function notRunning(name: string): ApiError {
  return apiError('node_not_running', undefined, { node_id: name });
}

function notInLab(name: string): ApiError {
  return apiError('lab_mode_off', `${name} does not run in lab mode, and takes no orders.`, { node_id: name });
}
