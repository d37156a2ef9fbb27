/** The API's reference as a reader has it: the real worker behind it, a real browser before it. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findChromium, type Misdeeds, openBrowser, watch } from '../support/browser.ts';
import { type SharedService, sharedService } from '../support/shared-service.ts';

const chromium = findChromium();

describe.skipIf(!chromium)('the reference', () => {
  let service: SharedService;
  let browser: Browser;

  beforeAll(async () => {
    browser = await openBrowser(chromium!);
    service = await sharedService({ demo: false });
  });

  afterAll(async () => {
    await browser?.close();
  });

  async function open(
    path: string,
    options: BrowserContextOptions = {},
  ): Promise<{ page: Page; misdeeds: Misdeeds }> {
    const page = await (await browser.newContext(options)).newPage();
    const misdeeds = watch(page, service.url);
    await page.goto(service.url + path);
    await page.waitForSelector('.operation');
    return { page, misdeeds };
  }

  it('shows every operation and schema of the document, offline', async () => {
    const { page, misdeeds } = await open('/docs');
    const api = await (await fetch(`${service.url}/openapi.json`)).json();
    const ids = Object.values<object>(api.paths).flatMap((item) =>
      Object.values(item).flatMap(({ operationId }) => operationId ?? []),
    );
    expect(ids.length).toBeGreaterThan(25);
    const shown = await page.$$eval('.operation', (all) => all.map(({ id }) => id));
    expect(shown.sort()).toEqual(ids.sort());
    const names = await page.$$eval('.schema h3', (all) => all.map((one) => one.textContent));
    expect(names.sort()).toEqual(Object.keys(api.components.schemas).sort());
    const targets = await page.$$eval('main a[href^="#"]', (links) =>
      links.map((link) => link.getAttribute('href')!.slice(1)),
    );
    const missing = await page.evaluate(
      (all) => all.filter((id) => !document.getElementById(id)),
      targets,
    );
    expect(missing).toEqual([]);
    expect(misdeeds).toEqual({ errors: [], foreignRequests: [] });
  });

  it('opens a schema that is followed, with the limits of its fields', async () => {
    const { page } = await open('/docs');
    await page.click('#createChatCompletion a:text("ChatRequest")');
    await page.waitForSelector('#schema-ChatRequest[open]');
    const temperature = page.locator('#schema-ChatRequest .fields > div', {
      has: page.locator('dt > code:text-is("temperature")'),
    });
    expect(await temperature.last().textContent()).toContain('0 to 2');
  });

  it.each([390, 320])('needs no sideways scrolling at %i pixels', async (width) => {
    const { page } = await open('/docs#schema-ChatRequest', {
      viewport: { width, height: 800 },
    });
    await page.waitForSelector('#schema-ChatRequest[open]');
    const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(excess).toBe(0);
  });

  it('is reached from the chat page', async () => {
    const page = await (await browser.newContext()).newPage();
    await page.goto(service.url);
    const link = page.locator('footer a', { hasText: 'the API' });
    expect(await link.getAttribute('href')).toBe('/docs');
  });
});
