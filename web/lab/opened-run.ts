/** What a link leads to: a title, words, and what the Worker is to run. Pure. */
import type { Goal } from '../../src/lab/challenge.ts';
import { readLink, runSourceOf, writeLink } from '../../src/lab/link.ts';
import type { LabLink, LinkSource } from '../../src/lab/link.ts';
import type { RunSource } from '../../src/lab/lab-run.ts';
import { toldScenario, toldText } from '../../src/lab/told/library.ts';
import type { Challenge, ToldScenario } from '../../src/lab/told/told-scenario.ts';

export interface OpenedRun {
  readonly link: LabLink;
  readonly title: string;
  readonly run: RunSource;
  readonly told: ToldScenario | undefined;
  /** Given: this run is the challenge, and scored by its goal. */
  readonly challenge: Challenge | undefined;
  readonly goal: Goal | undefined;
}

export type Opened =
  | { readonly kind: 'run'; readonly opened: OpenedRun }
  /** There is nothing behind the `#`. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'refused'; readonly problems: readonly string[] };

export function openFragment(fragment: string): Opened {
  if (fragment.replace(/^#/, '') === '') return { kind: 'nothing' };
  const read = readLink(fragment);
  if (!read.ok)
    return {
      kind: 'refused',
      problems: read.error.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`)),
    };
  const { source } = read.value;
  const run = runSourceOf(source, toldText);
  if (run === undefined) {
    const id = source.kind === 'told' ? source.id : '';
    return { kind: 'refused', problems: [`told: this build tells no scenario "${id}"`] };
  }
  const told = source.kind === 'told' ? toldScenario(source.id) : undefined;
  const challenge = source.kind === 'told' && source.isChallenge ? told?.challenge : undefined;
  const opened = { link: read.value, title: titleOf(source, told), run, told, challenge, goal: challenge?.goal };
  return { kind: 'run', opened };
}

function titleOf(source: LinkSource, told: ToldScenario | undefined): string {
  switch (source.kind) {
    case 'seed':
      return `Seed ${source.seed}`;
    case 'swarm':
      return `Options of seed ${source.options.seed}`;
    case 'told':
      return source.isChallenge ? `Challenge: ${told?.title ?? ''}` : (told?.title ?? '');
    case 'text':
      return 'A scenario of one’s own';
  }
}

/** The address of a source's run at its beginning. */
export function addressOf(source: LinkSource, build: string): string {
  return `#${writeLink({ build, source, interventions: [], at: 0 })}`;
}
