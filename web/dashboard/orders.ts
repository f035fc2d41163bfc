/** What the lab controls order: a node to misbehave, a process to end, a link to be cut. The last failure is kept for people. */
import { signal } from '@preact/signals';
import type {
  BehavioursBody,
  LabBody,
  LabLinkBody,
  LabNodeAction,
  SimulateByzantineAnswer,
} from '../../src/api/index.ts';
import type { ApiResult } from './api-client.ts';
import type { ClusterStore } from './cluster-store.ts';

/** What was ordered last, and how that went. */
export interface OrderReport {
  readonly isOk: boolean;
  readonly text: string;
}

/** A process may take its time to start again. */
const ORDER_TIMEOUT_MS = 30_000;

export class Orders {
  readonly report = signal<OrderReport | undefined>(undefined);
  readonly behaviours = signal<BehavioursBody | undefined>(undefined);
  readonly #store: ClusterStore;

  constructor(store: ClusterStore) {
    this.#store = store;
  }

  /** Learns the behaviours that there are, from any node. */
  async learnBehaviours(): Promise<void> {
    const answer = await this.#store.call<BehavioursBody>(undefined, '/pbft/behaviours');
    if (answer.ok) this.behaviours.value = answer.body;
  }

  /** `behaviour` undefined: it is to behave correctly again. The order is told to the node itself while it is there. */
  async misbehave(node: string, behaviour: string | undefined): Promise<boolean> {
    const body = behaviour === undefined ? { node_id: node, enabled: false } : { node_id: node, behaviour };
    const answer = await this.#post<SimulateByzantineAnswer>('/pbft/simulate-byzantine', body);
    this.#tell(answer, ({ exceeds_f: isTooMany }) => {
      const what = behaviour === undefined ? `${node} behaves again` : `${node} misbehaves: ${behaviour}`;
      return isTooMany ? `${what}. That is more than may: nothing is guaranteed now` : what;
    });
    return answer.ok;
  }

  async act(node: string, action: LabNodeAction): Promise<boolean> {
    const answer = await this.#post<LabBody>(`/pbft/lab/nodes/${node}`, { action });
    if (answer.ok) this.#store.lab.value = answer.body;
    this.#tell(answer, () => `${node}: ${action} done`);
    this.#store.refresh();
    return answer.ok;
  }

  async switchLink(order: LabLinkBody): Promise<boolean> {
    const answer = await this.#post<LabBody>('/pbft/lab/links', order);
    if (answer.ok) this.#store.lab.value = answer.body;
    this.#tell(answer, () => `${order.from} to ${order.to}: ${order.state}`);
    return answer.ok;
  }

  async #post<Body>(path: string, body: unknown): Promise<ApiResult<Body>> {
    return this.#store.call<Body>(undefined, path, { method: 'POST', body, timeoutMs: ORDER_TIMEOUT_MS });
  }

  #tell<Body>(answer: ApiResult<Body>, text: (body: Body) => string): void {
    this.report.value = answer.ok
      ? { isOk: true, text: `${text(answer.body)}.` }
      : { isOk: false, text: answer.error.message };
  }
}
