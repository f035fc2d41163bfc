/** Which cluster a command is about: `--url`, else PBFT_URL, else ./pbft-data/cluster.json. */
import { join } from 'node:path';
import { replicaName } from '../base/ids.ts';
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { CLUSTER_FILE, readClusterFile } from '../server/config/index.ts';
import { EXIT } from './exit-code.ts';
import type { ExitCode } from './exit-code.ts';
import { terminal } from './terminal.ts';

export const DATA_DIRECTORY = 'pbft-data';

/** One node as far as a command needs it. */
export interface KnownNode {
  /** `node1`; undefined where only a URL was given. */
  readonly name: string | undefined;
  /** Origin of its HTTP API. */
  readonly url: string;
}

/** Options that every command which talks to a cluster takes. */
export interface ClusterOptions {
  readonly url?: string;
  readonly data?: string;
}

/** The nodes to ask, best first; never empty. On failure the reason is on stderr and the value is what to exit with. */
export function findCluster(options: ClusterOptions): Result<readonly KnownNode[], ExitCode> {
  const fromEnvironment = process.env['PBFT_URL'];
  const given = options.url ?? (options.data === undefined ? fromEnvironment : undefined);
  if (given !== undefined && given !== '') return oneNode(given, options.url === undefined ? 'PBFT_URL' : '--url');
  const file = join(options.data ?? DATA_DIRECTORY, CLUSTER_FILE);
  const cluster = readClusterFile(file);
  if (cluster.ok) return ok(cluster.value.replicas.map(({ id, httpUrl }) => ({ name: replicaName(id), url: httpUrl })));
  if (cluster.error.code === 'unusable') {
    return fail(terminal.fail(EXIT.usage, `cannot use ${file}: ${cluster.error.reason}`));
  }
  return fail(
    terminal.fail(
      EXIT.usage,
      `no cluster found: there is no ${file}, and neither --url nor PBFT_URL is given`,
      'start one here with `pbft up`, or name one: --url http://127.0.0.1:8001',
    ),
  );
}

function oneNode(text: string, source: string): Result<readonly KnownNode[], ExitCode> {
  const url = URL.parse(text);
  if (url !== null && ['http:', 'https:'].includes(url.protocol)) return ok([{ name: undefined, url: url.origin }]);
  return fail(terminal.fail(EXIT.usage, `${source} is not a URL: ${text}`, 'it looks like http://127.0.0.1:8001'));
}
