// Every page at three widths, light and dark, into `screenshots/`, which git ignores: for whoever changes how they look. The dashboard is taken empty,
// with requests and a liar caught, and with its primary killed, the lab with its library, a story and a challenge; on each, nothing may be cut off, overlap or be hard to read.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { writeLink } from '../src/lab/link.ts';
import { launchChromium } from './chromium.ts';
import { DemoCluster } from './demo-cluster.ts';

const ROOT = join(import.meta.dirname, '..');
const FOLDER = join(ROOT, 'screenshots');
const WIDTHS = [360, 1440, 2560];
const SCHEMES = ['light', 'dark'] as const;
/** Told scenarios whose runs are shown at their end: name of the picture, scenario, whether as its challenge. */
const LAB_RUNS = [
  ['lab-story', 'too-many-liars', false],
  ['lab-challenge', 'lost-disk', true],
] as const;
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
    await shoot(browser, 'lab', async (page) => {
      await page.goto(`${url}/lab`);
      await page.getByRole('heading', { name: 'Told scenarios' }).waitFor();
    });
    for (const [name, id, isChallenge] of LAB_RUNS)
      await shoot(browser, name, async (page) => {
        const link = {
          build: 'screenshots',
          source: { kind: 'told', id, isChallenge },
          interventions: [],
          at: 0,
        } as const;
        await page.goto(`${url}/lab#${writeLink(link)}`);
        await page
          .getByTestId('position')
          .filter({ hasText: /^step 0 / })
          .waitFor();
        await page.getByRole('button', { name: 'End', exact: true }).click();
        await page.getByTestId('position').filter({ hasText: 'after its last command' }).waitFor();
        await page.locator('.lab-node > summary').first().click();
      });
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
