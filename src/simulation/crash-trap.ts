/**
 * Where the power goes: at a moment of a stored record, or after so many outputs have left. Together they reach the gap between any two effects
 * of a node. Owns the count down to that moment, and no node.
 */
import { assert } from '../base/assert.ts';
import type { ReplicaId } from '../base/ids.ts';
import { MESSAGE_TYPES } from '../messages/index.ts';
import type { MessageType } from '../messages/index.ts';
import type { Output } from '../protocol/output.ts';
import type { Record } from '../protocol/record.ts';

/** Every kind of record, once: whatever goes through all of them takes them from here. */
export const RECORD_KINDS = [
  'accepted',
  'prepared',
  'executed',
  'stable',
  'view-change',
  'new-view',
  'suspicion',
  'recovery',
  'proposes',
] as const satisfies readonly Record['kind'][];
type UnlistedKind = Exclude<Record['kind'], (typeof RECORD_KINDS)[number]>;
/** Does not compile while a kind is missing above. */
const ALL_KINDS_LISTED: [UnlistedKind] extends [never] ? true : UnlistedKind = true;
assert(ALL_KINDS_LISTED, 'the power can go at every kind of record');

/** What is done to a disk: a record is appended, or the log is rewritten. */
export const DISK_EFFECTS: readonly DiskEffect[] = [...RECORD_KINDS, 'truncate'];
export type DiskEffect = Record['kind'] | 'truncate';

/** Where in the life of a record the power goes. */
export const CRASH_PHASES = ['unsynced', 'synced', 'half-sent', 'sent'] as const;
export type CrashPhase = (typeof CRASH_PHASES)[number];

/** Where in the life of a checkpoint's state the power goes. */
export const VERSION_PHASES = ['sealed', 'durable'] as const;
export type VersionPhase = (typeof VERSION_PHASES)[number];

/** What leaves a node: a message to replicas, by its type, a reply, or an event. */
export type Release = MessageType | 'reply' | 'event';

/** Never sent by a replica's core, or inside another message only. */
const NOT_SENT: ReadonlySet<MessageType> = new Set(['reply', 'replies', 'simulate-byzantine']);

/** Everything that can leave a node. */
export const RELEASES: readonly Release[] = [...MESSAGE_TYPES.filter((type) => !NOT_SENT.has(type)), 'reply', 'event'];

export type CrashTrap =
  /** The power goes when the next record of this kind is in this phase. */
  | {
      readonly kind: 'record';
      readonly record: DiskEffect;
      readonly phase: CrashPhase;
      /** How many of the operations that are unsynced at that moment reach the disk all the same. */
      readonly survivors: number;
    }
  /** The power goes before the next sealed state is durable, or when it is and nobody knows. */
  | { readonly kind: 'version'; readonly phase: VersionPhase; readonly survivors: number }
  /** The power goes after the `count`-th output that leaves from now on, 1 being the next one. */
  | {
      readonly kind: 'output';
      /** Only such outputs count; undefined: all do. */
      readonly of: Release | undefined;
      readonly count: number;
      /** Given: of a message only the receivers whose bit is set still get it. */
      readonly receivers: number | undefined;
      readonly survivors: number;
    };

/** What `output` is when it leaves; undefined for what stays on the disk. */
export function releaseOf(output: Output): Release | undefined {
  switch (output.kind) {
    case 'send':
      return output.message.type;
    case 'reply':
    case 'event':
      return output.kind;
    case 'persist':
    case 'truncate':
    case 'store':
    case 'collect':
      return undefined;
  }
}

/** The last thing that leaves, as far as it does, and the name of the moment at which the power goes. */
export interface LastRelease {
  readonly index: number;
  readonly output: Output | undefined;
  readonly point: string;
}

/** A trap that is set. */
export class ArmedTrap {
  readonly trap: CrashTrap;
  /** Of the record, in operations of the disk. */
  #position: number | undefined;
  #left: number;

  constructor(trap: CrashTrap) {
    this.trap = trap;
    this.#left = trap.kind === 'output' ? trap.count : 0;
  }

  /** Something was written as the `position`-th operation. The point at which the power goes at once; undefined: not yet. */
  onWritten(effect: DiskEffect, position: number): string | undefined {
    if (this.trap.kind !== 'record' || this.trap.record !== effect) return undefined;
    this.#position ??= position;
    return this.trap.phase === 'unsynced' ? `${effect}:unsynced` : undefined;
  }

  /** The disk has synced `position` operations. The phase in which the record now is; undefined: it is not synced, or there is none. */
  onSynced(position: number): { readonly phase: CrashPhase; readonly point: string } | undefined {
    if (this.trap.kind !== 'record' || this.#position === undefined || position < this.#position) return undefined;
    const { record, phase } = this.trap;
    return { phase, point: `${record}:${phase}` };
  }

  /** A sealed state is about to be durable, or is. The point at which the power goes at once; undefined: not yet. */
  onVersion(phase: VersionPhase): string | undefined {
    return this.trap.kind === 'version' && this.trap.phase === phase ? `version:${phase}` : undefined;
  }

  /** These are about to leave. Where among them the power goes; undefined: not among them. */
  onRelease(outputs: readonly Output[]): LastRelease | undefined {
    const { trap } = this;
    if (trap.kind !== 'output') return undefined;
    for (const [index, output] of outputs.entries()) {
      const release = releaseOf(output);
      if (release === undefined || (trap.of !== undefined && trap.of !== release)) continue;
      this.#left -= 1;
      if (this.#left > 0) continue;
      const { receivers } = trap;
      if (output.kind !== 'send' || receivers === undefined) return { index, output, point: `after ${release}` };
      const to = output.to.filter((id) => isReached(receivers, id));
      const reached = to.length > 0 ? { ...output, to } : undefined;
      return { index, output: reached, point: `within ${output.message.type}` };
    }
    return undefined;
  }
}

function isReached(receivers: number, id: ReplicaId): boolean {
  return ((receivers >> id) & 1) === 1;
}
