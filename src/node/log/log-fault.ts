/** What can be wrong with a durable log, as values; and the one error with which a promise of durability is broken. */
import { errorCode, errorText } from '../error-text.ts';

export interface LogFault {
  readonly code: 'in-use' | 'damaged' | 'unusable' | 'write-failed';
  readonly file: string;
  /** The byte in the file, where one is known. */
  readonly offset: number | undefined;
  /** What happened and what to do, naming file and offset. */
  readonly reason: string;
}

/** Rejects every `durable()` once something could not be written: nothing that depends on it may leave the process any more. */
export class DurabilityLost extends Error {
  override readonly name = 'DurabilityLost';
  readonly fault: LogFault;

  constructor(fault: LogFault) {
    super(fault.reason);
    this.fault = fault;
  }
}

const ADVICE: { readonly [code: string]: string } = {
  ENOSPC: 'free some space on that disk, then start the node again',
  EDQUOT: 'raise the disk quota of this user, then start the node again',
  EIO: 'the disk reports errors: replace it, and treat this node as one that lost its disk',
  EROFS: 'the disk is mounted read-only: check it, mount it writable, then start the node again',
  EACCES: 'let the user of this process read and write it',
  EPERM: 'let the user of this process read and write it',
  EMFILE: 'raise the limit of open files of this process',
  ENOENT: 'its folder does not exist: make it, or name another one',
  ENOTDIR: 'its folder is not a folder: name another one',
  EISDIR: 'it is a folder: name a file',
};

/** `doing`: what failed, such as `write`. */
export function systemFault(code: 'unusable' | 'write-failed', file: string, doing: string, error: unknown): LogFault {
  const advice = ADVICE[errorCode(error) ?? ''] ?? 'put that right, then start the node again';
  return { code, file, offset: undefined, reason: `cannot ${doing} ${file}: ${errorText(error)}; ${advice}` };
}

export function damageFault(file: string, offset: number, what: string): LogFault {
  const reason =
    `${file} is damaged at byte ${offset}: ${what}. What this node told others may be lost, so it must not vote: ` +
    'keep the file, check the disk, and treat this node as one that lost its disk (or restore this very file from a copy made after it stopped)';
  return { code: 'damaged', file, offset, reason };
}
