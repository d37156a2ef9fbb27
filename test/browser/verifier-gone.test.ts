/** The page once there is no verifier any more: what it tells who started the service, and what a visitor. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DEPLOYED_HOST, findChromium, openBrowser } from '../support/browser.ts';
import { startService, type TestService } from '../support/service.ts';
import { Visit } from './visit.ts';

const chromium = findChromium();
const QUESTION = 'What is the echo?';
/** Others than the service's own machine are told of its health as it was up to a second ago. */
const KEPT_MS = 1_100;

describe.skipIf(!chromium)('the page without a verifier', () => {
  let service: TestService;
  let browser: Browser;
  let visit: Visit;

  beforeAll(async () => {
    browser = await openBrowser(chromium!);
    service = await startService({ demo: false });
  });
  afterAll(async () => {
    await browser?.close();
    await service?.stop();
  });
  afterEach(() => visit.end());

  it('says that the verifier is not ready, and what to do', async () => {
    visit = await Visit.begin(browser, service.url);
    const { page } = visit;
    expect(await page.locator('[data-part=health]').isVisible()).toBe(false);
    await service.verifier.stop();
    await visit.ask(QUESTION);
    await page.waitForSelector('.failure:not([hidden])');
    await page.waitForSelector('[data-part=health]:not([hidden])');
    expect(await visit.read('[data-part=health]')).toMatch(/verifier.*npm start/);
  });

  it("does not tell a visitor to start what runs on another's machine", async () => {
    await service.verifier.stop();
    await sleep(KEPT_MS);
    visit = await Visit.begin(browser, `http://${DEPLOYED_HOST}:${new URL(service.url).port}`);
    const { page } = visit;
    await page.waitForSelector('[data-part=health]:not([hidden])');
    expect(await visit.read('[data-part=health]')).toMatch(
      /^Not ready to answer: .*keeps looking\.$/,
    );
    expect(await visit.read('[data-part=health]')).not.toContain('npm start runs');

    await page.route('**/v1/chat/completions', (route) => route.abort());
    await visit.ask(QUESTION);
    await page.waitForSelector('.failure:not([hidden])');
    expect(await visit.read('.failure [data-part=failure-title]')).toBe(
      'The server does not answer',
    );
    expect(await visit.read('.failure [data-part=failure-advice]')).not.toContain('npm');
  });
});
