/** Several choices of one request, as the `openai` package asks for them. */
import OpenAI, { BadRequestError } from 'openai';
import { beforeAll, expect, test } from 'vitest';
import { CLIENT_DEADLINE_MS } from '../../src/api/answers/client-stream.ts';
import { type SharedService, sharedService } from '../support/shared-service.ts';

let service: SharedService;
let client: OpenAI;
beforeAll(async () => {
  service = await sharedService({ demo: true });
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'local', maxRetries: 0 });
});

const BODY = {
  messages: [{ role: 'user' as const, content: 'What is the session store?' }],
  max_tokens: 24,
  temperature: 1.2,
  seed: 5,
};

type Body = Partial<OpenAI.ChatCompletionCreateParamsNonStreaming> & { speculation?: object };

function ask(body: Body) {
  return client.chat.completions.create({
    model: service.model,
    ...BODY,
    ...body,
  } as OpenAI.ChatCompletionCreateParamsNonStreaming);
}

const textsOf = ({ choices }: OpenAI.ChatCompletion) =>
  choices.map(({ message }) => message.content!);

test('the first is what one alone is, the others are others, each the same again', async () => {
  const alone = await ask({});
  const three = await ask({ n: 3 });
  expect(three.choices.map(({ index }) => index)).toEqual([0, 1, 2]);
  const texts = textsOf(three);
  expect(texts[0]).toBe(textsOf(alone)[0]);
  expect(new Set(texts).size).toBe(3);
  expect(textsOf(await ask({ n: 2 }))).toEqual(texts.slice(0, 2));
  expect(textsOf(await ask({ seed: BODY.seed + 2 }))).toEqual(texts.slice(2));
});

test('drafting changes none of them', async () => {
  const off = textsOf(await ask({ n: 3, speculation: { mode: 'off' }, frequency_penalty: 0.5 }));
  for (const speculation of [
    {},
    { ablation: { trees: 'lockstep' } },
    { memory: false, budget: 64 },
  ]) {
    expect(textsOf(await ask({ n: 3, speculation, frequency_penalty: 0.5 }))).toEqual(off);
  }
});

test('the prompt counts once, what is said as often as it is', async () => {
  const one = (await ask({ logprobs: true })).usage!;
  const four = await ask({ n: 4, logprobs: true });
  const said = four.choices.map(({ logprobs }) => logprobs!.content!.length);
  expect(four.usage!.prompt_tokens).toBe(one.prompt_tokens);
  expect(four.usage!.completion_tokens).toBeGreaterThanOrEqual(said.reduce((a, b) => a + b));
  expect(four.usage!.total_tokens).toBe(four.usage!.prompt_tokens + four.usage!.completion_tokens);
});

test('a stream brings them side by side, distinguished by their index', async () => {
  const n = 3;
  const whole = await ask({ n, logprobs: true });
  const stream = await client.chat.completions.create({
    model: service.model,
    ...BODY,
    n,
    logprobs: true,
    stream: true,
    stream_options: { include_usage: true },
    // A token a step: drafted, one choice may be said before another begins.
    ...{ speculation: { mode: 'off' } },
  });
  const texts = new Array<string>(n).fill('');
  const finishes = new Array<string | null>(n).fill(null);
  const order: number[] = [];
  let usage: OpenAI.CompletionUsage | null | undefined;
  for await (const chunk of stream) {
    usage = chunk.usage ?? usage;
    for (const { index, delta, finish_reason } of chunk.choices) {
      if (delta.content) order.push(index);
      texts[index] += delta.content ?? '';
      expect(finishes[index]).toBeNull();
      finishes[index] = finish_reason;
    }
  }
  expect(texts).toEqual(textsOf(whole));
  expect(finishes).toEqual(whole.choices.map(({ finish_reason }) => finish_reason));
  expect(usage!.completion_tokens).toBe(whole.usage!.completion_tokens);
  // Not one after the other.
  expect(order.lastIndexOf(0)).toBeGreaterThan(order.indexOf(2));
});

test('a client that leaves ends all of them', async () => {
  const active = async () =>
    ((await (await fetch(`${service.verifierUrl}/health`)).json()) as { active: number }).active;
  const stream = await client.chat.completions.create({
    model: service.model,
    messages: BODY.messages,
    n: 4,
    temperature: 2,
    max_tokens: 1500,
    stream: true,
    ...{ vector_store_ids: [], speculation: { mode: 'off' } },
  });
  for await (const _ of stream) break;
  stream.controller.abort();
  // The proxy of `wrangler dev` may keep it to itself that she left: then her silence tells.
  const deadline = Date.now() + CLIENT_DEADLINE_MS + 5_000;
  while ((await active()) > 0) {
    expect(Date.now()).toBeLessThan(deadline);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});

test.each<[string, Body, string, RegExp]>([
  ['more than eight', { n: 9 }, 'n', /1 to 8/],
  ['none', { n: 0 }, 'n', /1 to 8/],
  ['a trace of several', { n: 2, speculation: { trace: true } }, 'speculation.trace', /n of 1/],
])('%s is refused by name', async (_, body, param, message) => {
  const error = await ask(body).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(BadRequestError);
  expect((error as BadRequestError).param).toBe(param);
  expect((error as BadRequestError).message).toMatch(message);
});
