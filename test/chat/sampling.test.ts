/** What steers the draw, as the `openai` package sends it: penalties, biases, log-probabilities. */
import OpenAI, { BadRequestError } from 'openai';
import type { ChatCompletionTokenLogprob } from 'openai/resources/chat/completions';
import { beforeAll, describe, expect, test } from 'vitest';
import { type SharedService, sharedService } from '../support/shared-service.ts';

let service: SharedService;
let client: OpenAI;
beforeAll(async () => {
  service = await sharedService({ demo: true });
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'local', maxRetries: 0 });
});

const MESSAGES = [{ role: 'user' as const, content: 'What is a draft tree?' }];

type Body = Partial<OpenAI.ChatCompletionCreateParamsNonStreaming> & {
  speculation?: object;
  repetition_penalty?: number;
  min_p?: number;
};

function ask(body: Body) {
  return client.chat.completions.create({
    model: service.model,
    messages: MESSAGES,
    max_tokens: 48,
    seed: 11,
    temperature: 0,
    ...body,
  } as OpenAI.ChatCompletionCreateParamsNonStreaming);
}

async function textOf(body: Body): Promise<string> {
  return (await ask(body)).choices[0]!.message.content!;
}

/** Ids of the tokens that the answer to `body` has, by their text. */
async function idsOf(body: Body): Promise<Map<string, number>> {
  const response = await fetch(`${service.verifierUrl}/model/tokenizer.json`);
  const { model } = (await response.json()) as { model: { vocab: Record<string, number> } };
  const { choices } = await ask({ ...body, logprobs: true });
  const said = choices[0]!.logprobs!.content!.map(({ token }) => token);
  return new Map(said.map((text) => [text, model.vocab[text.replaceAll(' ', 'Ġ')]!]));
}

describe('penalties and biases', () => {
  const controls: Record<string, Body> = {
    frequency_penalty: { frequency_penalty: 1.5 },
    presence_penalty: { presence_penalty: 2 },
    'both, below zero': { frequency_penalty: -0.5, presence_penalty: -0.5 },
    logit_bias: { logit_bias: { '100': -100, '101': 3 } },
    repetition_penalty: { repetition_penalty: 1.3 },
    'min_p beside it': { repetition_penalty: 0.9, min_p: 0.2 },
    together: { frequency_penalty: 1, logit_bias: { '5': 2 }, top_p: 0.9 },
  };

  test.each(
    Object.entries(controls).flatMap(([name, body]) =>
      [0, 0.8].map((temperature) => [name, temperature, body] as const),
    ),
  )('%s at temperature %f: drafting changes nothing', async (_, temperature, body) => {
    const all = { ...body, temperature };
    const off = await textOf({ ...all, speculation: { mode: 'off' } });
    expect(off.length).toBeGreaterThan(20);
    for (const speculation of [{}, { ablation: { trees: 'lockstep' }, budget: 64 }]) {
      expect(await textOf({ ...all, speculation })).toBe(off);
    }
  });

  test('greedily, every token is the best by OpenAI’s law over the model’s own probabilities', async () => {
    const [frequency_penalty, presence_penalty] = [1.5, 2];
    const [endoftext, imEnd] = [0, 2];
    const logit_bias = { [endoftext]: -100, [imEnd]: -100 };
    const body = { frequency_penalty, presence_penalty, logit_bias, max_tokens: 160 };
    const { choices } = await ask({ ...body, logprobs: true, top_logprobs: 20 });
    const counts = new Map<string, number>();
    const scoreOf = ({ token, logprob }: { token: string; logprob: number }) => {
      const count = counts.get(token) ?? 0;
      return logprob - count * frequency_penalty - (count > 0 ? presence_penalty : 0);
    };
    let moved = 0;
    for (const said of choices[0]!.logprobs!.content!) {
      for (const rival of said.top_logprobs) {
        if (!rival.bytes) continue;
        expect(scoreOf(rival)).toBeLessThanOrEqual(scoreOf(said) + 1e-4);
      }
      if (said.token !== said.top_logprobs[0]!.token) moved++;
      counts.set(said.token, (counts.get(said.token) ?? 0) + 1);
    }
    expect(moved).toBeGreaterThan(0);
  });

  test.each([0, 1.5])('at temperature %f a banned token is not said', async (temperature) => {
    const ids = await idsOf({ temperature });
    const [text, id] = [...ids].find(([piece]) => /^ [a-z]{3,}$/.test(piece))!;
    const { choices } = await ask({
      temperature,
      logprobs: true,
      logit_bias: { [String(id)]: -100 },
    });
    const said = choices[0]!.logprobs!.content!.map(({ token }) => token);
    expect(said).not.toContain(text);
  });

  test('a token at 100 is all that is said', async () => {
    const ids = await idsOf({});
    const [text, id] = [...ids].find(([piece]) => /^ [a-z]{3,}$/.test(piece))!;
    const answer = await textOf({
      temperature: 2,
      max_tokens: 4,
      logit_bias: { [String(id)]: 100 },
    });
    expect(answer).toBe(text.repeat(4));
    const { choices } = await client.completions.create({
      model: service.model,
      prompt: 'A draft tree',
      temperature: 2,
      max_tokens: 4,
      logit_bias: { [String(id)]: 100 },
    });
    expect(choices[0]!.text).toBe(text.repeat(4));
  });

  test.each<[string, Body, string, RegExp]>([
    ['a penalty too high', { frequency_penalty: 2.5 }, 'frequency_penalty', /-2 to 2/],
    [
      'a repetition penalty of nothing',
      { repetition_penalty: 0 } as never,
      'repetition_penalty',
      /0\.1 to 10/,
    ],
    ['min_p above all', { min_p: 1.1 } as never, 'min_p', /0 to 1/],
    ['a penalty as text', { presence_penalty: '1' as never }, 'presence_penalty', /number/],
    ['a bias too low', { logit_bias: { '5': -101 } }, 'logit_bias.5', /-100 to 100/],
    ['a bias of a word', { logit_bias: { pear: 1 } }, 'logit_bias.pear', /token ids/],
    ['a bias of no token', { logit_bias: { '9999999': 1 } }, 'logit_bias', /9999999 is no token/],
    ['a token twice', { logit_bias: { '5': 1, '05': 2 } }, 'logit_bias', /twice/],
    [
      'too many biases',
      { logit_bias: Object.fromEntries(Array.from({ length: 1025 }, (_, id) => [id, 1])) },
      'logit_bias',
      /at most 1024/,
    ],
    ['alternatives alone', { top_logprobs: 2 }, 'top_logprobs', /"logprobs": true/],
    ['too many alternatives', { logprobs: true, top_logprobs: 21 }, 'top_logprobs', /0 to 20/],
  ])('%s is refused by name', async (_, body, param, message) => {
    const error = await ask(body).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(BadRequestError);
    expect((error as BadRequestError).param).toBe(param);
    expect((error as BadRequestError).message).toMatch(message);
  });
});

describe('log-probabilities', () => {
  const bytesOf = (told: readonly ChatCompletionTokenLogprob[]) =>
    Buffer.from(told.flatMap(({ bytes }) => bytes!)).toString();

  test.each([0, 0.8])(
    'at temperature %f: every token of the content, its likeliest rivals',
    async (temperature) => {
      const { choices, usage } = await ask({ temperature, logprobs: true, top_logprobs: 5 });
      const { content } = choices[0]!.logprobs!;
      expect(bytesOf(content!)).toBe(choices[0]!.message.content);
      expect(usage!.completion_tokens).toBe(content!.length);
      for (const { token, logprob, bytes, top_logprobs } of content!) {
        expect(logprob).toBeLessThanOrEqual(0);
        expect(Buffer.from(bytes!).toString()).toBe(token);
        expect(top_logprobs).toHaveLength(5);
        const values = top_logprobs.map((rival) => rival.logprob);
        expect(values).toEqual([...values].sort((a, b) => b - a));
        expect(values[0]).toBeGreaterThanOrEqual(logprob);
        const own = top_logprobs.find((rival) => rival.token === token);
        if (own) expect(own.logprob).toBe(logprob);
        if (temperature === 0) expect(top_logprobs[0]!.token).toBe(token);
      }
    },
  );

  test('a stream reports the same beside the text it is of, with a stop string too', async () => {
    const plain = await textOf({});
    const stop = plain.slice(60, 64);
    const body = { logprobs: true, top_logprobs: 2, stop };
    const whole = await ask(body);
    const stream = await client.chat.completions.create({
      model: service.model,
      messages: MESSAGES,
      max_tokens: 48,
      seed: 11,
      temperature: 0,
      ...body,
      stream: true,
    });
    let text = '';
    const told: ChatCompletionTokenLogprob[] = [];
    for await (const { choices } of stream) {
      text += choices[0]?.delta.content ?? '';
      told.push(...(choices[0]?.logprobs?.content ?? []));
      // A token is told with the first of its text.
      expect(bytesOf(told).startsWith(text)).toBe(true);
    }
    expect(text).toBe(whole.choices[0]!.message.content);
    expect(text).toBe(plain.slice(0, plain.indexOf(stop)));
    expect(told).toEqual(whole.choices[0]!.logprobs!.content);
    expect(bytesOf(told.slice(0, -1)).length).toBeLessThan(text.length);
  });

  test('they are the model’s own: neither temperature nor a bias moves them', async () => {
    const first = async (body: Body) => {
      const { choices } = await ask({ logprobs: true, top_logprobs: 20, max_tokens: 1, ...body });
      return choices[0]!.logprobs!.content![0]!;
    };
    const plain = await first({});
    const [best, second] = plain.top_logprobs;
    const id = (await idsOf({ max_tokens: 1 })).get(best!.token)!;
    const banned = await first({ temperature: 0, logit_bias: { [String(id)]: -100 } });
    expect(banned.token).toBe(second!.token);
    expect(banned.top_logprobs).toEqual(plain.top_logprobs);
    expect((await first({ temperature: 1.7 })).top_logprobs).toEqual(plain.top_logprobs);
  });

  test('without asking there are none', async () => {
    expect((await ask({})).choices[0]!.logprobs).toBeNull();
  });
});
