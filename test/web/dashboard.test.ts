import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../support/nodes.ts';
import { accessibilityProblems, expectShown, overflow, TestBrowser } from './support/browser.ts';

describe('the dashboard', () => {
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
    const { page } = await browser.visit(cluster.node('node1').httpUrl, { width });
    await page.getByText('4/4 up').waitFor();
    return page;
  };
  const expectOutcome = async (page: Page, text: string | RegExp): Promise<void> =>
    page.getByTestId('outcome').getByText(text).first().waitFor();
  const send = async (page: Page): Promise<void> => page.getByRole('button', { name: 'Send request' }).click();

  describe('sends requests', () => {
    it.each([
      ['transfer', { Amount: '7', To: 'bob' }, '"to": "bob"'],
      ['balance', { Account: 'treasury' }, '"account": "treasury"'],
      ['put', { Key: 'fruit', Value: '{"apples": 3}' }, '"created"'],
      ['get', { Key: 'fruit' }, '"apples": 3'],
      ['cas', { Key: 'fruit', Expected: '{"apples": 3}', Value: 'none' }, '"swapped": true'],
      ['range', { From: 'a', 'At most': '5' }, '"entries"'],
      ['history', { Account: 'bob' }, '"entries"'],
      ['delete', { Key: 'fruit' }, '"deleted": true'],
    ])('%s', async (name, fields, result) => {
      const page = await visit();
      await page.getByLabel('Operation').selectOption(name);
      for (const [label, value] of Object.entries(fields))
        await page.locator('#send').getByLabel(label, { exact: true }).fill(value);
      await send(page);
      await expectOutcome(page, result);
      await expectOutcome(page, /stand behind it: node/);
    });

    it('as JSON, to a certain node, under a key that makes a repeat the same request', async () => {
      const page = await visit();
      await page.getByLabel('Operation').selectOption('as JSON');
      await page.getByLabel('Body').fill('{"operation": "transfer", "to": "carol", "amount": 5}');
      await page.locator('#send').getByText('More').click();
      await page.getByLabel('Send to').selectOption('node3');
      await page.getByLabel('Idempotency key').fill('once');
      for (let time = 0; time < 2; time += 1) {
        await send(page);
        await expectOutcome(page, '"to_balance": 5');
      }
    });

    it('that are only read, where it is asked for', async () => {
      const page = await visit();
      await page.getByLabel('Operation').selectOption('balance');
      await page.locator('#send').getByText('More').click();
      await page.getByLabel('Have a quorum answer without ordering it').check();
      await send(page);
      await expectOutcome(page, /read|executed/);
    });

    it.each([
      ['transfer', { Amount: '' }, 'Amount is needed'],
      ['transfer', { Amount: '1.5' }, 'Amount is a whole number'],
      ['put', { Key: '' }, 'Key is needed'],
      ['as JSON', { Body: '{' }, 'Body is no JSON'],
      ['as JSON', { Body: '[]' }, 'Body is an object'],
      ['as JSON', { Body: '{"amount": 1}' }, 'Body names its operation'],
    ])('but not %s with %o', async (name, fields, problem) => {
      const page = await visit();
      await page.getByLabel('Operation').selectOption(name);
      for (const [label, value] of Object.entries(fields))
        await page.locator('#send').getByLabel(label, { exact: true }).fill(value);
      await send(page);
      await expectShown(page.getByRole('alert').getByText(problem));
      await expectOutcome(page, 'What the cluster answers stands here.');
    });

    it('and tells what the application refused from what failed', async () => {
      const page = await visit();
      await page.locator('#send').getByLabel('Amount', { exact: true }).fill('-1');
      await send(page);
      await expectOutcome(page, 'ordered, and refused');
      await expectOutcome(page, 'invalid_amount');
    });
  });

  describe('the diagram', () => {
    const withRequest = async (width?: number): Promise<Page> => {
      const page = await visit(width);
      await send(page);
      await expectOutcome(page, 'executed');
      await page.locator('.request .phase.done').nth(3).waitFor();
      return page;
    };
    const details = (page: Page) => page.getByTestId('details');
    const diagram = (page: Page) => page.getByRole('application');

    it('goes from message to message by keyboard, says which, and lets go', async () => {
      const page = await withRequest();
      await diagram(page).focus();
      await page.keyboard.press('End');
      await details(page).getByText('Message').waitFor();
      const last = await details(page).textContent();
      await page.keyboard.press('Home');
      await expect.poll(async () => details(page).textContent()).not.toBe(last);
      await page.keyboard.press('ArrowRight');
      await details(page)
        .getByText(/received|sent/)
        .first()
        .waitFor();
      expect(await page.locator('.space-time [aria-live]').textContent()).toMatch(/ from .* to /);
      await page.keyboard.press('Escape');
      await details(page).getByText('Select a message').waitFor();
    });

    it('selects what is pressed, by mouse', async () => {
      const page = await withRequest();
      await page.getByRole('button', { name: 'Show its way' }).last().click();
      const box = await page.locator('.space-time canvas').boundingBox();
      if (box === null) throw new Error('no canvas');
      // Somewhere on a lane there is a mark or an arrow.
      for (let x = 10; x < box.width && (await details(page).getByText('Select a message').count()) > 0; x += 8)
        await page.mouse.click(box.x + x, box.y + box.height / 2);
      await expect.poll(async () => details(page).textContent()).not.toContain('Select a message');
    });

    it('follows, stops, zooms, fits and hides phases', async () => {
      const page = await withRequest();
      const follow = page.getByRole('button', { name: 'Follow' });
      expect(await follow.getAttribute('aria-pressed')).toBe('true');
      await page.getByRole('button', { name: 'Fit' }).click();
      await expect.poll(async () => follow.getAttribute('aria-pressed')).toBe('false');
      await follow.click();
      await expect.poll(async () => follow.getAttribute('aria-pressed')).toBe('true');
      const picture = async (): Promise<string> =>
        page.locator('.space-time canvas').evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
      for (const name of ['Zoom in', 'Zoom out']) {
        const before = await picture();
        await page.getByRole('button', { name }).click();
        await expect.poll(picture).not.toBe(before);
      }
      await page.getByText('messages as a table').click();
      const rows = page.locator('.message-table tbody tr').filter({ hasText: 'commit' });
      await rows.first().waitFor();
      await page
        .locator('.legend-item')
        .filter({ hasText: /^commit$/ })
        .click();
      await expect.poll(async () => rows.count()).toBe(0);
    });

    it('shows one number alone, and all again', async () => {
      const page = await withRequest();
      await page.locator('.request .number').first().click();
      await page.getByRole('button', { name: /Show all, not only number/ }).click();
      await expect.poll(async () => page.getByRole('button', { name: /Show all/ }).count()).toBe(0);
    });

    it('shows everything at once to whoever wants nothing to move', async () => {
      const { page } = await browser.visit(cluster.node('node1').httpUrl, { isStill: true });
      await page.getByText('4/4 up').waitFor();
      await send(page);
      await expectOutcome(page, 'executed');
      await expectShown(page.locator('.request .phase.done').nth(3));
    });
  });

  it('makes a node misbehave in any way that there is, and behave again', async () => {
    const page = await visit();
    const controls = page.getByRole('group', { name: 'Lab controls of node3' });
    const behaviours = await controls.getByRole('combobox').locator('option').allTextContents();
    expect(behaviours).toContain('equivocate');
    await controls.getByRole('combobox').selectOption('silent');
    await controls.getByRole('button', { name: 'Misbehave: node3' }).click();
    await page.getByLabel('node3', { exact: true }).getByText('told: silent').waitFor();
    await controls.getByRole('button', { name: 'Behave: node3', exact: true }).click();
    await controls.getByRole('button', { name: 'Misbehave: node3' }).waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  it('hides the first minute for whoever knows it', async () => {
    const page = await visit();
    await page.getByRole('button', { name: 'Hide' }).click();
    await expect.poll(async () => page.getByText('The first minute').count()).toBe(0);
  });

  it('draws its figures, and says them', async () => {
    const page = await visit();
    await send(page);
    await page
      .getByRole('img', { name: /^Throughput over the last minutes/ })
      .locator('canvas')
      .waitFor();
    await expect.poll(async () => page.locator('.chart b').first().textContent()).toMatch(/^\d/);
  });

  it.each([360, 768, 1440, 2560])('full of everything, at %i px nothing sticks out', async (width) => {
    const page = await visit(width);
    await send(page);
    await expectOutcome(page, 'executed');
    await page.locator('.request').first().waitFor();
    expect(await overflow(page)).toEqual({ px: 0, what: [] });
    expect(await accessibilityProblems(page)).toEqual([]);
  });
});
