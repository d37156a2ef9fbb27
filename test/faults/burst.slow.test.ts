/**
 * Many streams in one moment, through the service as `npm start` runs it: each is
 * whole, or refused in OpenAI's form with when to come again, and the service lives on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChatRefused, streamChat } from '../../bench/stream-chat.ts';
import { startService, type TestService } from '../support/service.ts';

const STREAMS = 120;

let service: TestService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service?.stop());

/** Prompts differ, so that they are not all one prefix; each searches the demo's store. */
const body = (i: number) => ({
  messages: [{ role: 'user', content: `What is the echo? (${i})` }],
  seed: i,
  max_tokens: 8,
});

type Outcome = 'whole' | 'refused' | string;

async function ask(i: number): Promise<Outcome> {
  try {
    const { finish } = await streamChat(service.url, body(i), { connection: 'close' });
    return finish === null ? 'no finish_reason' : 'whole';
  } catch (error) {
    if (!(error instanceof ChatRefused)) return `broken: ${error}`;
    const { status, retryAfter, message } = error;
    const inForm = /"error":\{"message":".+","type":"server_error"/.test(message);
    return inForm && status === 503 && Number(retryAfter) > 0 ? 'refused' : message;
  }
}

test('every stream is whole or refused with a reason, and health answers throughout', {
  timeout: 240_000,
}, async () => {
  await streamChat(service.url, body(-1));
  let over = false;
  const health: number[] = [];
  async function watch(): Promise<void> {
    while (!over) {
      const live = await fetch(`${service.url}/health/live`, { headers: { connection: 'close' } });
      health.push(live.status);
      await sleep(200);
    }
  }
  const watching = watch();
  const outcomes = await Promise.all(Array.from({ length: STREAMS }, (_, i) => ask(i)));
  over = true;
  await watching;
  expect(outcomes.filter((one) => one !== 'whole' && one !== 'refused')).toEqual([]);
  // More than there are slots: others had waited.
  expect(outcomes.filter((one) => one === 'whole').length).toBeGreaterThan(16);
  expect(new Set(health)).toEqual(new Set([200]));
  const active = async () =>
    ((await (await fetch(`${service.verifierUrl}/health`)).json()) as { active: number }).active;
  await expect.poll(active, { timeout: 15_000 }).toBe(0);
});
