/**
 * A run as the text behind the `#` of an address: version, build, source, interventions, position. Whoever opens it sees the same run, if the build is
 * the same. Reading trusts nothing: it is bounded, and tells all that is wrong.
 */
import { BEHAVIOUR_NAMES } from '../byzantine/index.ts';
import type { Result } from '../base/result.ts';
import { fail, ok } from '../base/result.ts';
import { MAX_REPLICAS } from '../protocol/quorum.ts';
import { describeProblem } from '../simulation/guard.ts';
import { readOptions, writeOptions } from '../simulation/options-json.ts';
import { leastReplicas, makeOptions, parseLiar } from '../simulation/options.ts';
import type { SwarmOptions, SwarmOverrides } from '../simulation/options.ts';
import { LONGEST_OPERATION } from './intervention.ts';
import { fragmentOf, LINK_VERSION, LONGEST_LINK } from './link-fragment.ts';
import { excessOfOptions, excessOfScenario, parsed } from './link-limits.ts';
import type { Action, Intervention } from './intervention.ts';
import { MOST_INTERVENTIONS, MOST_STEPS } from './lab-session.ts';
import type { RunSource } from './lab-run.ts';

/** What a run is made of, as briefly as it can be said. */
export type LinkSource =
  | { readonly kind: 'seed'; readonly seed: number; readonly overrides: SwarmOverrides }
  | { readonly kind: 'swarm'; readonly options: SwarmOptions }
  /** One of the told scenarios, or the challenge at its end. */
  | { readonly kind: 'told'; readonly id: string; readonly isChallenge: boolean }
  | { readonly kind: 'text'; readonly text: string };

export interface LabLink {
  /** Of the source that made it: with another one the run may differ. */
  readonly build: string;
  readonly source: LinkSource;
  readonly interventions: readonly Intervention[];
  /** The step to show. */
  readonly at: number;
}

export interface LinkProblem {
  readonly code: 'too-long' | 'version' | 'unknown-field' | 'repeated-field' | 'source' | 'bad-value' | 'too-many';
  readonly field: string;
  readonly message: string;
}

const LONGEST_SCENARIO = 16_384;
const LONGEST_BUILD = 64;
const SOURCES = ['seed', 'swarm', 'told', 'text'] as const;
const FIELDS = new Set([
  'v',
  'build',
  ...SOURCES,
  'nodes',
  'liar',
  'disks',
  'reads',
  'tentative',
  'overlap',
  'compound',
  'challenge',
  'do',
  'at',
]);
/** In µs: a message is not held back longer. */
export const LONGEST_DELAY_US = 60_000_000;

/** Without the `#`. */
export function writeLink({ build, source, interventions, at }: LabLink): string {
  const fields: (readonly [string, string])[] = [['build', build], ...sourceFields(source)];
  if (interventions.length > 0) fields.push(['do', interventions.map(writeIntervention).join('~')]);
  if (at > 0) fields.push(['at', String(at)]);
  return fragmentOf(fields);
}

function sourceFields(source: LinkSource): readonly (readonly [string, string])[] {
  switch (source.kind) {
    case 'seed': {
      const { liar, replicaCount, lostDisks, reads, tentative, overlap, compound } = source.overrides;
      return [
        ['seed', String(source.seed)],
        ...(replicaCount === undefined ? [] : [['nodes', String(replicaCount)] as const]),
        ...(liar === undefined
          ? []
          : [['liar', `${liar.behaviour}:${liar.isPrimary ? 'primary' : 'backup'}`] as const]),
        ...(lostDisks === true ? [['disks', 'lost'] as const] : []),
        ...(reads === true ? [['reads', 'yes'] as const] : []),
        ...(tentative === true ? [['tentative', 'yes'] as const] : []),
        ...(overlap === true ? [['overlap', 'yes'] as const] : []),
        ...(compound === true ? [['compound', 'yes'] as const] : []),
      ];
    }
    case 'swarm':
      return [['swarm', writeOptions(source.options)]];
    case 'told':
      return [['told', source.id], ...(source.isChallenge ? [['challenge', 'yes'] as const] : [])];
    case 'text':
      return [['text', source.text]];
  }
}

/** `12.drop.345`: the step, what is done, and to what. The whole is encoded once more: within it only what separates words is. */
function writeIntervention({ at, action }: Intervention): string {
  const words = wordsOf(action).map((word) =>
    String(word).replaceAll('%', '%25').replaceAll('~', '%7E').replaceAll('.', '%2E'),
  );
  return [String(at), action.do, ...words].join('.');
}

function wordsOf(action: Action): readonly (string | number)[] {
  switch (action.do) {
    case 'drop':
      return [action.message];
    case 'delay':
      return [action.message, action.byUs];
    case 'duplicate':
      return [action.message, action.afterUs];
    case 'cut':
    case 'mend':
      return [action.from, action.to];
    case 'behave':
      return [action.node, action.behaviour ?? 'correctly', action.variant];
    case 'request':
      return [action.client, action.operation];
    default:
      return [action.node];
  }
}

/** What `#…` says, with or without the `#`; else everything that is wrong with it. */
export function readLink(fragment: string): Result<LabLink, readonly LinkProblem[]> {
  const text = fragment.replace(/^#/, '');
  if (text.length > LONGEST_LINK)
    return fail([{ code: 'too-long', field: '', message: `a link has at most ${LONGEST_LINK} characters` }]);
  const reading = new Reading(text);
  const link: LabLink = {
    build: reading.build(),
    source: reading.source(),
    interventions: reading.interventions(),
    at: reading.number('at', MOST_STEPS) ?? 0,
  };
  return reading.problems.length > 0 ? fail(reading.problems) : ok(link);
}

class Reading {
  readonly problems: LinkProblem[] = [];
  readonly #fields = new Map<string, string>();

  constructor(text: string) {
    for (const part of text.split('&')) this.#take(part);
    if (this.#fields.get('v') !== LINK_VERSION)
      this.#note('version', 'v', `this lab reads links of version ${LINK_VERSION}: v=${LINK_VERSION}`);
  }

  #take(part: string): void {
    const at = part.indexOf('=');
    const name = at < 0 ? part : part.slice(0, at);
    const value = at < 0 ? '' : decoded(part.slice(at + 1));
    if (!FIELDS.has(name)) this.#note('unknown-field', name.slice(0, 40), `a link has ${[...FIELDS].join(', ')}`);
    else if (this.#fields.has(name)) this.#note('repeated-field', name, 'each field stands once');
    else if (value === undefined) this.#note('bad-value', name, 'a % is followed by two hexadecimal digits');
    else this.#fields.set(name, value);
  }

  #note(code: LinkProblem['code'], field: string, message: string): void {
    this.problems.push({ code, field, message });
  }

  build(): string {
    const build = this.#fields.get('build') ?? '';
    if (!/^[\w.+-]+$/.test(build) || build.length > LONGEST_BUILD)
      this.#note('bad-value', 'build', 'which source made the link, such as 1a2b3c4');
    return build;
  }

  /** Undefined where it is not given, or not a number from 0 to `most`. */
  number(name: string, most: number): number | undefined {
    const text = this.#fields.get(name);
    if (text === undefined) return undefined;
    const number = Number(text);
    if (/^\d{1,16}$/.test(text) && number <= most) return number;
    this.#note('bad-value', name, `an integer from 0 to ${most}`);
    return undefined;
  }

  /** True for `word`, false where it is not given. */
  #flag(name: string, word: string): boolean {
    const text = this.#fields.get(name);
    if (text !== undefined && text !== word) this.#note('bad-value', name, `${word}, or nothing at all`);
    return text === word;
  }

  source(): LinkSource {
    const given = SOURCES.filter((name) => this.#fields.has(name));
    const [kind] = given;
    if (kind === undefined || given.length > 1) {
      this.#note('source', given.join(' and '), `a link has one of ${SOURCES.join(', ')}`);
      return { kind: 'text', text: '' };
    }
    const value = this.#fields.get(kind) ?? '';
    switch (kind) {
      case 'seed':
        return this.#seed();
      case 'swarm':
        return this.#swarm(value);
      case 'told':
        if (!/^[a-z0-9-]{1,40}$/.test(value)) this.#note('bad-value', 'told', 'the name of a told scenario');
        return { kind, id: value, isChallenge: this.#flag('challenge', 'yes') };
      case 'text':
        if (value.length > LONGEST_SCENARIO || !/^> /m.test(value))
          this.#note(
            'bad-value',
            'text',
            `a scenario of at most ${LONGEST_SCENARIO} characters, with lines that begin with "> "`,
          );
        for (const problem of excessOfScenario(value)) this.#note('too-many', 'text', problem);
        return { kind, text: value };
    }
  }

  #seed(): LinkSource {
    const seed = this.number('seed', Number.MAX_SAFE_INTEGER) ?? 0;
    const replicaCount = this.number('nodes', MAX_REPLICAS);
    const text = this.#fields.get('liar');
    const liar = text === undefined ? undefined : parseLiar(text);
    if (text !== undefined && liar === undefined) this.#note('bad-value', 'liar', 'such as equivocate:primary');
    const overrides: SwarmOverrides = {
      ...(replicaCount === undefined ? {} : { replicaCount }),
      ...(liar === undefined ? {} : { liar }),
      ...(this.#flag('disks', 'lost') ? { lostDisks: true } : {}),
      ...(this.#flag('reads', 'yes') ? { reads: true } : {}),
      ...(this.#flag('tentative', 'yes') ? { tentative: true } : {}),
      ...(this.#flag('overlap', 'yes') ? { overlap: true } : {}),
      ...(this.#flag('compound', 'yes') ? { compound: true } : {}),
    };
    const least = leastReplicas(overrides);
    if (replicaCount !== undefined && replicaCount < least)
      this.#note('bad-value', 'nodes', `at least ${least}: fewer do not bear what else the link says`);
    return { kind: 'seed', seed, overrides };
  }

  #swarm(text: string): LinkSource {
    const options = readOptions(parsed(text));
    if (options.ok) {
      for (const problem of excessOfOptions(options.value)) this.#note('too-many', 'swarm', problem);
      return { kind: 'swarm', options: options.value };
    }
    this.#note('bad-value', 'swarm', options.error.map(describeProblem).join('; '));
    return { kind: 'text', text: '' };
  }

  interventions(): readonly Intervention[] {
    const text = this.#fields.get('do');
    if (text === undefined) return [];
    const parts = text.split('~');
    if (parts.length > MOST_INTERVENTIONS) {
      this.#note('too-many', 'do', `at most ${MOST_INTERVENTIONS} interventions`);
      return [];
    }
    const all = parts.map(readIntervention);
    const good = all.filter((one) => one !== undefined);
    if (good.length < all.length)
      this.#note(
        'bad-value',
        'do',
        `"${parts[all.indexOf(undefined)]?.slice(0, 60) ?? ''}" is no intervention such as 12.drop.345`,
      );
    if (good.some(({ at }, index) => at < (good[index - 1]?.at ?? 0)))
      this.#note('bad-value', 'do', 'the steps of interventions do not go back');
    return good;
  }
}

/** Undefined for what is none. */
function readIntervention(text: string): Intervention | undefined {
  const [step = '', name = '', ...rest] = text.split('.');
  const at = count(step, MOST_STEPS);
  const words = rest.map(decoded);
  if (at === undefined || words.includes(undefined)) return undefined;
  const action = readAction(
    name,
    words.map((word) => word ?? ''),
  );
  return action === undefined ? undefined : { at, action };
}

function readAction(name: string, words: readonly string[]): Action | undefined {
  const [first = '', second = '', third = ''] = words;
  const isOf = (length: number): boolean => words.length === length;
  switch (name) {
    case 'drop': {
      const message = count(first, Number.MAX_SAFE_INTEGER);
      return message === undefined || !isOf(1) ? undefined : { do: name, message };
    }
    case 'delay':
    case 'duplicate': {
      const message = count(first, Number.MAX_SAFE_INTEGER);
      const us = count(second, LONGEST_DELAY_US);
      if (message === undefined || us === undefined || !isOf(2)) return undefined;
      return name === 'delay' ? { do: name, message, byUs: us } : { do: name, message, afterUs: us };
    }
    case 'crash':
    case 'restart':
    case 'pause':
    case 'resume':
    case 'lose-disk':
      return isParty(first) && isOf(1) ? { do: name, node: first } : undefined;
    case 'cut':
    case 'mend':
      return isParty(first) && isParty(second) && isOf(2) ? { do: name, from: first, to: second } : undefined;
    case 'behave': {
      const behaviour = second === 'correctly' ? null : BEHAVIOUR_NAMES.find((known) => known === second);
      const variant = count(third, 9999);
      if (behaviour === undefined || variant === undefined || !isParty(first) || !isOf(3)) return undefined;
      return { do: name, node: first, behaviour, variant };
    }
    case 'request': {
      const client = count(first, 9999);
      if (client === undefined || client < 1 || second.length > LONGEST_OPERATION || !isOf(2)) return undefined;
      return { do: name, client, operation: second };
    }
    default:
      return undefined;
  }
}

function isParty(text: string): boolean {
  return /^(?:node|client|faulty)[1-9]\d{0,2}$/.test(text);
}

function count(text: string, most: number): number | undefined {
  const number = Number(text);
  return /^\d{1,16}$/.test(text) && number <= most ? number : undefined;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

/** What the link's source is for a run. `told`: text of a told scenario or challenge, undefined for one that this build does not have. */
export function runSourceOf(
  source: LinkSource,
  told: (id: string, isChallenge: boolean) => string | undefined,
): RunSource | undefined {
  switch (source.kind) {
    case 'seed':
      return { kind: 'swarm', options: makeOptions(source.seed, source.overrides) };
    case 'swarm':
      return source;
    case 'text':
      return { kind: 'scenario', text: source.text };
    case 'told': {
      const text = told(source.id, source.isChallenge);
      return text === undefined ? undefined : { kind: 'scenario', text };
    }
  }
}
