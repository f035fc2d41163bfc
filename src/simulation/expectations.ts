/**
 * What many seeds together must have seen: every kind of event, refusal, suspicion, behaviour, fault, crash point that can be reached. Each
 * exempt kind has its reason next to it. The lists are checked by the compiler against the types they are of.
 */
import type { MessageType } from '../messages/index.ts';
import type { Event, EventKind, ExecutedRequest } from '../protocol/event.ts';
import type { CoreRefusalCode, IntakeRefusalCode } from '../protocol/refusal.ts';
import type { SuspicionKind } from '../protocol/suspicion.ts';
import type { ViewChangeReason } from '../protocol/view-change-reason.ts';
import { ALTERATIONS } from './alter-asked.ts';
import type { Verdict } from './checkers/linearizability.ts';
import type { CoverageCounts } from './coverage.ts';
import { CRASH_PHASES, DISK_EFFECTS, RELEASES, VERSION_PHASES } from './crash-trap.ts';
import type { DiskEffect, Release } from './crash-trap.ts';
import { FAULT_SHAPES } from './fault-director.ts';
import { CLIENT_FAULTS, FAULT_KINDS, TAKEN_TYPES } from './faults.ts';
import { LIAR_NAMES } from './options.ts';

/** `true`: must happen. A text: why it cannot, or need not. */
type Expectation = true | string;
type Table<Name extends string> = { readonly [name in Name]: Expectation };

const EVENTS: Table<EventKind> = {
  started: true,
  'view-entered': true,
  'view-change-started': true,
  'new-view-made': true,
  'request-received': true,
  'pre-prepared': true,
  prepared: true,
  'tentatively-executed': true,
  committed: true,
  decided: true,
  executed: true,
  'checkpoint-taken': true,
  'checkpoint-stable': true,
  'body-missing': true,
  'body-fetched': true,
  buffered: true,
  complained: true,
  'client-marked': true,
  'request-timeout': true,
  resent: true,
  'session-evicted': true,
  'recovery-started': true,
  'recovery-estimated': true,
  'recovery-ordered': true,
  recovered: true,
  'transfer-started': true,
  transferred: true,
  suspicion: true,
  'state-damaged': true,
  diverged: 'a correct replica whose state differs is a violation',
  refused: true,
  'message-sent': true,
  'message-received': true,
};

const REFUSALS: Table<CoreRefusalCode> = {
  'not-from-primary': true,
  'other-view': true,
  'in-view-change': true,
  'old-view': true,
  unproven: true,
  'invalid-view-change': true,
  'wrong-new-view': true,
  'too-many-digests': true,
  'below-window': true,
  'above-window': true,
  'other-digest-accepted': true,
  'other-digest-executed': true,
  'read-only-in-batch': true,
  'too-many-operations': 'requests of the simulator have few: src/protocol/compound.test.ts',
  'empty-batch': 'the codec refuses such a batch before',
  'flagged-batch-not-empty': true,
  'timestamp-too-old': true,
  duplicate: true,
  'contradicts-earlier-vote': true,
  'not-asked-for': true,
  'queue-full': true,
  'session-busy': true,
  'old-request': true,
  'client-not-listed': true,
  'signature-required': true,
  'read-only-disabled': true,
  'state-behind': true,
  'budget-exhausted': '256 MiB of bodies: no run of the simulator holds so much',
  diverged: 'a correct replica whose state differs is a violation',
  recovering: true,
};

const INTAKE_REFUSALS: Table<IntakeRefusalCode> = {
  malformed: true,
  oversized: true,
  'not-authentic': true,
  'not-allowed-here': true,
  'unknown-author': true,
  'wrong-proof': true,
};

const SUSPICIONS: Table<SuspicionKind> = {
  equivocation: true,
  'false-vote': true,
  'contradictory-votes': true,
  'digest-mismatch': true,
  'wrong-checkpoint': true,
  'wrong-reply': true,
  unresponsive: true,
  'bad-link': true,
  'clock-skew': true,
  'wrong-state': true,
  'contradictory-view-changes': true,
  'invalid-view-change': true,
  'wrong-new-view': true,
  'slow-primary': true,
};

const OUTCOMES: Table<ExecutedRequest['outcome']> = {
  executed: true,
  replayed: true,
  repeated: true,
  ignored: true,
  'table-error': true,
};

const BUFFERED: Table<Extract<Event, { kind: 'buffered' }>['what']> = {
  'above-window': true,
  'unverified-request': true,
  'timestamp-ahead': true,
  'flagged-too-soon': true,
};

const RECORDS: Table<DiskEffect> = {
  accepted: true,
  prepared: true,
  executed: true,
  stable: true,
  'view-change': true,
  'new-view': true,
  suspicion: true,
  recovery: true,
  proposes: true,
  truncate: true,
};

const MESSAGES: { readonly [type in MessageType]?: Expectation } = {
  'pre-prepare': true,
  prepare: true,
  commit: true,
  checkpoint: true,
  status: true,
  fetch: true,
  batch: true,
  decided: true,
  complaint: true,
  requests: true,
  'fetch-state': true,
  state: true,
  'view-change': true,
  'new-view': true,
  'query-stable': true,
  'reply-stable': true,
  reply: true,
};

/** What the faults do to the run: one that happens and changes nothing tests nothing. */
const FAULT_EFFECTS: readonly string[] = [
  'partition: lost',
  'flapping: lost',
  'one-way: lost',
  'drop-type: lost',
  'clog: held back',
  'clog: buffer full',
  'pause: held back',
  'pause: buffer full',
  'twins: other sides',
  'lose-disk: lost',
  'lose-disk: while another one recovers',
  'lose-disk: after another one recovered',
  'lose-disk: besides a liar',
];

const REPLAYED: readonly string[] = [
  'unchanged',
  'with other bytes',
  'cannot be encoded',
  'changed, with its own seal',
  "changed, with another's seal",
  'changed where no seal covers it',
];

/** What new views start with, and which rules of the choice excluded something that the others would have let pass. */
const NEW_VIEWS: readonly string[] = [
  'with batches',
  'without batches',
  'with a null batch',
  'starts at a checkpoint that f+1 list',
  'A1 decisive',
  'A2 decisive',
];

const VIEW_CHANGES: Table<ViewChangeReason> = {
  timeout: true,
  equivocation: true,
  joined: true,
  'wrong-new-view': true,
  'slow-primary': true,
  restart: true,
  stray: true,
  recovery: true,
};

const CRASH_POINTS: readonly string[] = [
  'at rest',
  'all at once',
  'disk lost',
  ...DISK_EFFECTS.flatMap((effect) => CRASH_PHASES.map((phase) => `${effect}:${phase}`)),
  ...VERSION_PHASES.map((phase) => `version:${phase}`),
];

const LINEARIZABILITY: Table<
  Verdict<never>['kind'] | 'call executed' | 'call replayed' | 'call with a key in use' | 'call of unknown outcome'
> = {
  linearizable: true,
  impossible: 'a violation',
  undecided: 'a history that the order of execution does not explain, too large to search all others',
  'call executed': true,
  'call replayed': true,
  'call with a key in use': true,
  'call of unknown outcome': true,
};
/** Sent so seldom that a trap which waits for one may not see it in a thousand seeds. */
const SELDOM_SENT: ReadonlySet<Release> = new Set([
  'requests',
  'fetch',
  'batch',
  'decided',
  'complaint',
  'fetch-state',
  'state',
]);
const SELDOM = 'seldom sent: not in every thousand seeds';

const OUTPUT_POINTS: { readonly [name: string]: Expectation } = Object.fromEntries(
  RELEASES.flatMap((release): readonly (readonly [string, Expectation])[] => {
    const expectation = SELDOM_SENT.has(release) ? SELDOM : true;
    // A reply has one receiver, an event none.
    if (release === 'reply' || release === 'event') return [[`after ${release}`, expectation]];
    return [
      [`after ${release}`, expectation],
      [`within ${release}`, expectation],
    ];
  }),
);

const LIARS: readonly string[] = LIAR_NAMES.flatMap((name) => [`${name} as primary`, `${name} as backup`]);

/** Category → name → what is expected. */
export const EXPECTATIONS: { readonly [category: string]: { readonly [name: string]: Expectation | undefined } } = {
  event: EVENTS,
  message: MESSAGES,
  refusal: REFUSALS,
  'intake refusal': INTAKE_REFUSALS,
  suspicion: SUSPICIONS,
  outcome: OUTCOMES,
  'executed request': allTrue(['with several operations']),
  buffered: BUFFERED,
  record: RECORDS,
  fault: allTrue(FAULT_KINDS),
  'fault shape': allTrue(FAULT_SHAPES),
  'fault effect': allTrue(FAULT_EFFECTS),
  'dropped type': allTrue(TAKEN_TYPES),
  replayed: allTrue(REPLAYED),
  'client fault': allTrue(CLIENT_FAULTS),
  'view change': VIEW_CHANGES,
  'new view': allTrue(NEW_VIEWS),
  'crash point': { ...allTrue(CRASH_POINTS), ...OUTPUT_POINTS },
  behaviour: allTrue(LIARS),
  'asked altered': allTrue(ALTERATIONS),
  linearizability: LINEARIZABILITY,
};

function allTrue(names: readonly string[]): { readonly [name: string]: Expectation } {
  return Object.fromEntries(names.map((name) => [name, true]));
}

/** What was expected and never happened, as `category: name`. */
export function missingFrom(counts: CoverageCounts): readonly string[] {
  return Object.entries(EXPECTATIONS).flatMap(([category, names]) =>
    Object.entries(names).flatMap(([name, expected]) =>
      expected === true && (counts[category]?.[name] ?? 0) === 0 ? [`${category}: ${name}`] : [],
    ),
  );
}

/** The counts as a table for people: a line per category and name, exempt ones with their reason. */
export function coverageTable(counts: CoverageCounts): readonly string[] {
  const lines: string[] = [];
  const categories = new Set([...Object.keys(EXPECTATIONS), ...Object.keys(counts)]);
  for (const category of [...categories].toSorted()) {
    lines.push(category);
    const expected = EXPECTATIONS[category] ?? {};
    const names = new Set([...Object.keys(expected), ...Object.keys(counts[category] ?? {})]);
    for (const name of [...names].toSorted()) {
      const count = counts[category]?.[name] ?? 0;
      const reason = expected[name];
      const note =
        typeof reason === 'string' ? `  exempt: ${reason}` : reason === true && count === 0 ? '  NEVER HAPPENED' : '';
      lines.push(`  ${String(count).padStart(10)}  ${name}${note}`);
    }
  }
  return lines;
}
