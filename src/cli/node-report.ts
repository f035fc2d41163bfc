/**
 * What a node's process says to the `pbft up` that started it. In that process runs an application, and it has the same IPC channel: so all of it
 * is read like what a stranger sends. Pure.
 */
import { MAX_LINK_DELAY_MS } from '../api/index.ts';
import type { LabNodeAction } from '../api/index.ts';
import { asReplicaId } from '../base/ids.ts';
import type { ReplicaId } from '../base/ids.ts';
import type { LabOrder, LinkOrder } from '../server/index.ts';
import type { LabRequest } from './lab-channel.ts';

export type NodeReport =
  | { readonly kind: 'ready'; readonly httpUrl: string }
  /** It ends now, and says why. */
  | { readonly kind: 'failed'; readonly lines: readonly string[] }
  | LabRequest;

const ACTIONS: readonly LabNodeAction[] = ['kill', 'restart', 'pause', 'resume'];

type Fields = Readonly<Record<string, unknown>>;

/** Undefined where it is no report of one of `nodeCount` nodes. */
export function readReport(message: unknown, nodeCount: number): NodeReport | undefined {
  const report = fieldsOf(message);
  switch (report?.['kind']) {
    case 'ready': {
      const { httpUrl } = report;
      return typeof httpUrl === 'string' ? { kind: 'ready', httpUrl } : undefined;
    }
    case 'failed': {
      const { lines } = report;
      return Array.isArray(lines) && lines.every((line) => typeof line === 'string')
        ? { kind: 'failed', lines }
        : undefined;
    }
    case 'lab': {
      const [id, order] = [idOf(report), readOrder(fieldsOf(report['order']), nodeCount)];
      return id === undefined || order === undefined ? undefined : { kind: 'lab', id, order };
    }
    case 'lab-answered': {
      const id = idOf(report);
      return id === undefined ? undefined : { kind: 'lab-answered', id };
    }
    default:
      return undefined;
  }
}

function readOrder(order: Fields | undefined, nodeCount: number): LabOrder | undefined {
  switch (order?.['kind']) {
    case 'look':
      return { kind: 'look' };
    case 'node': {
      const node = replicaOf(order['node'], nodeCount);
      const action = ACTIONS.find((known) => known === order['action']);
      return node === undefined || action === undefined ? undefined : { kind: 'node', node, action };
    }
    case 'link': {
      const [from, to] = [replicaOf(order['from'], nodeCount), replicaOf(order['to'], nodeCount)];
      const how = readLinkOrder(fieldsOf(order['order']));
      if (from === undefined || to === undefined || from === to || how === undefined) return undefined;
      return { kind: 'link', from, to, order: how };
    }
    default:
      return undefined;
  }
}

function readLinkOrder(order: Fields | undefined): LinkOrder | undefined {
  const { state, delayMs } = order ?? {};
  if (state === 'up' || state === 'cut') return { state };
  const isDelay = isInteger(delayMs) && delayMs >= 1 && delayMs <= MAX_LINK_DELAY_MS;
  return state === 'slow' && isDelay ? { state, delayMs } : undefined;
}

function replicaOf(value: unknown, nodeCount: number): ReplicaId | undefined {
  return isInteger(value) && value >= 0 && value < nodeCount ? asReplicaId(value) : undefined;
}

function idOf({ id }: Fields): number | undefined {
  return isInteger(id) ? id : undefined;
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null ? { ...value } : undefined;
}
