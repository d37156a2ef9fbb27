/** The first minutes: nothing is answered from half of the documents, and a start that can't answer says so and ends. */
import { readdirSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { ingestDemo, isDemoCurrent } from '../../local/demo.ts';
import { freePort } from '../../local/process.ts';
import { startService as start } from '../../local/service.ts';
import { deriveModel } from '../support/derived-model.ts';
import { startService } from '../support/service.ts';
import { migratedState } from '../support/worker.ts';

const DOCUMENTS = readdirSync('docs').filter((name) => name.endsWith('.md')).length;

// biome-ignore lint/suspicious/noExplicitAny: what the API answers is what these tests look at
type Json = any;

async function send(url: string, body?: object): Promise<{ status: number; body: Json }> {
  const response = await fetch(url, {
    method: body ? 'POST' : 'GET',
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

test('asked from the first second on, it answers from all documents or not at all', async () => {
  const state = await migratedState();
  onTestFinished(() => rmSync(state, { recursive: true, force: true }));
  const [port, verifierPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  expect(isDemoCurrent(state)).toBe(false);
  const refusals = new Set<string>();
  let readyEarly = 0;
  let asking = true;
  async function ask(): Promise<void> {
    while (asking) {
      const question = {
        messages: [{ role: 'user', content: 'What is the echo?' }],
        max_tokens: 4,
      };
      const asked = await send(`${url}/v1/chat/completions`, question).catch(() => null);
      const health = await send(`${url}/health/ready`).catch(() => null);
      if (asked?.status === 200) {
        const { body } = await send(`${url}/v1/vector_stores`);
        const demo = body.data.find((store: Json) => store.name === 'demo');
        expect(demo.file_counts).toMatchObject({ completed: DOCUMENTS, total: DOCUMENTS });
        return;
      }
      if (asked) refusals.add(asked.body.error.message);
      if (health?.status === 200) readyEarly++;
      await sleep(100);
    }
  }
  const asked = ask();
  const service = await start({ port, verifierPort, state, vars: { DEMO: 'expected' } });
  onTestFinished(() => service.stop());
  await ingestDemo(url, state, () => {});
  expect((await send(`${url}/health/ready`)).status).toBe(200);
  await asked;
  asking = false;
  expect([...refusals].join()).toMatch(/the demo documents are being read, \d+ of \d+ so far/);
  // It can become ready between the question and the look at it, once.
  expect(readyEarly).toBeLessThan(2);
  expect(isDemoCurrent(state)).toBe(true);
}, 400_000);

test('a template that can’t be read ends the start with the reason', async () => {
  const broken = deriveModel('{% for turn in %}', []);
  onTestFinished(() => broken.remove());
  const starting = startService({ demo: false, model: broken.folder });
  await expect(starting).rejects.toThrow(
    /Espalier can't answer: the model's chat template can't be read/,
  );
}, 300_000);

test('a base model continues text, and refuses chat with the reason', async () => {
  const base = deriveModel(null, []);
  onTestFinished(() => base.remove());
  const service = await startService({ demo: false, model: base.folder });
  onTestFinished(() => service.stop());
  const text = await send(`${service.url}/v1/completions`, { prompt: 'The echo', max_tokens: 4 });
  expect(text.status).toBe(200);
  expect(text.body.choices[0].text.length).toBeGreaterThan(0);
  const chat = { messages: [{ role: 'user', content: 'x' }], vector_store_ids: [] };
  const refused = await send(`${service.url}/v1/chat/completions`, chat);
  expect(refused.status).toBe(400);
  expect(refused.body.error.message).toMatch(/no chat template: it continues text/);
}, 300_000);
