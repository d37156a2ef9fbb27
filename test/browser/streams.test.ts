/** What the page makes of what it receives: streams that go wrong, what larger models write, what is said meanwhile. */
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { findChromium } from '../support/browser.ts';
import { type Visit, visitShared } from './visit.ts';

const chromium = findChromium();

describe.skipIf(!chromium)('what the page receives', () => {
  const shared = visitShared({ demo: false });
  let visit: Visit;
  let page: Page;

  async function open(): Promise<void> {
    visit = await shared.begin();
    page = visit.page;
  }

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
    await visit.ask('What is the echo?');
    const note = () => visit.text('note');
    await expect
      .poll(note)
      .toMatch(/^Reading the question and its passages: 1,024 of 4,096 tokens, 25 %, \d+ s …$/);
  });

  describe('with a stream that goes wrong', () => {
    const said = (content: string) =>
      `data: ${JSON.stringify({ choices: [{ delta: { content }, finish_reason: null }] })}\n\n`;

    async function receive(status: number, body: string): Promise<void> {
      await open();
      await page.route('**/v1/chat/completions', (route) => route.fulfill({ status, body }));
      await visit.ask('Anything');
      await page.waitForSelector('.failure:not([hidden])');
    }

    it('keeps the text and shows an error sent in the middle', async () => {
      const error = { message: 'The verifier went away.', type: 'server_error', code: 'gone' };
      await receive(200, `${said('Half an ')}data: ${JSON.stringify({ error })}\n\n`);
      expect(await visit.answer()).toBe('Half an ');
      expect(await visit.text('failure-message')).toBe('The verifier went away.');
      expect(await visit.text('failure-detail')).toBe('server_error · gone');
    });

    it('never takes a silent end for the end', async () => {
      await receive(200, said('Half an '));
      expect(await visit.text('failure-title')).toBe('The connection ended early');
    });

    it("shows another server's error page as text, not as HTML", async () => {
      await receive(502, '<img src=x onerror="throw 1"><h1>Bad gateway</h1>');
      expect(await visit.text('failure-message')).toContain('<h1>Bad gateway</h1>');
      expect(await page.locator('.failure img').count()).toBe(0);
    });

    it('shows markup in an answer as text', async () => {
      await receive(200, said('<b>bold</b><img src=x>'));
      expect(await visit.answer()).toBe('<b>bold</b><img src=x>');
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
      await visit.ask('Anything');
      await visit.ended();
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
      expect(visit.misdeeds.errors).toEqual([]);
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
      expect(await visit.answer()).toBe('Two.');
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
      await visit.ask('Anything');
      await page.waitForFunction(() =>
        /Reading .*, [1-9]\d* s/.test(document.querySelector('.note')?.textContent ?? ''),
      );
      answered();
      await visit.ended();
      expect(await visit.text('note')).toBe('');
    });
  });
});
