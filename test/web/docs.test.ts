import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../support/nodes.ts';
import { accessibilityProblems, expectShown, overflow, TestBrowser } from './support/browser.ts';

describe('the page of the API', () => {
  let browser: TestBrowser;
  let cluster: TestCluster;
  beforeAll(async () => {
    [browser, cluster] = await Promise.all([TestBrowser.open(), TestCluster.start()]);
  });
  afterAll(async () => {
    await browser.end();
    await cluster.end();
  });
  afterEach(async () => browser.closePages());

  const visit = async (width = 1280): Promise<Page> => {
    const { page } = await browser.visit(`${cluster.node('node1').httpUrl}/docs`, { width });
    await page.getByRole('heading', { name: 'The cluster' }).waitFor();
    return page;
  };
  const open = async (page: Page, id: string) => {
    const endpoint = page.locator(`#${id}`);
    await endpoint.locator('> summary').click();
    return endpoint;
  };

  it('lists every endpoint that the node describes', async () => {
    const page = await visit();
    const { json } = await cluster.get('node1', '/openapi.json');
    const { paths } = json as { paths: Record<string, Record<string, unknown>> };
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const shown = await page
      .locator('.endpoint > summary')
      .evaluateAll((all) =>
        all.map((one) => [...one.querySelectorAll('.method, code')].map((part) => part.textContent).join(' ')),
      );
    expect(shown.toSorted()).toEqual(described.toSorted());
    expect(described.length).toBeGreaterThan(10);
  });

  it('calls a GET, and shows status and body', async () => {
    const page = await visit();
    const endpoint = await open(page, 'get-pbft-status');
    await endpoint.getByRole('button', { name: 'Send GET' }).click();
    await endpoint.getByText('200 OK').waitFor();
    expect(JSON.parse((await endpoint.getByLabel('Answer').textContent()) ?? '')).toMatchObject({
      node_id: 'node1',
      n: 4,
    });
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  it('orders a request that it has an example of, and the cluster executes it', async () => {
    const page = await visit();
    const endpoint = await open(page, 'post-pbft-request');
    await endpoint.getByLabel('wait').selectOption('true');
    await endpoint.getByRole('button', { name: 'Send POST' }).click();
    await endpoint.getByText('200 OK').waitFor();
    expect(JSON.parse((await endpoint.getByLabel('Answer').textContent()) ?? '')).toMatchObject({
      status: 'executed',
      result: { amount: 100 },
    });
    expect(await endpoint.getByLabel('The same for a terminal').textContent()).toContain("/pbft/request?wait=true'");
  });

  it.each([
    ['a body that is no JSON', '{', '400'],
    ['a body without an operation', '{}', '400'],
    ['what the application refuses', '{"operation": "nonsense"}', '202'],
  ])('shows the answer to %s as it comes', async (_, body, status) => {
    const page = await visit();
    const endpoint = await open(page, 'post-pbft-request');
    await endpoint.getByLabel('Body', { exact: true }).fill(body);
    await endpoint.getByRole('button', { name: 'Send POST' }).click();
    await expectShown(endpoint.getByText(`${status} `).first());
    await expectShown(endpoint.getByLabel('Answer'));
  });

  it('fills in what stands in the path', async () => {
    const page = await visit();
    const endpoint = await open(page, 'get-pbft-state-key');
    await endpoint.getByLabel('key', { exact: false }).first().fill('no such key');
    await endpoint.getByRole('button', { name: 'Send GET' }).click();
    await endpoint.getByLabel('Answer').waitFor();
    expect(await endpoint.getByLabel('The same for a terminal').textContent()).toContain('/pbft/state/no%20such%20key');
  });

  it('reads the stream until it is told to stop', async () => {
    const page = await visit();
    const endpoint = await open(page, 'get-pbft-events');
    await endpoint.getByRole('button', { name: 'Send GET' }).click();
    await endpoint.getByText('"kind":"hello"', { exact: false }).waitFor();
    await endpoint.getByRole('button', { name: 'Stop' }).click();
    await endpoint.getByRole('button', { name: 'Send GET' }).waitFor();
    await expectShown(endpoint.getByText('"kind":"hello"', { exact: false }));
  });

  it('with everything open nothing sticks out, on a phone neither', async () => {
    const page = await visit(360);
    await page.locator('details').evaluateAll((all) => {
      for (const one of all) one.setAttribute('open', '');
    });
    expect(await overflow(page)).toEqual({ px: 0, what: [] });
    expect(await accessibilityProblems(page)).toEqual([]);
  });
});
