/**
 * Lab mode: orders for processes and links, which go to whoever runs the nodes. The node checks what it can judge itself; what comes of an order
 * it is told. It owns nothing.
 */
import type { ApiError, LabBody, LabLinkBody, LabNodeAction } from '../api/index.ts';
import { apiError } from '../api/index.ts';
import { asReplicaId, replicaName, replicaOfName } from '../base/ids.ts';
import type { ReplicaId } from '../base/ids.ts';
import type { Result } from '../base/result.ts';
import { fail } from '../base/result.ts';
import type { LinkOrder } from './link-control.ts';

/** What the supervisor is asked for. `look`: only where everything stands. */
export type LabOrder =
  | { readonly kind: 'look' }
  | { readonly kind: 'node'; readonly node: ReplicaId; readonly action: LabNodeAction }
  | { readonly kind: 'link'; readonly from: ReplicaId; readonly to: ReplicaId; readonly order: LinkOrder };

/** What came of an order. `answered`: to be called when whoever ordered has been told; an order that ends this very process is carried out only then. */
export interface LabOutcome {
  readonly body: LabBody;
  readonly answered: () => void;
}

/** Whoever started this process. */
export interface Supervision {
  ask(order: LabOrder): Promise<Result<LabOutcome, ApiError>>;
  /** From now on `handler` is told how this node's links are to be. */
  onLink(handler: (peer: ReplicaId, order: LinkOrder) => void): void;
}

export interface LabOrdersOptions {
  readonly enabled: boolean;
  readonly replicaCount: number;
  /** undefined: nobody does. */
  readonly supervision: Supervision | undefined;
}

export class LabOrders {
  readonly #options: LabOrdersOptions;

  constructor(options: LabOrdersOptions) {
    this.#options = options;
  }

  async look(): Promise<Result<LabOutcome, ApiError>> {
    return this.#ask({ kind: 'look' });
  }

  async node(name: string, action: LabNodeAction): Promise<Result<LabOutcome, ApiError>> {
    const node = this.#find(name);
    return this.#ask(node === undefined ? undefined : { kind: 'node', node, action });
  }

  async link(body: LabLinkBody): Promise<Result<LabOutcome, ApiError>> {
    const { state, delay_ms: delayMs } = body;
    const [from, to] = [this.#find(body.from), this.#find(body.to)];
    if (from === undefined || to === undefined) return this.#ask(undefined);
    if (!this.#options.enabled) return fail(apiError('lab_mode_off'));
    if (from === to) return fail(refusedField('to', 'a node has no link to itself'));
    if (state !== 'slow') return this.#ask({ kind: 'link', from, to, order: { state } });
    if (delayMs === undefined) return fail(refusedField('delay_ms', 'a slow link takes the milliseconds it is late'));
    return this.#ask({ kind: 'link', from, to, order: { state, delayMs } });
  }

  /** `order` is undefined where it names a node that there is not. */
  async #ask(order: LabOrder | undefined): Promise<Result<LabOutcome, ApiError>> {
    const { enabled, supervision, replicaCount } = this.#options;
    if (!enabled) return fail(apiError('lab_mode_off'));
    if (order === undefined) {
      const nodes = Array.from({ length: replicaCount }, (_, index) => replicaName(asReplicaId(index)));
      return fail(apiError('unknown_node', undefined, { nodes }));
    }
    return supervision === undefined ? fail(apiError('no_supervisor')) : supervision.ask(order);
  }

  #find(name: string): ReplicaId | undefined {
    const replica = replicaOfName(name);
    return replica === undefined || replica >= this.#options.replicaCount ? undefined : replica;
  }
}

function refusedField(field: string, problem: string): ApiError {
  return apiError('invalid_request', undefined, { problems: [{ in: 'body', field, problem, allowed: {} }] });
}
