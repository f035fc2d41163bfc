/** A set-up chosen by hand, as the scenario that it is. Pure. */
import { BEHAVIOUR_NAMES } from '../../src/byzantine/behaviour.ts';
import type { BehaviourName } from '../../src/byzantine/behaviour.ts';

export interface SetUp {
  readonly nodes: number;
  readonly rule: 'intersecting' | '2f+1';
  readonly authentication: 'mac' | 'signature';
  readonly interval: number;
  readonly clients: number;
  /** Requests of each client, and one every so many ms. */
  readonly requests: number;
  readonly everyMs: number;
  /** Of a message, ms; `toMs`: at most. */
  readonly delayMs: number;
  readonly toMs: number;
  /** Percent. */
  readonly loss: number;
  readonly seed: number;
  readonly liars: readonly { readonly node: number; readonly behaviour: BehaviourName }[];
}

export const BEHAVIOURS: readonly BehaviourName[] = BEHAVIOUR_NAMES;

export const FIRST_SET_UP: SetUp = {
  nodes: 4,
  rule: 'intersecting',
  authentication: 'mac',
  interval: 8,
  clients: 2,
  requests: 3,
  everyMs: 5,
  delayMs: 1,
  toMs: 1,
  loss: 0,
  seed: 1,
  liars: [],
};

/** The least and the most of every number. */
export const BOUNDS = {
  nodes: [1, 13],
  interval: [1, 128],
  clients: [1, 9],
  requests: [0, 500],
  everyMs: [1, 1000],
  delayMs: [1, 1000],
  toMs: [1, 1000],
  loss: [0, 50],
  seed: [1, 1_000_000],
} as const satisfies { readonly [Field in keyof SetUp]?: readonly [number, number] };
export type NumberField = keyof typeof BOUNDS;

/** What is wrong, by field; empty when nothing is. */
export function problemsOf(setUp: SetUp): ReadonlyMap<NumberField | 'liars', string> {
  const problems = new Map<NumberField | 'liars', string>();
  const fields: readonly NumberField[] = [
    'nodes',
    'interval',
    'clients',
    'requests',
    'everyMs',
    'delayMs',
    'toMs',
    'loss',
    'seed',
  ];
  for (const field of fields) {
    const [low, high] = BOUNDS[field];
    const value = setUp[field];
    if (!Number.isInteger(value) || value < low || value > high)
      problems.set(field, `a whole number from ${low} to ${high}`);
  }
  if (!problems.has('toMs') && setUp.toMs < setUp.delayMs) problems.set('toMs', 'no less than the shortest delay');
  if (setUp.liars.some(({ node }) => node > setUp.nodes)) problems.set('liars', `there are ${setUp.nodes} nodes`);
  return problems;
}

/** Requires: no problems. */
export function scenarioOf(setUp: SetUp): string {
  const { nodes, rule, authentication, interval, clients, requests, everyMs, delayMs, toMs, loss, seed, liars } = setUp;
  const cluster = [
    `cluster nodes ${nodes} interval ${interval} clients ${clients} seed ${seed}`,
    ...(rule === '2f+1' ? ['rule 2f+1'] : []),
    ...(authentication === 'signature' ? ['signature'] : []),
    `delay ${delayMs}ms to ${toMs}ms`,
    ...(loss > 0 ? [`loss ${loss}%`] : []),
  ].join(' ');
  const lies = liars.map(({ node, behaviour }) => `behave node${node} ${behaviour}`);
  const load = requests > 0 ? [`load ${requests} every ${everyMs}ms`, 'run until answered'] : [];
  return [cluster, ...lies, ...load, 'run 10ms'].map((line) => `> ${line}\n`).join('');
}
