/**
 * A real model that was trained for tools calls them under `auto`, and the tool loops of
 * two SDKs run through. ESPALIER_TEST_TOOL_MODEL names it: a GGUF file or a checkpoint's
 * folder, as of Qwen2.5-Coder-0.5B-Instruct, which writes its calls as bare JSON.
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
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

  test('the OpenAI SDK’s tool loop runs through', { timeout: 600_000 }, async () => {
    const asked: string[] = [];
    const runner = client.chat.completions.runTools(
      {
        model: service.model,
        messages: [
          { role: 'user', content: 'What is the weather in Paris?' },
        ] as ChatCompletionMessageParam[],
        tools: [
          {
            type: 'function',
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
      },
      { maxChatCompletions: STEPS },
    );
    await runner.done();
    const said = runner.messages.findLast(({ role }) => role === 'assistant')?.content;
    expect(asked[0]).toBe('Paris');
    expect(said).toMatch(/19|sunny/);
  });

  test('the AI SDK’s tool loop runs through, whole and streamed', {
    timeout: 600_000,
  }, async () => {
    const provider = createOpenAICompatible({ name: 'espalier', baseURL: `${service.url}/v1` });
    const asked: string[] = [];
    const loop = {
      model: provider.chatModel(service.model),
      prompt: 'What is the weather in Paris?',
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
