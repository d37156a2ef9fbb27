/** POST /v1/completions as the `openai` package calls it, against the real service. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI, { BadRequestError, toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../../local/root.ts';
import { createTokenizer, type ModelTokenizer } from '../../src/model/tokenizer.ts';
import { startedOnesAlwaysDraft } from '../support/always-draft.ts';
import { createKey } from '../support/keys.ts';
import { startService, type TestService } from '../support/service.ts';

const QUESTIONS: string[] = JSON.parse(readFileSync(join(ROOT, 'web/demo/questions.json'), 'utf8'));
const read = (path: string) => JSON.parse(readFileSync(join(ROOT, path), 'utf8'));

/** Longer than a small segment of a store's text takes to be built. */
const CORPUS_MS = 30_000;
/** Longer than an answer takes to be kept, and counted, after its last byte. */
const SETTLED_MS = 300;

startedOnesAlwaysDraft();
let service: TestService;
let client: OpenAI;
let tokenizer: ModelTokenizer;
afterAll(() => service?.stop());
beforeAll(async () => {
  service = await startService({ demo: false });
  // A tenant of its own: how drafts are weighed is learned from what its tenant was answered before.
  const apiKey = await createKey(service.worker.databases, 'completed');
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey, maxRetries: 0 });
  tokenizer = createTokenizer(
    read('models/target/tokenizer.json'),
    read('models/target/tokenizer_config.json'),
  );
});

/** What the bundled model's chat template makes of a question. */
function asked(question: string): string {
  return `<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n`;
}

type Body = Partial<OpenAI.CompletionCreateParamsNonStreaming> & {
  speculation?: object;
  vector_store_ids?: string[];
};

function complete(prompt: string | string[] | number[] | number[][], body: Body = {}) {
  return client.completions.create({ model: service.model, prompt, ...body });
}

/** The one choice of a stream, put together. */
async function streamed(prompt: string, body: Body) {
  const stream = await client.completions.create({
    model: service.model,
    prompt,
    ...body,
    stream: true,
  });
  let text = '';
  const logprobs = { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] };
  for await (const { choices } of stream) {
    text += choices[0]!.text;
    for (const [name, list] of Object.entries(logprobs) as [keyof typeof logprobs, unknown[]][]) {
      list.push(...(choices[0]!.logprobs?.[name] ?? []));
    }
  }
  return { text, logprobs };
}

async function fetchedSoFar(): Promise<number> {
  const page = await (await fetch(`${service.url}/metrics`)).text();
  return Number(/^espalier_draft_memory_tokens_total\{store="T"\} (\d+)$/m.exec(page)?.[1] ?? 0);
}

interface SpeculationStats {
  steps: number;
  mean_accepted: number;
  by_source: Record<string, number>;
}

function speculationOf({ usage }: OpenAI.Completion): SpeculationStats {
  return (usage as unknown as { speculation: SpeculationStats }).speculation;
}

describe('a prompt is continued as it is', () => {
  test('no template, no passages: the tokens of the prompt alone, 16 tokens unless asked otherwise', async () => {
    const prompt = 'The worker sends a tree of candidates';
    const completion = await complete(prompt);
    expect(completion.object).toBe('text_completion');
    expect(completion.id).toMatch(/^cmpl-/);
    expect(completion.choices).toEqual([
      { index: 0, text: expect.any(String), logprobs: null, finish_reason: 'length' },
    ]);
    expect(completion.usage).toMatchObject({
      prompt_tokens: tokenizer.encode(prompt).length,
      completion_tokens: 16,
    });
  });

  test('special tokens count: the chat template by hand says what chat says', async () => {
    const question = 'What is credit?';
    const chat = await client.chat.completions.create({
      model: service.model,
      messages: [{ role: 'user', content: question }],
      max_tokens: 60,
      temperature: 0.8,
      seed: 5,
      ...{ vector_store_ids: [] },
    });
    const { choices, usage } = await complete(asked(question), {
      max_tokens: 60,
      temperature: 0.8,
      seed: 5,
    });
    expect(choices[0]!.text).toBe(chat.choices[0]!.message.content);
    expect(choices[0]!.finish_reason).toBe(chat.choices[0]!.finish_reason);
    expect(usage).toMatchObject({
      prompt_tokens: chat.usage!.prompt_tokens,
      completion_tokens: chat.usage!.completion_tokens,
    });
  });

  test('token ids say what their text says, and lists what their prompts say alone', async () => {
    const prompts = QUESTIONS.slice(0, 3).map(asked);
    const ids = prompts.map((prompt) => [...tokenizer.encode(prompt)]);
    const options = { max_tokens: 12, temperature: 0.8, seed: 3 };
    const alone = [];
    for (const prompt of prompts) alone.push((await complete(prompt, options)).choices[0]!.text);
    expect((await complete(ids[0]!, options)).choices[0]!.text).toBe(alone[0]);
    for (const list of [prompts, ids]) {
      const { choices, usage } = await complete(list, options);
      expect(choices.map(({ index }) => index)).toEqual([0, 1, 2]);
      expect(choices.map(({ text }) => text)).toEqual(alone);
      expect(usage!.prompt_tokens).toBe(ids.flat().length);
    }
  });
});

describe('what is given back', () => {
  test('streaming: the same texts by index, usage last and only on request', async () => {
    const prompt = QUESTIONS.slice(0, 2).map(asked);
    const options = { prompt, max_tokens: 30, model: service.model, echo: true };
    const whole = await client.completions.create(options);
    const stream = await client.completions.create({
      ...options,
      stream: true,
      stream_options: { include_usage: true },
    });
    const texts = ['', ''];
    const finishes: string[] = [];
    const chunks = [];
    for await (const chunk of stream) {
      chunks.push(chunk);
      for (const { index, text, finish_reason } of chunk.choices) {
        texts[index] += text;
        if (finish_reason) finishes[index] = finish_reason;
      }
    }
    expect(texts).toEqual(whole.choices.map(({ text }) => text));
    expect(finishes).toEqual(whole.choices.map(({ finish_reason }) => finish_reason));
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { total_tokens: expect.any(Number) },
    });
    expect(chunks.filter(({ usage }) => usage)).toHaveLength(1);
    const silent = await client.completions.create({ ...options, stream: true });
    for await (const chunk of silent) expect(chunk.usage).toBeUndefined();
  });

  test('echo begins each text with its prompt, as text where it came as tokens', async () => {
    const prompt = asked(QUESTIONS[0]!);
    const plain = await complete(prompt, { max_tokens: 8 });
    for (const given of [prompt, [...tokenizer.encode(prompt)]]) {
      const echoed = await complete(given, { max_tokens: 8, echo: true });
      expect(echoed.choices[0]!.text).toBe(prompt + plain.choices[0]!.text);
      expect(echoed.usage!.completion_tokens).toBe(plain.usage!.completion_tokens);
    }
  });

  test.each([0, 0.8])(
    'at temperature %f: every token with its place in the text, as chat reports it, whole and streamed',
    async (temperature) => {
      const question = 'What does – “a curly” – quote cost?';
      const drawing = { temperature, seed: 4, max_tokens: 30 };
      const chat = await client.chat.completions.create({
        model: service.model,
        messages: [{ role: 'user', content: question }],
        ...drawing,
        logprobs: true,
        top_logprobs: 3,
        ...{ vector_store_ids: [] },
      });
      const { content } = chat.choices[0]!.logprobs!;
      const { text, logprobs } = (await complete(asked(question), { ...drawing, logprobs: 3 }))
        .choices[0]!;
      expect(text).toBe(chat.choices[0]!.message.content);
      expect(logprobs!.tokens).toEqual(content!.map(({ token }) => token));
      const { token_logprobs, top_logprobs, text_offset } = logprobs!;
      content!.forEach(({ token, logprob, bytes, top_logprobs: rivals }, i) => {
        expect(token_logprobs![i]).toBeCloseTo(logprob, 4);
        expect(Object.keys(top_logprobs![i]!)).toContain(token);
        for (const rival of rivals) {
          expect(top_logprobs![i]![rival.token]).toBeCloseTo(rival.logprob, 4);
        }
        const before = content!.slice(0, i).flatMap((one) => one.bytes ?? []);
        const said = Buffer.from(before).toString().replace(/�+$/, '');
        expect(text_offset![i]).toBe(said.length);
        expect(bytes === null || text.includes(said)).toBe(true);
      });

      const stream = await streamed(asked(question), { ...drawing, logprobs: 3 });
      expect(stream.text).toBe(text);
      expect(stream.logprobs).toMatchObject({ tokens: logprobs!.tokens, text_offset });
      stream.logprobs.token_logprobs.forEach((logprob, i) => {
        expect(logprob).toBeCloseTo(token_logprobs![i]!, 3);
      });
      expect(stream.logprobs.top_logprobs.map(Object.keys)).toEqual(top_logprobs!.map(Object.keys));
    },
  );

  test('no alternatives but the tokens’ own log-probabilities', async () => {
    const { choices } = await complete('A pear', { max_tokens: 4, logprobs: 0 });
    expect(choices[0]!.logprobs).toMatchObject({ top_logprobs: null });
    expect(choices[0]!.logprobs!.token_logprobs).toHaveLength(4);
  });

  test('n: the first draws with the seed itself, the others each with its own; the prompt counts once', async () => {
    // Of what the model is sure of, four draws may be the same text.
    const prompt = asked('What happens to a request?');
    const options = { max_tokens: 24, temperature: 1.2, seed: 9 };
    const one = await complete(prompt, options);
    const four = await complete(prompt, { ...options, n: 4, best_of: 4 });
    expect(four.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    expect(four.choices[0]!.text).toBe(one.choices[0]!.text);
    expect(new Set(four.choices.map(({ text }) => text)).size).toBe(4);
    expect(four.usage!.prompt_tokens).toBe(one.usage!.prompt_tokens);
    expect(four.usage!.completion_tokens).toBeGreaterThan(one.usage!.completion_tokens);
    const again = await complete(prompt, { ...options, n: 4 });
    expect(again.choices).toEqual(four.choices);
  });
});

describe('drafting changes steps, not texts', () => {
  describe.each([0, 0.8])('at temperature %f', (temperature) => {
    test.each(['Espalier', '# Pruning\n\nPears are'])('%j', async (prompt) => {
      const options = { max_tokens: 60, temperature, seed: 42 };
      const off = await complete(prompt, {
        ...options,
        speculation: { mode: 'off', stats: true },
      });
      expect(speculationOf(off).mean_accepted).toBe(1);
      for (const speculation of [
        { stats: true },
        { ablation: { trees: 'streamed', draft_model: 'always' } },
        { ablation: { trees: 'lockstep' }, budget: 3 },
      ]) {
        const on = await complete(prompt, { ...options, speculation });
        expect(on.choices).toEqual(off.choices);
      }
    });
  });

  test('what a store has is drafted from, and enters no prompt', async () => {
    const prompt = asked('Tell me about the weather.');
    const { id: store } = await client.vectorStores.create({ name: 'weather' });
    const options = { max_tokens: 100, temperature: 0.8, seed: 11, vector_store_ids: [store] };
    const alone = await complete(prompt, { ...options, speculation: { stats: true } });
    const said = Buffer.from(alone.choices[0]!.text);
    expect(said.length).toBeGreaterThan(100);
    await client.vectorStores.files.uploadAndPoll(store, await toFile(said, 'weather.md'));
    const ask = () => complete(prompt, { ...options, speculation: { stats: true } });
    const quoting = async () => speculationOf(await ask()).by_source.corpus ?? 0;
    await expect.poll(quoting, { timeout: CORPUS_MS, interval: 500 }).toBeGreaterThan(10);
    const quoted = await ask();
    expect(quoted.choices).toEqual(alone.choices);
    expect(quoted.usage!.prompt_tokens).toBe(alone.usage!.prompt_tokens);
    expect(speculationOf(quoted).steps).toBeLessThan(speculationOf(alone).steps);
  });

  test('nothing of it is kept for later answers', async () => {
    /** Tokens of past answers that a completion is given to draft from. */
    async function recalled(): Promise<number> {
      const before = await fetchedSoFar();
      await complete('Tell me of pears', { max_tokens: 60, temperature: 0.8, seed: 2 });
      await sleep(SETTLED_MS);
      return (await fetchedSoFar()) - before;
    }
    const first = await recalled();
    expect(await recalled()).toBe(first);
  });
});

describe('refusals name the field and the limit', () => {
  const refused: [string, object, string, RegExp][] = [
    ['no prompt', { prompt: undefined }, 'prompt', /is required|must be a text/],
    ['a prompt that is empty', { prompt: '' }, 'prompt', /is empty: send some text/],
    ['no tokens', { prompt: [] }, 'prompt', /must be a text|is empty/],
    ['an empty prompt among others', { prompt: ['a', ''] }, 'prompt.1', /is empty/],
    ['texts and tokens mixed', { prompt: ['a', 5] }, 'prompt.1', /must be a text/],
    ['a number', { prompt: 5 }, 'prompt', /must be a text/],
    ['a token of no vocabulary', { prompt: [300, 6144] }, 'prompt', /6144 is no token of/],
    ['a negative token', { prompt: [-1] }, 'prompt.0', /token ids/],
    ['half a token', { prompt: [1.5] }, 'prompt.0', /token ids/],
    ['nine prompts', { prompt: Array(9).fill('a') }, 'prompt', /up to 8/],
    ['too many choices together', { prompt: ['a', 'b', 'c'], n: 3 }, 'n', /at most 8 choices/],
    ['best_of above n', { n: 2, best_of: 4 }, 'best_of', /not ranked: send n, 2/],
    ['six alternatives', { logprobs: 6 }, 'logprobs', /from 0 to 5/],
    ['logprobs as in chat', { logprobs: true }, 'logprobs', /from 0 to 5/],
    ['echo beside logprobs', { echo: true, logprobs: 1 }, 'echo', /not beside logprobs/],
    ['suffix', { suffix: 'the end' }, 'suffix', /not supported/],
    ['messages', { messages: [] }, 'messages', /not supported/],
    ['a trace', { speculation: { trace: true } }, 'speculation.trace', /only \/v1\/chat/],
  ];
  test.each(refused)('%s', async (_, body, param, message) => {
    const error = await client.completions
      .create({ model: service.model, prompt: 'Pears', ...body } as never)
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(BadRequestError);
    expect((error as BadRequestError).param).toBe(param);
    expect((error as BadRequestError).message).toMatch(message);
  });
});
