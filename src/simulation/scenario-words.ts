/** The words of scenario commands, read with care: each of these throws {@link ScenarioError} for what it cannot be. Owns nothing. */
import { LIMITS } from '../messages/limits.ts';
import { MAX_REPLICAS } from '../protocol/quorum.ts';
import { describeProblem } from './guard.ts';
import type { LinkQuality } from './network.ts';
import { PERFECT_LINK } from './network.ts';
import { readOptions } from './options-json.ts';
import type { SwarmOptions } from './options.ts';
import { ScenarioError } from './scenario-faults.ts';
import { LINK_US, SCENARIO_DEFAULTS } from './scenario-world.ts';
import type { ScenarioOptions } from './scenario-world.ts';
import { MAX_CLIENTS } from './simulate.ts';

/** Nothing in a scenario takes longer, in µs. */
const LONGEST_US = 3_600_000_000;

/** An integer from 1. `what` names it. */
export function countOf(text: string, atMost: number, what: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > atMost)
    throw new ScenarioError(`"${text}": ${what} is an integer from 1 to ${atMost}`);
  return count;
}

export function parseJson(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new ScenarioError(`"${text.trim()}": no JSON object`);
}

export function parseSwarm(text: string): SwarmOptions {
  const options = readOptions(parseJson(text));
  if (!options.ok) throw new ScenarioError(`swarm: ${options.error.map(describeProblem).join('; ')}`);
  return options.value;
}

/** `250us`, `10ms`, `2s`. */
export function microseconds(text: string): number {
  const match = /^(\d+)(us|ms|s)$/.exec(text);
  if (match === null) throw new ScenarioError(`"${text}": no duration such as 10ms`);
  const us = Number(match[1]) * (match[2] === 's' ? 1_000_000 : match[2] === 'ms' ? 1000 : 1);
  if (us > LONGEST_US) throw new ScenarioError(`"${text}": an hour at most`);
  return us;
}

/** `5%`, from 0 to 100, as a probability. */
function share(text: string): number {
  const percent = Number(/^(\d{1,3})%$/.exec(text)?.[1]);
  if (!(percent <= 100)) throw new ScenarioError(`"${text}": no share such as 5%`);
  return percent / 100;
}

/** `nodes 4 interval 8 clients 2 signature reads tentative overlap rule 2f+1 delay 1ms to 5ms loss 2% seed 7` */
export function clusterOptions(words: readonly string[]): Partial<ScenarioOptions> {
  const left = [...words];
  const flag = (name: string): boolean => {
    const at = left.indexOf(name);
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  };
  const after = (name: string): string | undefined => {
    const at = left.indexOf(name);
    return at < 0 ? undefined : (left.splice(at, 2)[1] ?? '');
  };
  const count = (name: string, otherwise: number, atMost: number): number => {
    const text = after(name);
    return text === undefined ? otherwise : countOf(text, atMost, `what follows ${name}`);
  };
  const rule = after('rule') ?? 'intersecting';
  if (rule !== 'intersecting' && rule !== '2f+1')
    throw new ScenarioError(`"${rule}": a rule of quorums is intersecting or 2f+1`);
  const options: Partial<ScenarioOptions> = {
    replicaCount: count('nodes', SCENARIO_DEFAULTS.replicaCount, MAX_REPLICAS),
    checkpointInterval: count('interval', SCENARIO_DEFAULTS.checkpointInterval, LIMITS.windowSlots / 2),
    clientCount: count('clients', SCENARIO_DEFAULTS.clientCount, MAX_CLIENTS - 1),
    seed: count('seed', SCENARIO_DEFAULTS.seed, 2 ** 31),
    authentication: flag('signature') ? 'signature' : 'mac',
    readOnlyRequests: flag('reads'),
    tentativeExecution: flag('tentative'),
    overlappedSync: flag('overlap'),
    quorumRule: rule,
    network: linkQuality(after('delay'), after('to'), after('loss')),
  };
  const [strange] = left;
  if (strange !== undefined) throw new ScenarioError(`"${strange}": no option of a cluster`);
  return options;
}

function linkQuality(delay?: string, most?: string, loss?: string): LinkQuality {
  const minDelayUs = delay === undefined ? LINK_US : microseconds(delay);
  const maxDelayUs = most === undefined ? minDelayUs : microseconds(most);
  if (maxDelayUs < minDelayUs) throw new ScenarioError(`"to ${most ?? ''}": no less than the delay before it`);
  return { ...PERFECT_LINK, minDelayUs, maxDelayUs, loss: loss === undefined ? 0 : share(loss) };
}
