/** `pbft verify FILE`: whether what a file says is proven, offline, by the public keys of the cluster alone. Evidence, or a state proof. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { Option } from 'commander';
import { claimsToBeStateProof } from '../../api/index.ts';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { CLUSTER_FILE, readClusterFile } from '../../server/config/index.ts';
import type { ClusterFile } from '../../server/config/index.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { DATA_DIRECTORY } from '../find-cluster.ts';
import type { End } from '../options.ts';
import { terminal } from '../terminal.ts';
import { verifyEvidence } from './verify-evidence.ts';
import { verifyStateProof } from './verify-state-proof.ts';

interface VerifyOptions {
  readonly cluster?: string;
  readonly json?: boolean;
}

const HELP = `
FILE holds evidence as nodes give it out (curl …/pbft/suspicions > FILE), or a
proof of one value of the state, or that there is none. Nobody is asked: the
public keys in cluster.json decide. Each item of evidence is proven, not provable
to third parties (it may be true all the same), or does not hold, with the reason;
a state proof is proven as of a batch, or does not hold.
Exit code 1 when something does not hold, 2 when something cannot be read.

Examples:
  pbft verify suspicions.json
  pbft verify suspicions.json --cluster pbft-data/cluster.json --json
  pbft verify alice.json`;

export function addVerifyCommand(program: Command, end: End): void {
  program
    .command('verify')
    .description('check evidence against nodes, or a proof of a value, offline')
    .argument('<file>', 'evidence (what GET /pbft/suspicions answers, or items of it), or a state proof')
    .addOption(new Option('--cluster <cluster.json>', `public keys (default: ./${join(DATA_DIRECTORY, CLUSTER_FILE)})`))
    .option('--json', 'print what was found, as JSON')
    .addHelpText('after', HELP)
    .action((file: string, options: VerifyOptions) => end(run(file, options)));
}

function run(file: string, { cluster: named, json }: VerifyOptions): ExitCode {
  const cluster = loadCluster(named);
  if (!cluster.ok) return cluster.error;
  const read = readFile(file);
  if (!read.ok) return terminal.fail(EXIT.usage, `cannot read ${file}: ${read.error}`);
  return claimsToBeStateProof(read.value.json)
    ? verifyStateProof(read.value.text, cluster.value, json === true)
    : verifyEvidence(file, read.value.json, cluster.value, json === true);
}

function loadCluster(named: string | undefined): Result<ClusterFile, ExitCode> {
  const file = named ?? join(DATA_DIRECTORY, CLUSTER_FILE);
  const cluster = readClusterFile(file);
  if (cluster.ok) return cluster;
  if (cluster.error.code === 'unusable')
    return fail(terminal.fail(EXIT.usage, `cannot use ${file}: ${cluster.error.reason}`));
  return fail(
    terminal.fail(EXIT.usage, `there is no ${file}`, 'name the public keys of the cluster: --cluster cluster.json'),
  );
}

const MAX_FILE_BYTES = 64 * 1024 * 1024;

interface Read {
  readonly text: string;
  readonly json: unknown;
}

function readFile(file: string): Result<Read, string> {
  let text: string;
  try {
    const stat = statSync(file);
    if (!stat.isFile()) return fail(stat.isDirectory() ? 'it is a directory' : 'it is no file');
    if (stat.size > MAX_FILE_BYTES) return fail('larger than 64 MiB');
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return fail(isAbsent ? 'there is no such file' : error instanceof Error ? error.message : String(error));
  }
  try {
    const json: unknown = JSON.parse(text);
    return ok({ text, json });
  } catch (error) {
    return fail(`it is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}
