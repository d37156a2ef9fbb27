/** Suggestions through the real worker: the draft model's, marked as its own, grounded by what the tenant has. */
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI, { BadRequestError, toFile } from 'openai';
import { beforeAll, describe, expect, test } from 'vitest';
import facts from '../../models/draft/edge.json' with { type: 'json' };
import { createKey } from '../support/keys.ts';
import { type SharedService, sharedService } from '../support/shared-service.ts';

/** Longer than a small segment of a store's text takes to be built. */
const CORPUS_MS = 2_000;
const PATIENCE_MS = 20_000;
/** Said nowhere else, so that only the store can go on with it. */
const RULE =
  'The beacon rule is that whoever meets the beacon keeper at the old stone bridge must offer seven silver coins.';
const PROMPT = 'The beacon rule is that whoever meets the beacon keeper at the old';

let service: SharedService;
let client: OpenAI;
let store: string;
beforeAll(async () => {
  service = await sharedService({ demo: false });
  // A tenant of its own: how drafts are weighed is learned from what its tenant was answered before.
  const apiKey = await createKey(service.databases, 'suggested');
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey, maxRetries: 0 });
  store = (await client.vectorStores.create({ name: 'village' })).id;
  await client.vectorStores.files.uploadAndPoll(
    store,
    await toFile(Buffer.from(`# Rules\n\n${RULE}`), 'rules.md'),
  );
  await sleep(CORPUS_MS);
});

interface Suggested extends OpenAI.Completion {
  suggestion?: boolean;
}

function suggest(prompt: string | number[], more: object = {}): Promise<Suggested> {
  const body = { model: service.model, prompt, suggest: true, max_tokens: 10, n: 3, ...more };
  return client.completions.create(body as OpenAI.CompletionCreateParamsNonStreaming);
}

const textsOf = ({ choices }: Suggested) => choices.map(({ text }) => text);

test('several short texts, marked as the draft model’s', async () => {
  const completion = await suggest('A draft tree holds');
  expect(completion).toMatchObject({
    object: 'text_completion',
    model: facts.id,
    suggestion: true,
    usage: { prompt_tokens: expect.any(Number), completion_tokens: expect.any(Number) },
  });
  expect(completion.model).not.toBe(service.model);
  expect(completion.choices.map(({ index }) => index)).toEqual([0, 1, 2]);
  expect(new Set(textsOf(completion)).size).toBe(3);
  for (const { text, finish_reason } of completion.choices) {
    expect(text.length).toBeGreaterThan(3);
    expect(['length', 'stop']).toContain(finish_reason);
  }
  expect(completion.usage!.completion_tokens).toBeLessThanOrEqual(30);
  const one = await suggest('A draft tree holds', { n: 1, max_tokens: 16 });
  expect(one.choices).toHaveLength(1);
});

test('what a store says is suggested, and not where it is not asked', async () => {
  const options = { vector_store_ids: [store], n: 8 };
  // A store that is late, on a busy machine, is done without: asked again it is there.
  await expect
    .poll(async () => textsOf(await suggest(PROMPT, options)).join(), { timeout: PATIENCE_MS })
    .toContain(' stone bridge');
  for (const without of [{ vector_store_ids: [] }, { speculation: { memory: false } }]) {
    const bare = await suggest(PROMPT, { ...options, ...without });
    expect(textsOf(bare).join()).not.toContain('stone');
  }
});

test('nothing of a file that is deleted is suggested', async () => {
  const { id } = await client.vectorStores.create({ name: 'short-lived' });
  const text = 'The lantern keeper of the harbour counts eleven copper bells before every dawn.';
  const file = await client.vectorStores.files.uploadAndPoll(
    id,
    await toFile(Buffer.from(text), 'lantern.md'),
  );
  await sleep(CORPUS_MS);
  const say = async () => {
    const options = { vector_store_ids: [id], n: 8 };
    return textsOf(await suggest('The lantern keeper of the harbour counts', options)).join();
  };
  await expect.poll(say, { timeout: PATIENCE_MS }).toContain('eleven');
  await client.files.delete(file.id);
  expect(await say()).not.toContain('eleven');
});

test('echo and stop do what they do to completions', async () => {
  const options = { vector_store_ids: [store], n: 1 };
  const [plain] = textsOf(await suggest(PROMPT, options));
  const [echoed] = textsOf(await suggest(PROMPT, { ...options, echo: true }));
  expect(echoed).toBe(PROMPT + plain);
  const cut = await suggest(PROMPT, { ...options, stop: plain!.slice(6, 10) });
  expect(cut.choices[0]).toMatchObject({ text: plain!.slice(0, 6), finish_reason: 'stop' });
});

test('more at a time than there is room for are refused with a reason, and then taken again', async () => {
  const post = () =>
    fetch(`${service.url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: 'why '.repeat(900), suggest: true, n: 8 }),
    });
  const responses = await Promise.all(Array.from({ length: 24 }, post));
  expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200, 503]));
  const refused = responses.find(({ status }) => status === 503)!;
  expect(refused.headers.get('retry-after')).not.toBeNull();
  expect(await refused.text()).toContain('as many suggestions are being made');
  expect((await post()).status).toBe(200);
});

describe('refusals name the field and the limit', () => {
  const refused: [string, object, string, RegExp][] = [
    ['seventeen tokens', { max_tokens: 17 }, 'max_tokens', /at most 16 with suggest/],
    ['nine drafts', { n: 9 }, 'n', /from 1 to 8/],
    ['two prompts', { prompt: ['a', 'b'] }, 'prompt', /one at a time/],
    ['a stream', { stream: true }, 'stream', /come whole/],
    ['a temperature', { temperature: 0.5 }, 'temperature', /changes nothing/],
    ['a seed', { seed: 1 }, 'seed', /changes nothing/],
    ['a budget', { speculation: { budget: 3 } }, 'speculation.budget', /not verified/],
    ['statistics', { speculation: { stats: true } }, 'speculation.stats', /not verified/],
    ['suggest of another kind', { suggest: 'yes' }, 'suggest', /true or false/],
  ];
  test.each(refused)('%s', async (_, body, param, message) => {
    const error = await suggest('Pears', { n: 1, ...body }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(BadRequestError);
    expect((error as BadRequestError).param).toBe(param);
    expect((error as BadRequestError).message).toMatch(message);
  });

  test('a prompt longer than the context', async () => {
    const error = await suggest('why '.repeat(5000)).catch((e: unknown) => e);
    expect((error as BadRequestError).code).toBe('context_length_exceeded');
  });
});
