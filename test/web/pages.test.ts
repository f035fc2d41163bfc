import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../support/nodes.ts';
import { accessibilityProblems, overflow, TestBrowser } from './support/browser.ts';

const TOKEN = 'correct-horse-battery-staple';

describe('every page', () => {
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

  const at = (path: string): string => `${cluster.node('node1').httpUrl}${path}`;

  const PAGES = [
    { path: '/', sign: 'Message flow' },
    { path: '/docs', sign: 'The cluster' },
  ] as const;
  const LOOKS = [
    { width: 360, scheme: 'light' },
    { width: 1280, scheme: 'dark' },
    { width: 2560, scheme: 'light' },
  ] as const;
  const ALL = PAGES.flatMap((page) => LOOKS.map((look) => ({ ...page, ...look })));

  it.each(ALL)('$path at $width px, $scheme: readable by everyone, and nothing sticks out', async (one) => {
    const { page, complaints } = await browser.visit(at(one.path), one);
    await page.getByRole('heading', { name: one.sign }).waitFor();
    expect(await overflow(page)).toEqual({ px: 0, what: [] });
    expect(await accessibilityProblems(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it.each(PAGES)('$path says where one is, and leads to the others', async ({ path }) => {
    const { page } = await browser.visit(at(path));
    const links = page.getByRole('navigation', { name: 'Pages' }).getByRole('link');
    expect(await links.evaluateAll((all) => all.map((link) => link.getAttribute('href')))).toEqual([
      '/',
      '/lab',
      '/docs',
    ]);
    expect(await page.locator('[aria-current=page]').getAttribute('href')).toBe(path);
  });

  it.each(PAGES)('the switch of $path turns dark into light, and a reload keeps it', async ({ path }) => {
    const { page } = await browser.visit(at(path), { scheme: 'dark' });
    const background = async (): Promise<string> =>
      page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await background();
    await page.getByRole('button', { name: 'Light' }).click();
    const light = await background();
    expect(light).not.toBe(dark);
    await page.reload();
    await page.getByRole('button', { name: 'Dark' }).waitFor();
    expect(await background()).toBe(light);
  });

  it('the first key leads past the header to the content', async () => {
    const { page } = await browser.visit(at('/'));
    await page.getByRole('heading', { name: 'Message flow' }).waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('To the content');
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
  });

  it('loads nothing from anywhere else', async () => {
    const { page } = await browser.visit('about:blank');
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).origin));
    await page.goto(at('/'));
    await page.getByRole('heading', { name: 'Message flow' }).waitFor();
    const own = new Set(cluster.names.map((name) => cluster.node(name).httpUrl));
    expect(asked.filter((origin) => !own.has(origin))).toEqual([]);
    expect(asked.length).toBeGreaterThan(3);
  });

  it('a page of the API that is not there says so, and asks again', async () => {
    const { page } = await browser.visit(at('/docs'));
    await page.getByRole('heading', { name: 'The cluster' }).waitFor();
    await page.route('**/openapi.json', async (route) => route.abort());
    await page.reload();
    await page.getByRole('heading', { name: 'The node does not answer' }).waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.unroute('**/openapi.json');
    await page.getByRole('button', { name: 'Ask again' }).click();
    await page.getByRole('heading', { name: 'The cluster' }).waitFor();
  });

  it('a dashboard whose node is not there says so, and joins when it is', async () => {
    const { page } = await browser.visit('about:blank');
    await page.route('**/pbft/cluster', async (route) => route.abort());
    await page.goto(at('/'));
    await page.getByRole('heading', { name: 'The cluster does not answer' }).waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.unroute('**/pbft/cluster');
    await page.getByRole('heading', { name: 'Message flow' }).waitFor();
  });
});

describe('a cluster that wants a token', () => {
  let browser: TestBrowser;
  let cluster: TestCluster;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pbft-web-'));
    const file = join(folder, 'tokens');
    writeFileSync(file, `someone:${TOKEN}\n`);
    cluster = await TestCluster.make();
    for (const name of cluster.names)
      cluster.configure(name, (config) => Object.assign(config['http'] as object, { tokens_file: file }));
    const starts = cluster.names.map(async (name) => cluster.startNode(name));
    [browser] = await Promise.all([TestBrowser.open(), ...starts]);
  });
  afterAll(async () => {
    await browser.end();
    await cluster.end();
    rmSync(folder, { recursive: true });
  });
  afterEach(async () => browser.closePages());

  it.each([
    ['/', 'Message flow'],
    ['/docs', 'The cluster'],
  ])('%s asks for it, refuses a wrong one, and takes a right one to all nodes', async (path, sign) => {
    const { page, complaints } = await browser.visit(`${cluster.node('node1').httpUrl}${path}`);
    const field = page.getByLabel('Bearer token');
    await field.fill('a-token-that-nobody-knows');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('The token was refused').waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    await field.fill(TOKEN);
    await field.press('Enter');
    await page.getByRole('heading', { name: sign }).waitFor();
    if (path === '/') await page.getByText('4/4 up').waitFor();
    await page.reload();
    await page.getByRole('heading', { name: sign }).waitFor();
    expect(complaints).toEqual([]);
  });
});
