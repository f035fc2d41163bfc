/** What a link leads to: a title, and what is to be run. The Worker's side of it: reading a link takes the simulator. Pure. */
import { readLink, runSourceOf } from '../../src/lab/link.ts';
import type { LabLink, LinkSource } from '../../src/lab/link.ts';
import type { RunSource } from '../../src/lab/lab-run.ts';
import type { Goal } from '../../src/lab/challenge.ts';
import { toldScenario, toldText } from '../../src/lab/told/library.ts';
import type { ToldScenario } from '../../src/lab/told/told-scenario.ts';
import type { RunTitle } from './worker-messages.ts';

export interface OpenedRun {
  readonly link: LabLink;
  readonly source: RunSource;
  readonly told: ToldScenario | undefined;
  readonly goal: Goal | undefined;
  readonly title: RunTitle;
}

export type Opened =
  | { readonly kind: 'run'; readonly opened: OpenedRun }
  /** Everything that is wrong with the link. */
  | { readonly kind: 'refused'; readonly problems: readonly string[] };

export function openFragment(fragment: string): Opened {
  const read = readLink(fragment);
  if (!read.ok) {
    const problems = read.error.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`));
    return { kind: 'refused', problems };
  }
  const link = read.value;
  const source = runSourceOf(link.source, toldText);
  if (source === undefined) {
    const id = link.source.kind === 'told' ? link.source.id : '';
    return { kind: 'refused', problems: [`told: this build tells no scenario "${id}"`] };
  }
  const told = link.source.kind === 'told' ? toldScenario(link.source.id) : undefined;
  const isChallenge = link.source.kind === 'told' && link.source.isChallenge;
  const title: RunTitle = {
    title: titleOf(link.source, told),
    build: link.build,
    told: told?.id,
    isChallenge,
    text: source.kind === 'scenario' ? source.text : undefined,
  };
  return { kind: 'run', opened: { link, source, told, goal: isChallenge ? told?.challenge?.goal : undefined, title } };
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
