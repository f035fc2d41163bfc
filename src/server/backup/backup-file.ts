/** What a backup is: a folder with the state of one node at its last durable checkpoint, its configuration, and `backup.json`, which says whose. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Type from 'typebox';
import type { Static } from 'typebox';
import { Value } from 'typebox/value';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';

export const BACKUP_FORMAT = 'pbft-backup/1';

/** The files and folders of a backup. */
export const BACKUP_FILES = { about: 'backup.json', config: 'config.json', state: 'state' } as const;

/** `backup.json`. No secret is in a backup: keys are kept apart. */
export const BackupAbout = Type.Object({
  format: Type.Literal(BACKUP_FORMAT),
  cluster_id: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  node_id: Type.String({ pattern: '^node[1-9][0-9]?$' }),
  /** The checkpoint whose state it is, and its root. */
  sequence: Type.Integer({ minimum: 0 }),
  root: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  made_at: Type.String(),
  version: Type.String(),
});
export type BackupAbout = Static<typeof BackupAbout>;

/** Reads `backup.json` of the backup in `directory`; why it is none, in one line. */
export function readBackup(directory: string): Result<BackupAbout, string> {
  const file = join(directory, BACKUP_FILES.about);
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail(`${directory} is no backup: ${file}: ${reason}`);
  }
  if (!Value.Check(BackupAbout, parsed))
    return fail(`${file} is no description of a backup, or of one that a newer version made`);
  return ok(parsed);
}
