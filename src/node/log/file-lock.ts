/**
 * Keeps a second process away from a folder. The lock is an exclusive transaction of SQLite on an empty file in it: a lock of the kernel,
 * which ends with its process however that ends, so that no stale lock has ever to be judged; and one that also sees a second use in the
 * same process and from another container. A folder on a network file system is as safe as that file system's locks are.
 */
import { DatabaseSync } from 'node:sqlite';

/** A lock that is held until it is released or its process ends. */
export interface FileLock {
  release(): void;
}

/** The lock `file`, an empty file of that name; undefined when somebody else holds it. Throws when it cannot be made. */
export function lockFile(file: string): FileLock | undefined {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    // Nothing is ever written: without a journal on disk the lock can be had on a full disk too.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (error instanceof Error && error.message.includes('locked')) return undefined;
    throw error;
  }
  return { release: () => database.close() };
}
