/** The rows of the default suite: one axis at a time around the base row. */
import { BASE_ROW, baseFor, rowName } from './row.ts';
import type { Row } from './row.ts';

const YARDSTICK_SESSIONS = 256;

/** All of them, in the order in which they are measured: what is held against another stands beside it. */
export function defaultSuite(): readonly Row[] {
  const base = BASE_ROW;
  const alone = baseFor('unreplicated');
  const kv = { ...baseFor('pbft', 'kv'), sessions: YARDSTICK_SESSIONS };
  return [
    base,
    alone,
    { ...base, durability: 'memory' },
    { ...alone, durability: 'memory' },
    { ...base, request: 1024 },
    { ...base, reply: 4096 },
    { ...base, sessions: 1 },
    { ...alone, sessions: 1 },
    ...[16, 256, 1024].map((sessions): Row => ({ ...base, sessions })),
    ...[1, 64, 256].map((sessions): Row => ({ ...base, clients: 'independent', sessions })),
    ...[7, 10].map((nodes): Row => ({ ...base, nodes })),
    { ...base, mode: 'signature' },
    { ...base, mac: 'hmac-sha256' },
    { ...base, sessions: 1, tentative: 'on' },
    { ...base, sessions: 1, tentative: 'on', overlap: 'on' },
    { ...base, sessions: 1, reads: 'on' },
    { ...base, sessions: 1, reads: 'only' },
    { ...base, asked: 'all' },
    { ...base, compound: 'off' },
    { ...base, compound: 'off', tuning: { batch_requests: 1 } },
    { ...base, tuning: { full_result_bytes: 1 } },
    { ...base, tuning: { pipeline: 1 } },
    { ...kv, sessions: base.sessions, clients: 'http' },
    kv,
    { ...baseFor('etcd'), sessions: YARDSTICK_SESSIONS },
  ];
}

/** The rows whose name contains `text`. */
export function rowsNamed(rows: readonly Row[], text: string): readonly Row[] {
  return rows.filter((row) => rowName(row).includes(text));
}
