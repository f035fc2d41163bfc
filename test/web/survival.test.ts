import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, Workplace } from '../e2e/local-cluster.ts';
import { expectShown, TestBrowser } from './support/browser.ts';

/**
 * Listens in on the page's own reading of the streams: the ids of all numbered events that its streams brought, over all connections. What the page
 * does with an id that it has seen already, the unit tests of its order say.
 */
const LISTEN_IN = `
  window.seen = [];
  window.connections = [];
  const ask = window.fetch;
  window.fetch = async (address, options) => {
    const answer = await ask(address, options);
    if (!String(address).includes('/pbft/events') || answer.body === null) return answer;
    window.connections.push({ address: String(address), last: new Headers(options?.headers).get('last-event-id') });
    const [own, theirs] = answer.body.tee();
    void (async () => {
      const reader = own.pipeThrough(new TextDecoderStream()).getReader();
      let rest = '';
      for (;;) {
        const part = await reader.read().catch(() => ({ done: true }));
        if (part.done) return;
        const blocks = (rest + part.value).split('\\n\\n');
        rest = blocks.pop();
        for (const block of blocks) {
          const data = /^data: (.*)$/m.exec(block);
          if (data === null) continue;
          const { id, node, kind } = JSON.parse(data[1]);
          if (kind !== 'hello' && kind !== 'lost') window.seen.push(node + ' ' + id);
        }
      }
    })();
    return new Response(theirs, { status: answer.status, headers: answer.headers });
  };
`;

interface Listened {
  readonly seen: readonly string[];
  readonly connections: readonly { readonly address: string; readonly last: string | null }[];
}

describe('the page that node1 served', () => {
  let browser: TestBrowser;
  let place: Workplace;
  beforeAll(async () => {
    place = new Workplace();
    [browser] = await Promise.all([TestBrowser.open(), place.up()]);
  });
  afterAll(async () => {
    await browser.end();
    await place.clear();
  });

  it('lives on without it, and shows no event twice when it is back', async () => {
    const { page, complaints } = await browser.visit(place.url('node1'), { before: LISTEN_IN });
    const listened = async (): Promise<Listened> =>
      page.evaluate<Listened>('({ seen: window.seen, connections: window.connections })');
    const send = async (count: number): Promise<void> => {
      await page.getByRole('button', { name: 'Send request' }).click();
      await page
        .locator('.request')
        .nth(count - 1)
        .waitFor();
      await page.getByTestId('outcome').getByText('executed').waitFor();
    };
    await page.getByText('4/4 up').waitFor();
    await send(1);
    await page.getByLabel('Lab controls of node1').getByRole('button', { name: 'Kill node1' }).click();
    await page.getByTestId('standing').getByText('node1 served this page').waitFor();
    await page.getByText('3/4 up').waitFor();
    await send(2);
    await page.getByRole('button', { name: 'Restart node1' }).click();
    await page.getByText('4/4 up').waitFor({ timeout: 60_000 });
    await send(3);

    // A connection that breaks although its node lives on: it resumes, and nothing of what it missed comes twice.
    await page.context().setOffline(true);
    await page.context().setOffline(false);
    await send(4);
    expect(await page.locator('.request').count()).toBe(4);

    const { seen, connections } = await listened();
    expect(seen.length).toBeGreaterThan(100);
    expect(seen.length).toBe(new Set(seen).size);
    const own = connections.filter(({ address }) => address.startsWith('/'));
    expect(own.length).toBeGreaterThan(1);
    expect(own.at(-1)?.last).toMatch(/-\d+$/);
    expect(complaints).toEqual([]);
  });

  it('says when too few are left for anything to be decided', async () => {
    const { page } = await browser.visit(place.url('node2'));
    await page.getByText('4/4 up').waitFor();
    for (const name of ['node3', 'node4']) {
      await page.getByRole('button', { name: `Pause ${name}` }).click();
      await page.getByRole('button', { name: `Resume ${name}` }).waitFor();
    }
    await expectShown(page.getByTestId('standing').getByText('Nothing can be decided'));
    await page.getByRole('button', { name: 'Send request' }).click();
    await page
      .locator('#explain')
      .getByText(/node3|node4/)
      .nth(2)
      .waitFor();
    for (const name of ['node3', 'node4']) await page.getByRole('button', { name: `Resume ${name}` }).click();
    await page.getByTestId('outcome').getByText('executed').waitFor();
    await eventually('all are up again', async () => (await page.getByText('4/4 up').count()) > 0);
  });
});
