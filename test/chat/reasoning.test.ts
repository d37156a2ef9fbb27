/** A model that thinks before it answers: its thoughts come apart, in every route, streamed and not. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, streamText } from 'ai';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DerivedModel, deriveModel } from '../support/derived-model.ts';
import { startService, type TestService } from '../support/service.ts';

/** As R1's: the prompt opens the thoughts. What an earlier answer thought is told on request. */
const TEMPLATE = `{%- for turn in messages %}
{{- '<|im_start|>' + turn.role + '\\n' }}
{%- if turn.reasoning_content and tell_thoughts %}{{- '(' + turn.reasoning_content + ')' }}{%- endif %}
{{- turn.content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- if enable_thinking is defined and not enable_thinking %}{{- '<think>\\n</think>\\n' }}{%- else %}{{- '<think>\\n' }}{%- endif %}
{%- endif %}`;

let model: DerivedModel;
let service: TestService;
let client: OpenAI;
/** Makes the model end its thoughts once. */
let bias: object;
beforeAll(async () => {
  model = deriveModel(TEMPLATE, ['<think>', '</think>']);
  service = await startService({ demo: false, model: model.folder });
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'local', maxRetries: 0 });
  bias = await endingOnce();
}, 240_000);
afterAll(async () => {
  await service?.stop();
  model.remove();
});

const QUESTION = 'What is the echo?';

type Fields = Record<string, unknown>;
// biome-ignore lint/suspicious/noExplicitAny: reasoning is no field of the SDK's types
type Json = any;

async function chat(fields: Fields = {}) {
  const { data, response } = await client.chat.completions
    .create({
      model: service.model,
      messages: [{ role: 'user', content: QUESTION }],
      max_tokens: 60,
      temperature: 0,
      seed: 1,
      ...fields,
    } as OpenAI.ChatCompletionCreateParamsNonStreaming)
    .withResponse();
  const { message } = data.choices[0]! as Json;
  return { message, usage: data.usage as Json, headers: response.headers };
}

/** The least bias at which the answer has one closing mark and something behind it. */
async function endingOnce(): Promise<object> {
  for (let b = 4; b < 60; b += 2) {
    const fields = {
      logit_bias: { [model.ids[1]!]: b },
      frequency_penalty: 2,
      presence_penalty: 2,
    };
    const { message } = await chat(fields);
    const ends = message.content.trim() !== '' && message.reasoning_content;
    if (ends && !message.content.includes('</think>')) return fields;
  }
  throw new Error('no bias ends the thoughts once');
}

test('thoughts are reasoning_content, counted apart; drafting changes neither', async () => {
  const { message, usage } = await chat(bias as Fields);
  expect(message.reasoning_content).not.toMatch(/^\s|\s$|think>/);
  expect(message.content).not.toMatch(/^\s|think>/);
  const { reasoning_tokens } = usage.completion_tokens_details;
  expect(reasoning_tokens).toBeGreaterThan(1);
  expect(reasoning_tokens).toBeLessThan(usage.completion_tokens);
  const off = await chat({ ...bias, speculation: { mode: 'off' } });
  expect(off.message).toEqual(message);
});

test('a stream has the same, thoughts first, and log-probabilities of what is said', async () => {
  const { message } = await chat(bias as Fields);
  const stream = await client.chat.completions.create({
    model: service.model,
    messages: [{ role: 'user', content: QUESTION }],
    ...{ max_tokens: 60, temperature: 0, seed: 1, logprobs: true, ...bias },
    stream: true,
  } as OpenAI.ChatCompletionCreateParamsStreaming);
  let [thought, said, tokens] = ['', '', ''];
  for await (const { choices } of stream) {
    const { delta, logprobs } = choices[0] as Json;
    if (delta.reasoning_content) expect(said).toBe('');
    thought += delta.reasoning_content ?? '';
    said += delta.content ?? '';
    for (const { token } of logprobs?.content ?? []) tokens += token;
  }
  expect([thought, said]).toEqual([message.reasoning_content, message.content]);
  expect(tokens.trim()).toBe(said.trim());
});

test('an answer without an end to its thoughts is all thought', async () => {
  const { message, usage } = await chat({ max_tokens: 12 });
  expect(message).toMatchObject({ content: '' });
  expect(message.reasoning_content.length).toBeGreaterThan(10);
  expect(usage.completion_tokens_details.reasoning_tokens).toBe(usage.completion_tokens);
});

test('enable_thinking, reasoning_effort and chat_template_kwargs reach the template', async () => {
  for (const fields of [
    { enable_thinking: false },
    { reasoning_effort: 'none' },
    { chat_template_kwargs: { enable_thinking: false } },
  ]) {
    const { message, headers } = await chat({ ...fields, max_tokens: 12 });
    expect(message.reasoning_content).toBeUndefined();
    expect(message.content.length).toBeGreaterThan(10);
    expect(headers.get('x-espalier-ignored')).toBeNull();
  }
});

test('what the template never reads is named as ignored', async () => {
  for (const [fields, name] of [
    [{ reasoning_effort: 'low' }, 'reasoning_effort'],
    [{ chat_template_kwargs: { enable: true } }, 'enable'],
  ] as const) {
    const { headers } = await chat({ ...fields, max_tokens: 1 });
    expect(headers.get('x-espalier-ignored')).toBe(name);
  }
});

test('what an earlier answer thought goes to the template, which decides', async () => {
  const earlier = { role: 'assistant', content: 'Two.', reasoning_content: 'One plus one.' };
  const messages = [{ role: 'user', content: 'x' }, earlier, { role: 'user', content: QUESTION }];
  const tokens = async (fields: Fields) =>
    (await chat({ messages, max_tokens: 1, vector_store_ids: [], ...fields })).usage.prompt_tokens;
  const told = { chat_template_kwargs: { tell_thoughts: true } };
  expect(await tokens(told)).toBeGreaterThan(await tokens({}));
});

test.each([
  [{ chat_template_kwargs: { messages: [] } }, /made by the server/],
  [{ chat_template_kwargs: { 'a b': 1 } }, /no name of a variable/],
  [{ chat_template_kwargs: { a: 'x'.repeat(5000) } }, /4096 characters/],
  [{ reasoning_effort: 'very' }, /reasoning_effort/],
])('%j is refused', async (fields, message) => {
  await expect(chat(fields)).rejects.toThrow(message);
});

test('an answer that is held to a form has no thoughts', async () => {
  const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] };
  const response_format = { type: 'json_schema', json_schema: { name: 'n', schema } };
  const { message } = await chat({ response_format });
  expect(message.reasoning_content).toBeUndefined();
  expect(message.content).toContain('{');
});

test('the Responses API has a reasoning item, and takes it back', async () => {
  const stream = client.responses.stream({
    model: service.model,
    input: QUESTION,
    ...{ max_output_tokens: 12, temperature: 0 },
  });
  let thought = '';
  for await (const event of stream) {
    if (event.type === 'response.reasoning_text.delta') thought += event.delta;
  }
  const response = await stream.finalResponse();
  const [item] = response.output as Json;
  expect(item).toMatchObject({ type: 'reasoning', content: [{ text: thought }] });
  const { output_tokens, output_tokens_details } = response.usage!;
  expect(output_tokens_details.reasoning_tokens).toBe(output_tokens);
  const input = [
    { role: 'user', content: QUESTION },
    item,
    { role: 'assistant', content: 'Two.' },
    { role: 'user', content: 'Why?' },
  ];
  const ask = async (fields: Fields) => {
    const params = { model: service.model, input, max_output_tokens: 8, ...fields } as Json;
    return (await client.responses.create(params)).usage!.input_tokens;
  };
  const told = { chat_template_kwargs: { tell_thoughts: true } };
  const none = { vector_store_ids: [] };
  expect(await ask({ ...told, ...none })).toBeGreaterThan(await ask(none));
  expect(await ask({ reasoning: { effort: 'none' }, ...none })).toBeGreaterThan(0);
});

test('the AI SDK reads the thoughts, whole and streamed', async () => {
  const provider = createOpenAICompatible({ name: 'espalier', baseURL: `${service.url}/v1` });
  const asked = { model: provider.chatModel(service.model), prompt: QUESTION, maxOutputTokens: 12 };
  const { reasoningText } = await generateText({ ...asked, temperature: 0 });
  expect(reasoningText!.length).toBeGreaterThan(10);
  const streamed = streamText({ ...asked, temperature: 0 });
  expect(await streamed.reasoningText).toBe(reasoningText);
});
