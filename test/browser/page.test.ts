/** The page as a visitor has it: the real service behind it, a real browser before it. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  findChromium,
  focused,
  growth,
  type Misdeeds,
  openBrowser,
  recordGrowth,
  tabThrough,
  watch,
} from '../support/browser.ts';
import { startService, type TestService } from '../support/service.ts';

const chromium = findChromium();
if (!chromium) {
  console.log(
    'The page is not tested: no chromium found. Install one or set CHROMIUM to its path.',
  );
}

const ENDED = '.turn:last-child[data-state=ended]';
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

describe.skipIf(!chromium)('the page', () => {
  let service: TestService;
  let browser: Browser;
  let page: Page;
  let misdeeds: Misdeeds;

  beforeAll(async () => {
    browser = await openBrowser(chromium!);
    service = await startService();
  });

  afterAll(async () => {
    await browser?.close();
    await service?.stop();
  });

  afterEach(async () => {
    await page.context().close();
  });

  async function open(options: BrowserContextOptions = {}): Promise<void> {
    const context = await browser.newContext(options);
    page = await context.newPage();
    misdeeds = watch(page, new URL(service.url).origin);
    await page.goto(service.url);
    await page.waitForSelector('.examples li');
  }

  async function ask(question: string): Promise<void> {
    await page.fill('#question-box', question);
    await page.press('#question-box', 'Enter');
  }

  const ended = () => page.waitForSelector(ENDED);
  const read = async (selector: string) => ((await page.textContent(selector)) ?? '').trim();
  const text = (name: string) => read(`.turn:last-child [data-part=${name}]`);
  /** As it is shown, without the buttons of code. */
  const answer = () =>
    page.locator('.turn:last-child .answer').evaluate((element) => {
      const copy = element.cloneNode(true) as HTMLElement;
      for (const button of copy.querySelectorAll('button')) button.remove();
      return copy.textContent;
    });
  const firstExample = () => page.locator('.examples button').first();

  it('answers an example question while it is watched, tinted by source, with its figures', async () => {
    await open();
    const question = await read('.examples button');
    await recordGrowth(page);
    await firstExample().click();
    await ended();

    const lengths = await growth(page);
    expect(lengths.length).toBeGreaterThan(2);
    expect(lengths).toEqual([...lengths].sort((a, b) => a - b));
    expect(lettersOf(await answer())).toBe(lettersOf(await answerOfTheApi(service.url, question)));

    const families = await page.$$eval('.token', (all) =>
      all.map((token) => token.getAttribute('data-family')),
    );
    expect(families).toContain('passage');
    expect(families).not.toContain(null);

    const tokens = Number(await text('tokens'));
    const steps = Number(await text('steps'));
    expect(steps).toBeGreaterThan(0);
    expect(Number(await text('mean-accepted'))).toBeCloseTo(tokens / steps, 2);
    expect(Number(await text('drafted'))).toBeGreaterThan(steps);
    expect(await text('first-token')).toMatch(/^[\d.]+ m?s$/);
    const counts = await page
      .locator('.legend li:not([hidden]) [data-part=count]')
      .allTextContents();
    expect(counts.reduce((sum, count) => sum + Number(count), 0)).toBe(tokens);
    expect(await page.locator('.strip span').count()).toBeGreaterThan(1);

    expect(await page.locator('.passages li').count()).toBeGreaterThan(0);
    expect(await read('.passages .file')).toMatch(/\.md$/);
    expect(await read('footer [data-part=model]')).toBe(service.model);
    expect(misdeeds).toEqual({ errors: [], foreignRequests: [] });
  });

  it('shows and hides tints, and isolates one source', async () => {
    await open();
    await firstExample().click();
    await ended();
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
    await firstExample().click();
    await ended();
    const drafted = await answer();
    await page.getByRole('button', { name: 'Without drafting' }).click();
    await page.waitForSelector(`.turn:nth-child(2)[data-state=ended]`);
    expect(await answer()).toBe(drafted);
    expect(await text('comparison')).toMatch(
      /^The same text: \d+ steps with drafting, \d+ without/,
    );
    expect(await text('steps')).toBe(await text('tokens'));
    expect(await text('mode')).toBe('drafting off');
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
    const question = await read('.examples button');
    await firstExample().click();
    await ended();
    expect(await text('note')).toBe('Stopped.');
    const partial = lettersOf(await answer());
    const whole = lettersOf(await answerOfTheApi(service.url, question));
    expect(whole.startsWith(partial)).toBe(true);
    expect(partial.length).toBeLessThan(whole.length);
    expect(lettersOf(await answer())).toBe(partial);

    await page.getByRole('button', { name: 'Ask again' }).click();
    await page.waitForSelector(`.turn:nth-child(2)[data-state=ended]`);
    expect(lettersOf(await answer())).toBe(whole);
    expect(misdeeds.errors).toEqual([]);
  });

  it('says what is prepared for another model, until it is', async () => {
    await open();
    const banner = page.locator('[data-part=health]');
    expect(await banner.isVisible()).toBe(false);
    let passages: object = {
      state: 'preparing',
      ...{ share: 0.25, documents: { ready: 3, of: 12 }, stores: { ready: 0, of: 2 } },
    };
    await page.route('**/health', (route) => route.fulfill({ json: { status: 'ok', passages } }));
    await page.reload();
    await banner.waitFor();
    expect(await banner.textContent()).toMatch(
      /prepared for this model: 3 of 12 documents are ready, 0 of 2 stores/,
    );
    passages = { state: 'ready' };
    await banner.waitFor({ state: 'hidden' });
  });

  it('says how much of a long prompt has been read', async () => {
    await open();
    await page.evaluate(() => {
      const chunk = {
        choices: [{ index: 0, delta: {}, finish_reason: null }],
        espalier: { prompt_read: { tokens: 1_024, of: 4_096 }, tokens: [], steps: [] },
      };
      const bytes = new TextEncoder().encode(`data: ${JSON.stringify(chunk)}\n\n`);
      // An answer that never comes: what is said meanwhile stays.
      window.fetch = async () =>
        new Response(new ReadableStream({ start: (stream) => stream.enqueue(bytes) }));
    });
    await ask('What is the echo?');
    const note = () => text('note');
    await expect
      .poll(note)
      .toMatch(/^Reading the question and its passages: 1,024 of 4,096 tokens, 25 %, \d+ s …$/);
  });

  it('asks, breaks lines and stops by keyboard alone', async () => {
    await open();
    expect(await focused(page)).toBe('question-box');
    await page.keyboard.type('What is');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('the echo?');
    expect(await page.inputValue('#question-box')).toBe('What is\nthe echo?');
    await page.keyboard.press('Enter');
    await ended();
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
    expect(await text('note')).toBe('Stopped.');
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
    await firstExample().click();
    await ended();
    const spoken = await page.evaluate(() => (window as unknown as { spoken: string[] }).spoken);
    expect(spoken.map(lettersOf)).toEqual(
      ['Answering. Escape stops.', `The answer: ${await answer()}`].map(lettersOf),
    );
    expect(await page.locator('[aria-live] .token, [role=log] .token').count()).toBe(0);
  });

  it.each([390, 320])('needs no sideways scrolling at %i pixels', async (width) => {
    await open({ ...PHONE, viewport: { width, height: 700 } });
    const excess = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(await excess()).toBe(0);
    await page.getByRole('button', { name: 'Settings' }).tap();
    expect(await excess()).toBe(0);
    await firstExample().tap();
    await ended();
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
    await firstExample().click();
    await ended();
    await page.getByLabel('Send earlier turns along').check();
    await ask('And what is credit?');
    await page.waitForSelector('.turn:nth-child(2)[data-state=ended]');
    expect(bodies.map(({ messages }) => messages.length)).toEqual([1, 3]);
    expect(bodies[0]).toMatchObject({ temperature: 0.8, seed: 7 });
  });

  it('says what the server said when it refuses', async () => {
    await open();
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByLabel('Seed').fill('');
    const question = 'why '.repeat(20_000);
    const [request] = await Promise.all([
      page.waitForRequest('**/v1/chat/completions'),
      ask(question),
    ]);
    await page.waitForSelector('.failure:not([hidden])');
    const response = (await request.response())!;
    const { error } = (await response.json()) as { error: { message: string } };
    expect(response.status()).toBeGreaterThanOrEqual(400);
    expect(await text('failure-message')).toBe(error.message);
    expect(await text('failure-detail')).toContain(`HTTP ${response.status()}`);
  });

  describe('with a stream that goes wrong', () => {
    const said = (content: string) =>
      `data: ${JSON.stringify({ choices: [{ delta: { content }, finish_reason: null }] })}\n\n`;

    async function receive(status: number, body: string): Promise<void> {
      await open();
      await page.route('**/v1/chat/completions', (route) => route.fulfill({ status, body }));
      await ask('Anything');
      await page.waitForSelector('.failure:not([hidden])');
    }

    it('keeps the text and shows an error sent in the middle', async () => {
      const error = { message: 'The verifier went away.', type: 'server_error', code: 'gone' };
      await receive(200, `${said('Half an ')}data: ${JSON.stringify({ error })}\n\n`);
      expect(await answer()).toBe('Half an ');
      expect(await text('failure-message')).toBe('The verifier went away.');
      expect(await text('failure-detail')).toBe('server_error · gone');
    });

    it('never takes a silent end for the end', async () => {
      await receive(200, said('Half an '));
      expect(await text('failure-title')).toBe('The connection ended early');
    });

    it("shows another server's error page as text, not as HTML", async () => {
      await receive(502, '<img src=x onerror="throw 1"><h1>Bad gateway</h1>');
      expect(await text('failure-message')).toContain('<h1>Bad gateway</h1>');
      expect(await page.locator('.failure img').count()).toBe(0);
    });

    it('shows markup in an answer as text', async () => {
      await receive(200, said('<b>bold</b><img src=x>'));
      expect(await answer()).toBe('<b>bold</b><img src=x>');
    });
  });

  describe('what a larger model writes', () => {
    const chunk = (delta: object, tokens: object[] = []) =>
      `data: ${JSON.stringify({
        choices: [{ delta, finish_reason: null }],
        espalier: { tokens, steps: [{ accepted: tokens.length, drafted: 8, micros: 900 }] },
      })}\n\n`;
    const traced = (text: string, source: string, more = {}) => ({ text, source, ...more });

    async function receive(...chunks: string[]): Promise<void> {
      await open();
      const body = `${chunks.join('')}data: [DONE]\n\n`;
      await page.route('**/v1/chat/completions', (route) => route.fulfill({ status: 200, body }));
      await ask('Anything');
      await ended();
    }

    it('is Markdown: headings, lists, tables and code, tinted, with code to copy', async () => {
      const text =
        '## Title\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```js\nlet x = 1;\n```\n';
      const tokens = text
        .match(/.{1,7}/gs)!
        .map((piece, i) => traced(piece, i % 2 ? 'passage' : 'target'));
      await receive(chunk({ content: text }, tokens));
      const tags = await page.$$eval('.answer *', (all) => all.map(({ tagName }) => tagName));
      for (const tag of ['H4', 'UL', 'TABLE', 'TH', 'TD', 'PRE', 'CODE'])
        expect(tags).toContain(tag);
      expect(await page.locator('.answer li').allTextContents()).toEqual(['one', 'two']);
      expect(await page.locator('.answer .token[data-family=passage]').count()).toBeGreaterThan(2);
      await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
      await page.getByRole('button', { name: 'Copy code' }).click();
      expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('let x = 1;');
      expect(misdeeds.errors).toEqual([]);
    });

    it('thoughts are folded away, tinted too, and no part of the answer', async () => {
      await receive(
        chunk({ reasoning_content: 'One and one.' }, [
          traced('One and one.', 'target', { thought: true }),
        ]),
        chunk({ content: 'Two.' }, [traced('Two.', 'passage')]),
      );
      const thoughts = page.locator('.thoughts');
      expect(await thoughts.isVisible()).toBe(false);
      await page.getByText('What the model thought first').click();
      expect(await thoughts.isVisible()).toBe(true);
      expect(await thoughts.textContent()).toBe('One and one.');
      expect(await page.locator('.thoughts .token').count()).toBe(1);
      expect(await answer()).toBe('Two.');
    });

    it('calls of functions are shown with their arguments, as text', async () => {
      const call = (fields: object) => chunk({ tool_calls: [{ index: 0, function: fields }] });
      await receive(
        call({ name: 'prune', arguments: '{"tree": ' }),
        call({ arguments: '"<b>fig</b>"}' }),
      );
      expect(await page.locator('.calls li').textContent()).toBe(
        'Calls prune with {"tree": "<b>fig</b>"}',
      );
    });

    it('while the prompt is read the page says so, and for how long', async () => {
      await open();
      let answered = (): void => {};
      const waits = new Promise<void>((resolve) => {
        answered = resolve;
      });
      await page.route('**/v1/chat/completions', async (route) => {
        await waits;
        await route.fulfill({ status: 200, body: `${chunk({ content: 'Done' })}data: [DONE]\n\n` });
      });
      await ask('Anything');
      await page.waitForFunction(() =>
        /Reading .*, [1-9]\d* s/.test(document.querySelector('.note')?.textContent ?? ''),
      );
      answered();
      await ended();
      expect(await text('note')).toBe('');
    });
  });

  // Last: from here on there is no verifier.
  it('says that the verifier is not ready, and what to do', async () => {
    await open();
    expect(await page.locator('[data-part=health]').isVisible()).toBe(false);
    await service.verifier.stop();
    await ask('What is the echo?');
    await page.waitForSelector('.failure:not([hidden])');
    await page.waitForSelector('[data-part=health]:not([hidden])');
    expect(await read('[data-part=health]')).toMatch(/verifier.*npm start/);
  });
});

/** What is left of Markdown when it is shown, whatever its marks become. */
function lettersOf(text: string): string {
  return text.replace(/[^\p{L}\p{N}]/gu, '');
}

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
