/** Whether what answered looks like a node: enough of each shape to print it. A node of a newer version may say more. */
import type {
  BehavioursBody,
  ExecutedBody,
  ExplainBody,
  ReadBody,
  SimulateByzantineAnswer,
  StartedBody,
  StatusBody,
} from '../api/index.ts';

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function isExecuted(body: unknown): body is ExecutedBody {
  return isObject(body) && body['status'] === 'executed' && Array.isArray(body['replies']) && 'result' in body;
}

export function isRead(body: unknown): body is ReadBody {
  return isObject(body) && body['status'] === 'read' && Array.isArray(body['replies']) && 'result' in body;
}

export function isStarted(body: unknown): body is StartedBody {
  return isObject(body) && body['status'] === 'consensus_started' && typeof body['request_id'] === 'string';
}

export function isStatus(body: unknown): body is StatusBody {
  const lists = ['byzantine_nodes', 'suspicions', 'warnings'];
  return isObject(body) && typeof body['state_root'] === 'string' && lists.every((name) => Array.isArray(body[name]));
}

export function isBehaviours(body: unknown): body is BehavioursBody {
  return isObject(body) && Array.isArray(body['behaviours']);
}

export function isSwitched(body: unknown): body is SimulateByzantineAnswer {
  return isObject(body) && typeof body['behaviour'] === 'string' && Array.isArray(body['byzantine_nodes']);
}

export function isExplanation(body: unknown): body is ExplainBody {
  const lists = ['waits', 'slots'];
  return (
    isObject(body) &&
    typeof body['summary'] === 'string' &&
    typeof body['node_id'] === 'string' &&
    'view_change' in body &&
    lists.every((name) => Array.isArray(body[name]))
  );
}
