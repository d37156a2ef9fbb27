/** Embeddings: the encoder in the real worker against its own reference, and what is refused. */
import { readFileSync } from 'node:fs';
import { Tokenizer } from '@huggingface/tokenizers';
import OpenAI from 'openai';
import { beforeAll, expect, test } from 'vitest';
import { type SharedService, sharedService } from '../support/shared-service.ts';

/** The limits that docs/api.md names. */
const MAX_INPUTS = 256;
const MAX_INPUT = 32_768;
const MODEL = 'espalier-embed-1';
/** Made by the recipe with the tokenizers library and onnxruntime for Python. */
const GOLDEN: { text: string; first: number[] }[] = JSON.parse(
  readFileSync('models/embedder/golden.json', 'utf8'),
);

let service: SharedService;
let client: OpenAI;

beforeAll(async () => {
  service = await sharedService({ demo: false });
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'local', maxRetries: 0 });
});

const embed = async (input: string | string[], encoding_format: 'float' | 'base64' = 'float') =>
  (await client.embeddings.create({ model: MODEL, input, encoding_format })).data;

test.each(GOLDEN)('the reference’s vector: $text', async ({ text, first }) => {
  const { embedding } = (await embed(text))[0]!;
  expect(embedding).toHaveLength(256);
  expect(Math.hypot(...embedding)).toBeCloseTo(1, 5);
  first.forEach((value, i) => {
    expect(embedding[i]).toBeCloseTo(value, 4);
  });
});

test('base64 holds the same numbers, and the SDK’s own choice is read by it', async () => {
  const [float] = await embed('candidate tree');
  const [encoded] = await embed('candidate tree', 'base64');
  const bytes = Buffer.from(encoded!.embedding as unknown as string, 'base64');
  const decoded = new Float32Array(new Uint8Array(bytes).buffer);
  expect([...decoded]).toEqual([...Float32Array.from(float!.embedding)]);
  const { data, usage } = await client.embeddings.create({ model: MODEL, input: 'candidate tree' });
  expect([...data[0]!.embedding]).toEqual([...decoded]);
  expect(usage.prompt_tokens).toBeGreaterThan(0);
});

test('a text’s vector does not depend on the texts beside it', async () => {
  const texts = ['one', 'How is a file deleted from a store?', 'two words', 'x '.repeat(500)];
  const together = await embed(texts);
  for (const [i, text] of texts.entries()) {
    const [alone] = await embed(text);
    alone!.embedding.forEach((value, at) => {
      expect(together[i]!.embedding[at]).toBeCloseTo(value, 5);
    });
  }
});

test('token ids of the embedder’s tokenizer give their text’s vector', async () => {
  const file = readFileSync('web/embedder/tokenizer.json', 'utf8');
  const tokenizer = new Tokenizer(JSON.parse(file), {});
  const texts = ['When are pears pruned?', 'Ähren, 1234 and 日本'];
  const ids = texts.map((text) => tokenizer.encode(text).ids);
  const expected = await embed(texts);
  const { data, usage } = await client.embeddings.create({ model: MODEL, input: ids });
  expect(usage.prompt_tokens).toBe(ids.flat().length);
  const [alone] = (await client.embeddings.create({ model: MODEL, input: ids[0]! })).data;
  for (const [i, { embedding }] of [...data, alone!].entries()) {
    embedding.forEach((value, at) => {
      expect(value).toBeCloseTo(expected[i % 2]!.embedding[at]!, 5);
    });
  }
});

test('a text without words is a vector of zeros, not of NaN', async () => {
  const { embedding } = (await embed('?!'))[0]!;
  expect(embedding.every((value) => value === 0)).toBe(true);
});

test.each([
  ['another model', { model: 'text-embedding-3-small', input: 'a' }, 404, 'model'],
  ['no input', { model: MODEL }, 400, 'input'],
  ['an empty text', { model: MODEL, input: '' }, 400, 'input'],
  ['a token of no vocabulary', { model: MODEL, input: [1, 16_384] }, 400, 'input'],
  ['texts and token ids mixed', { model: MODEL, input: ['a', [1]] }, 400, 'input.1'],
  ['no token ids', { model: MODEL, input: [[]] }, 400, 'input.0'],
  ['too many texts', { model: MODEL, input: Array(MAX_INPUTS + 1).fill('a') }, 400, 'input'],
  ['too long a text', { model: MODEL, input: 'a'.repeat(MAX_INPUT + 1) }, 400, 'input'],
  [
    'too much together',
    { model: MODEL, input: Array(40).fill('a'.repeat(MAX_INPUT)) },
    400,
    'input',
  ],
  ['fewer dimensions', { model: MODEL, input: 'a', dimensions: 64 }, 400, 'dimensions'],
  [
    'another encoding',
    { model: MODEL, input: 'a', encoding_format: 'int8' },
    400,
    'encoding_format',
  ],
  ['what the text is for', { model: MODEL, input: 'a', input_type: 'query' }, 400, 'input_type'],
])('%s: refused by name', async (_, body, status, param) => {
  const response = await fetch(`${service.url}/v1/embeddings`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  const { error } = (await response.json()) as { error: { param: string } };
  expect([response.status, error.param]).toEqual([status, param]);
});
