import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { describe, expect, it } from 'vitest';
import { asClientId, asDigest, asSequence } from '../base/ids.ts';
import type { StateMachine } from '../protocol/ports.ts';
import { APPLICATION_KEY_BYTES } from '../protocol/state-layout.ts';
import { LIMITS } from '../messages/limits.ts';
import { MemoryState } from '../state/index.ts';
import type { Sha256 } from '../state/index.ts';
import { checkStateMachine } from './contract.ts';
import { LEDGER_REFUSALS } from './ledger-refusals.ts';

const DOCS = readFileSync(new URL('../../docs/application.md', import.meta.url), 'utf8');
const sha256: Sha256 = (bytes) => asDigest(hash('sha256', bytes, 'hex'));

/** The example of the page, as an author would load it. */
async function example(): Promise<StateMachine> {
  const [, code = ''] = /```ts\n([\s\S]*?)```/.exec(DOCS) ?? [];
  const url = `data:text/javascript,${encodeURIComponent(stripTypeScriptTypes(code))}`;
  return ((await import(/* @vite-ignore */ url)) as { default: StateMachine }).default;
}

describe('docs/application.md', () => {
  it('lists every code of the ledger with what it says', () => {
    const [, ledgerPart = ''] = DOCS.split('## The ledger');
    const rows = ledgerPart.split('\n').filter((line) => /^\| `[a-z_]+` \| /.test(line));
    expect(rows).toEqual(Object.entries(LEDGER_REFUSALS).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`));
  });

  it('states the limits that hold', () => {
    expect(DOCS).toContain(`Keys have 1 to ${APPLICATION_KEY_BYTES.toLocaleString('en')} bytes`);
    expect(DOCS).toContain(`A result has at most ${LIMITS.resultBytes / 1024} KiB`);
  });

  it('has an example that keeps the contract', async () => {
    const requests = ['acquire', 'holder', 'release', 'holder', 'acquire', 'acquire', 'steal'];
    const operations = requests.map((operation) =>
      new TextEncoder().encode(JSON.stringify({ operation, name: 'door' })),
    );
    expect(checkStateMachine(await example(), operations, { sha256 })).toEqual([]);
  });

  it('has an example whose leases end in agreed time', async () => {
    const locks = await example();
    const transaction = new MemoryState(sha256).begin();
    const send = (operation: string, client: string, second: number): string => {
      const context = {
        sequence: asSequence(1),
        index: 0,
        timestamp: second * 1_000_000,
        client: asClientId(client.repeat(64)),
      };
      const bytes = new TextEncoder().encode(JSON.stringify({ operation, name: 'door' }));
      return new TextDecoder().decode(locks.execute(transaction, bytes, context));
    };
    expect(send('acquire', 'a', 1)).toBe(`{"name":"door","holder":"${'a'.repeat(64)}","until":31000000}`);
    expect(send('acquire', 'b', 30)).toContain('"held"');
    expect(send('release', 'b', 30)).toContain('"held"');
    expect(send('acquire', 'b', 31)).toContain(`"until":61000000`);
    expect(send('release', 'b', 32)).toBe('{"name":"door","holder":"","until":0}');
  });
});
