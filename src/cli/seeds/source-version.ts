/** Which source runs: a seed means the same run only with the same source. Owns nothing. */
import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The short commit id, with `-dirty` where tracked files were changed since; the version of the package where this is no checkout of it. */
export function sourceVersion(): string {
  const top = git('rev-parse', '--show-toplevel');
  // A package below the folder of another repository would get that one's commit.
  const isOwn = top !== undefined && realpathSync(top) === realpathSync(ROOT);
  const commit = isOwn ? git('describe', '--always', '--dirty', '--exclude', '*') : undefined;
  return commit ?? packageVersion();
}

/** The version in package.json. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}

/** What git prints, without the line's end; undefined where there is no git, or no repository. */
function git(...args: readonly string[]): string | undefined {
  try {
    return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}
