/** The page from an address that is not loopback: the service wants a key, and the reader did not start it. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DEPLOYED_HOST, findChromium, openBrowser } from '../support/browser.ts';
import { createKey } from '../support/keys.ts';
import { type SharedService, sharedService } from '../support/shared-service.ts';

const chromium = findChromium();
const QUESTION = 'What is the echo?';
const DIALOG = '[data-part=key-dialog][open]';

describe.skipIf(!chromium)('the page of a deployed service', () => {
  let service: SharedService;
  let browser: Browser;
  let page: Page;
  let key: string;
  let url: string;

  beforeAll(async () => {
    browser = await openBrowser(chromium!);
    service = await sharedService({ demo: false });
    key = await createKey(service.databases, 'local', { scopes: ['chat'] });
    url = `http://${DEPLOYED_HOST}:${new URL(service.url).port}`;
  });

  afterAll(async () => {
    await browser?.close();
  });

  beforeEach(async () => {
    const context = await browser.newContext({ viewport: { width: 320, height: 640 } });
    page = await context.newPage();
    await page.goto(url);
    await page.waitForSelector('.examples li');
  });

  afterEach(async () => {
    await page.context().close();
  });

  const read = async (selector: string) => ((await page.textContent(selector)) ?? '').trim();

  async function ask(): Promise<void> {
    await page.fill('#question-box', QUESTION);
    await page.press('#question-box', 'Enter');
  }

  async function answerWith(typed: string): Promise<void> {
    await page.waitForSelector(DIALOG);
    await page.getByLabel('Key', { exact: true }).fill(typed);
    await page.keyboard.press('Enter');
  }

  const answered = () => page.waitForSelector('.turn[data-state=ended] .token');

  it('asks for the key that the API wants, and asks the question again with it', async () => {
    expect(await read('footer [data-part=model]')).toBe('shown with a key');
    await ask();
    await page.waitForSelector(DIALOG);
    expect(await read('[data-part=key-reason]')).toContain('Authorization: Bearer');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('type'))).toBe(
      'password',
    );
    expect(await page.getByRole('dialog', { name: 'A key for this service' }).count()).toBe(1);

    const [request] = await Promise.all([
      page.waitForRequest('**/v1/chat/completions'),
      answerWith(` ${key} `),
    ]);
    expect(await request.headerValue('authorization')).toBe(`Bearer ${key}`);
    await answered();
    expect(await page.locator('.turn').count()).toBe(1);
    expect(await read('.turn [data-part=question]')).toBe(QUESTION);
    expect(await read('footer [data-part=model]')).toBe(service.model);
  });

  it('says that a key is not known, and asks for another', async () => {
    await ask();
    await answerWith('esp_never-made');
    await page.waitForFunction(() =>
      document.querySelector('[data-part=key-reason]')?.textContent?.includes('not known'),
    );
    await page.waitForSelector(DIALOG);
    await answerWith(key);
    await answered();
  });

  it('keeps the key for this tab alone, until it is told to forget it', async () => {
    await ask();
    await answerWith(key);
    await answered();
    await page.reload();
    await ask();
    await answered();

    const other = await page.context().newPage();
    await other.goto(url);
    expect(await other.evaluate(() => sessionStorage.length + localStorage.length)).toBe(0);
    expect(await page.context().cookies()).toEqual([]);

    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByRole('button', { name: 'Key …' }).click();
    await page.getByRole('button', { name: 'Forget the key' }).click();
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
    await ask();
    await page.waitForSelector(DIALOG);
  });

  it('copies a command that names the key and does not hold it', async () => {
    await page.evaluate(() => {
      Object.assign(window, { copied: '' });
      document.execCommand = () => {
        Object.assign(window, { copied: (document.activeElement as HTMLTextAreaElement).value });
        return true;
      };
    });
    await ask();
    await answerWith(key);
    await answered();
    await page.getByRole('button', { name: 'Copy curl' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    const copied = await page.evaluate(() => (window as unknown as { copied: string }).copied);
    expect(copied).toContain('-H "authorization: Bearer $ESPALIER_KEY"');
    expect(copied).not.toContain(key);
  });

  it('moves nothing for the dialog, and leaves by Escape to where the focus was', async () => {
    await page.getByRole('button', { name: 'Settings' }).click();
    const opener = page.getByRole('button', { name: 'Key …' });
    const places = () =>
      page.$$eval('main *, header *, footer *', (all) =>
        all.map((element) => JSON.stringify(element.getBoundingClientRect())),
      );
    const before = await places();
    await opener.focus();
    await page.keyboard.press('Enter');
    const { left, right } = await page
      .locator(DIALOG)
      .evaluate((dialog) => dialog.getBoundingClientRect());
    expect(left).toBeGreaterThanOrEqual(0);
    expect(right).toBeLessThanOrEqual(320);
    expect(await places()).toEqual(before);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
    await page.keyboard.press('Escape');
    expect(await page.locator(DIALOG).count()).toBe(0);
    expect(await opener.evaluate((button) => button === document.activeElement)).toBe(true);
  });
});
