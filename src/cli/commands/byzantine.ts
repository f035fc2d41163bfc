/** `pbft byzantine`: in lab mode, makes one node really misbehave, or ends it. */
import type { Command } from 'commander';
import type { BehavioursBody, SimulateByzantineAnswer } from '../../api/index.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { findCluster } from '../find-cluster.ts';
import type { ClusterOptions, KnownNode } from '../find-cluster.ts';
import { callNode, errorOf } from '../http-call.ts';
import type { CallOutcome } from '../http-call.ts';
import { isBehaviours, isSwitched } from '../node-answers.ts';
import { withClusterOptions } from '../options.ts';
import type { End } from '../options.ts';
import { formatTable } from '../table.ts';
import { terminal } from '../terminal.ts';

interface ByzantineOptions extends ClusterOptions {
  readonly off?: boolean;
  readonly list?: boolean;
  readonly json?: boolean;
}

const HELP = `
Lab mode only (\`pbft up\` has it on by default). The node misbehaves from now on
until --off or its restart; a cluster of n nodes bears ⌊(n-1)/3⌋ such nodes. The
others name it in \`pbft status\` once they have seen it lie.

Examples:
  pbft byzantine node2                    behaviour corrupt
  pbft byzantine node2 equivocate
  pbft byzantine node2 equivocate --off
  pbft byzantine node1 slow:10            everything 10 ms late
  pbft byzantine --list                   all behaviours
  pbft byzantine --list equivocate        one of them, and what others see of it`;

export function addByzantineCommand(program: Command, end: End): void {
  const command = program
    .command('byzantine')
    .description('lab mode: make a node lie, or end it')
    .argument('[node]', 'node1, node2, …')
    .argument('[behaviour]', 'see --list (default: "corrupt")')
    .option('--off', 'end the behaviour')
    .option('--list', 'list the behaviours, or explain the one that is named')
    .option('--json', 'print what the node answered, as JSON')
    .addHelpText('after', HELP);
  withClusterOptions(command).action(
    async (node: string | undefined, behaviour: string | undefined, options: ByzantineOptions) =>
      end(await run(node, behaviour, options)),
  );
}

async function run(
  target: string | undefined,
  behaviour: string | undefined,
  options: ByzantineOptions,
): Promise<ExitCode> {
  if (target === undefined && options.list !== true) {
    return terminal.fail(
      EXIT.usage,
      'which node? For example: pbft byzantine node2',
      'pbft byzantine --list shows the behaviours',
    );
  }
  if (options.list === true && (behaviour !== undefined || options.off === true)) {
    return terminal.fail(EXIT.usage, '--list takes the name of a behaviour at most');
  }
  const nodes = findCluster(options);
  if (!nodes.ok) return nodes.error;
  const timeoutMs = 5000;
  const { outcome, node } = await firstAnswer(nodes.value, async ({ url }) =>
    options.list === true || target === undefined
      ? callNode({ method: 'GET', url: `${url}/pbft/behaviours`, timeoutMs })
      : callNode({
          method: 'POST',
          url: `${url}/pbft/simulate-byzantine`,
          body: JSON.stringify({ node_id: target, behaviour, enabled: options.off !== true }),
          timeoutMs,
        }),
  );
  if (outcome.kind !== 'answer') {
    return terminal.fail(EXIT.unreachable, `no node of the cluster answered: ${node.url}: ${outcome.reason}`);
  }
  const { body } = outcome;
  const error = errorOf(body);
  const isNode = error !== undefined || isBehaviours(body) || isSwitched(body);
  if (!isNode)
    return terminal.fail(
      EXIT.unreachable,
      `${node.url} is no node of a cluster: it answered with HTTP ${outcome.status}`,
    );
  if (options.json === true) terminal.json(body);
  if (error !== undefined)
    return terminal.fail(EXIT.refused, `refused: ${error.code}`, error.message, ...choices(error.details));
  if (options.json === true) return EXIT.done;
  if (isBehaviours(body)) return printBehaviours(body, target);
  if (isSwitched(body)) printAnswer(body);
  return EXIT.done;
}

/** Switching is harmless when repeated, so every node may be asked in turn; what a node refuses it would refuse again. */
async function firstAnswer(
  nodes: readonly KnownNode[],
  ask: (node: KnownNode) => Promise<CallOutcome>,
): Promise<{ readonly outcome: CallOutcome; readonly node: KnownNode }> {
  let last: { readonly outcome: CallOutcome; readonly node: KnownNode } | undefined;
  for (const node of nodes) {
    last = { outcome: await ask(node), node };
    if (last.outcome.kind === 'answer') return last;
  }
  return last ?? { outcome: { kind: 'not-sent', reason: 'no node is known' }, node: { name: undefined, url: '' } };
}

/** The lists that a refusal offers: `behaviours`, `nodes`. */
function choices(details: unknown): readonly string[] {
  if (typeof details !== 'object' || details === null) return [];
  return Object.entries(details).flatMap(([name, value]) =>
    Array.isArray(value) ? [`${name}: ${value.map(String).join(', ')}`] : [],
  );
}

function printAnswer(answer: SimulateByzantineAnswer): void {
  const verb = answer.enabled ? 'misbehaves from now on' : 'no longer misbehaves';
  terminal.line(`${answer.node_id} ${verb}: ${answer.behaviour}`);
  if (answer.exceeds_f) terminal.warn('more nodes misbehave than the cluster can bear: nothing is guaranteed any more');
}

function printBehaviours(body: BehavioursBody, name: string | undefined): ExitCode {
  if (name === undefined) {
    const rows = body.behaviours.map(({ behaviour, summary }) => [
      behaviour,
      behaviour === body.default ? `${summary} (default)` : summary,
    ]);
    for (const line of formatTable([['BEHAVIOUR', 'WHAT IT DOES'], ...rows])) terminal.line(line);
    return EXIT.done;
  }
  const entry = body.behaviours.find(({ behaviour }) => behaviour === name);
  const names = body.behaviours.map(({ behaviour }) => behaviour);
  if (entry === undefined)
    return terminal.fail(EXIT.refused, `there is no behaviour ${name}`, `behaviours: ${names.join(', ')}`);
  terminal.line(`${terminal.style('bold', name)}: ${entry.summary}`);
  for (const { role, changes, others_see: seen, suspicions } of entry.roles) {
    terminal.line();
    terminal.line(`As ${role}: ${changes}`);
    terminal.line(`  What others see: ${seen}`);
    terminal.line(`  Suspicions: ${kindsOf(suspicions)}`);
  }
  return EXIT.done;
}

function kindsOf(suspicions: BehavioursBody['behaviours'][number]['roles'][number]['suspicions']): string {
  const kinds = suspicions.map(({ kind, certainty }) => (certainty === 'certain' ? kind : `${kind} (uncertain)`));
  return kinds.length === 0 ? 'none' : kinds.join(', ');
}
