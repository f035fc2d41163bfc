/**
 * Makes a run that breaks an invariant as simple as it can be made while the same invariant still breaks: delta debugging over its options
 * [Zeller & Hildebrandt, "Simplifying and Isolating Failure-Inducing Input"]. Pure: runs options, at most so often, and nothing else.
 */
import { makeQuorums } from '../protocol/quorum.ts';
import { isSameFailure } from './broken-invariant.ts';
import type { BrokenInvariant } from './broken-invariant.ts';
import { differingPaths, plainer, readOptions, writeOptions } from './options-json.ts';
import type { SwarmOptions } from './options.ts';

export interface Shrunk {
  readonly options: SwarmOptions;
  /** What breaks with these options: the same invariant as before. */
  readonly violation: BrokenInvariant;
  /** How many runs it took. */
  readonly runs: number;
}

export interface ShrinkPlan {
  /** Runs options; gives back what breaks. */
  readonly run: (options: SwarmOptions) => BrokenInvariant | undefined;
  readonly runsAtMost: number;
  /** Told after every run. */
  readonly onRun?: (runs: number) => void;
}

/** Enough for most: after so many runs, what is there is taken. */
export const SHRINK_RUNS = 250;

/** Several ways to make options simpler in one respect, the boldest first. */
type Reduction = (options: SwarmOptions) => Iterable<SwarmOptions | undefined>;

/** Requires: with `options`, `violation` happens. */
export function shrink(options: SwarmOptions, violation: BrokenInvariant, plan: ShrinkPlan): Shrunk {
  const tried = new Set([writeOptions(options)]);
  let simplest = options;
  let broken = violation;
  let runs = 0;
  /** True if `candidate` is good, new, and fails in the same way; it is then the simplest. */
  const take = (candidate: SwarmOptions): boolean => {
    const text = writeOptions(candidate);
    if (tried.has(text) || !readOptions(candidate).ok) return false;
    tried.add(text);
    runs += 1;
    const found = plan.run(candidate);
    const isSame = found !== undefined && isSameFailure(found, violation);
    if (isSame) {
      simplest = candidate;
      broken = found;
    }
    plan.onRun?.(runs);
    return isSame;
  };
  /** Tries one reduction until it yields nothing more; true if it yielded anything. */
  const reduce = (reduction: Reduction): boolean => {
    const before = simplest;
    let isReduced = true;
    while (isReduced) {
      isReduced = false;
      for (const candidate of reduction(simplest)) {
        if (runs >= plan.runsAtMost) return simplest !== before;
        isReduced = candidate !== undefined && take(candidate);
        if (isReduced) break;
      }
    }
    return simplest !== before;
  };
  let isSimpler = true;
  // What could not be left out may be superfluous once something else is gone.
  while (isSimpler && runs < plan.runsAtMost) isSimpler = REDUCTIONS.map(reduce).includes(true);
  return { options: simplest, violation: broken, runs };
}

/** What is tried first makes the later runs quick. */
const REDUCTIONS: readonly Reduction[] = [
  fewerClients,
  fewerRequests,
  fewerFaults,
  fewerLiars,
  plainerRest,
  fewerNodes,
  plainVariants,
];

function* fewerRequests(options: SwarmOptions): Iterable<SwarmOptions> {
  for (const requestsPerClient of smaller(options.requestsPerClient)) yield { ...options, requestsPerClient };
}

function* fewerClients(options: SwarmOptions): Iterable<SwarmOptions> {
  for (const clientCount of smaller(options.clientCount)) yield { ...options, clientCount };
}

function* fewerFaults(options: SwarmOptions): Iterable<SwarmOptions> {
  for (const faults of shorter(options.faults)) yield { ...options, faults };
}

function* fewerLiars(options: SwarmOptions): Iterable<SwarmOptions> {
  for (const liars of shorter(options.liars)) yield { ...options, liars };
}

/** These have reductions of their own, and the seed decides the run. */
const OWN_REDUCTION = new Set(['seed', 'requestsPerClient', 'clientCount', 'faults', 'liars', 'replicaCount']);

/** Network, disks, limits and whatever else there is: as in the plain options. */
function* plainerRest(options: SwarmOptions): Iterable<SwarmOptions | undefined> {
  const paths = differingPaths(options).filter((path) => !OWN_REDUCTION.has(path));
  for (const rest of shorter(paths)) {
    const kept = new Set(rest);
    yield plainer(options, (path) => OWN_REDUCTION.has(path) || kept.has(path));
  }
}

/** Sizes to try: four nodes bear one liar, fewer bear none. */
const SIZES: readonly number[] = [4, 1, 2, 3, 5, 6];

/** Without the nodes that are last, and what concerned them. */
function* fewerNodes(options: SwarmOptions): Iterable<SwarmOptions> {
  for (const replicaCount of SIZES.filter((size) => size < options.replicaCount)) {
    const smallerOptions: SwarmOptions = {
      ...options,
      replicaCount,
      wallOffsetsMs: options.wallOffsetsMs.slice(0, replicaCount),
      liars: options.liars
        .filter(({ replica }) => replica < replicaCount)
        .slice(0, makeQuorums(replicaCount).faultLimit),
      faults: [],
    };
    const faults = options.faults.filter((fault) => readOptions({ ...smallerOptions, faults: [fault] }).ok);
    yield { ...smallerOptions, faults };
  }
}

function* plainVariants(options: SwarmOptions): Iterable<SwarmOptions> {
  yield { ...options, liars: options.liars.map((liar) => ({ ...liar, variant: 0 })) };
}

/** Counts from 1 that are smaller, the smallest first. */
function smaller(count: number): readonly number[] {
  const sizes = [1, count / 8, count / 4, count / 2, (3 * count) / 4, count - 1].map(Math.floor);
  return [...new Set(sizes)].filter((size) => size >= 1 && size < count);
}

/** The list without some of it: without all, without each half, each quarter …, without each element. */
function* shorter<Element>(elements: readonly Element[]): Iterable<readonly Element[]> {
  for (let size = elements.length; size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < elements.length; at += size) yield [...elements.slice(0, at), ...elements.slice(at + size)];
  }
}
