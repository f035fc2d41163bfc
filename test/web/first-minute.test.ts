import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Workplace } from '../e2e/local-cluster.ts';
import { accessibilityProblems, TestBrowser } from './support/browser.ts';

/** How a step's button is pressed. */
type Press = (page: Page, button: Locator) => Promise<void>;

const byMouse: Press = async (_, button) => button.click();

/** Goes there with the tabulator alone, as somebody without a mouse does. */
const byKeyboard: Press = async (page, button) => {
  const target = await button.elementHandle();
  for (let presses = 0; presses < 200; presses += 1) {
    if (await page.evaluate((element) => document.activeElement === element, target)) {
      await page.keyboard.press('Enter');
      return;
    }
    await page.keyboard.press('Tab');
  }
  throw new Error('no way to that button by keyboard');
};

describe('the first minute of a newcomer', () => {
  let browser: TestBrowser;
  let place: Workplace;
  beforeAll(async () => {
    browser = await TestBrowser.open();
  });
  afterAll(async () => browser.end());
  beforeEach(async () => {
    place = new Workplace();
    await place.up();
  });
  afterEach(async () => {
    await browser.closePages();
    await place.clear();
  });

  it.each([
    ['by mouse', byMouse, 1280],
    ['by keyboard alone', byKeyboard, 1280],
    ['on a phone', byMouse, 360],
  ] as const)('%s: three phases, a liar caught and why, the primary replaced', async (_, press, width) => {
    const { page, complaints } = await browser.visit(place.url('node1'), { width });
    await page.getByText('4/4 up').waitFor();
    const step = async (name: string | RegExp): Promise<void> => {
      const button = page.locator('.first-minute').getByRole('button', { name });
      await button.and(page.locator(':enabled')).waitFor();
      await press(page, button);
    };
    const stepIsDone = async (name: string | RegExp): Promise<void> =>
      page.locator('.step.done').filter({ hasText: name }).waitFor();

    await step('Send a transfer');
    await page.getByTestId('outcome').getByText('executed').waitFor();
    await step('Show its way');
    await stepIsDone('Watch its three phases');
    const row = page.locator('.request').first();
    await row.locator('.phase.done').nth(3).waitFor();
    expect(await row.locator('.phase').allTextContents()).toEqual([
      expect.stringContaining('pre-prepare, done'),
      expect.stringContaining('prepare, done'),
      expect.stringContaining('commit, done'),
      expect.stringContaining('reply, done'),
    ]);
    // Every phase was drawn from messages: they stand in the table as well.
    await page.getByText('messages as a table').click();
    for (const type of ['pre-prepare', 'prepare', 'commit'])
      await page
        .locator('.message-table tbody th')
        .filter({ hasText: new RegExp(`^${type}$`) })
        .first()
        .waitFor();

    await step('Make node2 lie');
    await page.getByLabel('node2', { exact: true }).getByText('caught lying').waitFor();
    await step('Show what they saw');
    // Two seconds later it is caught at its checkpoint as well, and that stands above.
    const caught = page.locator('.suspicion.certain').filter({ hasText: 'node2' }).filter({ hasText: 'false-vote' });
    await caught.waitFor();
    expect(await caught.locator('.evidence').first().textContent()).toMatch(/node2 (?:prepared|committed) [0-9a-f]+/);

    await step('Kill node1');
    await stepIsDone('Kill the primary');
    await page.getByTestId('standing').getByText('node1 served this page').waitFor();
    const views = page.locator('.view-change').filter({ hasText: 'View 1' });
    await views.getByText('primary node2').waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });
});
