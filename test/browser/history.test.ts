/** What the page sends along of a conversation in which questions were repeated. */
import { describe, expect, it } from 'vitest';
import { findChromium } from '../support/browser.ts';
import { lettersOf, visitShared } from './visit.ts';

describe.skipIf(!findChromium())('the history', () => {
  const shared = visitShared({ demo: true });

  it('sends an earlier question once, however often it was asked again or compared', async () => {
    const visit = await shared.begin();
    const { page } = visit;
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByLabel('Send earlier turns along').check();
    const sent: string[][] = [];
    page.on('request', (request) => {
      if (request.method() !== 'POST') return;
      const { messages } = request.postDataJSON() as { messages: { content: string }[] };
      sent.push(messages.map(({ content }) => content));
    });
    const ended = (turn: number) =>
      page.waitForSelector(`.turn:nth-child(${turn})[data-state=ended]`);
    const press = (turn: number, name: string) =>
      page.locator(`.turn:nth-child(${turn})`).getByRole('button', { name }).click();
    await visit.ask('What is the echo?');
    await ended(1);
    await press(1, 'Compare without drafting');
    await ended(2);
    await press(1, 'Ask again');
    await ended(3);
    await visit.ask('And what is credit?');
    await ended(4);
    const [question, answer, ...more] = sent[3]!;
    expect([question, ...more]).toEqual(['What is the echo?', 'And what is credit?']);
    expect(lettersOf(answer!)).toBe(lettersOf(await visit.read('.turn:nth-child(3) .answer')));
  });
});
