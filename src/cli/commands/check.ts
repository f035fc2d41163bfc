/** `pbft check DIR`: whether a node that is stopped could go on with what lies in its folder. */
import type { Command } from 'commander';
import type { Finding, NodeCheck } from '../../server/index.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import type { End } from '../options.ts';
import { terminal } from '../terminal.ts';

const HELP = `
The node must not run. Everything in its folder is read and nothing is changed:
every checksum, every record, and whether all of them together make this
replica. Each damage is one line with its file and byte. A torn write at the very
end is no damage: nothing of it was ever acknowledged.

Exit codes: 0 sound, 1 damaged (bring the node back with \`pbft recover\`),
            2 it could not be checked

Examples:
  pbft check pbft-data/node1
  pbft check /var/lib/pbft/node3 --json`;

export function addCheckCommand(program: Command, end: End): void {
  program
    .command('check')
    .description('look for damage in the folder of a stopped node, offline')
    .argument('<directory>', 'the folder of the node')
    .option('--json', 'print what was found as JSON')
    .addHelpText('after', HELP)
    .action(async (directory: string, options: { readonly json?: boolean }) =>
      end(await run(directory, options.json === true)),
    );
}

async function run(directory: string, asJson: boolean): Promise<ExitCode> {
  const { checkNode } = await import('../../server/index.ts');
  const checked = await checkNode(directory);
  if (!checked.ok) {
    const [first = 'it cannot be checked', ...more] = checked.error.message.split('\n');
    return terminal.fail(EXIT.usage, first, ...more);
  }
  const { value } = checked;
  if (asJson) terminal.json(json(directory, value));
  else print(value);
  if (value.isSound) return EXIT.done;
  const count = value.parts.reduce((sum, { findings }) => sum + findings.length, 0);
  return terminal.fail(
    EXIT.refused,
    `${directory} is damaged in ${count} place${count === 1 ? '' : 's'}: keep it as it is, and bring ${value.nodeId} back with \`pbft recover\``,
  );
}

function print({ nodeId, clusterId, parts, isSound }: NodeCheck): void {
  terminal.line(`${nodeId} of cluster ${clusterId}`);
  for (const { part, findings, notes } of parts) {
    for (const note of notes) terminal.line(`${part}: ${note}`);
    for (const finding of findings) terminal.line(`${part}: ${place(finding)}: ${finding.what}`);
  }
  if (isSound) terminal.line('no damage');
}

function place({ file, offset }: Finding): string {
  return offset === undefined ? file : `${file} at byte ${offset}`;
}

function json(directory: string, { nodeId, clusterId, parts, isSound }: NodeCheck): object {
  return {
    directory,
    node_id: nodeId,
    cluster_id: clusterId,
    sound: isSound,
    parts: parts.map(({ part, findings, notes }) => ({
      part,
      damages: findings.map(({ file, offset, what }) => ({ file, offset: offset ?? null, what })),
      notes,
    })),
  };
}
