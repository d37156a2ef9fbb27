/** The page open in a browser, as its tests look at it. */
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { findChromium, type Misdeeds, openBrowser, watch } from '../support/browser.ts';
import { type SharedService, sharedService } from '../support/shared-service.ts';

const ENDED = '.turn:last-child[data-state=ended]';

export class Visit {
  readonly page: Page;
  readonly misdeeds: Misdeeds;

  private constructor(page: Page, origin: string) {
    this.page = page;
    this.misdeeds = watch(page, origin);
  }

  /** Opens the page at `url` in a context of its own, and waits for its examples. */
  static async begin(
    browser: Browser,
    url: string,
    options: BrowserContextOptions = {},
  ): Promise<Visit> {
    const context = await browser.newContext(options);
    const visit = new Visit(await context.newPage(), new URL(url).origin);
    await visit.page.goto(url);
    await visit.page.waitForSelector('.examples li');
    return visit;
  }

  end(): Promise<void> {
    return this.page.context().close();
  }

  get firstExample(): Locator {
    return this.page.locator('.examples button').first();
  }

  async ask(question: string): Promise<void> {
    await this.page.fill('#question-box', question);
    await this.page.press('#question-box', 'Enter');
  }

  /** Waits until the last turn is over. */
  async ended(): Promise<void> {
    await this.page.waitForSelector(ENDED);
  }

  async read(selector: string): Promise<string> {
    return ((await this.page.textContent(selector)) ?? '').trim();
  }

  /** A part of the last turn. */
  text(name: string): Promise<string> {
    return this.read(`.turn:last-child [data-part=${name}]`);
  }

  /** The last answer as it is shown, without the buttons of code. */
  answer(): Promise<string> {
    return this.page.locator('.turn:last-child .answer').evaluate((element) => {
      const copy = element.cloneNode(true) as HTMLElement;
      for (const button of copy.querySelectorAll('button')) button.remove();
      return copy.textContent ?? '';
    });
  }
}

/** What is left of Markdown when it is shown, whatever its marks become. */
export function lettersOf(text: string): string {
  return text.replace(/[^\p{L}\p{N}]/gu, '');
}

/** One visit a test to a shared service's page, over when the test is. */
export function visitShared(options: { demo: boolean }) {
  let browser: Browser;
  let service: SharedService;
  let visit: Visit | undefined;
  beforeAll(async () => {
    browser = await openBrowser(findChromium()!);
    service = await sharedService(options);
  });
  afterAll(() => browser?.close());
  afterEach(() => visit?.end());
  return {
    get service() {
      return service;
    },
    async begin(context: BrowserContextOptions = {}): Promise<Visit> {
      visit = await Visit.begin(browser, service.url, context);
      return visit;
    },
  };
}
