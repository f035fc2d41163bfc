/** What one row of a benchmark measures: which system, set up how, under which load. Owns the base row and the names of rows. */
import type { AuthenticationMode, MacPrimitive } from '../protocol/config.ts';
import { NEW_CLUSTER_MAC } from '../server/config/defaults.ts';

/** `unreplicated`: one process with the same parts and no agreement; `etcd`: a yardstick that tolerates crashes only. */
export const SYSTEMS = ['pbft', 'unreplicated', 'etcd'] as const;
export type System = (typeof SYSTEMS)[number];

/** `null`: no state, operations and results of any size; `kv`: the ledger, each operation puts a value. */
export const APPS = ['null', 'kv'] as const;
export type App = (typeof APPS)[number];

/**
 * `multiplexed`: one client with all sessions on one connection to each replica; `independent`: one client, with keys and connections of its own, for each
 * session; `http`: a connection for each session to the HTTP API of the first node, whose gateway is the client.
 */
export const CLIENT_KINDS = ['multiplexed', 'independent', 'http'] as const;
export type ClientKind = (typeof CLIENT_KINDS)[number];

/** `on`: the cluster answers read-only requests without ordering them, and operations write all the same; `only`: it does, and all operations but a session's first read. */
export const READS = ['off', 'on', 'only'] as const;
export type Reads = (typeof READS)[number];

/** Who is asked to reply at first: as many replicas as have to agree, or all. */
export const ASKED = ['enough', 'all'] as const;
export type Asked = (typeof ASKED)[number];

/** `on`: replicas say what a request comes to before it is committed. */
export const TENTATIVE = ['off', 'on'] as const;
export type Tentative = (typeof TENTATIVE)[number];

/** `on`: the primary's sync goes on beside those of the backups. */
export const OVERLAP = ['off', 'on'] as const;
export type Overlap = (typeof OVERLAP)[number];

/** `on`: what the sessions of one client have ready at one time goes out as one request. */
export const COMPOUND = ['on', 'off'] as const;
export type Compound = (typeof COMPOUND)[number];

export interface Row {
  readonly system: System;
  readonly nodes: number;
  readonly mode: AuthenticationMode;
  /** How MACs are made. */
  readonly mac: MacPrimitive;
  readonly durability: 'sync' | 'async' | 'memory';
  readonly app: App;
  /** `null`: bytes of padding in each operation; `kv`: bytes of each value. */
  readonly request: number;
  /** Bytes of each result of `null`. */
  readonly reply: number;
  readonly clients: ClientKind;
  readonly reads: Reads;
  readonly asked: Asked;
  readonly tentative: Tentative;
  readonly overlap: Overlap;
  readonly compound: Compound;
  /** Requests under way at once, at most. */
  readonly sessions: number;
  /** Open loop: so many arrivals a second, evenly spaced. Undefined: closed loop, each session's next request follows its last answer. */
  readonly rate: number | undefined;
  /** Settings of `tuning` that differ from their defaults, by their names in the configuration. */
  readonly tuning: Readonly<Record<string, number>>;
}

/** What every axis is varied around. */
export const BASE_ROW: Row = {
  system: 'pbft',
  nodes: 4,
  mode: 'mac',
  mac: NEW_CLUSTER_MAC,
  durability: 'sync',
  app: 'null',
  request: 0,
  reply: 0,
  clients: 'multiplexed',
  reads: 'off',
  asked: 'enough',
  tentative: 'off',
  overlap: 'off',
  compound: 'on',
  sessions: 64,
  rate: undefined,
  tuning: {},
};

/** Bytes of a value that `kv` puts, unless the row says otherwise. */
const VALUE_BYTES = 64;
/** As many crashes as four nodes tolerate of any fault: one. */
const ETCD_MEMBERS = 3;

/** The base row as it is for a system and an application; what of it differs for them differs of necessity. */
export function baseFor(system: System, app?: App): Row {
  const chosen = app ?? (system === 'etcd' ? 'kv' : BASE_ROW.app);
  const nodes = { pbft: BASE_ROW.nodes, unreplicated: 1, etcd: ETCD_MEMBERS }[system];
  return { ...BASE_ROW, system, nodes, app: chosen, request: chosen === 'kv' ? VALUE_BYTES : BASE_ROW.request };
}

const NAMED = [
  'nodes',
  'mode',
  'mac',
  'durability',
  'app',
  'request',
  'reply',
  'clients',
  'reads',
  'asked',
  'tentative',
  'overlap',
  'compound',
  'sessions',
  'rate',
] as const;

/** The system, then each field that differs from its base row, as `--row` takes it; the same for equal rows only. */
export function rowName(row: Row): string {
  const base = { ...baseFor(row.system, row.app), app: baseFor(row.system).app };
  const fields = NAMED.flatMap((field) => (row[field] === base[field] ? [] : [`${field}=${row[field]}`]));
  const tuning = Object.entries(row.tuning)
    .toSorted(([left], [right]) => left.localeCompare(right))
    .map(([name, value]) => `${name}=${value}`);
  return [row.system, ...fields, ...tuning].join(' ');
}
