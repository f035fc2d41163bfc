/** Operations that clients of the simulator ask for: mostly of the application's own, some of nobody's. */
import type { Bytes } from '../base/bytes.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import type { Random } from './random.ts';

const ACCOUNTS: readonly string[] = ['default', 'alice', 'bob', 'treasury'];
const KEYS: readonly string[] = ['a', 'b', 'c'];

function json(value: object): Bytes {
  return encodeUtf8(JSON.stringify(value)) ?? new Uint8Array(0);
}

export function ledgerOperation(random: Random): Bytes {
  const key = random.pick(KEYS);
  switch (random.between(0, 9)) {
    case 0:
      return json({ operation: 'put', key, value: random.between(0, 9) });
    case 1:
      return json({ operation: 'cas', key, expected: random.between(0, 9), value: random.between(0, 9) });
    case 2:
      return json({ operation: 'get', key });
    case 3:
      return json({ operation: 'delete', key });
    case 4:
      return json({ operation: 'balance', account: random.pick(ACCOUNTS) });
    case 5:
      return random.chance(0.5)
        ? json({ operation: 'history', account: random.pick(ACCOUNTS) })
        : json({ operation: 'nonsense' });
    default:
      return json({
        operation: 'transfer',
        from: random.pick(ACCOUNTS),
        to: random.pick(ACCOUNTS),
        amount: random.between(0, 300),
      });
  }
}

/** One that changes nothing: of the ledger as a query takes it. */
export function ledgerRead(random: Random): Bytes {
  switch (random.between(0, 9)) {
    case 0:
      return json({ operation: 'range', prefix: '' });
    case 1:
      return json({ operation: 'history', account: random.pick(ACCOUNTS) });
    case 2:
    case 3:
    case 4:
    case 5:
      return json({ operation: 'balance', account: random.pick(ACCOUNTS) });
    default:
      return json({ operation: 'get', key: random.pick(KEYS) });
  }
}

export function counterRead(): Bytes {
  return json({ operation: 'read' });
}

export function counterOperation(random: Random): Bytes {
  return json(random.chance(0.7) ? { operation: 'increment', by: random.between(1, 5) } : { operation: 'nonsense' });
}
