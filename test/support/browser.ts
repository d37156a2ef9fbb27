/** Headless chromium for the tests of the page, where the machine has one. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const MAC_CHROME = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

/** The machine's own services under a foreign name. */
export const DEPLOYED_HOST = 'espalier.test';

/** Quiet and offline: the browser's own traffic is no part of a test. */
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // A deployed page's address is not loopback: under this name a test can have that.
  `--host-resolver-rules=MAP ${DEPLOYED_HOST} 127.0.0.1`,
];

/** The first chromium found: `CHROMIUM`, then the usual names on the path. */
export function findChromium(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const onPath = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return [process.env.CHROMIUM ?? '', ...onPath, MAC_CHROME].find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return path !== '';
  } catch {
    return false;
  }
}

export function openBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: ARGS });
}

/** What a page did that it should not have: errors on the console, requests to elsewhere. */
export interface Misdeeds {
  errors: string[];
  foreignRequests: string[];
}

export function watch(page: Page, origin: string): Misdeeds {
  const misdeeds: Misdeeds = { errors: [], foreignRequests: [] };
  page.on('console', (message) => {
    if (message.type() === 'error') misdeeds.errors.push(message.text());
  });
  page.on('pageerror', (error) => misdeeds.errors.push(String(error)));
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) misdeeds.foreignRequests.push(request.url());
  });
  return misdeeds;
}

/** Notes the answer's length each time that it changes. */
export function recordGrowth(page: Page): Promise<void> {
  return page.evaluate(() => {
    const lengths: number[] = [];
    Object.assign(window, { lengths });
    new MutationObserver(() => {
      const shown = document.querySelector('[data-part=answer]')?.textContent ?? '';
      // Marks of Markdown come and go.
      const { length } = shown.replace(/[^\p{L}\p{N}]/gu, '');
      if (length > 0 && length !== lengths.at(-1)) lengths.push(length);
    }).observe(document.querySelector('[data-part=conversation]')!, {
      childList: true,
      subtree: true,
    });
  });
}

export function growth(page: Page): Promise<number[]> {
  return page.evaluate(() => (window as unknown as { lengths: number[] }).lengths);
}

/** The id of what has the focus. */
export function focused(page: Page): Promise<string> {
  return page.evaluate(() => document.activeElement?.id ?? '');
}

/** Names of what the tab key reaches from the top of the page, each with a visible outline. */
export async function tabThrough(page: Page, presses: number): Promise<string[]> {
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  const names: string[] = [];
  for (let press = 0; press < presses; press++) {
    await page.keyboard.press('Tab');
    names.push(
      await page.evaluate(() => {
        const element = document.activeElement as HTMLElement;
        const outlined = getComputedStyle(element).outlineStyle !== 'none';
        const name = element.dataset.part ?? (element.closest('.examples') ? 'example' : '');
        return outlined || name === 'question-box' ? name : `${name} without outline`;
      }),
    );
  }
  return names;
}
