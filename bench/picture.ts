/**
 * Draws the README's picture: asks the page of a running service one question twice in a
 * real browser, compares the second answer with one without drafting, and takes a picture
 * of what the page shows of the second.
 *
 *     npm start -- --model qwen2.5-coder-0.5b
 *     npm run picture -- "What is the echo?"
 */
import { statSync } from 'node:fs';
import { findChromium, openBrowser } from '../test/support/browser.ts';

const FILE = 'docs/answer.png';
const MAX_BYTES = 200_000;
const ANSWER_MS = 300_000;

async function main(): Promise<void> {
  const [question = 'What is the echo?', url = 'http://localhost:8787'] = process.argv.slice(2);
  const chromium = findChromium();
  if (!chromium) throw new Error('no chromium found: install one, or set CHROMIUM to its path');
  const browser = await openBrowser(chromium);
  try {
    const page = await browser.newPage({ viewport: { width: 1180, height: 760 } });
    const ended = (turn: number) =>
      page.waitForSelector(`.turn:nth-child(${turn})[data-state=ended]`, { timeout: ANSWER_MS });
    const ask = async () => {
      await page.fill('#question-box', question);
      await page.press('#question-box', 'Enter');
      await ended(1);
    };
    await page.goto(url);
    await ask();
    await page.getByRole('button', { name: 'New conversation' }).click();
    await ask();
    await page.getByRole('button', { name: 'Compare without drafting' }).click();
    await ended(2);
    await page.evaluate(() => scrollTo(0, 0));
    await page.screenshot({ path: FILE });
  } finally {
    await browser.close();
  }
  const { size } = statSync(FILE);
  if (size > MAX_BYTES) throw new Error(`${FILE} has ${size} bytes, more than ${MAX_BYTES}`);
  console.log(`${FILE}, ${size} bytes`);
}

await main();
