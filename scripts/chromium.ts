// The Chromium that comes as an npm package, for tests, screenshots and measurements of the pages.
import chromium from '@sparticuz/chromium';
import { chromium as playwright } from 'playwright-core';
import type { Browser } from 'playwright-core';

/** Nothing of it is about the pages: what Chromium would do besides, and what it cannot do as root or without a screen. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-domain-reliability',
  '--disable-sync',
  '--no-first-run',
  '--no-pings',
  '--font-render-hinting=none',
];

/** Also the time to unpack it, on a machine that does something else meanwhile. */
const LAUNCH_TIMEOUT_MS = 120_000;

export async function launchChromium(): Promise<Browser> {
  const executablePath = await chromium.executablePath();
  return playwright.launch({ executablePath, args: ARGUMENTS, timeout: LAUNCH_TIMEOUT_MS, headless: true });
}
