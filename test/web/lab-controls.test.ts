import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, it } from 'vitest';
import { Workplace } from '../e2e/local-cluster.ts';
import { expectShown, TestBrowser } from './support/browser.ts';

describe('the lab controls of the dashboard', () => {
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
  afterEach(async () => browser.closePages());

  const visit = async (): Promise<Page> => {
    const { page } = await browser.visit(place.url('node1'));
    await page.getByText('4/4 up').waitFor();
    return page;
  };
  const card = (page: Page, name: string) => page.getByLabel(name, { exact: true });

  it('pauses and resumes, kills and restarts', async () => {
    const page = await visit();
    await page.getByRole('button', { name: 'Pause node4' }).click();
    await expectShown(card(page, 'node4').getByText('paused'));
    await expectShown(page.getByTestId('standing').getByText('node4 is paused'));
    await page.getByRole('button', { name: 'Resume node4' }).click();
    await page.getByText('4/4 up').waitFor();
    await page.getByRole('button', { name: 'Kill node4' }).click();
    await expectShown(page.getByTestId('standing').getByText('node4 is down'));
    await page.getByRole('button', { name: 'Restart node4' }).click();
    await expectShown(page.getByText('4/4 up'), 60_000);
  });

  it('cuts a link, slows it, and mends it', async () => {
    const page = await visit();
    const link = page.getByRole('button', { name: /^node1 to node4:/ });
    for (const state of ['cut', 'slow', 'up']) {
      await link.click();
      await expectShown(page.getByRole('button', { name: new RegExp(`^node1 to node4: ${state}`) }));
    }
  });
});
