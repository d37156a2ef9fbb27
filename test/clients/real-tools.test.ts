/**
 * A real model that was trained for tools calls them under `auto`, and the tool loops of
 * three SDKs run through. ESPALIER_TEST_TOOL_MODEL names it: a GGUF file or a checkpoint's
 * folder, as of Qwen2.5-Coder-0.5B-Instruct, which writes its calls as bare JSON.
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { type AIMessageChunk, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import OpenAI from 'openai';
import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startService, type TestService } from '../support/service.ts';

const MODEL = process.env.ESPALIER_TEST_TOOL_MODEL;
const SKIPPED = MODEL ? '' : ' (skipped: no model)';

const functionTool = (name: string, description: string, ...required: string[]) => ({
  type: 'function' as const,
  function: {
    name,
    description,
    parameters: {
      type: 'object',
      properties: Object.fromEntries(required.map((field) => [field, { type: 'string' }])),
      required,
    },
  },
});
const WEATHER = functionTool('get_weather', 'Gets the weather in a city.', 'city');
const TOOLS = [
  WEATHER,
  functionTool('search_files', 'Searches the files of the user for a text.', 'text'),
  functionTool('send_mail', 'Sends a mail.', 'to', 'subject'),
];
/** What is asked, and the function that it needs. */
const PROMPTS = [
  ['What is the weather in Paris?', 'get_weather'],
  ['Is it raining in Oslo right now?', 'get_weather'],
  ['How warm is it in Nairobi today?', 'get_weather'],
  ['Tell me the current weather in Lima.', 'get_weather'],
  ['Search my files for the word invoice.', 'search_files'],
  ['Find "quarterly report" in my files.', 'search_files'],
  ['Look in my files for the text "password reset".', 'search_files'],
  ['Send a mail to ann@example.com with the subject Lunch.', 'send_mail'],
  ['Mail bob@example.com, subject: Meeting moved.', 'send_mail'],
  ['Send carol@example.com a mail with the subject "Thank you".', 'send_mail'],
] as const;
const QUESTION = 'What is the weather in Paris?';
const RESULT = '{"city": "Paris", "temperature": "19 °C", "sky": "sunny"}';
/** Half a billion parameters tell the result and call once more beside it: a loop of two steps ends there. */
const STEPS = 2;
const SETTINGS = { temperature: 0, max_tokens: 100, vector_store_ids: [] };

let service: TestService;
let client: OpenAI;

describe.skipIf(!MODEL)(`a real model with tools${SKIPPED}`, () => {
  beforeAll(async () => {
    service = await startService({ demo: false, model: MODEL! });
    client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'local', maxRetries: 0 });
  }, 600_000);
  afterAll(() => service?.stop());

  test('ten prompts that need a function call it, streamed and not', {
    timeout: 1_200_000,
  }, async () => {
    let called = 0;
    const missed: string[] = [];
    for (const [content, name] of PROMPTS) {
      const messages = [{ role: 'user' as const, content }];
      const body = { model: service.model, messages, tools: TOOLS, ...SETTINGS };
      const whole = await client.chat.completions.create({ ...body, tool_choice: 'auto' });
      const { message, finish_reason } = whole.choices[0]!;
      const streamed = await client.chat.completions.stream(body).finalChatCompletion();
      // Ids are each answer's own.
      const callsOf = ({ tool_calls = [] }: OpenAI.ChatCompletionMessage) =>
        tool_calls.flatMap((call) => (call.type === 'function' ? [call.function] : []));
      const calls = callsOf(message);
      expect(
        callsOf(streamed.choices[0]!.message).map(({ name, arguments: json }) => [name, json]),
      ).toEqual(calls.map(({ name, arguments: json }) => [name, json]));
      const right = calls.some((call) => call.name === name && isObject(call.arguments));
      if (right && finish_reason === 'tool_calls') called++;
      else missed.push(`${content} → ${JSON.stringify(message)}`);
    }
    console.log(`${called} of ${PROMPTS.length} prompts came as tool_calls`, missed);
    expect(missed).toEqual([]);
  });

  test('the OpenAI SDK’s tool loop runs through, whole and streamed', {
    timeout: 600_000,
  }, async () => {
    const asked: string[] = [];
    const body = {
      model: service.model,
      messages: [{ role: 'user', content: QUESTION }] as ChatCompletionMessageParam[],
      tools: [
        {
          type: 'function' as const,
          function: {
            ...WEATHER.function,
            parse: JSON.parse,
            function: ({ city }: { city: string }) => {
              asked.push(city);
              return RESULT;
            },
          },
        },
      ],
      ...SETTINGS,
    };
    const limit = { maxChatCompletions: STEPS };
    const whole = client.chat.completions.runTools(body, limit);
    await whole.done();
    const streamed = client.chat.completions.runTools({ ...body, stream: true }, limit);
    await streamed.done();
    for (const { messages } of [whole, streamed]) {
      const said = messages.findLast(({ role }) => role === 'assistant')?.content;
      expect(said).toMatch(/19|sunny/);
    }
    expect(new Set(asked)).toEqual(new Set(['Paris']));
  });

  test('LangChain’s tool loop runs through', { timeout: 600_000 }, async () => {
    const chat = new ChatOpenAI({
      model: service.model,
      apiKey: 'local',
      configuration: { baseURL: `${service.url}/v1` },
      temperature: 0,
      maxTokens: SETTINGS.max_tokens,
      maxRetries: 0,
      modelKwargs: { vector_store_ids: [] },
    }).bindTools([WEATHER]);
    const question = new HumanMessage(QUESTION);
    const called = await chat.invoke([question]);
    const call = called.tool_calls![0]!;
    expect(call).toMatchObject({ name: 'get_weather', args: { city: 'Paris' } });
    let streamed: AIMessageChunk | undefined;
    for await (const chunk of await chat.stream([question])) {
      streamed = streamed?.concat(chunk) ?? chunk;
    }
    expect(streamed!.tool_calls).toMatchObject([{ name: call.name, args: call.args }]);
    const result = new ToolMessage({ content: RESULT, tool_call_id: call.id! });
    expect((await chat.invoke([question, called, result])).content).toMatch(/19|sunny/);
  });

  test('the AI SDK’s tool loop runs through, whole and streamed', {
    timeout: 600_000,
  }, async () => {
    const provider = createOpenAICompatible({ name: 'espalier', baseURL: `${service.url}/v1` });
    const asked: string[] = [];
    const loop = {
      model: provider.chatModel(service.model),
      prompt: QUESTION,
      temperature: 0,
      maxOutputTokens: 100,
      stopWhen: stepCountIs(STEPS),
      tools: {
        get_weather: tool({
          description: WEATHER.function.description,
          inputSchema: jsonSchema<{ city: string }>(WEATHER.function.parameters as object),
          execute: async ({ city }) => {
            asked.push(city);
            return RESULT;
          },
        }),
      },
    };
    expect((await generateText(loop)).text).toMatch(/19|sunny/);
    expect(await streamText(loop).text).toMatch(/19|sunny/);
    expect(new Set(asked)).toEqual(new Set(['Paris']));
  });
});

function isObject(json: string): boolean {
  const value: unknown = JSON.parse(json);
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
