/**
 * A disk under the log of one node that can be filled and emptied again, without any privilege. Where the kernel lets a user mount in a
 * namespace of its own it is a real file system of 30 MB; where it does not, the limit of the size of files stands for it.
 */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SmallDisk {
  /** What the node calls a full one. */
  readonly code: 'ENOSPC' | 'EFBIG';
  /** The command through which the node must be started. */
  readonly within: readonly string[];
  /** Nothing more can be written by process `pid`. */
  fill(pid: number): void;
  makeRoom(pid: number): void;
  end(): Promise<void>;
}

const MOUNT = 'mount -t tmpfs -o size=30m tmpfs "$0"';

/** True where an ordinary user may mount a file system. */
export function mayMount(): boolean {
  try {
    execFileSync('unshare', ['-Urm', 'sh', '-c', MOUNT, tmpdir()], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A file system of 30 MB at `folder`, which a process in the background keeps until {@link SmallDisk.end}. */
export async function mountSmallDisk(folder: string): Promise<SmallDisk> {
  mkdirSync(folder, { recursive: true });
  const keeper = spawn('unshare', ['-Urm', 'sh', '-c', `${MOUNT} && echo mounted && exec sleep 3600`, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    keeper.stdout.once('data', () => resolve());
    keeper.once('exit', (code) => reject(new Error(`unshare ended with ${code}`)));
  });
  const pid = String(keeper.pid);
  // The mount is seen in the keeper's namespace only.
  const ballast = join('/proc', pid, 'root', folder, 'ballast');
  return {
    code: 'ENOSPC',
    within: ['nsenter', '-t', pid, '-U', '-m', '--preserve-credentials'],
    fill: () => writeUntilFull(ballast),
    makeRoom: () => rmSync(ballast),
    end: async () => end(keeper),
  };
}

/** No file of the process may grow beyond some bytes. */
export function limitFiles(): SmallDisk {
  const limit = (pid: number, bytes: number | 'unlimited'): void => {
    execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`]);
  };
  return {
    code: 'EFBIG',
    within: [],
    fill: (pid) => limit(pid, 200),
    makeRoom: (pid) => limit(pid, 'unlimited'),
    end: async () => undefined,
  };
}

function writeUntilFull(file: string): void {
  const handle = openSync(file, 'w');
  try {
    for (const bytes of [65_536, 4096, 1]) {
      try {
        for (;;) writeSync(handle, Buffer.alloc(bytes, 1));
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
      }
    }
  } finally {
    closeSync(handle);
  }
}

async function end(keeper: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => keeper.once('close', resolve));
  keeper.kill('SIGKILL');
  await ended;
}
