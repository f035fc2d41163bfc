/** Durability: no vote leaves before the record it rests on, no log rewriting drops what is still needed. */
import type { ReplicaId } from '../../base/ids.ts';
import { replicaName } from '../../base/ids.ts';
import type { Message } from '../../messages/index.ts';
import type { Input } from '../../protocol/input.ts';
import type { Output } from '../../protocol/output.ts';
import type { Record } from '../../protocol/record.ts';
import { demand } from '../observer.ts';
import type { NodeView, Observer } from '../observer.ts';

/** Name of a record that votes rest on; undefined for those on which nothing depends. */
function keyOf(record: Record): string | undefined {
  switch (record.kind) {
    case 'accepted':
    case 'prepared':
      return `${record.kind} ${record.view}/${record.sequence} ${record.digest}`;
    case 'checkpoint':
      return `checkpoint ${record.checkpoint.checkpoint.sequence} ${record.checkpoint.checkpoint.root}`;
    case 'stable':
    case 'executed':
    case 'suspicion':
      return undefined;
    default:
      return undefined;
  }
}

/** Name of the record that must be durable before `message` leaves `self`. */
function neededFor(self: ReplicaId, replicaCount: number, message: Message): string | undefined {
  switch (message.type) {
    case 'pre-prepare':
      return message.view % replicaCount === self
        ? `accepted ${message.view}/${message.sequence} ${message.digest}`
        : undefined;
    case 'prepare':
      return message.replica === self ? `accepted ${message.view}/${message.sequence} ${message.digest}` : undefined;
    case 'commit':
      return message.replica === self ? `prepared ${message.view}/${message.sequence} ${message.digest}` : undefined;
    case 'checkpoint':
      return message.replica === self ? `checkpoint ${message.sequence} ${message.root}` : undefined;
    default:
      return undefined;
  }
}

export class DurabilityChecker implements Observer {
  /** Per node, everything that ever became durable. */
  readonly #durable = new Map<ReplicaId, Map<string, number>>();

  #of(node: NodeView): Map<string, number> {
    let keys = this.#durable.get(node.id);
    if (keys === undefined) {
      keys = new Map();
      this.#durable.set(node.id, keys);
    }
    return keys;
  }

  durable(node: NodeView, records: readonly Record[]): void {
    if (!node.isCorrect) return;
    const keys = this.#of(node);
    for (const record of records) {
      const key = keyOf(record);
      if (key !== undefined) keys.set(key, 'sequence' in record ? record.sequence : 0);
    }
  }

  released(node: NodeView, output: Output): void {
    if (!node.isCorrect || output.kind !== 'send') return;
    const key = neededFor(node.id, node.status.quorums.replicaCount, output.message);
    demand(key === undefined || this.#of(node).has(key), 'durable before it is said', () => {
      return `${replicaName(node.id)} sends ${output.message.type} before "${key ?? ''}" is on its disk`;
    });
  }

  stepped(node: NodeView, _input: Input | undefined, outputs: readonly Output[]): void {
    if (!node.isCorrect) return;
    for (const output of outputs) if (output.kind === 'truncate') this.#onTruncate(node, output.records);
  }

  /** Above h, every vote's record is still in the rewritten log. */
  #onTruncate(node: NodeView, records: readonly Record[]): void {
    const kept = new Set(records.map(keyOf));
    const { lowWaterMark } = node.status;
    const keys = this.#of(node);
    for (const [key, sequence] of keys) {
      if (sequence > 0 && sequence <= lowWaterMark - 1000) keys.delete(key);
      demand(sequence <= lowWaterMark || kept.has(key), 'kept until stable', () => {
        return `${replicaName(node.id)} rewrites its log without "${key}", h is ${lowWaterMark}`;
      });
    }
  }
}
