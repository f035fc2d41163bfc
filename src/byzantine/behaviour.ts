/**
 * What a Byzantine replica is here: a correct one whose outputs are rewritten, dropped or held back on their way out, and which may be kept from
 * hearing something. Server and simulator share it. The inner replica keeps its true log, so that a restart makes it correct again; nothing here
 * sees another node's keys, clock or disk.
 */
import type { Bytes } from '../base/bytes.ts';
import type { ReplicaId } from '../base/ids.ts';
import type { CodecContext } from '../messages/index.ts';
import type { ClusterConfig } from '../protocol/config.ts';
import type { Input, Now } from '../protocol/input.ts';
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
  'slow',
  'selective',
  'forge',
  'wrong-reply',
  'wrong-state',
  'replay',
  'flood',
  'censor',
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
  /** T of the liar's own configuration, µs. */
  readonly requestTimeoutUs: number;
  /** Of its cluster. */
  readonly codec: CodecContext;
  /** Of the liar itself: it signs wrong CHECKPOINTs and VIEW-CHANGEs with its own, good key. */
  readonly authenticator: Pick<Authenticator, 'sign'>;
  /** An integer from 0 that picks among the ways to misbehave; 0 is the one for demonstrations, the simulator draws others. */
  readonly variant: number;
  /** `slow`: how late everything leaves, µs, where somebody says so; else a share of T. */
  readonly delayUs?: number | undefined;
}

/** What a replica is told by others, or by its own process. Its own clock is no such thing: nothing keeps a `timeout` from it. */
export type HeardInput = Exclude<Input, { kind: 'timeout' }>;

/** One liar. Deterministic: equal calls give equal outputs. */
export interface Behaviour {
  readonly name: BehaviourName;
  /**
   * So much later than a correct node's everything leaves, µs; 0: at once. The driver holds the sealed frames back, in order, up to a bound;
   * a crash loses them.
   */
  readonly delayUs: number;
  /** What the inner replica takes instead of `input`; undefined: it never learns of it. */
  admit(input: HeardInput): Input | undefined;
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

/** All that a behaviour leaves as it is unless it says otherwise. */
export const UNCHANGED: Omit<Behaviour, 'name'> = {
  delayUs: 0,
  admit: (input) => input,
  rewrite: (_now, outputs) => outputs,
  rewriteFrame: (frame) => frame,
};

/** A behaviour from a rewriter of single outputs. */
export function perOutput(name: BehaviourName, rewriter: Rewriter): Behaviour {
  return {
    ...UNCHANGED,
    name,
    rewrite: (now, outputs, status) => outputs.flatMap((output) => rewriter(output, now, status)),
  };
}

/** What the replica inside takes of `input`: all of it when it is correct. */
export function admitted(behaviour: Behaviour | undefined, input: Input): Input | undefined {
  return behaviour === undefined || input.kind === 'timeout' ? input : behaviour.admit(input);
}
