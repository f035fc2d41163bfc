// Every page at three widths, light and dark, into `screenshots/`, which git ignores: for whoever changes how they look. The dashboard is taken empty,
// with requests and a liar caught, and with its primary killed; on each, nothing may be cut off, overlap or be hard to read.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { launchChromium } from './chromium.ts';
import { DemoCluster } from './demo-cluster.ts';

const ROOT = join(import.meta.dirname, '..');
const FOLDER = join(ROOT, 'screenshots');
const WIDTHS = [360, 1440, 2560];
const SCHEMES = ['light', 'dark'] as const;
/** For lines to be drawn and streams to arrive: nobody waits for a picture. */
const SETTLE_MS = 2500;

async function shoot(browser: Browser, name: string, visit: (page: Page) => Promise<void>): Promise<void> {
  for (const width of WIDTHS) {
    for (const scheme of SCHEMES) {
      const context = await browser.newContext({
        viewport: { width, height: width < 500 ? 780 : 1000 },
        colorScheme: scheme,
        locale: 'en-US',
      });
      const page = await context.newPage();
      await visit(page);
      await page.waitForTimeout(SETTLE_MS);
      const path = join(FOLDER, `${name}-${width}-${scheme}.png`);
      await page.screenshot({ path, fullPage: true });
      console.log(path);
      await context.close();
    }
  }
}

async function main(): Promise<void> {
  await build({ logLevel: 'error' });
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER);
  const [cluster, browser] = await Promise.all([DemoCluster.start(), launchChromium()]);
  const url = cluster.urls[0] ?? '';
  const dashboard = async (page: Page): Promise<void> => {
    await page.goto(url);
    await page.getByText(/[34]\/4 up/).waitFor();
  };
  const transfer = async (amount: number): Promise<void> =>
    cluster.request({ operation: 'transfer', to: 'alice', amount });
  try {
    await shoot(browser, 'dashboard-empty', dashboard);
    await shoot(browser, 'dashboard-requests', async (page) => {
      await dashboard(page);
      for (const amount of [100, 40, 7]) await transfer(amount);
      await page.getByRole('button', { name: 'Send a transfer' }).click();
      await page.getByTestId('outcome').getByText('executed').waitFor();
      await page.locator('.first-minute').getByRole('button', { name: 'Show its way' }).click();
    });
    await cluster.post('/pbft/simulate-byzantine', { node_id: 'node2' });
    await shoot(browser, 'dashboard-caught', async (page) => {
      await dashboard(page);
      await transfer(5);
      await page.locator('.suspicion.certain').first().waitFor();
    });
    await cluster.post('/pbft/simulate-byzantine', { node_id: 'node2', enabled: false });
    await shoot(browser, 'docs', async (page) => {
      await page.goto(`${url}/docs`);
      await page.locator('#post-pbft-request > summary').click();
    });
    for (const name of readdirSync(join(ROOT, 'dist/web')).filter((entry) => entry === 'lab'))
      await shoot(browser, name, async (page) => void (await page.goto(`${url}/${name}`)));
    await cluster.post('/pbft/lab/nodes/node4', { action: 'pause' });
    await shoot(browser, 'dashboard-paused', dashboard);
    await cluster.post('/pbft/lab/nodes/node4', { action: 'resume' });
    const context = await browser.newContext({ viewport: { width: 1440, height: 1000 }, locale: 'en-US' });
    const page = await context.newPage();
    await dashboard(page);
    await page.locator('.first-minute').getByRole('button', { name: 'Kill node1' }).click();
    await page.locator('.view-change').first().waitFor();
    await page.waitForTimeout(SETTLE_MS);
    await page.screenshot({ path: join(FOLDER, 'dashboard-primary-killed.png'), fullPage: true });
  } finally {
    await browser.close();
    await cluster.end();
  }
}

await main();
