/**
 * How much a link may ask for at once. Whatever happens step by step can be stopped; these things are made, or looked through, within one step, and a short
 * link would keep the browser busy with them for ever. Pure.
 */
import { readOptions } from '../simulation/options-json.ts';
import type { SwarmOptions } from '../simulation/options.ts';

/** Sessions that one client has at once. */
export const MOST_SESSIONS = 64;
/** Requests of one client: of a seed, or of all `load` commands together. No run of the lab comes to more. */
export const MOST_REQUESTS = 10_000;
/** `drop` commands: each message is held against each of them. */
export const MOST_RULES = 100;

/** Everything in these options that is beyond the limits, in words that say the limit. */
export function excessOfOptions({ sessionsAtOnce, requestsPerClient }: SwarmOptions): readonly string[] {
  return [
    ...excess('sessionsAtOnce', sessionsAtOnce, MOST_SESSIONS),
    ...excess('requestsPerClient', requestsPerClient, MOST_REQUESTS),
  ];
}

/** The same in the commands of a scenario. What is no command, or has wrong words, is the scenario's to tell. */
export function excessOfScenario(text: string): readonly string[] {
  const commands = text
    .split('\n')
    .filter((line) => line.startsWith('> '))
    .map((line) => line.slice(2).trim());
  const named = (name: string): readonly (readonly string[])[] =>
    commands.map((command) => command.split(/\s+/)).filter(([first]) => first === name);
  const load = named('load').reduce((sum, [, count = '']) => sum + (/^\d+$/.test(count) ? Number(count) : 0), 0);
  return [
    ...excess('the number of requests of all "> load" together', load, MOST_REQUESTS),
    ...excess('the number of "> drop"', named('drop').length, MOST_RULES),
    ...commands.flatMap(excessOfSwarm),
  ];
}

function excessOfSwarm(command: string): readonly string[] {
  const json = /^swarm\s(.*)$/.exec(command)?.[1];
  const options = json === undefined ? undefined : readOptions(parsed(json));
  return options?.ok === true ? excessOfOptions(options.value) : [];
}

function excess(what: string, value: number, most: number): readonly string[] {
  return value > most ? [`${what} is ${value}: the lab runs at most ${most}`] : [];
}

/** Undefined for what is no JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
