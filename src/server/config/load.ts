/** Reading a node's configuration file. It only reads. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import type { FileProblem } from './checklist.ts';
import { duplicateFields } from './duplicate-fields.ts';
import type { NodeConfig } from './node-config.ts';
import { validateNodeConfig } from './validate.ts';

/** Why a configuration could not be taken. `file`: absolute. */
export type ConfigFault =
  | { readonly code: 'config-unreadable'; readonly file: string; readonly reason: string }
  | { readonly code: 'config-not-json'; readonly file: string; readonly reason: string }
  | { readonly code: 'config-invalid'; readonly file: string; readonly problems: readonly FileProblem[] };

/** The files and folders of one node's directory. */
export const NODE_FILES = {
  config: 'config.json',
  nodeKey: join('keys', 'node.key'),
  gatewayKey: join('keys', 'gateway.key'),
  /** The write-ahead log, a folder. */
  log: 'log',
  /** The state database, a folder. */
  state: 'state',
  /** Left by `init`, removed by the first start: this node has told nobody anything yet. */
  newMark: 'new',
} as const;

const MAX_FILE_BYTES = 16 * 1024 * 1024;

/** The configuration in `<directory>/config.json`, with everything that is wrong if it is not usable. */
export function loadNodeConfig(directory: string): Result<NodeConfig, ConfigFault> {
  return readNodeConfig(join(directory, NODE_FILES.config));
}

/** The configuration in `path`; relative paths in it start at its directory. Never throws. */
export function readNodeConfig(path: string): Result<NodeConfig, ConfigFault> {
  const file = resolve(path);
  const parsed = readJson(file);
  if (!parsed.ok) return parsed;
  const { text, value } = parsed.value;
  const twice = duplicateFields(text).map((field): FileProblem => ({
    path: field,
    value: 'given twice',
    allowed: 'each field once',
    nearest: undefined,
  }));
  const judged = validateNodeConfig(value, dirname(file));
  const problems = [...twice, ...(judged.ok ? [] : judged.error)];
  if (judged.ok && problems.length === 0) return judged;
  return fail({ code: 'config-invalid', file, problems });
}

function readJson(file: string): Result<{ readonly text: string; readonly value: unknown }, ConfigFault> {
  let text: string;
  try {
    // Before it is read: a device or a pipe has no end.
    const stat = statSync(file);
    if (!stat.isFile())
      return fail({
        code: 'config-unreadable',
        file,
        reason: stat.isDirectory() ? 'it is a directory' : 'it is no file',
      });
    if (stat.size > MAX_FILE_BYTES) return fail({ code: 'config-unreadable', file, reason: 'larger than 16 MiB' });
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return fail({ code: 'config-unreadable', file, reason: ioReason(error) });
  }
  try {
    return ok({ text, value: JSON.parse(text) as unknown });
  } catch (error) {
    return fail({ code: 'config-not-json', file, reason: error instanceof Error ? error.message : String(error) });
  }
}

function ioReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'no permission to read it';
  return error instanceof Error ? error.message : String(error);
}

/** `fault` as lines for people: what is wrong first, then one line a problem. */
export function describeConfigFault(fault: ConfigFault): readonly string[] {
  switch (fault.code) {
    case 'config-unreadable':
      return [`cannot read ${fault.file}: ${fault.reason}`];
    case 'config-not-json':
      return [`${fault.file} is not JSON: ${fault.reason}`];
    case 'config-invalid': {
      const count = fault.problems.length;
      return [`${fault.file} has ${count} problem${count === 1 ? '' : 's'}:`, ...fault.problems.map(describeProblem)];
    }
  }
}

/** `problem` as one line for people. */
export function describeProblem({ path, value, allowed, nearest }: FileProblem): string {
  const where = path === '' ? 'the file' : path;
  const what = value === undefined ? 'is missing' : `is ${shorten(value)}`;
  const hint = nearest === undefined ? '' : ` (did you mean "${nearest}"?)`;
  return `${where} ${what}${hint}; allowed: ${allowed}`;
}

const SHOWN_CHARACTERS = 60;

function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`;
}
