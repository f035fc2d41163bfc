/**
 * What a Byzantine replica is here: a correct one whose outputs are rewritten on their way out. Server and simulator share it. The inner
 * replica keeps its true log, so that a restart makes it correct again; nothing here sees another node's keys, clock or disk.
 */
import type { Bytes } from '../base/bytes.ts';
import type { ReplicaId } from '../base/ids.ts';
import type { CodecContext } from '../messages/index.ts';
import type { ClusterConfig } from '../protocol/config.ts';
import type { Now } from '../protocol/input.ts';
import type { Output } from '../protocol/output.ts';
import type { Authenticator } from '../protocol/ports.ts';
import type { ReplicaStatus } from '../protocol/status.ts';

/** Every behaviour that can be switched on, in the order people are shown. */
export const BEHAVIOUR_NAMES = [
  'corrupt',
  'equivocate',
  'lie',
  'alter-timestamps',
  'silent',
  'forge',
  'wrong-reply',
] as const;

export type BehaviourName = (typeof BEHAVIOUR_NAMES)[number];

/** True for a name of {@link BEHAVIOUR_NAMES}; anything else is to be refused by the caller. */
export function isBehaviourName(name: string): name is BehaviourName {
  return BEHAVIOUR_NAMES.some((known) => known === name);
}

/** What a behaviour may know and use: its own identity, and nothing of anybody else. */
export interface BehaviourContext {
  readonly self: ReplicaId;
  readonly cluster: ClusterConfig;
  /** Of its cluster. */
  readonly codec: CodecContext;
  /** Of the liar itself: it signs wrong CHECKPOINTs and replies with its own, good key. */
  readonly authenticator: Pick<Authenticator, 'sign'>;
  /** An integer from 0 that picks among the ways to misbehave; 0 is the one for demonstrations, the simulator draws others. */
  readonly variant: number;
}

/** One liar. Deterministic: equal calls give equal outputs. */
export interface Behaviour {
  readonly name: BehaviourName;
  /**
   * What leaves instead of `outputs`, which one step of the inner replica gave. Requires: every step's outputs pass through here in order;
   * `status` is the inner replica's after the step. `persist`, `truncate` and `event` outputs always stay.
   */
  rewrite(now: Now, outputs: readonly Output[], status: ReplicaStatus): readonly Output[];
  /** The bytes that leave instead of a sealed frame, to replicas and clients alike. */
  rewriteFrame(frame: Bytes): Bytes;
}

export type SendOutput = Extract<Output, { kind: 'send' }>;

/** Part of a behaviour: only the outputs that change. */
export type Rewriter = (output: Output, now: Now, status: ReplicaStatus) => readonly Output[];

/** A behaviour from a rewriter of single outputs. */
export function perOutput(name: BehaviourName, rewriter: Rewriter): Behaviour {
  return {
    name,
    rewrite: (now, outputs, status) => outputs.flatMap((output) => rewriter(output, now, status)),
    rewriteFrame: (frame) => frame,
  };
}
