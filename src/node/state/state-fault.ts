/** What can be wrong with a state database, told so that its operator knows what to do. */
import { statfsSync } from 'node:fs';
import { StateDamaged } from '../../base/key-value.ts';

export type StateFaultCode = 'disk_full' | 'read_only' | 'not_permitted' | 'damaged' | 'wrong_format' | 'failed';

/** Why the state cannot be opened, or makes no new versions any more. Nothing that was sealed is lost by it. */
export interface StateFault {
  readonly code: StateFaultCode;
  /** The folder of the database. */
  readonly path: string;
  /** One sentence with the cause and one with what to do. */
  readonly message: string;
}

/** The tables of the database. */
export type TableName = 'pages' | 'leaves' | 'entries' | 'dead' | 'meta';

/** A record that differs from what was written, or is not there. */
export class RecordDamaged extends StateDamaged {
  readonly table: TableName;
  /** The number of a page or leaf, or the key in hexadecimal. */
  readonly id: string;
  readonly problem: string;

  constructor(table: TableName, id: number | string, problem: string) {
    super(`state database, table ${table}, record ${id}: ${problem}`);
    this.table = table;
    this.id = String(id);
    this.problem = problem;
  }
}

/** A write that failed, on its way to whoever reports it. */
export class WriteFailed extends Error {
  override readonly name = 'WriteFailed';
  readonly fault: StateFault;

  constructor(fault: StateFault) {
    super(fault.message);
    this.fault = fault;
  }
}

interface Cause {
  readonly code: StateFaultCode;
  readonly advice: string;
}

const DISK_FULL: Cause = { code: 'disk_full', advice: 'Make room on its disk; the state goes on by itself then' };
const READ_ONLY: Cause = { code: 'read_only', advice: 'Mount its file system for writing, then start again' };
const NOT_PERMITTED: Cause = {
  code: 'not_permitted',
  advice: 'Give the user of this process the right to write there',
};
const DAMAGED: Cause = { code: 'damaged', advice: 'Remove the folder and recover the state from the other replicas' };
const FAILED: Cause = { code: 'failed', advice: 'Look for the cause in the log of the system' };

const IO_ERROR = 5;
const LITTLE_ROOM = 16 * 1024 * 1024;

/** By the error numbers of Linux and of LMDB. */
const CAUSES: ReadonlyMap<number, Cause> = new Map([
  [28, DISK_FULL],
  [27, DISK_FULL],
  [122, DISK_FULL],
  [-30792, DISK_FULL],
  [30, READ_ONLY],
  [13, NOT_PERMITTED],
  [1, NOT_PERMITTED],
  [-30796, DAMAGED],
  [-30797, DAMAGED],
  [-30793, DAMAGED],
  [-30794, DAMAGED],
]);

/** The fault behind whatever the database or the file system threw. */
export function faultOf(error: unknown, path: string): StateFault {
  if (error instanceof WriteFailed) return error.fault;
  const text = error instanceof Error ? error.message : String(error);
  const { code, advice } = causeOf(error, path);
  return { code, path, message: `the state database in ${path} cannot be used: ${text}. ${advice}.` };
}

function causeOf(error: unknown, path: string): Cause {
  if (error instanceof StateDamaged) return DAMAGED;
  const number = errorNumber(error);
  // A write that a full disk cut short is an I/O error for LMDB.
  if (number === IO_ERROR && freeBytes(path) < LITTLE_ROOM) return DISK_FULL;
  return CAUSES.get(number) ?? FAILED;
}

/** What is free on the disk of a folder, in bytes; no bound if that cannot be told. */
function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return Infinity;
  }
}

/** The error's number: LMDB's own, or the system's, which Node gives negative; NaN if it has none. */
function errorNumber(error: unknown): number {
  if (!(error instanceof Error)) return Number.NaN;
  const { code, errno } = error as { code?: unknown; errno?: unknown };
  const number = typeof code === 'number' ? code : Number(errno);
  return number < 0 && number > -30000 ? -number : number;
}
