/** The one function that judges a configuration file: everything that is wrong with it at once, or a {@link NodeConfig} to run on. */
import { statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { asDigest, asReplicaId, replicaName } from '../../base/ids.ts';
import type { ReplicaId } from '../../base/ids.ts';
import { fail, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { LIMITS } from '../../messages/index.ts';
import type { TuningConfig } from '../../protocol/config.ts';
import { MAC_PRIMITIVES, validateReplicaConfig } from '../../protocol/config.ts';
import { MAX_REPLICAS } from '../../protocol/quorum.ts';
import { Checklist, join } from './checklist.ts';
import type { Fields, FileProblem } from './checklist.ts';
import { toReplicaConfig } from './convert.ts';
import { NODE_DEFAULTS, TUNING_FIELDS } from './defaults.ts';
import { nearestName } from './nearest-name.ts';
import { DURABILITIES } from './node-config.ts';
import type { ApplicationChoice, HttpConfig, NodeConfig } from './node-config.ts';
import { isHost, isLoopback, readClients, readReplicas } from './validate-members.ts';

/** The fields of the file, as people write them. */
export const FIELDS = [
  'format',
  'cluster_id',
  'node_id',
  'replicas',
  'clients',
  'http',
  'peer',
  'application',
  'authentication',
  'mac',
  'quorum_rule',
  'checkpoint_interval',
  'open_clients',
  'read_only_requests',
  'tentative_execution',
  'overlapped_sync',
  'sessions_per_client',
  'open_client_limit',
  'session_horizon_ms',
  'stored_reply_bytes',
  'idempotency_keys',
  'durability',
  'scrub_hours',
  'state_cache_bytes',
  'lab',
  'tuning',
] as const;

/** The fields of `http`. */
export const HTTP_FIELDS = ['host', 'port', 'allowed_hosts', 'tokens_file', 'insecure_no_credentials'] as const;

/** Numbers of the whole cluster that a file may leave out. */
export const CLUSTER_NUMBERS = [
  { name: 'checkpoint_interval', key: 'checkpointInterval', max: 65_536 },
  { name: 'sessions_per_client', key: 'sessionsPerClient', max: 65_536 },
  { name: 'open_client_limit', key: 'openClientLimit', max: 1_048_576 },
  { name: 'session_horizon_ms', key: 'sessionHorizonMs', max: 86_400_000 },
  { name: 'stored_reply_bytes', key: 'storedReplyBytes', max: LIMITS.resultBytes },
  { name: 'idempotency_keys', key: 'idempotencyKeys', max: 16_777_216 },
] as const;

/**
 * Judges `value`, the parsed content of a configuration file in `directory` (relative paths in it start there).
 * Every problem is told, each with path, value and what is allowed. Never throws.
 */
export function validateNodeConfig(value: unknown, directory: string): Result<NodeConfig, readonly FileProblem[]> {
  const list = new Checklist();
  const file = list.fields('', value, FIELDS);
  if (file === undefined) return fail(list.problems);
  const config = readConfig(list, file, directory);
  if (config === undefined || list.problems.length > 0) return fail(list.problems);
  for (const problem of validateReplicaConfig(toReplicaConfig(config))) {
    list.note(fileNameOf(problem.path), problem.value, problem.allowed);
  }
  return list.problems.length > 0 ? fail(list.problems) : ok(config);
}

/** Undefined only when problems were noted. */
function readConfig(list: Checklist, file: Fields, directory: string): NodeConfig | undefined {
  const format = file['format'] === 1 ? 1 : list.note('format', file['format'], '1, the only format there is');
  const clusterId = list.text('cluster_id', file['cluster_id'], '64 lowercase hexadecimal digits', isHex32);
  const replicas = readReplicas(list, file['replicas']);
  const clients = readClients(list, file['clients'], file['replicas']);
  const self = readSelf(list, file['node_id'], file['replicas']);
  const http = readHttp(list, file['http'], directory);
  const peer = readPeer(list, file['peer']);
  const application = readApplication(list, file['application'], directory);
  const numbers = readClusterNumbers(list, file);
  const tuning = readTuning(list, file['tuning']);
  const optional = <Value>(name: string, fallback: Value, read: (value: unknown) => Value | undefined): Value => {
    const given = file[name];
    return given === undefined ? fallback : (read(given) ?? fallback);
  };
  const rest = {
    authentication: optional('authentication', NODE_DEFAULTS.authentication, (given) =>
      list.choice('authentication', given, ['mac', 'signature'] as const),
    ),
    mac: optional('mac', NODE_DEFAULTS.mac, (given) => list.choice('mac', given, MAC_PRIMITIVES)),
    quorumRule: optional('quorum_rule', NODE_DEFAULTS.quorumRule, (given) =>
      list.choice('quorum_rule', given, ['intersecting', '2f+1'] as const),
    ),
    openClients: optional('open_clients', NODE_DEFAULTS.openClients, (given) => list.boolean('open_clients', given)),
    readOnlyRequests: optional('read_only_requests', NODE_DEFAULTS.readOnlyRequests, (given) =>
      list.boolean('read_only_requests', given),
    ),
    tentativeExecution: optional('tentative_execution', NODE_DEFAULTS.tentativeExecution, (given) =>
      list.boolean('tentative_execution', given),
    ),
    overlappedSync: optional('overlapped_sync', NODE_DEFAULTS.overlappedSync, (given) =>
      list.boolean('overlapped_sync', given),
    ),
    durability: optional('durability', NODE_DEFAULTS.durability, (given) =>
      list.choice('durability', given, DURABILITIES),
    ),
    scrubHours: optional('scrub_hours', NODE_DEFAULTS.scrubHours, (given) =>
      list.integer('scrub_hours', given, { min: 0, max: 8760 }),
    ),
    stateCacheBytes: optional('state_cache_bytes', NODE_DEFAULTS.stateCacheBytes, (given) =>
      list.integer('state_cache_bytes', given, { min: 2 ** 20, max: 2 ** 40 }),
    ),
    lab: optional('lab', NODE_DEFAULTS.lab, (given) => list.boolean('lab', given)),
  };
  if (format === undefined || clusterId === undefined || self === undefined || http === undefined) return undefined;
  if (replicas === undefined || clients === undefined) return undefined;
  const own = replicas[self];
  if (own === undefined) return undefined;
  const listen = { host: peer.host ?? own.host, port: peer.port ?? own.peerPort };
  const base = { format, clusterId: asDigest(clusterId), self, replicas, clients, http, peer: listen } as const;
  return { ...base, application, ...numbers, ...rest, tuning };
}

const isHex32 = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

function readSelf(list: Checklist, value: unknown, replicas: unknown): ReplicaId | undefined {
  const count = Array.isArray(replicas) ? Math.min(replicas.length, MAX_REPLICAS) : 0;
  const names = Array.from({ length: count }, (_, index) => replicaName(asReplicaId(index)));
  const index = names.findIndex((name) => name === value);
  if (index >= 0) return asReplicaId(index);
  const nearest = typeof value === 'string' ? nearestName(value, names) : undefined;
  return list.note('node_id', value, count === 0 ? 'a node of `replicas`' : `one of ${names.join(', ')}`, nearest);
}

function readHttp(list: Checklist, value: unknown, directory: string): HttpConfig | undefined {
  const fields = list.fields('http', value, HTTP_FIELDS);
  if (fields === undefined) return undefined;
  const { host: givenHost, port: givenPort, allowed_hosts: givenHosts, tokens_file: givenTokens } = fields;
  const host =
    givenHost === undefined
      ? NODE_DEFAULTS.httpHost
      : list.text('http.host', givenHost, 'a host name or an IP address to listen on', isHost);
  const port = list.integer('http.port', givenPort, { min: 0, max: 65_535 });
  const allowedHosts: readonly string[] =
    givenHosts === undefined ? NODE_DEFAULTS.allowedHosts : readHosts(list, givenHosts);
  const tokensFile =
    givenTokens === undefined ? undefined : readFilePath(list, 'http.tokens_file', givenTokens, directory);
  const insecure = fields['insecure_no_credentials'];
  const insecureNoCredentials =
    insecure === undefined
      ? NODE_DEFAULTS.insecureNoCredentials
      : list.boolean('http.insecure_no_credentials', insecure);
  if (host === undefined || port === undefined || insecureNoCredentials === undefined) return undefined;
  if (!isLoopback(host) && givenTokens === undefined && !insecureNoCredentials) {
    const ways =
      'give `tokens_file`, or say "insecure_no_credentials": true if everybody on that network may do everything';
    list.note('http.host', host, `127.0.0.1, ::1 or localhost; to listen further: ${ways}`);
  }
  return { host, port, allowedHosts, tokensFile, insecureNoCredentials };
}

function readHosts(list: Checklist, value: unknown): readonly string[] {
  const hosts = list.list('http.allowed_hosts', value, { min: 0, max: 64 }) ?? [];
  return hosts.flatMap((host, index) => {
    const path = `http.allowed_hosts[${index}]`;
    const name = list.text(path, host, 'a host name or an IP address without a port', isHost);
    if (name !== undefined && hosts.indexOf(host) !== index) list.note(path, host, 'each host once');
    return name === undefined ? [] : [name.toLowerCase()];
  });
}

/** The own link's listening place; undefined fields are the own entry's. */
function readPeer(
  list: Checklist,
  value: unknown,
): { readonly host: string | undefined; readonly port: number | undefined } {
  const none = { host: undefined, port: undefined };
  if (value === undefined) return none;
  const fields = list.fields('peer', value, ['host', 'port']);
  if (fields === undefined) return none;
  const { host, port } = fields;
  return {
    host:
      host === undefined
        ? undefined
        : list.text('peer.host', host, 'a host name or an IP address to listen on', isHost),
    port: port === undefined ? undefined : list.integer('peer.port', port, { min: 1, max: 65_535 }),
  };
}

function readApplication(list: Checklist, value: unknown, directory: string): ApplicationChoice {
  const fallback = NODE_DEFAULTS.application;
  if (value === undefined) return fallback;
  if (value === 'ledger' || value === 'counter') return { kind: 'builtin', name: value };
  const allowed = '"ledger", "counter", or the path of a module that starts with ./ or /';
  if (typeof value !== 'string' || !(value.startsWith('.') || isAbsolute(value))) {
    list.note(
      'application',
      value,
      allowed,
      typeof value === 'string' ? nearestName(value, ['ledger', 'counter']) : undefined,
    );
    return fallback;
  }
  const path = readFilePath(list, 'application', value, directory);
  return path === undefined ? fallback : { kind: 'module', path };
}

/** The absolute path of an existing file. */
function readFilePath(list: Checklist, path: string, value: unknown, directory: string): string | undefined {
  const given = list.text(path, value, 'the path of a file', (text) => text !== '' && !text.includes('\0'));
  if (given === undefined) return undefined;
  const file = resolve(directory, given);
  if (isFile(file)) return file;
  return list.note(path, value, `the path of a file that exists; ${file} does not`);
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

type ClusterNumbers = Pick<NodeConfig, (typeof CLUSTER_NUMBERS)[number]['key']>;

function readClusterNumbers(list: Checklist, file: Fields): ClusterNumbers {
  const { checkpointInterval, sessionsPerClient, openClientLimit } = NODE_DEFAULTS;
  const { sessionHorizonMs, storedReplyBytes, idempotencyKeys } = NODE_DEFAULTS;
  const numbers = {
    checkpointInterval,
    sessionsPerClient,
    openClientLimit,
    sessionHorizonMs,
    storedReplyBytes,
    idempotencyKeys,
  };
  const read: Record<keyof ClusterNumbers, number> = numbers;
  for (const { name, key, max } of CLUSTER_NUMBERS) {
    const given = file[name];
    if (given !== undefined) read[key] = list.integer(name, given, { min: 1, max }) ?? read[key];
  }
  return read;
}

function readTuning(list: Checklist, value: unknown): TuningConfig {
  if (value === undefined) return NODE_DEFAULTS.tuning;
  const fields =
    list.fields(
      'tuning',
      value,
      TUNING_FIELDS.map(({ name }) => name),
    ) ?? {};
  const tuning: Record<keyof TuningConfig, number> = { ...NODE_DEFAULTS.tuning };
  for (const { name, key, perUnit, max } of TUNING_FIELDS) {
    const given = fields[name];
    if (given === undefined) continue;
    const number = list.integer(join('tuning', name), given, { min: 1, max });
    if (number !== undefined) tuning[key] = number * perUnit;
  }
  return tuning;
}

/** The core's name for a setting as the file spells it: `tuning.batchRequests` → `tuning.batch_requests`. */
function fileNameOf(path: string): string {
  const key = path.replace(/^(?:cluster|tuning)\./, '');
  const field = TUNING_FIELDS.find((candidate) => candidate.key === key);
  if (field !== undefined) return join('tuning', field.name);
  return CLUSTER_NUMBERS.find((candidate) => candidate.key === key)?.name ?? path;
}
