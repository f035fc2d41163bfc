/** `pbft events`: follows what happens in the nodes, a line an event, until Ctrl-C. */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { STREAM_EVENT_KINDS } from '../../api/index.ts';
import type { StreamEvent } from '../../api/index.ts';
import { eventLine } from '../event-line.ts';
import { readEventStream } from '../event-stream.ts';
import type { StreamEnd } from '../event-stream.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { findCluster } from '../find-cluster.ts';
import type { ClusterOptions, KnownNode } from '../find-cluster.ts';
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
much happens to tell it all, a node tells a share of it and says how much.

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
  const watches = nodes.map((node) => new NodeWatch(node, options, signal));
  const first = await Promise.all(watches.map(async (watch) => watch.firstTry));
  if (signal.aborted) return EXIT.done;
  const refusals = first.flatMap((end) => (end?.kind === 'refused' ? [end] : []));
  if (first.every((end) => end !== undefined)) {
    over.abort();
    const [refusal] = refusals;
    if (refusal !== undefined) return terminal.fail(EXIT.refused, `refused: ${refusal.code}`, refusal.message);
    return terminal.fail(
      EXIT.unreachable,
      'no node of the cluster answered',
      'is it running? `pbft up` starts a local one',
    );
  }
  await Promise.all(watches.map(async (watch) => watch.ended));
  return EXIT.done;
}

const RETRY_MS = 1000;

/** Follows one node through all its breaks. */
class NodeWatch {
  /** How the first connection ended that came to nothing; undefined when one came to something. */
  readonly firstTry: Promise<StreamEnd | undefined>;
  readonly ended: Promise<void>;
  readonly #node: KnownNode;
  readonly #options: EventsOptions;
  readonly #signal: AbortSignal;
  #lastEventId: string | undefined;
  #isOpen = false;
  #said = '';
  #tried: (end: StreamEnd | undefined) => void = () => undefined;

  constructor(node: KnownNode, options: EventsOptions, signal: AbortSignal) {
    this.#node = node;
    this.#options = options;
    this.#signal = signal;
    this.firstTry = new Promise((resolve) => {
      this.#tried = resolve;
    });
    this.ended = this.#follow();
  }

  async #follow(): Promise<void> {
    const { url } = this.#node;
    while (!this.#signal.aborted) {
      this.#isOpen = false;
      const end = await readEventStream({
        url,
        kinds: this.#options.kinds,
        lastEventId: this.#lastEventId,
        onEvent: (event) => this.#onEvent(event),
        signal: this.#signal,
      });
      this.#tried(this.#isOpen ? undefined : end);
      if (this.#signal.aborted) return;
      this.#explain(end);
      if (end.kind === 'refused' && end.status < 500 && end.code !== 'rate_limited') return;
      await pause(RETRY_MS, this.#signal);
    }
  }

  #onEvent(event: StreamEvent): void {
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.#said = '';
      this.#tried(undefined);
    }
    this.#lastEventId = event.id;
    terminal.line(this.#options.json === true ? JSON.stringify(event) : printable(eventLine(event)));
  }

  /** Once for each cause, however often it is tried again. */
  #explain(end: StreamEnd): void {
    const reason = end.kind === 'refused' ? `${end.code}: ${end.message}` : end.reason;
    if (reason === this.#said) return;
    this.#said = reason;
    terminal.note(printable(`${this.#node.name ?? this.#node.url}: ${reason}`));
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
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
