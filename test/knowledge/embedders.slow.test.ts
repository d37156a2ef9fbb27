/** One suite for all embedders: the bundled one, a BERT out of R2, and Workers AI's stand-in. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../../local/root.ts';
import { type ModelServer, startModelServer } from '../support/model-server.ts';
import { executeSql, startWorker, type Worker } from '../support/worker.ts';
import { workerConfig } from '../support/worker-config.ts';

const BERT = 'test/knowledge/fixtures/tiny-bert';
/** Made with the tokenizers library and onnxruntime for Python. */
const GOLDEN: { text: string; tokens: number; vector: number[] }[] = JSON.parse(
  readFileSync(join(BERT, 'golden.json'), 'utf8'),
);

const EMBEDDERS = [
  { setting: 'bundled', id: 'espalier-embed-1', dimensions: 256 },
  { setting: 'onnx:tiny-bert', id: 'tiny-bert', dimensions: 16 },
  { setting: 'workers-ai:@cf/stand/in', id: 'workers-ai:@cf/stand/in', dimensions: 32 },
];

const config = workerConfig({
  main: 'test/knowledge/stand-ins.ts',
  more: '[[services]]\nbinding = "AI"\nservice = "espalier"\nentrypoint = "StandInAi"\n',
});
let verifier: ModelServer;
beforeAll(async () => {
  verifier = await startModelServer();
});
afterAll(async () => {
  await verifier?.close();
  config.remove();
});

function startWith(setting: string): Promise<Worker> {
  return startWorker({
    verifierUrl: verifier.url,
    vars: { EMBEDDER: setting },
    config: config.path,
  });
}

async function putEncoder(worker: Worker): Promise<void> {
  const args = ['bin/espalier.mjs', 'embedder', 'add', BERT, '--state', worker.databases];
  await promisify(execFile)(process.execPath, args, { cwd: ROOT });
}

const clientOf = ({ url }: Worker) =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: 'local', maxRetries: 0 });

describe.each(EMBEDDERS)('$setting', ({ setting, id, dimensions }) => {
  let worker: Worker;
  let client: OpenAI;
  let store: string;
  beforeAll(async () => {
    worker = await startWith(setting);
    if (setting.startsWith('onnx:')) await putEncoder(worker);
    client = clientOf(worker);
  });
  afterAll(() => worker?.close());

  const embed = async (input: string[]) => {
    const { data } = await client.embeddings.create({ model: id, input, encoding_format: 'float' });
    return data.map(({ embedding }) => embedding);
  };

  test('/health names it', async () => {
    const health = await (await fetch(`${worker.url}/health`)).json();
    expect(health).toMatchObject({ embedder: { state: 'ready', id, dimensions } });
  });

  test('a text has one vector of unit length, whatever is beside it', async () => {
    const texts = [
      'the pear tree',
      'where do you find green pears',
      'fruit',
      'the tree '.repeat(90),
    ];
    const together = await embed(texts);
    for (const [i, text] of texts.entries()) {
      const [alone] = await embed([text]);
      expect(alone).toHaveLength(dimensions);
      expect(Math.hypot(...alone!)).toBeCloseTo(1, 4);
      alone!.forEach((value, at) => {
        expect(together[i]![at]).toBeCloseTo(value, 4);
      });
    }
  });

  test('more texts than it takes at a time come back in order', async () => {
    const texts = Array.from({ length: 130 }, (_, i) => (i % 2 ? 'pear tree' : 'green fruit'));
    const [even, odd] = await embed(['green fruit', 'pear tree']);
    const all = await embed(texts);
    all.forEach((vector, i) => {
      expect(vector[0]).toBeCloseTo((i % 2 ? odd : even)![0]!, 4);
    });
  });

  test('passages are found by it, and ranked', async () => {
    store = (await client.vectorStores.create({ name: 'orchard' })).id;
    const texts = ['The pear tree is green.', 'Where do you find the fruit?'];
    const files = await Promise.all(texts.map((text, i) => toFile(Buffer.from(text), `${i}.md`)));
    await client.vectorStores.fileBatches.uploadAndPoll(store, { files });
    for (const [i, query] of texts.entries()) {
      const options = { query, ranking_options: { method: 'vector' } };
      const { data } = await client.vectorStores.search(store, options as never);
      expect(data[0]).toMatchObject({ filename: `${i}.md`, score: 1 });
    }
  });

  // Again where they were made anew before the first search looked.
  test('vectors of another embedder are not compared with its own, but made anew', {
    retry: 2,
  }, async () => {
    // As if all had been ingested with another: what it says of dimensions must not matter.
    await executeSql(
      worker.databases,
      `UPDATE documents SET embedder = 'another';
       UPDATE chunk_vectors SET embedder = 'another', vector = x'0000803f7f'`,
    );
    const options = { query: 'the pear tree is green', ranking_options: { method: 'vector' } };
    const search = async () => (await client.vectorStores.search(store, options as never)).data;
    expect(await search()).toEqual([]);
    await expect.poll(search, { timeout: 20_000 }).toMatchObject([{ filename: '0.md' }, {}]);
  });
});

test('a BERT’s vectors are the reference’s: wordpieces, mean over the mask, cut at its length', async () => {
  const worker = await startWith('onnx:tiny-bert');
  try {
    await putEncoder(worker);
    const input = GOLDEN.map(({ text }) => text);
    const client = clientOf(worker);
    const request = { model: 'tiny-bert', input, encoding_format: 'float' as const };
    const { data, usage } = await client.embeddings.create(request);
    GOLDEN.forEach(({ vector }, i) => {
      vector.forEach((value, at) => {
        expect(data[i]!.embedding[at]).toBeCloseTo(value, 4);
      });
    });
    expect(usage.prompt_tokens).toBe(GOLDEN.reduce((sum, { tokens }) => sum + tokens, 0));
  } finally {
    await worker.close();
  }
});

test.each([
  ['onnx:nowhere', 'embedder add'],
  ['bigger', '"onnx:<name>"'],
])('EMBEDDER=%s: /health says what to do', async (setting, hint) => {
  const worker = await startWith(setting);
  try {
    const health = await (await fetch(`${worker.url}/health`)).json();
    expect(health).toMatchObject({
      embedder: { state: 'failed', reason: expect.stringContaining(hint) },
    });
  } finally {
    await worker.close();
  }
});
