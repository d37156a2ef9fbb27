/** OpenAI's predicted outputs: fewer steps where the prediction is right, the same text whatever it is. */
import { randomBytes } from 'node:crypto';
import OpenAI, { BadRequestError } from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startedOnesAlwaysDraft } from '../support/always-draft.ts';
import { startService, type TestService } from '../support/service.ts';

let service: TestService;
let client: OpenAI;
startedOnesAlwaysDraft();
beforeAll(async () => {
  service = await startService({ demo: false });
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'local', maxRetries: 0 });
});
afterAll(() => service?.stop());

interface Stats {
  steps: number;
  by_source: Record<string, number>;
}
type Body = Partial<OpenAI.ChatCompletionCreateParamsNonStreaming> & { speculation?: object };

/** The model's end tokens are banned: answers are as long as they may be. */
const ENDLESS = { '0': -100, '2': -100 };

/** Hot and without documents, so that nothing but a prediction can know the answer. */
function ask(body: Body) {
  return client.chat.completions.create({
    model: service.model,
    messages: [{ role: 'user', content: 'What is the echo?' }],
    max_tokens: 60,
    temperature: 1.5,
    seed: 3,
    logit_bias: ENDLESS,
    ...{ vector_store_ids: [] },
    ...body,
    speculation: { memory: false, stats: true, draft_model: 'off', ...body.speculation },
  } as OpenAI.ChatCompletionCreateParamsNonStreaming);
}

const textOf = ({ choices }: OpenAI.ChatCompletion) => choices[0]!.message.content!;
const statsOf = ({ usage }: OpenAI.ChatCompletion) =>
  (usage as unknown as { speculation: Stats }).speculation;
const predicting = (content: string) => ({ prediction: { type: 'content' as const, content } });

describe('a prediction', () => {
  // In `streamed` a step that is faster than a tree goes without one.
  test.each([undefined, 'lockstep'])(
    'that is right saves most steps, with trees %s',
    async (trees) => {
      const plain = await ask({ speculation: { ablation: { trees } } });
      const predicted = await ask({
        ...predicting(textOf(plain)),
        speculation: { ablation: { trees } },
      });
      expect(textOf(predicted)).toBe(textOf(plain));
      expect(statsOf(predicted).steps).toBeLessThan(0.7 * statsOf(plain).steps);
      expect(statsOf(predicted).by_source.prediction).toBeGreaterThan(20);
      const { accepted_prediction_tokens, rejected_prediction_tokens } =
        predicted.usage!.completion_tokens_details!;
      expect(accepted_prediction_tokens).toBeGreaterThan(0.9 * predicted.usage!.completion_tokens);
      expect(rejected_prediction_tokens).toBeLessThan(3);
    },
  );

  test('that is half right saves some, and reports what was not said', async () => {
    const plain = await ask({});
    const text = textOf(plain);
    const half = `${text.slice(0, text.length / 2)} and something else, on and on, until its end`;
    const predicted = await ask(predicting(half));
    expect(textOf(predicted)).toBe(text);
    expect(statsOf(predicted).steps).toBeLessThan(statsOf(plain).steps);
    const { accepted_prediction_tokens, rejected_prediction_tokens } =
      predicted.usage!.completion_tokens_details!;
    expect(accepted_prediction_tokens).toBeGreaterThan(10);
    expect(rejected_prediction_tokens).toBeGreaterThan(5);
  });

  test.each([
    ['another answer', 'another answer'],
    ['end tokens', '<|im_end|>'.repeat(200)],
    ['one word over and over', 'a '.repeat(4_000)],
    ['no text at all', '\u0000\ud800'],
    ['nothing', ''],
  ])('that is wrong changes nothing: %s', async (_, content) => {
    const plain = await ask({});
    const predicted = await ask(predicting(content));
    expect(textOf(predicted)).toBe(textOf(plain));
    expect(statsOf(predicted).steps).toBeLessThanOrEqual(1.1 * statsOf(plain).steps + 2);
    expect(predicted.usage!.completion_tokens_details!.accepted_prediction_tokens).toBeLessThan(6);
  });

  test('goes with penalties, biases and log-probabilities', async () => {
    const controls = {
      frequency_penalty: 1,
      logit_bias: { ...ENDLESS, '100': -100 },
      logprobs: true,
    };
    for (const temperature of [0, 0.8]) {
      const off = await ask({ ...controls, temperature, speculation: { mode: 'off' } });
      const predicted = await ask({ ...controls, temperature, ...predicting(textOf(off)) });
      expect(textOf(predicted)).toBe(textOf(off));
      expect(statsOf(predicted).steps).toBeLessThan(statsOf(off).steps);
    }
  });

  test('is reported in a stream’s usage, and may come in parts', async () => {
    const text = textOf(await ask({}));
    const parts = [text.slice(0, 10), text.slice(10)].map((part) => ({
      type: 'text' as const,
      text: part,
    }));
    const stream = await client.chat.completions.create({
      model: service.model,
      messages: [{ role: 'user', content: 'What is the echo?' }],
      max_tokens: 60,
      temperature: 1.5,
      seed: 3,
      logit_bias: ENDLESS,
      ...{ vector_store_ids: [], speculation: { memory: false } },
      prediction: { type: 'content', content: parts },
      stream: true,
      stream_options: { include_usage: true },
    });
    let said = '';
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      said += chunk.choices[0]?.delta.content ?? '';
      usage = chunk.usage ?? usage;
    }
    expect(said).toBe(text);
    expect(usage!.completion_tokens_details!.accepted_prediction_tokens).toBeGreaterThan(40);
  });

  test.each<[string, Body, string, RegExp]>([
    ['several choices', { ...predicting('x'), n: 2 }, 'n', /only 1 beside a prediction/],
    ['another type', { prediction: { type: 'guess' } as never }, 'prediction.type', /"content"/],
    [
      'no content',
      { prediction: { type: 'content' } as never },
      'prediction.content',
      /required|string/,
    ],
    [
      'an image',
      { prediction: { type: 'content', content: [{ type: 'image_url' }] } as never },
      'prediction.content.0.type',
      /parts/,
    ],
    // "At least": known before all of it is tokenized.
    [
      'too many tokens',
      predicting('why? '.repeat(10_000)),
      'prediction',
      /at least \d+ tokens, but at most 16384 tokens/,
    ],
    [
      'a megabyte of base64',
      predicting(randomBytes(786_000).toString('base64')),
      'prediction',
      /at least \d+ tokens/,
    ],
    ['too much text', predicting('x'.repeat(1_100_000)), 'prediction', /1100000 characters/],
  ])('with %s is refused by name', async (_, body, param, message) => {
    const error = await ask(body).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(BadRequestError);
    expect((error as BadRequestError).param).toBe(param);
    expect((error as BadRequestError).message).toMatch(message);
  });
});
