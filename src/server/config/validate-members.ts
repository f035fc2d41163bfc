/** The part of the validation that concerns who takes part: replicas and listed clients, their addresses and keys. */
import { isIP } from 'node:net';
import { asReplicaId, replicaName } from '../../base/ids.ts';
import type { PublicIdentity } from '../../node/identity.ts';
import { admissibleAgreementKey, admissibleSigningKey } from '../../node/keys.ts';
import { MAX_REPLICAS } from '../../protocol/quorum.ts';
import type { Checklist, Fields } from './checklist.ts';
import { join } from './checklist.ts';
import type { ClientEntry, ReplicaEntry } from './node-config.ts';

const MAX_CLIENTS = 10_000;

/** A host name (RFC 1123) or an IP address, without a port or brackets. */
export function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true;
  return (
    text.length <= 253 &&
    /^(?!-)[A-Za-z0-9-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*$/.test(text) &&
    !/^[\d.]+$/.test(text)
  );
}

/** True when only this machine can reach `host`. */
export function isLoopback(host: string): boolean {
  return host.toLowerCase() === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** All replicas in order, or undefined with the problems noted. */
export function readReplicas(list: Checklist, value: unknown): readonly ReplicaEntry[] | undefined {
  const entries = list.list('replicas', value, { min: 1, max: MAX_REPLICAS });
  if (entries === undefined) return undefined;
  const known = ['node_id', 'host', 'peer_port', 'http_url', 'signing', 'agreement'];
  const replicas = entries.map((entry, index): ReplicaEntry | undefined => {
    const path = `replicas[${index}]`;
    const fields = list.fields(path, entry, known);
    if (fields === undefined) return undefined;
    const id = asReplicaId(index);
    const name = replicaName(id);
    const inOrder = fields['node_id'] === name;
    if (!inOrder)
      list.note(join(path, 'node_id'), fields['node_id'], `"${name}": nodes stand in order, none is left out`);
    const host = list.text(join(path, 'host'), fields['host'], 'a host name or an IP address', isHost);
    const peerPort = list.integer(join(path, 'peer_port'), fields['peer_port'], { min: 1, max: 65_535 });
    const httpUrl = readOrigin(list, join(path, 'http_url'), fields['http_url']);
    const identity = readIdentity(list, path, fields);
    if (!inOrder || host === undefined || peerPort === undefined) return undefined;
    return httpUrl === undefined || identity === undefined ? undefined : { id, host, peerPort, httpUrl, identity };
  });
  noteTwins(list, entries, {
    'one address for each node': ({ host, peer_port: port }) =>
      typeof host === 'string' && typeof port === 'number' ? ['peer_port', `${host}:${port}`] : undefined,
    'one URL for each node': (entry) => ['http_url', entry['http_url']],
  });
  const complete = replicas.filter((replica) => replica !== undefined);
  return complete.length === entries.length ? complete : undefined;
}

/** Listed clients, or undefined with the problems noted. `replicas`: as the file has them, for keys used twice. */
export function readClients(list: Checklist, value: unknown, replicas: unknown): readonly ClientEntry[] | undefined {
  if (value === undefined)
    return list.note('clients', value, 'a list; each node has its gateway in it, and [] is allowed');
  const entries = list.list('clients', value, { min: 0, max: MAX_CLIENTS });
  if (entries === undefined) return undefined;
  const clients = entries.map((entry, index): ClientEntry | undefined => {
    const path = `clients[${index}]`;
    const fields = list.fields(path, entry, ['name', 'signing', 'agreement']);
    if (fields === undefined) return undefined;
    const name = list.text(join(path, 'name'), fields['name'], '1 to 64 letters, digits, . _ and -', isClientName);
    const identity = readIdentity(list, path, fields);
    return name === undefined || identity === undefined ? undefined : { name, identity };
  });
  noteTwinKeys(list, Array.isArray(replicas) ? replicas.slice(0, MAX_REPLICAS) : [], entries);
  const complete = clients.filter((client) => client !== undefined);
  return complete.length === entries.length ? complete : undefined;
}

const isClientName = (text: string): boolean => /^[A-Za-z0-9._-]{1,64}$/.test(text);

function readIdentity(list: Checklist, path: string, fields: Fields): PublicIdentity | undefined {
  const signing = readKey(list, join(path, 'signing'), fields['signing'], admissibleSigningKey);
  const agreement = readKey(list, join(path, 'agreement'), fields['agreement'], admissibleAgreementKey);
  return signing === undefined || agreement === undefined ? undefined : { signing, agreement };
}

function readKey(
  list: Checklist,
  path: string,
  value: unknown,
  refusal: (hex: string) => { readonly reason: string } | undefined,
): string | undefined {
  const refused = typeof value === 'string' ? refusal(value) : { reason: 'text' };
  if (typeof value === 'string' && refused === undefined) return value;
  const hint = typeof value === 'string' ? `; ${refused?.reason ?? ''}` : '';
  return list.note(path, value, `a public key of 64 lowercase hexadecimal digits, as \`pbft init\` writes it${hint}`);
}

function readOrigin(list: Checklist, path: string, value: unknown): string | undefined {
  const allowed = 'where the HTTP API answers, as http://host:port';
  const url = typeof value === 'string' && value.length <= 300 ? URL.parse(value) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return list.note(path, value, allowed);
  const bare =
    url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '' && url.password === '';
  return bare ? url.origin : list.note(path, value, `${allowed}, without path, query or credentials`);
}

type Facet = (entry: Fields) => readonly [field: string, value: unknown] | undefined;

/** Notes each entry whose facet has the value of an earlier entry's. */
function noteTwins(list: Checklist, entries: readonly unknown[], facets: Readonly<Record<string, Facet>>): void {
  for (const [allowed, facet] of Object.entries(facets)) {
    const firstWith = new Map<unknown, number>();
    for (const [index, entry] of entries.entries()) {
      const found = typeof entry === 'object' && entry !== null ? facet(entry as Fields) : undefined;
      if (found === undefined || typeof found[1] !== 'string') continue;
      const first = firstWith.get(found[1]);
      if (first === undefined) firstWith.set(found[1], index);
      else list.note(`replicas[${index}].${found[0]}`, found[1], `${allowed}; replicas[${first}] has it already`);
    }
  }
}

/** One key, one party: the same key at two places lets one speak for the other. */
function noteTwinKeys(list: Checklist, replicas: readonly unknown[], clients: readonly unknown[]): void {
  const firstWith = new Map<string, string>();
  const places = [
    ...replicas.map((entry, index) => [`replicas[${index}]`, entry] as const),
    ...clients.map((entry, index) => [`clients[${index}]`, entry] as const),
  ];
  for (const [path, entry] of places) {
    if (typeof entry !== 'object' || entry === null) continue;
    for (const field of ['signing', 'agreement']) {
      const key = (entry as Fields)[field];
      if (typeof key !== 'string') continue;
      const first = firstWith.get(key);
      if (first === undefined) firstWith.set(key, path);
      else list.note(join(path, field), key, `a key of its own; ${first} has this one already`);
    }
  }
  const firstNamed = new Map<string, string>();
  for (const [index, entry] of clients.entries()) {
    const name = typeof entry === 'object' && entry !== null ? (entry as Fields)['name'] : undefined;
    if (typeof name !== 'string') continue;
    const first = firstNamed.get(name);
    if (first === undefined) firstNamed.set(name, `clients[${index}]`);
    else list.note(`clients[${index}].name`, name, `a name of its own; ${first} has this one already`);
  }
}
