/** `pbft status`: all nodes at a glance. */
import type { Command } from 'commander';
import type { StatusBody } from '../../api/index.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { findCluster } from '../find-cluster.ts';
import type { ClusterOptions, KnownNode } from '../find-cluster.ts';
import { callNode, errorOf } from '../http-call.ts';
import { isStatus } from '../node-answers.ts';
import { integerBetween, withClusterOptions } from '../options.ts';
import type { End } from '../options.ts';
import { formatTable } from '../table.ts';
import { terminal } from '../terminal.ts';

interface StatusOptions extends ClusterOptions {
  readonly timeout: number;
  readonly json?: boolean;
}

const HELP = `
SEQUENCE is the highest number accepted, EXECUTED the last one executed, STABLE
the low water mark, ROOT the state at the last checkpoint @ its number: equal
numbers must show equal roots. With --url only that node is asked.

Examples:
  pbft status
  pbft status --json
  pbft status --url http://127.0.0.1:8003`;

export function addStatusCommand(program: Command, end: End): void {
  const command = program
    .command('status')
    .description('show all nodes: view, progress, state, who is suspected')
    .option('--timeout <ms>', 'how long to wait for each node, in milliseconds', integerBetween(1, 60_000), 2000)
    .option('--json', 'print what each node answered, as JSON')
    .addHelpText('after', HELP);
  withClusterOptions(command).action(async (options: StatusOptions) => end(await run(options)));
}

interface NodeAnswer {
  readonly node: KnownNode;
  readonly status: StatusBody | undefined;
  /** Why there is no status. */
  readonly problem: string;
}

async function run(options: StatusOptions): Promise<ExitCode> {
  const nodes = findCluster(options);
  if (!nodes.ok) return nodes.error;
  const answers = await Promise.all(nodes.value.map(async (node) => ask(node, options.timeout)));
  if (options.json === true) {
    terminal.json(
      answers.map(({ node, status, problem }) => (status === undefined ? { ...node, problem } : { ...node, status })),
    );
  } else {
    printTable(answers);
  }
  if (answers.some(({ status }) => status !== undefined)) return EXIT.done;
  return terminal.fail(
    EXIT.unreachable,
    'no node of the cluster answered',
    'is it running? `pbft up` starts a local one',
  );
}

async function ask(node: KnownNode, timeoutMs: number): Promise<NodeAnswer> {
  const outcome = await callNode({ method: 'GET', url: `${node.url}/pbft/status`, timeoutMs });
  if (outcome.kind !== 'answer') return { node, status: undefined, problem: outcome.reason };
  const error = errorOf(outcome.body);
  if (isStatus(outcome.body)) {
    return { node, status: outcome.body, problem: '' };
  }
  return {
    node,
    status: undefined,
    problem: error === undefined ? `no node of a cluster (HTTP ${outcome.status})` : `${error.code}: ${error.message}`,
  };
}

const HEADING = ['NODE', 'ROLE', 'VIEW', 'SEQUENCE', 'EXECUTED', 'STABLE', 'ROOT', 'BYZANTINE', 'SUSPECTS'];

function printTable(answers: readonly NodeAnswer[]): void {
  const statuses = answers.flatMap(({ status }) => (status === undefined ? [] : [status]));
  const [first] = statuses;
  if (first !== undefined) {
    const lab = first.lab ? ', lab mode' : '';
    const macs = first.authentication === 'mac' ? ` (${first.mac})` : '';
    terminal.line(
      `${first.n} nodes, f = ${first.f}, quorum ${first.quorum_size} (${first.quorum_rule}), ${first.application}, ${first.authentication}${macs}${lab}`,
    );
    terminal.line();
  }
  const rows = answers.map(({ node, status, problem }) =>
    status === undefined
      ? [node.name ?? node.url, terminal.style('red', 'no answer'), `${node.url}: ${problem}`]
      : statusRow(status),
  );
  // A node without an answer has one long cell, which must not widen the columns of the others.
  const answered = rows.filter((row) => row.length === HEADING.length);
  const table = formatTable([
    HEADING,
    ...answered,
    ...rows.filter((row) => row.length < HEADING.length).map((row) => row.slice(0, 2)),
  ]);
  const lines = new Map(table.map((line) => [line.split(' ', 1)[0], line]));
  terminal.line(terminal.style('bold', table[0] ?? ''));
  for (const row of rows)
    terminal.line([lines.get(row[0]) ?? '', ...(row.length < HEADING.length ? row.slice(2) : [])].join('  '));
  printSuspicions(statuses);
  for (const warning of new Set(statuses.flatMap(({ warnings }) => warnings))) terminal.warn(warning);
}

function statusRow(status: StatusBody): readonly string[] {
  const root =
    status.state_root_sequence === 0 ? 'genesis' : `${status.state_root.slice(0, 10)} @${status.state_root_sequence}`;
  const role =
    status.recovery !== null
      ? terminal.style('yellow', 'recovering')
      : status.in_view_change
        ? terminal.style('yellow', 'view change')
        : status.is_primary
          ? 'primary'
          : 'backup';
  const byzantine = status.byzantine_nodes.length === 0 ? '-' : terminal.style('red', status.byzantine_nodes.join(' '));
  const suspected = [...new Set(status.suspicions.map(({ node_id: node }) => node))].toSorted();
  const numbers = [status.view, status.sequence, status.last_executed, status.low_water_mark].map(String);
  return [status.node_id, role, ...numbers, root, byzantine, suspected.length === 0 ? '-' : suspected.join(' ')];
}

const MAX_SUSPICIONS = 20;

function printSuspicions(statuses: readonly StatusBody[]): void {
  const lines = statuses.flatMap((status) =>
    status.suspicions.map(({ node_id: node, kind, certainty, view, sequence, count, evidence }) => {
      const times = count === 1 ? '' : ` (${count} times)`;
      return `${status.node_id} on ${node}: ${kind}, ${certainty}, view ${view}, number ${sequence}${times}: ${evidence}`;
    }),
  );
  if (lines.length === 0) return;
  terminal.line();
  terminal.line(terminal.style('bold', 'Suspicions'));
  for (const line of lines.slice(0, MAX_SUSPICIONS)) terminal.line(`  ${line}`);
  if (lines.length > MAX_SUSPICIONS) terminal.line(`  and ${lines.length - MAX_SUSPICIONS} more: --json has all`);
}
