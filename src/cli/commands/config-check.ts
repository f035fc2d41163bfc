/** `pbft config check`: everything that is wrong with a node's configuration, at once. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { configWarnings, describeConfigFault, NODE_FILES, readNodeConfig } from '../../server/config/index.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import type { End } from '../options.ts';
import { terminal } from '../terminal.ts';

const HELP = `
Every problem is one line: the field, its value, what is allowed, and for an
unknown field the name that was probably meant.

Examples:
  pbft config check pbft-data/node1
  pbft config check pbft-data/node1/config.json --json`;

export function addConfigCommand(program: Command, end: End): void {
  program
    .command('config')
    .description("look at a node's configuration")
    .command('check')
    .description('say everything that is wrong with a configuration file')
    .argument('<file>', 'config.json, or the directory of a node')
    .option('--json', 'print the problems as JSON')
    .addHelpText('after', HELP)
    .action((file: string, options: { readonly json?: boolean }) => end(run(file, options.json === true)));
}

function run(path: string, asJson: boolean): ExitCode {
  const file = isDirectory(path) ? join(path, NODE_FILES.config) : path;
  const config = readNodeConfig(file);
  if (config.ok) {
    const warnings = configWarnings(config.value);
    if (asJson) terminal.json({ file, ok: true, problems: [], warnings });
    else terminal.line(`${file}: no problem`);
    for (const warning of warnings) terminal.warn(warning);
    return EXIT.done;
  }
  const fault = config.error;
  if (fault.code === 'config-unreadable') return terminal.fail(EXIT.usage, ...lines(describeConfigFault(fault)));
  if (asJson)
    terminal.json({
      file,
      ok: false,
      problems: fault.code === 'config-invalid' ? fault.problems : [{ path: '', allowed: 'JSON' }],
    });
  return terminal.fail(EXIT.refused, ...lines(describeConfigFault(fault)));
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function lines([first = '', ...more]: readonly string[]): [string, ...string[]] {
  return [first, ...more];
}
