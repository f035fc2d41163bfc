/** Durability: no vote and no tentative reply leaves before the record it rests on, no log rewriting drops what is still needed. */
import type { ReplicaId } from '../../base/ids.ts';
import { replicaName } from '../../base/ids.ts';
import type { Version } from '../../base/key-value.ts';
import type { Checkpoint, Message, Reply } from '../../messages/index.ts';
import type { Input } from '../../protocol/input.ts';
import type { Output } from '../../protocol/output.ts';
import { primaryPrepares } from '../../protocol/quorum.ts';
import type { Quorums } from '../../protocol/quorum.ts';
import type { Record } from '../../protocol/record.ts';
import { Demand } from '../observer.ts';
import type { Checker, NodeView } from '../observer.ts';

/** Name of a record that votes rest on; undefined for those on which nothing depends. */
function keyOf(record: Record): string | undefined {
  switch (record.kind) {
    case 'accepted':
    case 'prepared':
      return `${record.kind} ${record.view}/${record.sequence} ${record.digest}`;
    case 'view-change':
      return `view-change ${record.viewChange.viewChange.view}`;
    case 'new-view':
      return `new-view ${record.newView.newView.view}`;
    case 'proposes':
      return `proposes ${record.view}`;
    case 'stable':
    case 'executed':
    case 'suspicion':
    case 'recovery':
      return undefined;
    default:
      return undefined;
  }
}

/** Names of the records that must be durable before `message` leaves `self`: of the vote, and of the view that it is cast in. */
function neededFor(self: ReplicaId, cluster: Quorums, message: Message): readonly string[] {
  const vote = voteRecord(self, cluster, message);
  if (vote === undefined) return [];
  const isInView = message.type === 'pre-prepare' || message.type === 'prepare' || message.type === 'commit';
  return isInView && message.view > 0 ? [vote, `new-view ${message.view}`] : [vote];
}

function voteRecord(self: ReplicaId, cluster: Quorums, message: Message): string | undefined {
  switch (message.type) {
    case 'pre-prepare':
      if (message.view % cluster.replicaCount !== self) return undefined;
      // Where a PREPARE of the primary is its vote.
      return primaryPrepares(cluster)
        ? `proposes ${message.view}`
        : `accepted ${message.view}/${message.sequence} ${message.digest}`;
    case 'prepare':
      return message.replica === self ? `accepted ${message.view}/${message.sequence} ${message.digest}` : undefined;
    case 'commit':
      return message.replica === self ? `prepared ${message.view}/${message.sequence} ${message.digest}` : undefined;
    case 'view-change':
      return message.replica === self ? `view-change ${message.view}` : undefined;
    case 'new-view':
      return message.view % cluster.replicaCount === self ? `new-view ${message.view}` : undefined;
    case 'checkpoint':
      return message.replica === self ? `checkpoint ${message.sequence} ${message.root}` : undefined;
    default:
      return undefined;
  }
}

/** What a record in a rewritten log stands for. A replica votes in no view below its own again: only the latest of each is needed. */
function coveredBy(record: Record): readonly string[] {
  const key = keyOf(record);
  if (record.kind === 'proposes') return Array.from({ length: record.view + 1 }, (_, view) => `proposes ${view}`);
  if (key === undefined || (record.kind !== 'accepted' && record.kind !== 'prepared'))
    return key === undefined ? [] : [key];
  const { kind, view, sequence, digest } = record;
  const name = kind === 'accepted' ? `${kind} ${sequence} ${digest}` : `${kind} ${sequence}`;
  return Array.from({ length: view + 1 }, (_, earlier) => `${name} up to ${earlier}`);
}

/** The name under which {@link coveredBy} lists what covers this record. */
function coveringName(record: Record): string | undefined {
  switch (record.kind) {
    case 'accepted':
      return `accepted ${record.sequence} ${record.digest} up to ${record.view}`;
    case 'prepared':
      return `prepared ${record.sequence} up to ${record.view}`;
    case 'proposes':
      return `proposes ${record.view}`;
    default:
      return undefined;
  }
}

function sequenceOf(record: Record): number {
  // No checkpoint makes it superfluous.
  if (record.kind === 'proposes') return Infinity;
  return 'sequence' in record ? record.sequence : 0;
}

/** A durable record that a rewritten log must cover. */
interface Needed {
  readonly sequence: number;
  readonly covering: string | undefined;
}

export class DurabilityChecker implements Checker {
  readonly judges = ['durable before it is said', 'kept until stable'];
  readonly #durableFirst = new Demand('durable before it is said');
  readonly #kept = new Demand('kept until stable');
  /** Per node, everything that ever became durable. */
  readonly #durable = new Map<ReplicaId, Map<string, Needed>>();
  /** Per node, up to which checkpoint the records before its states are durable. */
  readonly #stored = new Map<ReplicaId, number>();
  /** Whose medium lost what it had written: a fault, which takes back states above the one that it is repaired with. */
  readonly #damaged = new Set<ReplicaId>();

  #of(node: NodeView): Map<string, Needed> {
    let keys = this.#durable.get(node.id);
    if (keys === undefined) {
      keys = new Map();
      this.#durable.set(node.id, keys);
    }
    return keys;
  }

  diskLost(node: ReplicaId): void {
    this.#durable.delete(node);
  }

  durable(node: NodeView, records: readonly Record[]): void {
    if (!node.isCorrect) return;
    const keys = this.#of(node);
    for (const record of records) {
      const key = keyOf(record);
      if (key === undefined) continue;
      keys.set(key, { sequence: sequenceOf(record), covering: coveringName(record) });
    }
  }

  booted(node: NodeView): void {
    this.#stored.set(node.id, 0);
  }

  /**
   * Its state at this checkpoint is durable: CHECKPOINT may leave. What it executed itself rests on its own votes, and may be so only behind their
   * records; what it fetched rests on others'.
   */
  sealed(node: NodeView, { sequence, root }: Version): void {
    const isFetched = !node.status.mayExecute;
    const isAllowed = sequence <= (this.#stored.get(node.id) ?? 0);
    this.#durableFirst.check(!node.isCorrect || isFetched || isAllowed, () => {
      return `the state of ${replicaName(node.id)} at ${sequence} is durable before the records that it rests on`;
    });
    if (node.isCorrect) this.#of(node).set(`checkpoint ${sequence} ${root}`, { sequence, covering: undefined });
  }

  released(node: NodeView, output: Output): void {
    if (!node.isCorrect) return;
    if (output.kind === 'event' && output.event.kind === 'state-damaged') this.#damaged.add(node.id);
    // After a repair numbers come a second time; the votes that they rest on were on disk the first time.
    if (output.kind === 'store') this.#stored.set(node.id, Math.max(output.sequence, this.#stored.get(node.id) ?? 0));
    if (output.kind === 'reply' && output.reply.outcome === 'tentative') this.#demandPrepared(node, output.reply);
    if (output.kind !== 'send') return;
    if (output.message.type === 'checkpoint' && output.message.replica === node.id)
      this.#demandKept(node, output.message);
    for (const key of neededFor(node.id, node.status.quorums, output.message)) {
      this.#durableFirst.check(this.#of(node).has(key), () => {
        return `${replicaName(node.id)} sends ${output.message.type} before "${key}" is on its disk`;
      });
    }
  }

  /** What it tells before it is committed would be lost if all of them started again without knowing that it was prepared. */
  #demandPrepared(node: NodeView, { view, sequence, digest }: Reply): void {
    this.#durableFirst.check(this.#of(node).has(`prepared ${view}/${sequence} ${digest}`), () => {
      return `${replicaName(node.id)} tells a client what ${sequence} comes to before it is on its disk that it is prepared in view ${view}`;
    });
  }

  stepped(node: NodeView, _input: Input | undefined, outputs: readonly Output[]): void {
    if (!node.isCorrect) return;
    for (const output of outputs) if (output.kind === 'truncate') this.#onTruncate(node, output.records);
  }

  /** What it announces it has, and keeps until a higher one is stable. */
  #demandKept(node: NodeView, { sequence, root }: Checkpoint): void {
    const { status } = node;
    const isKept = node.versions().some((version) => version.sequence === sequence && version.root === root);
    this.#kept.check(isKept || sequence < status.lowWaterMark || this.#damaged.has(node.id), () => {
      return `${replicaName(node.id)} announces checkpoint ${sequence}, whose state it does not hold; h is ${status.lowWaterMark}`;
    });
  }

  /** Above h, the record of every vote is still in the rewritten log, or that of a later view for the same: what P and Q list. */
  #onTruncate(node: NodeView, records: readonly Record[]): void {
    const kept = new Set(records.flatMap(coveredBy));
    const { lowWaterMark } = node.status;
    const keys = this.#of(node);
    for (const [key, { sequence, covering }] of keys) {
      if (sequence > 0 && sequence <= lowWaterMark - 1000) keys.delete(key);
      this.#kept.check(sequence <= lowWaterMark || covering === undefined || kept.has(covering), () => {
        return `${replicaName(node.id)} rewrites its log without "${key}", h is ${lowWaterMark}`;
      });
    }
  }
}
