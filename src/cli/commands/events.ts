/** `pbft events`: follows what happens in the nodes, a line an event, until Ctrl-C. */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { STREAM_EVENT_KINDS } from '../../api/index.ts';
import type { StreamEvent } from '../../api/index.ts';
import { eventLine } from '../event-line.ts';
import type { StreamEnd } from '../event-stream.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { findCluster } from '../find-cluster.ts';
import type { ClusterOptions, KnownNode } from '../find-cluster.ts';
import { NodeWatch } from '../node-watch.ts';
import { withClusterOptions } from '../options.ts';
import type { End } from '../options.ts';
import { printable, terminal } from '../terminal.ts';
import { untilInterrupted } from '../until-interrupted.ts';

interface EventsOptions extends ClusterOptions {
  readonly kinds?: readonly string[];
  readonly node?: string;
  readonly json?: boolean;
}

const HELP = `
Follows all nodes that answer, and those that come later. After a break it goes on
where it was: nothing is printed twice, and what is missing is said. Where too
much happens to tell it all, a node tells a share of it and says how much. What a
node says in the name of another one is left out.

Kinds of events:
${listed(STREAM_EVENT_KINDS, 80)}

Examples:
  pbft events
  pbft events --kinds suspicion,view-entered,link
  pbft events --node node2 --json`;

export function addEventsCommand(program: Command, end: End): void {
  const command = program
    .command('events')
    .description('follow what happens in the nodes, until Ctrl-C')
    .option('--kinds <kinds>', 'only these kinds of events, separated by commas', readKinds)
    .option('--node <name>', 'follow this node alone')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', HELP);
  withClusterOptions(command).action(async (options: EventsOptions) => end(await run(options)));
}

function readKinds(text: string): readonly string[] {
  const kinds = text.split(',').map((kind) => kind.trim());
  const unknown = kinds.find((kind) => !(STREAM_EVENT_KINDS as readonly string[]).includes(kind));
  if (unknown === undefined) return kinds;
  throw new InvalidArgumentError(`There is no kind "${unknown}": \`pbft events --help\` lists them.`);
}

async function run(options: EventsOptions): Promise<ExitCode> {
  const nodes = findCluster(options);
  if (!nodes.ok) return nodes.error;
  const wanted = options.node === undefined ? nodes.value : nodes.value.filter(({ name }) => name === options.node);
  if (wanted.length === 0)
    return terminal.fail(
      EXIT.usage,
      `this cluster has no ${options.node ?? 'node'}`,
      `its nodes: ${nodes.value.map(({ name, url }) => name ?? url).join(', ')}`,
    );
  const ended = await untilInterrupted(async (interrupted) => followAll(wanted, options, interrupted));
  return ended ?? EXIT.done;
}

/** Ends when the signal does, when nobody reads any more, or when no node has anything to tell. */
async function followAll(
  nodes: readonly KnownNode[],
  options: EventsOptions,
  interrupted: AbortSignal,
): Promise<ExitCode> {
  const over = new AbortController();
  // `pbft events | head` has read enough.
  process.stdout.once('error', () => over.abort());
  const signal = AbortSignal.any([interrupted, over.signal]);
  const print = (event: StreamEvent): void =>
    terminal.line(options.json === true ? JSON.stringify(event) : printable(eventLine(event)));
  const watches = nodes.map(
    (node) =>
      new NodeWatch({
        node,
        kinds: options.kinds,
        onEvent: print,
        onNews: (text) => terminal.note(printable(text)),
        signal,
      }),
  );
  try {
    const first = await Promise.all(watches.map(async (watch) => watch.firstTry));
    if (signal.aborted) return EXIT.done;
    if (first.every((end) => end !== undefined)) return explain(first);
    await Promise.all(watches.map(async (watch) => watch.ended));
    return EXIT.done;
  } finally {
    over.abort();
  }
}

/** Why none of the nodes has anything to tell. */
function explain(ends: readonly StreamEnd[]): ExitCode {
  const refusal = ends.find((end) => end.kind === 'refused');
  if (refusal !== undefined) return terminal.fail(EXIT.refused, `refused: ${refusal.code}`, refusal.message);
  return terminal.fail(
    EXIT.unreachable,
    'no node of the cluster answered',
    'is it running? `pbft up` starts a local one',
  );
}

/** The words in lines of at most `columns` characters. */
function listed(words: readonly string[], columns: number): string {
  const lines = [''];
  for (const word of words) {
    const line = `${lines.at(-1) ?? ''}  ${word}`;
    if (line.length <= columns) lines.splice(-1, 1, line);
    else lines.push(`  ${word}`);
  }
  return lines.join('\n');
}
