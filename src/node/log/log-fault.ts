/** What can be wrong with a durable log, as values; and the one error with which a promise of durability is broken. */
import { errorCode, errorText } from '../error-text.ts';

export interface LogFault {
  readonly code: LogFaultCode;
  /** The file or folder it is about. */
  readonly file: string;
  /** The byte in the file, where one is known. */
  readonly offset: number | undefined;
  /** What happened and what to do, naming file and offset. */
  readonly reason: string;
}

export type LogFaultCode =
  /** Another process has it. */
  | 'in-use'
  /** There is none, and none was to be made. */
  | 'missing'
  /** It belongs to another cluster or another node. */
  | 'foreign'
  /** A newer version of this program wrote it. */
  | 'newer-format'
  /** An older one, whose records this one does not read. */
  | 'older-format'
  | 'damaged'
  /** The system refused something while it was opened. */
  | 'unusable'
  /** The system refused a write or a sync, for good. */
  | 'write-failed';

/** Rejects every `durable()` once something could not be written: nothing that depends on it may leave the process any more. */
export class DurabilityLost extends Error {
  override readonly name = 'DurabilityLost';
  readonly fault: LogFault;

  constructor(fault: LogFault) {
    super(fault.reason);
    this.fault = fault;
  }
}

/** No room to write: the log waits until its owner has it begin a new segment. */
export interface DiskFull {
  readonly code: FullCode;
  /** What could not be written. */
  readonly file: string;
  /** At least so many bytes must fit. */
  readonly neededBytes: number;
}

/** ENOSPC: the disk; EDQUOT: the quota of this user; EFBIG: the longest file that this process may write (`ulimit -f`). */
export const FULL_CODES = ['ENOSPC', 'EDQUOT', 'EFBIG'] as const;
export type FullCode = (typeof FULL_CODES)[number];

/** Which kind of "no room" an error is; undefined for every other error. */
export function fullCode(error: unknown): FullCode | undefined {
  const code = errorCode(error);
  return FULL_CODES.find((full) => full === code);
}

const ADVICE: { readonly [code: string]: string } = {
  ENOSPC: 'free some space on that disk, then start the node again',
  EDQUOT: 'raise the disk quota of this user, then start the node again',
  EFBIG: 'raise the limit of the size of files of this process (ulimit -f), then start the node again',
  EIO: 'the disk reports errors: replace it, and treat this node as one that lost its disk (pbft recover)',
  EROFS: 'the disk is mounted read-only: check it, mount it writable, then start the node again',
  EACCES: 'let the user of this process read and write it',
  EPERM: 'let the user of this process read and write it',
  EMFILE: 'raise the limit of open files of this process',
  ENOENT: 'its folder does not exist: make it, or name another one',
  ENOTDIR: 'its folder is not a folder: name another one',
  EISDIR: 'it is a folder where a file should be: move it away',
};

/** `doing`: what failed, such as `write`. */
export function systemFault(code: 'unusable' | 'write-failed', file: string, doing: string, error: unknown): LogFault {
  const advice = ADVICE[errorCode(error) ?? ''] ?? 'put that right, then start the node again';
  return { code, file, offset: undefined, reason: `cannot ${doing} ${file}: ${errorText(error)}; ${advice}` };
}

/** What to do about a log that cannot be believed. */
const LOST =
  'What this node told others may be lost, so it must not vote: keep the folder, check the disk, see everything that is wrong with ' +
  '`pbft check`, and bring the node back with `pbft recover` (or put back this very file from a copy made after the node stopped)';

export function damageFault(file: string, offset: number, what: string): LogFault {
  return { code: 'damaged', file, offset, reason: `${file} is damaged at byte ${offset}: ${what}. ${LOST}` };
}

export function missingFault(folder: string): LogFault {
  const reason =
    `${folder} holds no log, and this node is not new: its disk was lost, or its folder was not brought along as a whole. ` +
    'What it told others is forgotten, so it must not just start: put its log back if you have it, else bring the node back with `pbft recover`';
  return { code: 'missing', file: folder, offset: undefined, reason };
}

export function inUseFault(folder: string, lock: string): LogFault {
  const reason = `${folder} is in use by another process (it holds ${lock}): stop that node first, or give this one a folder of its own`;
  return { code: 'in-use', file: folder, offset: undefined, reason };
}

/** `is` and `own`: node and cluster of the file, and of this node. */
export function foreignFault(file: string, is: string, own: string): LogFault {
  const reason = `${file} belongs to ${is}, and this is ${own}: put the log of this node there, and never start one node with the log of another`;
  return { code: 'foreign', file, offset: 0, reason };
}

export function otherFormatFault(
  file: string,
  { code, format }: { readonly code: 'newer-format' | 'older-format'; readonly format: number },
  known: number,
): LogFault {
  const advice =
    code === 'newer-format'
      ? `and this version reads up to ${known}: start this node with the version that wrote it, or a newer one`
      : `and this version reads ${known}: start this node with the version that wrote it, or, if the others run, bring it back with \`pbft recover --discard-log\``;
  return { code, file, offset: 7, reason: `${file} has format ${format}, ${advice}` };
}
