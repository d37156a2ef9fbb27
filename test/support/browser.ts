/** Headless chromium for the tests of the page, where the machine has one. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const MAC_CHROME = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

/** Quiet and offline: the browser's own traffic is no part of a test. */
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
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
