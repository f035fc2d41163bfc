import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { LabSession } from '../../src/lab/lab-session.ts';
import { writeLink } from '../../src/lab/link.ts';
import type { LabLink } from '../../src/lab/link.ts';
import { plainAddress } from '../../src/lab/link-fragment.ts';
import { TOLD_SCENARIOS, toldText } from '../../src/lab/told/library.ts';
import { PLAIN_OPTIONS } from '../../src/simulation/options-json.ts';
import { simulateOptions, simulateSeed } from '../../src/simulation/simulate.ts';
import { TestCluster } from '../support/nodes.ts';
import { accessibilityProblems, overflow, TestBrowser } from './support/browser.ts';
import type { OpenPage, PageOptions } from './support/browser.ts';

/** A run of some thousand steps, on a machine that may be busy. */
const RUN_MS = 90_000;
/** Some ten thousand, and each line of them written down. */
const SEED_MS = 300_000;
const SEED_STEP_MS = 240_000;

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

/** A run, or the library where no link is given. */
async function visit(
  source: LabLink['source'] | undefined,
  options: PageOptions = {},
  more: Partial<LabLink> = {},
): Promise<OpenPage> {
  const fragment =
    source === undefined ? '' : `#${writeLink({ build: 'other', interventions: [], at: 0, ...more, source })}`;
  return browser.visit(`${cluster.node('node1').httpUrl}/lab${fragment}`, options);
}

const told = (id: string, isChallenge = false): Extract<LabLink['source'], { kind: 'told' }> => ({
  kind: 'told',
  id,
  isChallenge,
});

async function press(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name, exact: true }).click();
}

/** Waits until the run stands at a step that the text names. */
async function expectPosition(page: Page, text: RegExp): Promise<void> {
  await page.getByTestId('position').filter({ hasText: text }).waitFor({ timeout: RUN_MS });
}

async function traceOf(page: Page): Promise<string> {
  return (await page.getByTestId('trace').textContent()) ?? '';
}

/** What the simulator's run of a told scenario comes to at its end. */
function endOf(id: string, isChallenge = false): LabSession {
  const session = new LabSession({
    source: { kind: 'scenario', text: toldText(id, isChallenge) ?? '' },
    interventions: [],
  });
  while (!session.run.isScriptOver && session.advance());
  return session;
}

describe('the run in the browser is the run of the simulator', () => {
  it(
    'of a seed, byte for byte',
    async () => {
      const lines: string[] = [];
      const report = simulateSeed(68, { onTrace: (line) => lines.push(line) });
      const { page, complaints } = await visit({ kind: 'seed', seed: 68, overrides: {} });
      await expectPosition(page, /^step 0 /);
      await press(page, 'End');
      await page.getByTestId('end').waitFor({ timeout: SEED_STEP_MS });
      expect(await traceOf(page)).toBe(report.traceHash);
      const [download] = await Promise.all([
        page.waitForEvent('download', { timeout: SEED_STEP_MS }),
        press(page, 'Save as text'),
      ]);
      expect(readFileSync(await download.path(), 'utf8') === lines.map((line) => `${line}\n`).join('')).toBe(true);
      expect(complaints).toEqual([]);
    },
    SEED_MS,
  );

  it('of options, and of a told scenario', async () => {
    const options = { ...PLAIN_OPTIONS, seed: 5, requestsPerClient: 5 };
    const { page } = await visit({ kind: 'swarm', options });
    await expectPosition(page, /^step 0 /);
    await press(page, 'End');
    await page.getByTestId('end').waitFor({ timeout: RUN_MS });
    expect(await traceOf(page)).toBe(simulateOptions(options).traceHash);
    const other = await visit(told('dead-primary'));
    await expectPosition(other.page, /^step 0 /);
    await press(other.page, 'End');
    await expectPosition(other.page, /after its last command/);
    expect(await traceOf(other.page)).toBe(endOf('dead-primary').run.traceHash);
  });
});

describe('a told scenario', () => {
  it('is read from beginning to end with the keyboard alone, and without any server', async () => {
    const { page, complaints } = await visit(undefined);
    const link = page.getByRole('link', { name: 'The normal case' });
    await link.waitFor();
    await link.focus();
    await page.keyboard.press('Enter');
    const begin = page.getByRole('button', { name: 'Begin' });
    await begin.waitFor();
    await page.context().setOffline(true);
    const { chapters, question } = TOLD_SCENARIOS[0] ?? { chapters: [], question: '' };
    for (const [index, { words }] of chapters.entries()) {
      await page.getByTestId('next-chapter').focus();
      await page.keyboard.press('Enter');
      await page
        .getByTestId('chapter')
        .filter({ hasText: `${index + 1} of ${chapters.length}` })
        .waitFor();
      await page.locator('.chapters').getByText(words).waitFor();
    }
    await page.getByText(question).waitFor();
    await page.getByText('An answer').focus();
    await page.keyboard.press('Enter');
    await page.getByText(TOLD_SCENARIOS[0]?.answer ?? '').waitFor();
    expect(complaints).toEqual([]);
  });

  it(
    'of every name comes to its end in the browser, with the trace and the verdict of the simulator',
    async () => {
      const { page } = await visit(undefined);
      await page.getByRole('heading', { name: 'Told scenarios' }).waitFor();
      const seen = new Map<string, unknown>();
      const expected = new Map<string, unknown>();
      for (const { id, title } of TOLD_SCENARIOS) {
        await page.evaluate((hash) => location.replace(hash), plainAddress('other', told(id)));
        await page.getByRole('heading', { name: title, level: 2 }).first().waitFor();
        await expectPosition(page, /^step 0 /);
        await press(page, 'End');
        await expectPosition(page, /after its last command/);
        seen.set(id, [await traceOf(page), await page.locator('.invariant.broken').count()]);
        const { run } = endOf(id);
        expected.set(id, [run.traceHash, run.broken.length]);
      }
      expect(seen).toEqual(expected);
    },
    SEED_MS,
  );

  it('forks three nodes with quorum one: the checker names the step, and leads there', async () => {
    const { page } = await visit(told('quorum-one-fork'));
    await expectPosition(page, /^step 0 /);
    await press(page, 'End');
    const [first] = endOf('quorum-one-fork').run.broken;
    const broken = page.locator('.invariant.broken').filter({ hasText: 'agreement' });
    await broken.getByRole('button', { name: `Go to step ${first?.step ?? 0}` }).click();
    await expectPosition(page, new RegExp(`^step ${first?.step ?? 0} `));
    await page
      .getByText(/Two correct replicas have executed different batches/)
      .first()
      .waitFor();
  });
});

describe('a challenge', () => {
  it('is not won at first; one way is shown; its link leads to the same run, won', async () => {
    const { page } = await visit(told('equivocating-primary', true));
    await page.getByTestId('score').filter({ hasText: 'not yet' }).waitFor();
    await press(page, 'Show one way');
    await page.getByTestId('score').filter({ hasText: 'won' }).waitFor({ timeout: RUN_MS });
    const trace = await traceOf(page);
    await press(page, 'Copy link');
    await page.getByTestId('shared').filter({ hasText: 'link' }).waitFor();
    const address = page.url();
    expect(address).toContain('do=');
    const again = await browser.visit(address);
    await again.page.getByTestId('score').filter({ hasText: 'won' }).waitFor({ timeout: RUN_MS });
    expect(await traceOf(again.page)).toBe(trace);
    expect(await again.page.getByTestId('other-build').count()).toBe(0);
  });

  it('is won by hand, with the controls of the page', async () => {
    const { page } = await visit(told('silent-backup', true));
    await page.getByTestId('score').filter({ hasText: 'not yet' }).waitFor();
    for (const node of ['node3', 'node4']) {
      await page.locator('.lab-node > summary').filter({ hasText: node }).click();
      await page.getByLabel(`How ${node} behaves`).selectOption('silent');
      await page.locator('.lab-node > summary').filter({ hasText: node }).getByText('silent').waitFor();
    }
    await press(page, 'End');
    await page.getByTestId('score').filter({ hasText: 'won' }).waitFor({ timeout: RUN_MS });
    expect(await page.getByTestId('done').getByRole('listitem').count()).toBe(2);
  });
});

describe('the controls', () => {
  it('play, pause, step, go back, go to any step, to an event, to what happened', async () => {
    const { page } = await visit(told('normal-case'));
    await expectPosition(page, /^step 0 /);
    await page.getByLabel('Speed').selectOption('500');
    await page.getByRole('button', { name: 'Play' }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await expectPosition(page, /after its last command/);
    await page.getByRole('button', { name: 'Pause' }).click();
    await press(page, 'Start');
    await expectPosition(page, /^step 0 /);
    await press(page, 'Step');
    await expectPosition(page, /^step 1 /);
    await press(page, 'Step');
    await expectPosition(page, /^step 2 /);
    await press(page, 'Back');
    await expectPosition(page, /^step 1 /);
    await page.getByRole('slider').focus();
    await page.keyboard.press('ArrowRight');
    await expectPosition(page, /^step 2 /);
    await page.getByLabel('Next event').selectOption('prepared');
    await press(page, 'Go there');
    await page.locator('.events').getByText('prepared n1').first().waitFor();
    await page.getByRole('button', { name: 'Go to step 3', exact: true }).first().click();
    await expectPosition(page, /^step 3 /);
  });

  it('drop, hold back and double a message under way, from the table and from the diagram; and undo it', async () => {
    const { page } = await visit(told('normal-case'));
    await expectPosition(page, /^step 0 /);
    await page.getByLabel('Next event').selectOption('pre-prepared');
    await press(page, 'Go there');
    await press(page, 'Drop pre-prepare from node1 to node4');
    const done = page.getByTestId('done');
    await done.filter({ hasText: 'drop message' }).waitFor();
    await page.locator('.events').getByText('pre-prepare to node4 is lost: dropped by hand').waitFor();
    await press(page, 'Hold back pre-prepare from node1 to node3');
    await done.filter({ hasText: 'for 5 ms' }).waitFor();
    await press(page, 'Double pre-prepare from node1 to node2');
    await done.filter({ hasText: 'double message' }).waitFor();
    await press(page, 'Undo by hand');
    await expect.poll(async () => done.getByRole('listitem').count()).toBe(2);
    // The last arrow of the diagram is the one that was dropped, the one before it is under way.
    await page.getByRole('application', { name: /Space-time/ }).focus();
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowLeft');
    const details = page.getByTestId('details');
    await details.getByText('under way').waitFor();
    await details.getByRole('button', { name: /^Drop/ }).click();
    await expect.poll(async () => done.getByRole('listitem').count()).toBe(3);
    await details.getByText('lost').first().waitFor();
  });

  it('crash, restart and stop a node, cut and mend a link, ask for something', async () => {
    const { page } = await visit(told('normal-case'));
    await expectPosition(page, /^step 0 /);
    const summary = page.locator('.lab-node > summary').filter({ hasText: 'node4' });
    await summary.click();
    await press(page, 'Crash node4');
    await summary.getByText('down').waitFor();
    await press(page, 'Restart node4');
    await summary.locator('.sign').filter({ hasText: /up$/ }).waitFor();
    await press(page, 'Stop node4');
    await summary.getByText('stands still').waitFor();
    await press(page, 'Go on node4');
    await summary.locator('.sign').filter({ hasText: /up$/ }).waitFor();
    await page.getByLabel(/^From/).selectOption('node1');
    await page.getByLabel(/^To/).selectOption('node3');
    await press(page, 'Cut');
    await page.getByText('Cut: node1 → node3').waitFor();
    await press(page, 'Mend');
    await page.getByText('No link is cut.').waitFor();
    await page.getByLabel('Operation, as JSON').fill('[1]');
    await press(page, 'Ask for it');
    await page.getByRole('alert').filter({ hasText: 'JSON object' }).waitFor();
    await page.getByLabel('Operation, as JSON').fill('{"operation":"put","key":"y","value":"2"}');
    await press(page, 'Ask for it');
    await page.getByTestId('done').filter({ hasText: '"key":"y"' }).waitFor();
    await press(page, 'End');
    await page.locator('.events').getByText('"key":"y"').first().waitFor();
    await page.getByTestId('invariants').filter({ hasText: 'hold' }).waitFor();
  });

  it('are skipped with the keyboard, and the run stays as it is', async () => {
    const { page } = await visit(told('normal-case'));
    await expectPosition(page, /^step 0 /);
    await press(page, 'Step');
    await expectPosition(page, /^step 1 /);
    const address = page.url();
    await page.getByRole('link', { name: 'To the content' }).focus();
    await page.keyboard.press('Enter');
    await expect.poll(async () => page.locator('#main').evaluate((main) => main === document.activeElement)).toBe(true);
    expect(page.url()).toBe(address);
    await expectPosition(page, /^step 1 /);
  });

  it('say which invariants nobody judges here', async () => {
    const { page } = await visit(told('normal-case'));
    await page.getByTestId('invariants').filter({ hasText: 'hold, 6 not judged' }).waitFor();
    await page.getByText('Those that are not judged here').click();
    const liveness = page.locator('.invariant').filter({ hasText: 'liveness' });
    await liveness.getByText(/judged at the end of a seed/).waitFor();
    await press(page, 'End');
    await page.getByTestId('invariants').filter({ hasText: 'hold, 5 not judged' }).waitFor();
    expect(await page.locator('.invariant .because').count()).toBe(5);
  });

  it('show what a replica holds: log with votes, P and Q, timers', async () => {
    const { page } = await visit(told('normal-case'));
    await expectPosition(page, /^step 0 /);
    await page.getByLabel('Next event').selectOption('executed');
    await press(page, 'Go there');
    const node = page.locator('.lab-node').filter({ hasText: 'node2' });
    await node.locator('summary').click();
    await node
      .getByRole('row')
      .filter({ hasText: /P [0-9a-f]{4}… in v0; Q [0-9a-f]{4}… in v0/ })
      .waitFor();
    await node.getByText(/^status in [\d.]+ ms$/).waitFor();
    await node.getByText('0 … 16').waitFor();
  });
});

describe('a run of one’s own', () => {
  it('is set up by hand; what is wrong is said, and nothing is run', async () => {
    const { page } = await visit(undefined);
    await page.getByLabel('Nodes (n)').fill('99');
    await page.getByText('a whole number from 1 to 13').waitFor();
    expect(await page.getByRole('button', { name: 'Run it' }).isDisabled()).toBe(true);
    await page.getByLabel('Nodes (n)').fill('3');
    await page.getByLabel('Quorum rule').selectOption('2f+1');
    await page.getByText('need not share a correct node').waitFor();
    await page.getByLabel('Nodes (n)').fill('7');
    await page.getByRole('button', { name: 'Add a liar' }).click();
    await page.getByLabel('Liar 1: how').selectOption('silent');
    await page.getByRole('button', { name: 'Run it' }).click();
    await page.getByText('n = 7, f = 2, quorum 3').or(page.getByText('n = 7, f = 2, quorum 5')).waitFor();
    await press(page, 'End');
    await expectPosition(page, /after its last command/);
    await page
      .locator('.events')
      .getByText(/executed: \{/)
      .first()
      .waitFor();
  });

  it('is written as text, and a mistake is told with its line', async () => {
    const { page } = await visit({ kind: 'text', text: '> cluster nodes 4\n> run 1ms\n> jump\n' });
    await expectPosition(page, /^step 0 /);
    await page.getByTestId('end').filter({ hasText: 'line 3: "jump": no such command' }).waitFor();
    await page.getByText('The scenario as text').click();
    await page.getByRole('textbox', { name: /Lines that begin/ }).fill('> cluster nodes 1 clients 1\n> run 5ms\n');
    await press(page, 'Run this text');
    await page.getByText('n = 1, f = 0, quorum 1').waitFor();
    expect(page.url()).toContain('#v=1&build=');
  });
});

describe('a link', () => {
  it('of another build says so', async () => {
    const { page } = await visit(told('normal-case'));
    expect(await page.getByTestId('other-build').textContent()).toMatch(
      /made with build other, .* may be\s+another one/,
    );
  });

  it('that leads to no run says all that is wrong, and offers others', async () => {
    const { page, complaints } = await browser.visit(`${cluster.node('node1').httpUrl}/lab#v=7&seed=x&told=y`);
    const alert = page.getByRole('alert');
    await alert.getByText(/^v: this lab reads links of version 1/).waitFor();
    await alert.getByText(/^build: /).waitFor();
    await page.getByRole('link', { name: 'The normal case' }).click();
    await expectPosition(page, /^step 0 /);
    expect(complaints).toEqual([]);
  });

  it('to a scenario that this build does not tell says so', async () => {
    const { page } = await visit(told('gone'));
    expect(await page.getByRole('alert').textContent()).toContain('tells no scenario "gone"');
  });

  it('with something that cannot be done says so, and runs the rest', async () => {
    const interventions = [{ at: 1, action: { do: 'drop', message: 123_456 } }] as const;
    const { page } = await visit(told('normal-case'), {}, { interventions, at: 5 });
    await expectPosition(page, /^step 5 /);
    await page.getByText(/message 123456 is not under way here/).waitFor();
  });
});

it('a Worker that cannot be loaded is told, and can be tried again', async () => {
  const { page } = await browser.visit('about:blank');
  await page.route(/worker-.*\.js$/, async (route) => route.abort());
  await page.goto(`${cluster.node('node1').httpUrl}/lab`);
  const alert = page.getByRole('alert');
  await alert.getByText('The lab has failed.').waitFor();
  await page.unroute(/worker-.*\.js$/);
  await alert.getByRole('button', { name: 'Begin anew' }).click();
  await alert.waitFor({ state: 'detached' });
  expect(await page.getByRole('link', { name: 'The normal case' }).count()).toBe(1);
});

describe('readable by everyone', () => {
  const LOOKS = [
    { width: 360, scheme: 'light' },
    { width: 1280, scheme: 'dark' },
    { width: 2560, scheme: 'light' },
  ] as const;
  const PLACES = [
    { place: 'the library', source: undefined, sign: 'Told scenarios' },
    { place: 'a story', source: told('too-many-liars'), sign: 'Replicas' },
    { place: 'a challenge', source: told('lost-disk', true), sign: 'Replicas' },
  ] as const;

  it.each(PLACES.flatMap((place) => LOOKS.map((look) => ({ ...place, ...look }))))(
    '$place at $width px, $scheme: nothing sticks out',
    async ({ source, sign, ...look }) => {
      const { page, complaints } = await visit(source, { ...look, isStill: true });
      await page.getByRole('heading', { name: sign }).waitFor();
      if (source !== undefined) {
        await expectPosition(page, /^step 0 /);
        await press(page, 'End');
        await expectPosition(page, /after its last command/);
        for (const summary of await page.locator('.lab-node > summary').all()) await summary.click();
      }
      expect(await overflow(page)).toEqual({ px: 0, what: [] });
      expect(await accessibilityProblems(page)).toEqual([]);
      expect(complaints).toEqual([]);
    },
  );
});
