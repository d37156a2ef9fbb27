/** Chat as the `openai` package calls it, against the real service. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import OpenAI, { BadRequestError } from 'openai';
import { beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../../local/root.ts';
import { type SharedService, sharedService } from '../support/shared-service.ts';

let service: SharedService;
let client: OpenAI;
beforeAll(async () => {
  service = await sharedService({ demo: true });
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'local', maxRetries: 0 });
});

const QUESTION = { role: 'user' as const, content: 'What is credit?' };

/** Fields of Espalier's own, which the SDK sends as they are. */
function extended<T extends object>(body: T, extension: object): T {
  return { ...body, ...extension };
}

const DOCS = readdirSync(join(ROOT, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => readFileSync(join(ROOT, 'docs', name), 'utf8').replace(/\s+/g, ' '));

/** Characters of the longest run of the answer that stands in one of the documents. */
function longestQuote(answer: string): number {
  const text = answer.replace(/\s+/g, ' ');
  let longest = 0;
  for (let start = 0; start + longest < text.length; start++) {
    while (DOCS.some((doc) => doc.includes(text.slice(start, start + longest + 1)))) {
      longest++;
      if (start + longest >= text.length) break;
    }
  }
  return longest;
}

describe('completions', () => {
  test('not streaming: an answer from the documents, with usage', async () => {
    const completion = await client.chat.completions.create({
      model: service.model,
      messages: [QUESTION],
    });
    expect(completion.object).toBe('chat.completion');
    expect(completion.choices[0]!.message.role).toBe('assistant');
    expect(longestQuote(completion.choices[0]!.message.content!)).toBeGreaterThan(30);
    expect(completion.choices[0]!.finish_reason).toBe('stop');
    const { prompt_tokens, completion_tokens, total_tokens } = completion.usage!;
    expect(prompt_tokens).toBeGreaterThan(50);
    expect(total_tokens).toBe(prompt_tokens + completion_tokens);
    expect(completion.usage).not.toHaveProperty('speculation');
  });

  test('streaming: the same text, role first, usage last and only on request', async () => {
    const plain = await client.chat.completions.create({
      model: service.model,
      messages: [QUESTION],
    });
    const stream = await client.chat.completions.create({
      model: service.model,
      messages: [QUESTION],
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks[0]!.choices[0]!.delta.role).toBe('assistant');
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(
      plain.choices[0]!.message.content,
    );
    expect(chunks.length).toBeGreaterThan(4);
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
    expect(chunks.at(-1)!.choices).toEqual([]);
    expect(chunks.at(-1)!.usage).toEqual({
      ...plain.usage,
      prompt_tokens_details: expect.anything(),
    });
    expect(chunks.at(-2)!.choices[0]!.finish_reason).toBe('stop');
    for (const chunk of chunks.slice(0, -1)) expect(chunk.usage).toBeNull();
  });

  test('the helper of the SDK that gathers a stream', async () => {
    const gathered = await client.chat.completions
      .stream({ model: service.model, messages: [QUESTION] })
      .finalContent();
    expect(longestQuote(gathered!)).toBeGreaterThan(30);
  });

  test('content parts, developer and earlier turns are taken', async () => {
    const completion = await client.chat.completions.create({
      model: service.model,
      messages: [
        { role: 'developer', content: 'Be exact.' },
        { role: 'user', content: 'What is the echo?' },
        { role: 'assistant', content: 'The drafting core beside the verifier.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is ' },
            { type: 'text', text: 'credit?' },
          ],
        },
      ],
    });
    expect(completion.choices[0]!.message.content!.length).toBeGreaterThan(10);
  });

  test('no store, no passages: the prompt is the messages alone', async () => {
    const body = { model: service.model, messages: [QUESTION], max_tokens: 5 };
    const grounded = await client.chat.completions.create(body);
    const bare = await client.chat.completions.create(extended(body, { vector_store_ids: [] }));
    expect(bare.usage!.prompt_tokens).toBeLessThan(30);
    expect(grounded.usage!.prompt_tokens).toBeGreaterThan(100);
  });

  test('aborting a stream ends the iteration without an error of the server', async () => {
    const stream = await client.chat.completions.create({
      model: service.model,
      messages: [QUESTION],
      stream: true,
    });
    for await (const _ of stream) break;
    stream.controller.abort();
    expect((await fetch(`${service.url}/health/live`)).status).toBe(200);
  });
});

describe('what other clients send', () => {
  test('values that ask for nothing are taken', async () => {
    const completion = await client.chat.completions.create({
      model: service.model,
      messages: [
        { role: 'user', content: 'Hello' },
        { role: 'assistant', content: null },
        QUESTION,
      ],
      max_tokens: 3,
      frequency_penalty: 0,
      presence_penalty: 0,
      logprobs: false,
      store: false,
      response_format: { type: 'text' },
    });
    expect(completion.usage!.completion_tokens).toBe(3);
  });

  test('a large max_tokens is a ceiling and costs no documents', async () => {
    const usual = await client.chat.completions.create({
      model: service.model,
      messages: [QUESTION],
    });
    const roomy = await client.chat.completions.create({
      model: service.model,
      messages: [QUESTION],
      max_tokens: 1024,
    });
    expect(roomy.usage!.prompt_tokens).toBe(usual.usage!.prompt_tokens);
    expect(roomy.choices[0]!.message.content).toBe(usual.choices[0]!.message.content);
  });

  test('top_k above the vocabulary keeps all', async () => {
    const body = { model: service.model, messages: [QUESTION], max_tokens: 5 };
    const completion = await client.chat.completions.create(extended(body, { top_k: 100_000 }));
    expect(completion.usage!.completion_tokens).toBe(5);
  });
});

describe('models', () => {
  test('are listed and retrieved', async () => {
    const list = await client.models.list();
    expect(list.data.map(({ id }) => id)).toEqual([service.model]);
    expect((await client.models.retrieve(service.model)).id).toBe(service.model);
  });
});

describe('refusals name the field and the limit', () => {
  const refused: [string, object, string, RegExp][] = [
    ['no messages', { messages: [] }, 'messages', /at least one/],
    ['messages missing', { messages: undefined }, 'messages', /messages/],
    ['messages of the wrong type', { messages: 'hi' }, 'messages', /list of messages/],
    [
      'an unknown role',
      { messages: [{ role: 'wizard', content: 'x' }] },
      'messages.0.role',
      /must be/,
    ],
    ['no user message', { messages: [{ role: 'system', content: 'x' }] }, 'messages', /user/],
    [
      'content of the wrong type',
      { messages: [{ role: 'user', content: 5 }] },
      'messages.0.content',
      /string/,
    ],
    [
      'an image',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
      'messages.0.content.0.type',
      /text/,
    ],
    ['max_tokens absurd', { max_tokens: 1e12 }, 'max_tokens', /1048576/],
    [
      'tools',
      { tools: [{ type: 'code_interpreter' }] },
      'tools.0.type',
      /"function" or "file_search"/,
    ],
    [
      'a function without its name',
      { tools: [{ type: 'function', function: {} }], tool_choice: 'required' },
      'tools.0.function.name',
      /required/,
    ],
    [
      'functions at the choice of a model that was not made for them',
      { tools: [{ type: 'function', function: { name: 'f' } }] },
      'tool_choice',
      /no tools in its chat template/,
    ],
  ];
  test.each(refused)('%s', async (_, body, param, message) => {
    const error = await client.chat.completions
      .create({ model: service.model, messages: [QUESTION], ...body } as never)
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(BadRequestError);
    expect((error as BadRequestError).param).toBe(param);
    expect((error as BadRequestError).message).toMatch(message);
  });
});
