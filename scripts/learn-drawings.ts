/**
 * The drawings and tables of docs/learn, each made by a run of the simulator. In a page the place of one is a pair of comments with its name; what
 * stands between them is replaced. `npm run learn` writes them, a test holds them to be current.
 */
import { LabSession } from '../src/lab/lab-session.ts';
import { ladder } from '../src/lab/ladder.ts';
import type { LadderOptions } from '../src/lab/ladder.ts';
import { toldText } from '../src/lab/told/library.ts';
import { makeQuorums } from '../src/protocol/quorum.ts';
import { measureAgreement } from '../bench/support/agreement-cost.ts';

/** To the end of its commands. */
function played(text: string): LabSession {
  const session = new LabSession({ source: { kind: 'scenario', text }, interventions: [] });
  while (!session.run.isScriptOver && session.advance());
  if (session.run.end !== undefined) throw new Error(`the scenario ends early: ${JSON.stringify(session.run.end)}`);
  return session;
}

function told(id: string): LabSession {
  const text = toldText(id, false);
  if (text === undefined) throw new Error(`no scenario is told as "${id}"`);
  return played(text);
}

const CLIENTS = [
  ['client:c1000000', 'client1'],
  ['client:c2000000', 'client2'],
] as const;

function lanes(nodes: number, clients: number): LadderOptions['lanes'] {
  const names = Array.from({ length: nodes }, (_, index) => [`node${index + 1}`, `node${index + 1}`] as const);
  return [...CLIENTS.slice(0, clients), ...names];
}

function drawn(session: LabSession, options: Omit<LadderOptions, 'fromUs'> & { readonly fromUs?: number }): string {
  // Before 10 ms the nodes greet each other.
  return ['```text', ...ladder(session.happenings, { fromUs: 10_000, ...options }), '```'].join('\n');
}

const AGREEMENT = ['requests', 'pre-prepare', 'prepare', 'commit', 'replies'] as const;

/** How long a request takes from its sending to its answer, in µs, where every link takes `delayMs`. */
export function answerUs(nodes: number, delayMs: number): number {
  const { happenings } = played(
    `> cluster nodes ${nodes} clients 1 delay ${delayMs}ms\n> request client1 {"operation":"put","key":"x","value":"1"}\n> run until answered\n`,
  );
  const times = happenings.filter(({ event }) => event.node === CLIENTS[0][0]);
  const sent = times.find(({ event }) => event.kind === 'message-sent')?.event.at_us ?? NaN;
  const answered = times.find(({ event }) => event.kind === 'answered')?.event.at_us ?? NaN;
  return answered - sent;
}

/** One-way delays from request to reply: by how much longer it takes where every link takes a ms longer. */
export function delaysOf(nodes: number): number {
  return (answerUs(nodes, 2) - answerUs(nodes, 1)) / 1000;
}

function costTable(): string {
  const rows = [4, 7, 10, 13].map((nodes) => {
    const batches = 10;
    const { frames } = measureAgreement({ replicaCount: nodes, batchRequests: 1, batches });
    const each = ['pre-prepare', 'prepare', 'commit'] as const;
    const counts = each.map((type) => (frames.get(type) ?? 0) / batches);
    const sum = counts.reduce((total, count) => total + count, 0);
    const { faultLimit, quorum } = makeQuorums(nodes);
    return `| ${[nodes, faultLimit, quorum, delaysOf(nodes), ...counts, sum].join(' | ')} |`;
  });
  return [
    '| n | f | quorum | one-way delays | PRE-PREPARE | PREPARE | COMMIT | together |',
    '|---|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

function quorumTable(): string {
  const rows = [1, 2, 3, 4, 5, 6, 7, 10].map((nodes) => {
    const sound = makeQuorums(nodes);
    const bare = makeQuorums(nodes, '2f+1');
    return `| ${[nodes, sound.faultLimit, sound.quorum, 2 * sound.quorum - nodes, bare.quorum, 2 * bare.quorum - nodes].join(' | ')} |`;
  });
  return [
    '| n | f | quorum ⌈(n+f+1)/2⌉ | two of them share at least | 2f+1 | two of these share at least |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

/** Name → what stands in the pages. */
export const DRAWINGS: { readonly [name: string]: () => string } = {
  'three-phases': () =>
    drawn(told('normal-case'), {
      lanes: lanes(4, 1),
      messages: AGREEMENT,
      marks: ['prepared', 'executed', 'answered'],
    }),
  'crash-of-backup': () =>
    drawn(
      played(
        '> cluster nodes 4 clients 1\n> crash node4\n> request client1 {"operation":"transfer","to":"alice","amount":100}\n> run until answered\n',
      ),
      { lanes: lanes(4, 1), messages: AGREEMENT, marks: ['crashed', 'executed', 'answered'] },
    ),
  equivocation: () =>
    drawn(told('equivocating-primary'), {
      lanes: lanes(4, 1),
      messages: ['requests', 'pre-prepare', 'prepare', 'decided'],
      marks: ['behaviour', 'suspicion', 'executed', 'decided', 'answered'],
    }),
  'view-change': () =>
    drawn(told('dead-primary'), {
      lanes: lanes(4, 1),
      messages: ['requests', 'pre-prepare', 'view-change', 'new-view'],
      marks: ['crashed', 'request-timeout', 'view-change-started', 'view-entered', 'executed', 'answered'],
      fromUs: 15_000,
    }),
  fork: () =>
    drawn(told('quorum-one-fork'), {
      lanes: lanes(3, 2),
      messages: ['requests', 'pre-prepare', 'new-view', 'replies'],
      marks: ['request-timeout', 'view-entered', 'executed', 'answered'],
      untilUs: 765_000,
    }),
  checkpoints: () =>
    drawn(played('> cluster nodes 4 interval 2 clients 1\n> load 2 every 6ms\n> run until answered\n> run 5ms\n'), {
      lanes: lanes(4, 1),
      messages: ['pre-prepare', 'checkpoint'],
      marks: ['executed', 'checkpoint-taken', 'checkpoint-stable'],
    }),
  cost: costTable,
  quorums: quorumTable,
};

const PLACE = /<!-- drawn: (?<name>[a-z-]+) -->\n[\s\S]*?<!-- \/drawn -->/g;

/** The page with everything drawn anew. Throws for a name that nothing is drawn under. */
export function redrawn(page: string): string {
  return page.replaceAll(PLACE, (...match) => {
    const { name } = match.at(-1) as { readonly name: string };
    const draw = DRAWINGS[name];
    if (draw === undefined) throw new Error(`nothing is drawn as "${name}": ${Object.keys(DRAWINGS).join(', ')}`);
    return `<!-- drawn: ${name} -->\n${draw()}\n<!-- /drawn -->`;
  });
}

/** Names of all places in a page. */
export function placesIn(page: string): readonly string[] {
  return [...page.matchAll(PLACE)].map(({ groups }) => groups?.['name'] ?? '');
}
