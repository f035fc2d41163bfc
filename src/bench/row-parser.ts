/** Reads `--row "sessions=256,durability=memory"`: a row on top of the base row, or everything that is wrong with it. Never throws. */
import { asReplicaId, NULL_DIGEST } from '../base/ids.ts';
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { LIMITS } from '../messages/limits.ts';
import { DEFAULT_CLUSTER, DEFAULT_TUNING, MAC_PRIMITIVES, validateReplicaConfig } from '../protocol/config.ts';
import { MAX_REPLICAS } from '../protocol/quorum.ts';
import { TUNING_FIELDS } from '../server/config/defaults.ts';
import { nearestName } from '../server/config/nearest-name.ts';
import { BENCH_TUNING } from './normal-case.ts';
import { LEAST_VALUE_BYTES, MOST_VALUE_BYTES, NULL_HEADER_BYTES } from './operations.ts';
import { APPS, ASKED, BASE_ROW, baseFor, CLIENT_KINDS, COMPOUND, OVERLAP, READS, SYSTEMS, TENTATIVE } from './row.ts';
import type { Row } from './row.ts';

/** One thing that is wrong with a row. */
export interface RowProblem {
  readonly field: string;
  /** As it was given. */
  readonly value: string;
  /** What stands in its place in a sound row. */
  readonly allowed: string;
}

/** The problem in one line. */
export function describeRowProblem({ field, value, allowed }: RowProblem): string {
  return `${field} is "${value}": allowed is ${allowed}`;
}

/** Of one client, whose cluster is then made to keep so many (cluster-folder.ts). */
const MOST_SESSIONS = 10_000;
/** Clients that are not listed, and connections to one HTTP API: what a cluster keeps by default. */
const MOST_CLIENTS = DEFAULT_CLUSTER.openClientLimit;
const MOST_RATE = 1_000_000;

const CHOICES = {
  system: SYSTEMS,
  mode: ['mac', 'signature'],
  mac: MAC_PRIMITIVES,
  durability: ['sync', 'async', 'memory'],
  app: APPS,
  clients: CLIENT_KINDS,
  reads: READS,
  asked: ASKED,
  tentative: TENTATIVE,
  overlap: OVERLAP,
  compound: COMPOUND,
} as const;

const NUMBERS = {
  nodes: { min: 1, max: MAX_REPLICAS },
  request: { min: 0, max: LIMITS.operationBytes - NULL_HEADER_BYTES },
  reply: { min: 0, max: DEFAULT_CLUSTER.storedReplyBytes },
  sessions: { min: 1, max: MOST_SESSIONS },
  rate: { min: 1, max: MOST_RATE },
} as const;

const isChoice = (field: string): field is keyof typeof CHOICES => Object.hasOwn(CHOICES, field);
const isNumber = (field: string): field is keyof typeof NUMBERS => Object.hasOwn(NUMBERS, field);
const FIELDS = [...Object.keys(CHOICES), ...Object.keys(NUMBERS)];

/** What was given, by field, before the fields are held against each other. */
interface Given {
  readonly choices: Map<string, string>;
  readonly numbers: Map<string, number>;
  readonly tuning: Record<string, number>;
}

/** The row that `text` describes, with every field that it does not name as in the base row; or all problems at once. */
export function parseRow(text: string): Result<Row, readonly RowProblem[]> {
  const problems: RowProblem[] = [];
  const given: Given = { choices: new Map(), numbers: new Map(), tuning: {} };
  const seen = new Set<string>();
  for (const part of text.split(',')) {
    const [field = '', ...rest] = part.split('=').map((word) => word.trim());
    const value = rest.join('=');
    const problem = seen.has(field) ? { field, value, allowed: 'each field once' } : readField(given, field, value);
    seen.add(field);
    if (problem !== undefined) problems.push(problem);
  }
  const row = rowOf(given);
  problems.push(...contradictions(row, given));
  return problems.length > 0 ? fail(problems) : ok(row);
}

function readField(given: Given, field: string, value: string): RowProblem | undefined {
  if (isChoice(field)) {
    const choices: readonly string[] = CHOICES[field];
    if (!choices.includes(value)) return { field, value, allowed: `one of ${choices.join(', ')}` };
    given.choices.set(field, value);
    return undefined;
  }
  const setting = TUNING_FIELDS.find(({ name }) => name === field);
  const bounds = isNumber(field) ? NUMBERS[field] : setting === undefined ? undefined : { min: 1, max: setting.max };
  if (bounds === undefined) return unknownField(field, value);
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < bounds.min || number > bounds.max)
    return { field, value, allowed: `an integer from ${bounds.min} to ${bounds.max}` };
  if (setting === undefined) given.numbers.set(field, number);
  else given.tuning[field] = number;
  return undefined;
}

function unknownField(field: string, value: string): RowProblem {
  const names = [...FIELDS, ...TUNING_FIELDS.map(({ name }) => name)];
  const nearest = nearestName(field, names);
  const hint = nearest === undefined ? '' : ` (did you mean ${nearest}?)`;
  const allowed = `field=value, fields are ${FIELDS.join(', ')}, and those of tuning${hint}`;
  return { field: field === '' ? 'a field' : field, value, allowed };
}

/** Requires: every given value is one of its field. */
function rowOf({ choices, numbers, tuning }: Given): Row {
  const pick = <Field extends keyof typeof CHOICES>(field: Field): (typeof CHOICES)[Field][number] | undefined => {
    const all: readonly (typeof CHOICES)[Field][number][] = CHOICES[field];
    return all.find((choice) => choice === choices.get(field));
  };
  const base = baseFor(pick('system') ?? 'pbft', pick('app') ?? (pick('clients') === 'http' ? 'kv' : undefined));
  return {
    system: base.system,
    app: base.app,
    mode: pick('mode') ?? base.mode,
    mac: pick('mac') ?? base.mac,
    durability: pick('durability') ?? base.durability,
    clients: pick('clients') ?? base.clients,
    reads: pick('reads') ?? base.reads,
    asked: pick('asked') ?? base.asked,
    tentative: pick('tentative') ?? base.tentative,
    overlap: pick('overlap') ?? base.overlap,
    compound: pick('compound') ?? base.compound,
    nodes: numbers.get('nodes') ?? base.nodes,
    request: numbers.get('request') ?? base.request,
    reply: numbers.get('reply') ?? base.reply,
    sessions: numbers.get('sessions') ?? base.sessions,
    rate: numbers.get('rate'),
    tuning,
  };
}

/** What fields that are good by themselves do to each other. */
function contradictions(row: Row, { tuning }: Given): readonly RowProblem[] {
  const problems: RowProblem[] = [];
  const check = (holds: boolean, field: Exclude<keyof Row, 'tuning'>, allowed: string): void => {
    if (!holds) problems.push({ field, value: String(row[field]), allowed });
  };
  if (row.app === 'kv') {
    const fits = row.request >= LEAST_VALUE_BYTES && row.request <= MOST_VALUE_BYTES;
    check(fits, 'request', `a value of ${LEAST_VALUE_BYTES} to ${MOST_VALUE_BYTES} bytes with app=kv`);
    check(row.reply === 0, 'reply', '0 with app=kv, whose results have the size they have');
  }
  if (row.clients === 'http') {
    check(row.app === 'kv', 'app', 'kv with clients=http, whose operations are JSON');
    check(row.asked === 'enough', 'asked', 'left out with clients=http: the node that is asked asks the others');
  }
  if (row.clients !== 'multiplexed')
    check(row.sessions <= MOST_CLIENTS, 'sessions', `an integer from 1 to ${MOST_CLIENTS} with clients=${row.clients}`);
  if (row.system !== 'pbft') {
    check(row.clients !== 'http', 'clients', 'multiplexed or independent: only system=pbft has an HTTP API');
    check(row.reads === 'off', 'reads', 'left out: only system=pbft has requests that it does not order');
    check(row.tentative === 'off', 'tentative', 'left out: only system=pbft has what is not committed yet');
    check(row.overlap === 'off', 'overlap', 'left out: only system=pbft has a primary and backups');
    check(row.asked === 'enough', 'asked', 'left out: only system=pbft has several that reply');
    for (const [field, value] of Object.entries(tuning))
      problems.push({ field, value: String(value), allowed: 'a setting with system=pbft only' });
  }
  check(row.mode === 'mac' || row.mac === BASE_ROW.mac, 'mac', 'left out with mode=signature, where nobody makes MACs');
  if (row.system === 'unreplicated') check(row.nodes === 1, 'nodes', '1 with system=unreplicated');
  if (row.system === 'etcd') {
    check(row.app === 'kv', 'app', 'kv with system=etcd');
    check(row.mode === 'mac', 'mode', 'left out with system=etcd, which authenticates nobody');
    check(row.mac === BASE_ROW.mac, 'mac', 'left out with system=etcd, which authenticates nobody');
    check(row.durability !== 'async', 'durability', 'sync or memory with system=etcd');
    check(row.clients === 'multiplexed', 'clients', 'multiplexed with system=etcd');
    check(row.rate === undefined, 'rate', 'left out with system=etcd, whose load is a closed loop');
  }
  return row.system === 'pbft' ? [...problems, ...tuningProblems(row)] : problems;
}

/** What a node would refuse of these settings. */
function tuningProblems(row: Row): readonly RowProblem[] {
  const file: Readonly<Record<string, number>> = { ...BENCH_TUNING, ...row.tuning };
  const tuning = { ...DEFAULT_TUNING };
  for (const { name, key, perUnit } of TUNING_FIELDS) {
    const value = file[name];
    if (value !== undefined) Object.assign(tuning, { [key]: value * perUnit });
  }
  const cluster = { ...DEFAULT_CLUSTER, clusterId: NULL_DIGEST, replicaCount: row.nodes, clients: [] };
  return validateReplicaConfig({ self: asReplicaId(0), cluster, tuning }).flatMap(({ path, allowed }) => {
    const field = TUNING_FIELDS.find(({ key }) => path === key || path === `tuning.${key}`)?.name;
    return field === undefined ? [] : [{ field, value: String(file[field]), allowed }];
  });
}
