/** The page as a visitor has it: the real service behind it, a real browser before it. */
import type { BrowserContextOptions, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { startedOnesAlwaysDraft } from '../support/always-draft.ts';
import { findChromium, focused, growth, recordGrowth, tabThrough } from '../support/browser.ts';
import { lettersOf, type Visit, visitShared } from './visit.ts';

// A busy machine would pause drafting, and nothing be tinted.
startedOnesAlwaysDraft();

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

const chromium = findChromium();
if (!chromium) {
  console.log(
    'The page is not tested: no chromium found. Install one or set CHROMIUM to its path.',
  );
}

describe.skipIf(!chromium)('the page', () => {
  const shared = visitShared({ demo: true });
  let visit: Visit;
  let page: Page;

  async function open(options: BrowserContextOptions = {}): Promise<void> {
    visit = await shared.begin(options);
    page = visit.page;
  }

  it('answers an example question while it is watched, tinted by source, with its figures', async () => {
    await open();
    const question = await visit.read('.examples button');
    await recordGrowth(page);
    await visit.firstExample.click();
    await visit.ended();

    const lengths = await growth(page);
    expect(lengths.length).toBeGreaterThan(1);
    expect(lengths).toEqual([...lengths].sort((a, b) => a - b));
    expect(lettersOf(await visit.answer())).toBe(
      lettersOf(await answerOfTheApi(shared.service.url, question)),
    );

    const families = await page.$$eval('.token', (all) =>
      all.map((token) => token.getAttribute('data-family')),
    );
    expect(families).toContain('passage');
    expect(families).not.toContain(null);

    const tokens = Number(await visit.text('tokens'));
    const steps = Number(await visit.text('steps'));
    expect(steps).toBeGreaterThan(0);
    // Shown with two decimals, of which the last is rounded: 83 tokens in 8 steps are 10.375.
    const shown = Number(await visit.text('mean-accepted'));
    expect(Math.abs(shown - tokens / steps)).toBeLessThanOrEqual(0.005 + 1e-9);
    expect(Number(await visit.text('drafted'))).toBeGreaterThan(steps);
    expect(await visit.text('first-token')).toMatch(/^[\d.]+ m?s$/);
    const counts = await page
      .locator('.legend li:not([hidden]) [data-part=count]')
      .allTextContents();
    expect(counts.reduce((sum, count) => sum + Number(count), 0)).toBe(tokens);
    expect(await page.locator('.strip span').count()).toBeGreaterThan(1);

    expect(await page.locator('.passages li').count()).toBeGreaterThan(0);
    expect(await visit.read('.passages .file')).toMatch(/\.md$/);
    expect(await visit.read('footer [data-part=model]')).toBe(shared.service.model);
    expect(visit.misdeeds).toEqual({ errors: [], foreignRequests: [] });
  });

  it('shows and hides tints, and isolates one source', async () => {
    await open();
    await visit.firstExample.click();
    await visit.ended();
    const tint = () =>
      page
        .locator('.token[data-family=passage]')
        .last()
        .evaluate((token) => getComputedStyle(token).backgroundColor);
    const tinted = await tint();
    await page.getByLabel('Tints').uncheck();
    expect(await tint()).toBe('rgba(0, 0, 0, 0)');
    await page.getByLabel('Tints').check();
    expect(await tint()).toBe(tinted);
    await page.locator('.legend [data-family=target]').click();
    expect(await tint()).toBe('rgba(0, 0, 0, 0)');
    await page.locator('.legend [data-family=target]').click();
    expect(await tint()).toBe(tinted);
  });

  it('asks the same without drafting and compares the two', async () => {
    await open();
    await visit.firstExample.click();
    await visit.ended();
    const drafted = await visit.answer();
    const against = (turn: number) =>
      visit.read(`.turn:nth-child(${turn}) [data-part=against-plain]`);
    expect(await against(1)).toBe('–');
    await page.getByRole('button', { name: 'Compare without drafting' }).click();
    await page.waitForSelector(`.turn:nth-child(2)[data-state=ended]`);
    expect(await visit.answer()).toBe(drafted);
    expect(await visit.text('comparison')).toMatch(
      /^The same text: \d+ steps with drafting, \d+ without/,
    );
    const shown = /, ([\d.]+×) the tokens per second/.exec(await visit.text('comparison'))?.[1];
    expect([await against(1), await against(2)]).toEqual([shown, shown]);
    expect(await visit.text('steps')).toBe(await visit.text('tokens'));
    expect(await visit.text('mode')).toBe('drafting off');
  });

  it('stops when told to, keeps what there is, and goes on to the next question', async () => {
    await open();
    await page.getByLabel('Drafting').uncheck();
    // Pressed by the page itself at the first token: a slow machine can't miss the moment.
    await page.evaluate(() => {
      const stop = document.querySelector<HTMLElement>('[data-part=stop]')!;
      const observer = new MutationObserver(() => {
        if (!document.querySelector('.token')) return;
        observer.disconnect();
        stop.click();
      });
      observer.observe(document.querySelector('[data-part=conversation]')!, {
        childList: true,
        subtree: true,
      });
    });
    const question = await visit.read('.examples button');
    await visit.firstExample.click();
    await visit.ended();
    expect(await visit.text('note')).toBe('Stopped.');
    const partial = lettersOf(await visit.answer());
    const whole = lettersOf(await answerOfTheApi(shared.service.url, question));
    expect(whole.startsWith(partial)).toBe(true);
    expect(partial.length).toBeLessThan(whole.length);
    expect(lettersOf(await visit.answer())).toBe(partial);

    await page.getByRole('button', { name: 'Ask again' }).click();
    await page.waitForSelector(`.turn:nth-child(2)[data-state=ended]`);
    expect(lettersOf(await visit.answer())).toBe(whole);
    expect(visit.misdeeds.errors).toEqual([]);
  });

  it('asks, breaks lines and stops by keyboard alone', async () => {
    await open();
    expect(await focused(page)).toBe('question-box');
    await page.keyboard.type('What is');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('the echo?');
    expect(await page.inputValue('#question-box')).toBe('What is\nthe echo?');
    await page.keyboard.press('Enter');
    await visit.ended();
    expect(await focused(page)).toBe('question-box');

    // So slow a line that the answer can't be over before the key is pressed.
    const cdp = await page.context().newCDPSession(page);
    const slow = { offline: false, latency: 0, uploadThroughput: -1, downloadThroughput: 3000 };
    await cdp.send('Network.emulateNetworkConditions', slow);
    await page.keyboard.type('What is the echo?');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.turn:nth-child(2)[aria-busy=true]');
    await page.keyboard.press('Escape');
    await page.waitForSelector('.turn:nth-child(2)[data-state=ended]');
    expect(await visit.text('note')).toBe('Stopped.');
  });

  it('shows where the focus is on everything the tab key reaches', async () => {
    await open();
    const visited = await tabThrough(page, 20);
    expect(visited).toContain('drafting');
    expect(visited).toContain('settings-toggle');
    expect(visited).toContain('send');
    expect(visited).toContain('example');
  });

  it('keeps a streaming answer out of live regions and announces it once', async () => {
    await open();
    await page.evaluate(() => {
      const spoken: string[] = [];
      Object.assign(window, { spoken });
      const region = document.querySelector('[data-part=announcer]')!;
      new MutationObserver(() => spoken.push(region.textContent)).observe(region, {
        childList: true,
      });
    });
    await visit.firstExample.click();
    await visit.ended();
    const spoken = await page.evaluate(() => (window as unknown as { spoken: string[] }).spoken);
    expect(spoken.map(lettersOf)).toEqual(
      ['Answering. Escape stops.', `The answer: ${await visit.answer()}`].map(lettersOf),
    );
    expect(await page.locator('[aria-live] .token, [role=log] .token').count()).toBe(0);
  });

  it.each([390, 320])('needs no sideways scrolling at %i pixels', async (width) => {
    await open({ ...PHONE, viewport: { width, height: 700 } });
    const excess = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(await excess()).toBe(0);
    await page.getByRole('button', { name: 'Settings' }).tap();
    expect(await excess()).toBe(0);
    await visit.firstExample.tap();
    await visit.ended();
    await page.locator('.passages summary').last().tap();
    expect(await excess()).toBe(0);
    const inside = await page.locator('.composer').evaluate((composer) => {
      const { right } = composer.getBoundingClientRect();
      return [...composer.querySelectorAll('button')].every(
        (button) => button.getBoundingClientRect().right <= right,
      );
    });
    expect(inside).toBe(true);
  });

  it('sends earlier turns only when asked to, and the chosen temperature and seed', async () => {
    await open();
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByLabel('Temperature').fill('0.8');
    await page.getByLabel('Seed').fill('7');
    const bodies: { messages: unknown[]; temperature: number; seed: number }[] = [];
    page.on('request', (request) => {
      if (request.method() === 'POST') bodies.push(request.postDataJSON());
    });
    await visit.firstExample.click();
    await visit.ended();
    await page.getByLabel('Send earlier turns along').check();
    await visit.ask('And what is credit?');
    await page.waitForSelector('.turn:nth-child(2)[data-state=ended]');
    expect(bodies.map(({ messages }) => messages.length)).toEqual([1, 3]);
    expect(bodies[0]).toMatchObject({ temperature: 0.8, seed: 7 });
  });

  it('says what the bundled model is and how to get a real one, and sends it single questions', async () => {
    await open();
    const bundled = page.locator('footer [data-part=bundled]');
    await bundled.waitFor({ state: 'visible' });
    expect(await bundled.textContent()).toBe(
      ': a bundled one of 6 million parameters, which only quotes. A real one: npm start -- --help',
    );
    expect(await page.isChecked('[data-part=earlier-turns]')).toBe(false);
  });

  it('sends any other model the earlier turns, unless that was switched off', async () => {
    await open();
    await page.route('**/v1/models', (route) =>
      route.fulfill({ json: { object: 'list', data: [{ id: 'a-real-one', object: 'model' }] } }),
    );
    await page.reload();
    await page.waitForSelector('footer [data-part=model]:text("a-real-one")');
    expect(await page.locator('footer [data-part=bundled]').isVisible()).toBe(false);
    const lengths: number[] = [];
    page.on('request', (request) => {
      if (request.method() === 'POST') lengths.push(request.postDataJSON().messages.length);
    });
    await visit.ask('What is the echo?');
    await visit.ended();
    await visit.ask('And what is credit?');
    await page.waitForSelector('.turn:nth-child(2)[data-state=ended]');
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByLabel('Send earlier turns along').uncheck();
    await visit.ask('What is a panel?');
    await page.waitForSelector('.turn:nth-child(3)[data-state=ended]');
    expect(lengths).toEqual([1, 3, 1]);
  });

  it('says what the server said when it refuses', async () => {
    await open();
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByLabel('Seed').fill('');
    const question = 'why '.repeat(20_000);
    const [request] = await Promise.all([
      page.waitForRequest('**/v1/chat/completions'),
      visit.ask(question),
    ]);
    await page.waitForSelector('.failure:not([hidden])');
    const response = (await request.response())!;
    const { error } = (await response.json()) as { error: { message: string } };
    expect(response.status()).toBeGreaterThanOrEqual(400);
    expect(await visit.text('failure-message')).toBe(error.message);
    expect(await visit.text('failure-detail')).toContain(`HTTP ${response.status()}`);
  });
});

/** What the page should show for `question`, asked with the page's own settings. */
async function answerOfTheApi(url: string, question: string): Promise<string> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      messages: [{ role: 'user', content: question }],
      temperature: 0,
      seed: 1,
    }),
  });
  const completion = (await response.json()) as { choices: [{ message: { content: string } }] };
  return completion.choices[0].message.content;
}
