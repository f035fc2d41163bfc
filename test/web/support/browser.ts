/** A real browser for tests: the Chromium that comes as a package. What a page complains of is kept, and fails the test that asks. */
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { launchChromium } from '../../../scripts/chromium.ts';

/** How long a page may take for what a test waits for. */
export const PATIENCE_MS = 20_000;

export interface PageOptions {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: 'light' | 'dark';
  readonly isStill?: boolean;
  /** Runs in the page before anything of it. */
  readonly before?: string;
}

/** A page and what went wrong in it. */
export interface OpenPage {
  readonly page: Page;
  /** Errors of its scripts, and what its content security policy refused. */
  readonly complaints: readonly string[];
}

export class TestBrowser {
  readonly #browser: Browser;
  readonly #contexts: BrowserContext[] = [];

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async open(): Promise<TestBrowser> {
    return new TestBrowser(await launchChromium());
  }

  /** A page with a storage of its own. */
  async visit(url: string, options: PageOptions = {}): Promise<OpenPage> {
    const { width = 1280, height = 900, scheme = 'light', isStill = false, before } = options;
    const context = await this.#browser.newContext({
      viewport: { width, height },
      colorScheme: scheme,
      reducedMotion: isStill ? 'reduce' : 'no-preference',
      locale: 'en-US',
    });
    this.#contexts.push(context);
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      // That a node is down is told on the page; the browser's own line about it is no complaint.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        complaints.push(message.text());
    });
    if (before !== undefined) await page.addInitScript(before);
    await page.goto(url);
    return { page, complaints };
  }

  /** Closes the pages that were opened. */
  async closePages(): Promise<void> {
    await Promise.all(this.#contexts.splice(0).map(async (context) => context.close()));
  }

  async end(): Promise<void> {
    await this.closePages();
    await this.#browser.close();
  }
}

/** What breaks the rules of accessibility, one line each with the elements that do. */
export async function accessibilityProblems(page: Page): Promise<readonly string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.map(
    ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target }) => target.join(' ')).join('; ')}`,
  );
}

/** How far the page is wider than the window, in px, and what sticks out. */
export async function overflow(page: Page): Promise<{ readonly px: number; readonly what: readonly string[] }> {
  return page.evaluate(() => {
    const root = document.documentElement;
    const wide = [...document.querySelectorAll('main *')].filter(
      (element) => element.closest('.scroll') === null && element.getBoundingClientRect().right > root.clientWidth + 1,
    );
    return {
      px: Math.max(0, root.scrollWidth - root.clientWidth),
      what: wide.slice(0, 5).map((element) => `${element.tagName} ${element.className.toString()}`),
    };
  });
}

/** Fails unless it comes to be seen in time. */
export async function expectShown(locator: Locator, withinMs = PATIENCE_MS): Promise<void> {
  await locator.waitFor({ timeout: withinMs });
}
