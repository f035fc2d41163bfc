/**
 * One process per directory. Two replicas on one log would contradict each other's votes, so a node's directory is locked while it runs.
 * The lock is a file that names its process exactly (id, start time, boot), so that a process that was killed holds nothing and a
 * stranger that got the same id later does not either.
 */
import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';

/** `in-use`: process `pid` has the directory. */
export type LockFault =
  | { readonly code: 'in-use'; readonly directory: string; readonly pid: number }
  | { readonly code: 'unwritable'; readonly directory: string; readonly reason: string };

export interface DirectoryLock {
  /** Gives the directory back; harmless when repeated. */
  release(): void;
}

interface Holder {
  readonly pid: number;
  /** When and in which boot the process started; empty where the system does not tell. */
  readonly started: string;
}

const LOCK_FILE = 'lock';

/** Locks `directory` for this process until `release` or its end, whichever way it ends. Requires: the directory exists. */
export function lockDirectory(directory: string): Result<DirectoryLock, LockFault> {
  const file = join(directory, LOCK_FILE);
  const unique = randomBytes(6).toString('hex');
  const own = join(directory, `${LOCK_FILE}.${process.pid}.${unique}`);
  const content = JSON.stringify({ pid: process.pid, started: startOf(process.pid) });
  try {
    writeFileSync(own, content, { flag: 'wx' });
    try {
      // A few rounds: another process may take or leave it between two looks.
      for (let round = 0; round < 5; round += 1) {
        if (tryLink(own, file)) return ok({ release: () => release(file, content) });
        const holder = lockHolder(directory);
        if (holder !== undefined) return fail({ code: 'in-use', directory, pid: holder });
        removeStale(file, `${own}.stale`);
      }
      return fail({ code: 'unwritable', directory, reason: `its lock file ${file} keeps coming back` });
    } finally {
      rmSync(own, { force: true });
    }
  } catch (error) {
    return fail({ code: 'unwritable', directory, reason: error instanceof Error ? error.message : String(error) });
  }
}

/** The process that has `directory` now; undefined when nobody alive does. */
export function lockHolder(directory: string): number | undefined {
  const holder = parseHolder(readText(join(directory, LOCK_FILE)));
  return holder !== undefined && isAlive(holder) ? holder.pid : undefined;
}

/** Was the process stopped (SIGSTOP), so that it hears nothing but SIGCONT and SIGKILL? False where the system does not tell. */
export function isStopped(pid: number): boolean {
  return statOf(pid)[0] === 'T';
}

function tryLink(own: string, file: string): boolean {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Moves the lock aside and looks again: between the look and the move somebody alive may have taken it, who then gets it back. */
function removeStale(file: string, aside: string): void {
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  const holder = parseHolder(readText(aside));
  if (holder !== undefined && isAlive(holder)) tryLink(aside, file);
  rmSync(aside, { force: true });
}

function release(file: string, content: string): void {
  if (readText(file) === content) rmSync(file, { force: true });
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function parseHolder(text: string | undefined): Holder | undefined {
  try {
    const value = JSON.parse(text ?? '') as { pid?: unknown; started?: unknown } | null;
    const { pid, started } = value ?? {};
    return typeof pid === 'number' && pid > 0 && typeof started === 'string' ? { pid, started } : undefined;
  } catch {
    return undefined;
  }
}

function isAlive({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  return started === '' || startOf(pid) === started;
}

/** Start of a process as boot id and clock ticks since (Linux); empty elsewhere. A zombie has ended. */
function startOf(pid: number): string {
  const [state, ...fields] = statOf(pid);
  const boot = readText('/proc/sys/kernel/random/boot_id');
  if (state === undefined || boot === undefined) return '';
  return state === 'Z' ? '' : `${boot.trim()} ${fields[18] ?? ''}`;
}

/** What the system says of a process (Linux), from its state on; empty where it says nothing. */
function statOf(pid: number): readonly string[] {
  const stat = readText(`/proc/${pid}/stat`);
  // The second field, the program's name in brackets, may itself hold spaces and brackets.
  return stat === undefined ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
