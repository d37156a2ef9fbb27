/** A draft model that is added while the real worker serves: found within a minute, swapped between turns, the text unchanged. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { streamChat } from '../../bench/stream-chat.ts';
import { ROOT } from '../../local/root.ts';
import { LOOK_MS } from '../../src/generate/draft-model/draft-choice.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
// A second try has to begin with the bundled one again.
beforeEach(async () => {
  service = await startService({ demo: false });
});
afterEach(() => service?.stop());

async function draftModel() {
  const health = (await (await fetch(`${service.url}/health`)).json()) as {
    draft_model: { state: string; source?: string };
  };
  return health.draft_model;
}

async function ask(speculation: object): Promise<string> {
  const { text } = await streamChat(service.url, {
    messages: [{ role: 'user', content: 'What is a hook?' }],
    temperature: 0.8,
    seed: 3,
    max_tokens: 60,
    speculation: { memory: false, ...speculation },
  });
  return text;
}

test('an added draft takes the place of the bundled one while answers go on', async () => {
  const plain = await ask({ mode: 'off' });
  const always = { ablation: { draft_model: 'always' } };
  expect(await draftModel()).toMatchObject({ state: 'ready', source: 'bundled' });
  const args = ['bin/espalier.mjs', 'draft', 'add', 'models/draft', '--layers', '2'];
  const where = ['--state', service.worker.databases];
  await promisify(execFile)(process.execPath, [...args, ...where], { cwd: ROOT });

  // On a busy machine the new one may be there before anybody asks again.
  const sources = new Set(['bundled']);
  const until = Date.now() + 2 * LOOK_MS;
  while (Date.now() < until && !sources.has('r2')) {
    for (const text of await Promise.all([ask(always), ask(always)])) expect(text).toBe(plain);
    const { state, source } = await draftModel();
    // The next turn loads it.
    if (state !== 'cold') sources.add(source ?? state);
  }
  expect([...sources]).toEqual(['bundled', 'r2']);
  expect(await ask(always)).toBe(plain);
});
