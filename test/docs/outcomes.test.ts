import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Outcome } from '../../src/client/index.ts';

type CallOutcome = Extract<Outcome, { readonly code: string }>;

// The compiler holds the list to the type: a new code does not compile until it stands here, and in the page.
const CODES: Readonly<Record<CallOutcome['code'], true>> = {
  client_unknown: true,
  too_many_clients: true,
  session_refused: true,
  session_expired: true,
  timestamp_reused: true,
  timestamp_gap: true,
  idempotency_key_reused: true,
  deadline: true,
  abandoned: true,
  unreadable_error: true,
  not_submitted: true,
  operation_too_large: true,
  bad_idempotency_key: true,
};

test('docs/sessions.md says of every code how the call ended and why', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/sessions.md'), 'utf8');
  const rows = page.split('\n').filter((line) => /^\| `.*\| (?:rejected|unknown)/.test(line));
  const told = rows.flatMap((row) =>
    [...(row.split(' | ')[0] ?? '').matchAll(/`([a-z_]+)`/g)].map(([, code = '']) => code),
  );
  expect([...new Set(told)].toSorted()).toEqual(Object.keys(CODES).toSorted());
});
