/** A verifier that comes back with another model: the first request is made for that one already, and documents are prepared for it. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import OpenAI, { toFile } from 'openai';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../local/process.ts';
import { newLinkKeys, startVerifier } from '../../local/verifier.ts';
import { startWorker } from '../../local/worker.ts';
import { makeToolModel } from '../support/tool-model.ts';
import { executeSql, migratedState } from '../support/worker.ts';

/** The other model's own settings, which requests have that say nothing. */
const SAMPLING = { temperature: 0.8, top_p: 0.9, top_k: 20, repetition_penalty: 1.3, min_p: 0.01 };

function setSampling(folder: string): void {
  const file = join(folder, 'generation_config.json');
  const config = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...config, do_sample: true, ...SAMPLING }));
}

/** So many passages, in a file each. */
const FILES = 3;

test('its tokenizer reads the prompt, its name is reported, and documents get its tokens', async () => {
  const state = await migratedState();
  onTestFinished(() => rmSync(state, { recursive: true, force: true }));
  const other = makeToolModel();
  onTestFinished(() => other.remove());
  setSampling(other.folder);
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

  async function complete(sampling: object = { temperature: 0 }) {
    const response = await fetch(`${url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      // One token of the other model, several of the bundled one.
      body: JSON.stringify({ prompt: 'From <tool_call> > What', max_tokens: 8, ...sampling }),
    });
    expect(response.status).toBe(200);
    const { model, choices, usage } = (await response.json()) as {
      model: string;
      choices: { text: string }[];
      usage: { prompt_tokens: number };
    };
    return { model, text: choices[0]!.text, promptTokens: usage.prompt_tokens };
  }

  async function passages(): Promise<object> {
    return ((await (await fetch(`${url}/health`)).json()) as { passages: object }).passages;
  }
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'local' });
  const store = await client.vectorStores.create({ name: 'orchard' });
  const files = Array.from({ length: FILES }, (_, i) =>
    toFile(Buffer.from(`# Pear ${i}\n\nPear number ${i} is ripe in autumn.`), `${i}.md`),
  );
  await client.vectorStores.fileBatches.uploadAndPoll(store.id, {
    files: await Promise.all(files),
  });
  expect(await passages()).toEqual({ state: 'ready' });

  const before = await complete();
  await first.stop();
  await serve(other.folder);
  const after = await complete();
  expect(after.promptTokens).toBeLessThan(before.promptTokens);
  expect(after.model).not.toBe(before.model);
  expect(await complete()).toEqual(after);

  const seed = 5;
  const own = await complete({ seed });
  expect(own).toEqual(await complete({ seed, ...SAMPLING }));
  expect(own.text).not.toBe(after.text);
  // What the request says wins, one by one.
  expect((await complete({ seed, repetition_penalty: 1 })).text).toBe(
    (await complete({ seed, ...SAMPLING, repetition_penalty: 1 })).text,
  );

  expect(await passages()).toMatchObject({ documents: { of: FILES }, stores: { of: 1 } });
  await expect.poll(passages, { timeout: 30_000 }).toEqual({ state: 'ready' });
  const tokens = 'SELECT count(*) AS passages FROM chunk_tokens GROUP BY tokenizer';
  expect(await executeSql(worker.databases, tokens)).toEqual([
    { passages: FILES },
    { passages: FILES },
  ]);
});
