/** `pbft explain`: why nothing moves, as every node sees it. */
import type { Command } from 'commander';
import type { ExplainBody, WaitBody } from '../../api/index.ts';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { findCluster } from '../find-cluster.ts';
import type { ClusterOptions, KnownNode } from '../find-cluster.ts';
import { callNode, errorOf } from '../http-call.ts';
import { isExplanation } from '../node-answers.ts';
import { integerBetween, withClusterOptions } from '../options.ts';
import type { End } from '../options.ts';
import { terminal } from '../terminal.ts';

interface ExplainOptions extends ClusterOptions {
  readonly timeout: number;
  readonly node?: string;
  readonly json?: boolean;
}

const HELP = `
One sentence per node says what holds it up; below it stands everything that it
waits for: what, from whom, for how long. Nodes that do not answer are named too.

Examples:
  pbft explain
  pbft explain --node node3
  pbft explain --json`;

export function addExplainCommand(program: Command, end: End): void {
  const command = program
    .command('explain')
    .description('say why nothing moves: what is missing, from whom, since when')
    .option('--node <name>', 'ask this node of the cluster alone, e.g. node3')
    .option('--timeout <ms>', 'how long to wait for each node, in milliseconds', integerBetween(1, 60_000), 2000)
    .option('--json', 'print what each node answered, as JSON')
    .addHelpText('after', HELP);
  withClusterOptions(command).action(async (options: ExplainOptions) => end(await run(options)));
}

interface NodeAnswer {
  readonly node: KnownNode;
  readonly explanation: ExplainBody | undefined;
  /** Why there is none. */
  readonly problem: string;
}

async function run(options: ExplainOptions): Promise<ExitCode> {
  const found = findCluster(options);
  if (!found.ok) return found.error;
  const nodes = chooseNodes(found.value, options.node);
  if (!nodes.ok) return nodes.error;
  const answers = await Promise.all(nodes.value.map(async (node) => ask(node, options.timeout)));
  if (options.json === true) {
    terminal.json(
      answers.map(({ node, explanation, problem }) =>
        explanation === undefined ? { ...node, problem } : { ...node, explanation },
      ),
    );
  } else {
    for (const answer of answers) print(answer);
  }
  if (answers.some(({ explanation }) => explanation !== undefined)) return EXIT.done;
  return terminal.fail(
    EXIT.unreachable,
    answers.length === 1 ? 'the node did not answer' : 'no node of the cluster answered',
    'is it running? `pbft up` starts a local cluster',
  );
}

function chooseNodes(nodes: readonly KnownNode[], name: string | undefined): Result<readonly KnownNode[], ExitCode> {
  if (name === undefined) return ok(nodes);
  const chosen = nodes.filter((node) => node.name === name);
  if (chosen.length > 0) return ok(chosen);
  const known = nodes.flatMap((node) => node.name ?? []);
  const advice = known.length === 0 ? '--url names a node already: leave --node out' : `there are ${known.join(', ')}`;
  return fail(terminal.fail(EXIT.usage, `no node ${JSON.stringify(name)} is known`, advice));
}

async function ask(node: KnownNode, timeoutMs: number): Promise<NodeAnswer> {
  const outcome = await callNode({ method: 'GET', url: `${node.url}/pbft/explain`, timeoutMs });
  if (outcome.kind !== 'answer') return { node, explanation: undefined, problem: outcome.reason };
  if (isExplanation(outcome.body)) return { node, explanation: outcome.body, problem: '' };
  const error = errorOf(outcome.body);
  const problem =
    error === undefined ? `no node of a cluster (HTTP ${outcome.status})` : `${error.code}: ${error.message}`;
  return { node, explanation: undefined, problem };
}

const SHOWN_SLOTS = 10;

function print({ node, explanation, problem }: NodeAnswer): void {
  if (explanation === undefined) {
    terminal.line(`${node.name ?? node.url}: ${terminal.style('red', 'no answer')}  ${node.url}: ${problem}`);
    return;
  }
  const { node_id: name, summary, view, view_change: change, waits, slots, open_slots: open } = explanation;
  terminal.line(`${terminal.style('bold', name)}: ${summary}`);
  if (change !== null) terminal.line(`  view ${view}: ${change.text}`);
  for (const wait of waits) terminal.line(`  ${wait.text}${detail(wait)}`);
  for (const slot of slots.slice(0, SHOWN_SLOTS))
    terminal.line(`  sequence ${slot.sequence}, ${slot.phase}: ${slot.waiting_for.text}${detail(slot.waiting_for)}`);
  const more = open - Math.min(slots.length, SHOWN_SLOTS);
  if (more > 0) terminal.line(`  and ${more} more sequence numbers`);
}

function detail({ what, have, since_ms: since }: WaitBody): string {
  const here = have.length === 0 ? '' : `; here are ${have.join(', ')}`;
  return what === 'restart' || what === 'room' ? here : `${here}; since ${(since / 1000).toFixed(1)} s`;
}
