/** A verifier that comes back with another model: the first request is made for that one already. */
import { rmSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../local/process.ts';
import { newLinkKeys, startVerifier } from '../../local/verifier.ts';
import { startWorker } from '../../local/worker.ts';
import { makeToolModel } from '../support/tool-model.ts';
import { migratedState } from '../support/worker.ts';

test('its tokenizer reads the prompt, and its name is reported', async () => {
  const state = await migratedState();
  onTestFinished(() => rmSync(state, { recursive: true, force: true }));
  const other = makeToolModel();
  onTestFinished(() => other.remove());
  const keys = newLinkKeys();
  const [port, verifierPort] = [await freePort(), await freePort()];
  const verifierUrl = `http://127.0.0.1:${verifierPort}`;
  async function serve(model?: string) {
    const verifier = startVerifier({ port: verifierPort, state, model, keys });
    onTestFinished(() => verifier.stop());
    await verifier.ready();
    return verifier;
  }
  const first = await serve();
  const worker = await startWorker({ port, verifierUrl, state, keys });
  onTestFinished(() => worker.stop());
  const { url } = worker;

  async function complete() {
    const response = await fetch(`${url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      // One token of the other model, several of the bundled one.
      body: JSON.stringify({ prompt: 'From <tool_call> > What', max_tokens: 8, temperature: 0 }),
    });
    expect(response.status).toBe(200);
    const { model, choices, usage } = (await response.json()) as {
      model: string;
      choices: { text: string }[];
      usage: { prompt_tokens: number };
    };
    return { model, text: choices[0]!.text, promptTokens: usage.prompt_tokens };
  }

  const before = await complete();
  await first.stop();
  await serve(other.folder);
  const after = await complete();
  expect(after.promptTokens).toBeLessThan(before.promptTokens);
  expect(after.model).not.toBe(before.model);
  expect(await complete()).toEqual(after);
});
