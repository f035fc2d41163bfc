/** `pbft inspect DIR`: what lies in the folder of a node. */
import type { Command } from 'commander';
import type { LogInspection, NodeInspection, SegmentInspection, StateContent } from '../../server/index.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import type { End } from '../options.ts';
import { formatTable } from '../table.ts';
import { terminal } from '../terminal.ts';

const HELP = `
It only reads, needs no key, and may be used while the node runs. A folder with
nothing but a log in it (a copy of log/, say) will do as well. What it says of view
and numbers is what the log holds: a node that runs is ahead of it.

Examples:
  pbft inspect pbft-data/node1
  pbft inspect /var/lib/pbft/node3 --json`;

export function addInspectCommand(program: Command, end: End): void {
  program
    .command('inspect')
    .description('say what lies in the folder of a node, running or not')
    .argument('<directory>', 'the folder of the node')
    .option('--json', 'print it as JSON')
    .addHelpText('after', HELP)
    .action(async (directory: string, options: { readonly json?: boolean }) =>
      end(await run(directory, options.json === true)),
    );
}

async function run(directory: string, asJson: boolean): Promise<ExitCode> {
  const { inspectNode } = await import('../../server/index.ts');
  const inspected = await inspectNode(directory);
  if (!inspected.ok) return terminal.fail(EXIT.usage, inspected.error);
  if (asJson) terminal.json(inspected.value);
  else print(inspected.value);
  return EXIT.done;
}

function print(node: NodeInspection): void {
  const rows = [
    ['node', node.node_id ?? 'unknown'],
    ['cluster', node.cluster_id ?? 'unknown'],
    ['runs', node.process === null ? 'no' : `yes, process ${node.process}`],
    ...(node.durability === null ? [] : [['durability', node.durability]]),
    ...(node.log === null ? [['log', node.new ? 'none yet: the node is new' : 'none']] : logRows(node.log)),
    ...(node.state === null ? [['state', 'none']] : stateRows(node.state)),
  ];
  for (const line of formatTable(rows)) terminal.line(line);
  if (node.log === null) return;
  const { segments, leftovers } = node.log;
  terminal.line();
  for (const line of formatTable([['SEGMENT', 'KIND', 'BYTES', 'RECORDS'], ...segments.map(segmentRow)]))
    terminal.line(line);
  for (const { file, torn_bytes: torn, damages } of segments) {
    if (torn > 0) terminal.line(`${file} ends in ${torn} bytes of a write that is torn, or under way`);
    for (const { offset, what } of damages) terminal.line(`${file} is damaged at byte ${offset}: ${what}`);
  }
  for (const name of leftovers) terminal.line(`${name} does not count: the next start deletes it`);
}

function logRows(log: LogInspection): readonly (readonly string[])[] {
  return [
    [
      'log',
      `format ${log.format}, ${log.bytes} bytes in ${log.segments.length} segment${log.segments.length === 1 ? '' : 's'}`,
    ],
    ['view', log.in_view_change ? `${log.view}, not entered yet` : String(log.view)],
    ['stable', String(log.low_water_mark)],
    ['accepted', String(log.highest_accepted)],
  ];
}

function stateRows({ checkpoints, fetching }: StateContent): readonly (readonly string[])[] {
  return [
    ...checkpoints.map(({ sequence, root }) => ['checkpoint', `${sequence}, root ${root}`]),
    ...(fetching === null ? [] : [['fetching', `the state of checkpoint ${fetching}`]]),
  ];
}

function segmentRow({ file, kind, bytes, records }: SegmentInspection): readonly string[] {
  const counts = Object.entries(records).map(([name, count]) => `${count} ${name}`);
  return [file, kind, String(bytes), counts.length === 0 ? 'none' : counts.join(', ')];
}
