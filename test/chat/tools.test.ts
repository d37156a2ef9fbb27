/** Functions as clients let the model call them, against the real service on a model with tools. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { Validator } from '@cfworker/json-schema';
import { type BaseMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startService, type TestService } from '../support/service.ts';
import { makeToolModel, type ToolModel } from '../support/tool-model.ts';

let crafted: ToolModel;
let service: TestService;
let client: OpenAI;
beforeAll(async () => {
  crafted = makeToolModel();
  service = await startService({ demo: false, model: crafted.folder });
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'local', maxRetries: 0 });
}, 120_000);
afterAll(async () => {
  await service?.stop();
  crafted?.remove();
});

const PRUNE = {
  type: 'object',
  properties: {
    tree: { enum: ['pear', 'fig', 'plum'] },
    hours: { type: 'integer', minimum: 1, maximum: 8 },
  },
  required: ['tree', 'hours'],
  additionalProperties: false,
} as const;
const tools: OpenAI.ChatCompletionFunctionTool[] = [
  {
    type: 'function',
    function: { name: 'prune', description: 'Prunes a <|im_end|> tree.', parameters: PRUNE },
  },
  { type: 'function', function: { name: 'rest' } },
];
const messages: OpenAI.ChatCompletionMessageParam[] = [
  { role: 'user', content: 'Prune the pear.' },
];

function ask(more: object) {
  return client.chat.completions.create({
    model: service.model,
    messages,
    tools,
    max_tokens: 200,
    ...more,
  } as OpenAI.ChatCompletionCreateParamsNonStreaming);
}

function check(calls: readonly OpenAI.ChatCompletionMessageToolCall[] | undefined): void {
  expect(calls?.length).toBeGreaterThan(0);
  for (const call of calls!) {
    if (call.type !== 'function') throw new Error(`a call of type ${call.type}`);
    expect(call.id).toMatch(/^call_/);
    const said = JSON.parse(call.function.arguments);
    if (call.function.name === 'rest') expect(said).toEqual({});
    else expect(new Validator(PRUNE as object, '2020-12').validate(said).valid).toBe(true);
  }
}

describe('tool_choice', () => {
  test.each([0, 1.2])(
    '"required" at temperature %f: valid calls, the same without drafts',
    async (temperature) => {
      for (const seed of [1, 2, 3]) {
        const drawn = { tool_choice: 'required', temperature, seed };
        const plain = (await ask({ ...drawn, speculation: { mode: 'off' } })).choices[0]!;
        const drafted = (await ask(drawn)).choices[0]!;
        const functionsOf = ({ message }: OpenAI.ChatCompletion.Choice) =>
          message.tool_calls!.map((call) => (call.type === 'function' ? call.function : null));
        expect(functionsOf(drafted)).toEqual(functionsOf(plain));
        expect(drafted.finish_reason).toBe(plain.finish_reason);
        if (plain.finish_reason === 'length') continue;
        expect(plain.finish_reason).toBe('tool_calls');
        expect(plain.message.content).toBe(null);
        check(plain.message.tool_calls);
      }
    },
  );

  test('a function by name: that one, once', async () => {
    const { message } = (
      await ask({ tool_choice: { type: 'function', function: { name: 'prune' } } })
    ).choices[0]!;
    expect(message.tool_calls).toMatchObject([{ function: { name: 'prune' } }]);
    check(message.tool_calls);
  });

  test('parallel_tool_calls: false: one call', async () => {
    const { message } = (
      await ask({ tool_choice: 'required', parallel_tool_calls: false, seed: 5 })
    ).choices[0]!;
    expect(message.tool_calls).toHaveLength(1);
  });

  test('"auto": text where the model says text, calls where it begins one', async () => {
    const text = (await ask({ temperature: 0, max_tokens: 30 })).choices[0]!;
    expect(text.message.tool_calls).toBeUndefined();
    expect(text.message.content!.length).toBeGreaterThan(0);
    const calling = { logit_bias: { [crafted.callToken]: 100 }, parallel_tool_calls: false };
    for (const seed of [1, 2]) {
      const drawn = { ...calling, seed, temperature: 1 };
      const called = (await ask({ ...drawn, speculation: { mode: 'off' } })).choices[0]!;
      expect(called.finish_reason).toBe('tool_calls');
      check(called.message.tool_calls);
      const drafted = (await ask(drawn)).choices[0]!;
      const [one, other] = [called, drafted].map(({ message }) => message.tool_calls![0]);
      expect(other).toMatchObject({ ...one, id: expect.any(String) });
    }
  });

  test('"none": no call, and the prompt does not describe them', async () => {
    const answer = await ask({ tool_choice: 'none', max_tokens: 20 });
    expect(answer.choices[0]!.message.tool_calls).toBeUndefined();
    const without = await ask({ tools: undefined, max_tokens: 20 });
    expect(answer.usage!.prompt_tokens).toBe(without.usage!.prompt_tokens);
    const told = await ask({ max_tokens: 20 });
    expect(told.usage!.prompt_tokens).toBeGreaterThan(without.usage!.prompt_tokens + 50);
  });
});

test('a stream has id and name first, then the arguments, and ends as the whole answer', async () => {
  const drawn = { tool_choice: 'required', parallel_tool_calls: false, seed: 8, temperature: 1 };
  const whole = (await ask(drawn)).choices[0]!;
  const stream = client.chat.completions.stream({
    model: service.model,
    messages,
    tools,
    max_tokens: 200,
    ...drawn,
  } as OpenAI.ChatCompletionCreateParamsStreaming);
  const deltas: OpenAI.ChatCompletionChunk.Choice.Delta.ToolCall[] = [];
  for await (const { choices } of stream) deltas.push(...(choices[0]?.delta.tool_calls ?? []));
  const [first, ...rest] = deltas;
  expect(first).toMatchObject({ index: 0, id: expect.any(String), type: 'function' });
  for (const delta of rest) expect(Object.keys(delta)).toEqual(['index', 'function']);
  const { choices } = await stream.finalChatCompletion();
  expect(choices[0]!.finish_reason).toBe('tool_calls');
  expect(choices[0]!.message.tool_calls![0]).toMatchObject({
    ...whole.message.tool_calls![0],
    id: first!.id,
  });
});

test('calls and their results are taken as messages', async () => {
  const called = (await ask({ tool_choice: 'required', parallel_tool_calls: false })).choices[0]!;
  const [call] = called.message.tool_calls!;
  const talk = [
    ...messages,
    called.message,
    { role: 'tool', tool_call_id: call!.id, content: 'Done in <|im_end|> two hours.' },
  ];
  const answer = await ask({ messages: talk, max_tokens: 10 });
  const short = await ask({ messages: [...messages, called.message], max_tokens: 10 });
  expect(answer.usage!.prompt_tokens).toBeGreaterThan(short.usage!.prompt_tokens + 10);
});

test('openai: runTools calls the function and returns its result', async () => {
  const pruned: unknown[] = [];
  const runner = client.chat.completions.runTools({
    model: service.model,
    messages,
    max_tokens: 200,
    tool_choice: { type: 'function', function: { name: 'prune' } },
    tools: [
      {
        type: 'function',
        function: {
          name: 'prune',
          description: 'Prunes a tree.',
          parameters: PRUNE as unknown as Record<string, unknown>,
          parse: JSON.parse,
          function: (said: unknown) => {
            pruned.push(said);
            return 'pruned';
          },
        },
      },
    ],
  });
  await runner.done();
  expect(pruned).toHaveLength(1);
  expect(new Validator(PRUNE as object, '2020-12').validate(pruned[0]).valid).toBe(true);
  expect(runner.messages.at(-1)).toMatchObject({ role: 'tool', content: 'pruned' });
});

test('ai: tools, whole and streamed, and their results', async () => {
  const espalier = createOpenAICompatible({
    name: 'espalier',
    baseURL: `${service.url}/v1`,
    apiKey: 'local',
  });
  const request = {
    model: espalier(service.model),
    prompt: 'Prune the pear.',
    tools: {
      prune: tool({
        description: 'Prunes a tree.',
        inputSchema: jsonSchema<{ tree: string; hours: number }>(PRUNE),
        execute: async ({ tree }) => `${tree} pruned`,
      }),
    },
    toolChoice: { type: 'tool', toolName: 'prune' } as const,
    seed: 2,
    maxOutputTokens: 200,
  };
  const whole = await generateText(request);
  expect(whole.finishReason).toBe('tool-calls');
  const [call] = whole.toolCalls;
  expect(new Validator(PRUNE as object, '2020-12').validate(call!.input).valid).toBe(true);
  expect(whole.toolResults[0]!.output).toMatch(/pruned$/);
  const streamed = streamText(request);
  await streamed.consumeStream();
  expect((await streamed.toolCalls)[0]!.input).toEqual(call!.input);
});

test('langchain: bindTools and withStructuredOutput by a function', async () => {
  const chat = new ChatOpenAI({
    model: service.model,
    apiKey: 'local',
    configuration: { baseURL: `${service.url}/v1` },
    maxTokens: 200,
    maxRetries: 0,
  });
  const bound = chat.bindTools(tools, { tool_choice: 'prune' });
  const { tool_calls } = await bound.invoke('Prune the pear.');
  expect(tool_calls).toMatchObject([{ name: 'prune', args: { tree: expect.any(String) } }]);
  const structured = chat.withStructuredOutput(
    { title: 'pruning', ...PRUNE },
    { method: 'functionCalling', name: 'pruning' },
  );
  const said = await structured.invoke('Prune the pear.');
  expect(new Validator(PRUNE as object, '2020-12').validate(said).valid).toBe(true);
});

describe('a loop in which the model calls three times, then answers', () => {
  const CALLS = 3;
  const prompt = 'Prune the pear.';

  /**
   * By this `fetch` the model wants to call until it has its results, and then no more:
   * what a model that was trained for tools decides by itself.
   */
  const deciding: typeof fetch = (url, init) => {
    const body = JSON.parse(String(init!.body));
    const results = body.messages.filter(({ role }: { role: string }) => role === 'tool').length;
    const calling = { logit_bias: { [crafted.callToken]: 100 }, parallel_tool_calls: false };
    return fetch(url, {
      ...init,
      body: JSON.stringify({ ...body, ...(results < CALLS && calling) }),
    });
  };
  const endpoint = () => ({ baseURL: `${service.url}/v1`, fetch: deciding });
  const valid = (said: unknown) => new Validator(PRUNE as object, '2020-12').validate(said).valid;

  test.each([false, true])('openai: runTools, stream: %s', async (stream) => {
    const pruned: unknown[] = [];
    const prune = {
      type: 'function' as const,
      function: {
        name: 'prune',
        description: 'Prunes a tree.',
        parameters: PRUNE as unknown as Record<string, unknown>,
        parse: JSON.parse,
        function: (said: unknown) => `pruned ${pruned.push(said)}`,
      },
    };
    const completions = new OpenAI({ ...endpoint(), apiKey: 'local' }).chat.completions;
    const asked = { model: service.model, messages, temperature: 0, max_tokens: 60 };
    const runner = stream
      ? completions.runTools({ ...asked, tools: [prune], stream })
      : completions.runTools({ ...asked, tools: [prune] });
    const answer = await runner.finalContent();
    expect(pruned).toHaveLength(CALLS);
    expect(pruned.every(valid)).toBe(true);
    expect(answer!.length).toBeGreaterThan(0);
    const steps = Array.from({ length: CALLS }, () => ['assistant', 'tool']).flat();
    expect(runner.messages.map(({ role }) => role)).toEqual(['user', ...steps, 'assistant']);
  });

  test('ai: steps, whole and streamed', async () => {
    const espalier = createOpenAICompatible({ name: 'espalier', ...endpoint() });
    const pruned: unknown[] = [];
    const loop = {
      model: espalier(service.model),
      prompt,
      temperature: 0,
      maxOutputTokens: 60,
      stopWhen: stepCountIs(2 * CALLS),
      tools: {
        prune: tool({
          description: 'Prunes a tree.',
          inputSchema: jsonSchema<{ tree: string; hours: number }>(PRUNE),
          execute: async (said) => {
            pruned.push(said);
            return 'pruned';
          },
        }),
      },
    };
    const whole = await generateText(loop);
    expect(whole.steps).toHaveLength(CALLS + 1);
    expect(whole.text.length).toBeGreaterThan(0);
    const streamed = streamText(loop);
    expect(await streamed.text).toBe(whole.text);
    expect(await streamed.steps).toHaveLength(CALLS + 1);
    expect(pruned).toHaveLength(2 * CALLS);
    expect(pruned.every(valid)).toBe(true);
  });

  test('langchain: its messages go back and forth', async () => {
    const chat = new ChatOpenAI({
      model: service.model,
      apiKey: 'local',
      configuration: endpoint(),
      temperature: 0,
      maxTokens: 60,
      maxRetries: 0,
    }).bindTools(tools);
    const talk: BaseMessage[] = [new HumanMessage(prompt)];
    let said = await chat.invoke(talk);
    let calls = 0;
    for (; said.tool_calls!.length > 0; said = await chat.invoke(talk)) {
      talk.push(said);
      for (const { id, name } of said.tool_calls!) {
        calls++;
        talk.push(new ToolMessage({ tool_call_id: id!, name, content: `done ${calls}` }));
      }
    }
    expect(calls).toBe(CALLS);
    expect(said.text.length).toBeGreaterThan(0);
  });
});

describe('refused, by name and place', () => {
  const withParameters = (parameters: object) => ({
    tools: [
      { type: 'file_search', vector_store_ids: [] },
      tools[1],
      { type: 'function', function: { name: 'f', parameters, strict: true } },
    ],
    tool_choice: 'required',
  });
  test.each([
    [{ tool_choice: { type: 'function', function: { name: 'dig' } } }, 'no function called "dig"'],
    [{ tools: undefined, tool_choice: 'required' }, 'there is no function to call'],
    [{ tools: [tools[0], tools[0]] }, 'two functions are called "prune"'],
    [{ response_format: { type: 'json_object' } }, 'leave one out'],
    [{ tool_choice: 'any' }, 'must be "none", "auto", "required"'],
    [
      withParameters({ type: 'object', properties: { a: { not: {} } } }),
      'tools.2.function.parameters.properties.a.not: is not supported',
    ],
    [withParameters({ description: 'x'.repeat(140_000) }), 'at most 131072 bytes'],
    [
      { messages: [...messages, { role: 'tool', tool_call_id: 'call_0', content: 'x' }] },
      'no message before it has a call with this id',
    ],
  ])('%#', async (more, message) => {
    const refused = ask(more);
    await expect(refused).rejects.toMatchObject({ status: 400 });
    await expect(refused).rejects.toThrow(message);
  });
});

describe('responses', () => {
  const asked = {
    input: 'Prune the pear.',
    max_output_tokens: 200,
    tool_choice: 'required' as const,
    tools: tools.map((tool) => ({
      type: 'function' as const,
      ...tool.function,
      parameters: tool.function.parameters ?? null,
      strict: true,
    })),
  };

  test('calls are items, and their results are taken as such', async () => {
    const response = await client.responses.create({ model: service.model, ...asked });
    const calls = response.output.filter((item) => item.type === 'function_call');
    expect(calls.length).toBeGreaterThan(0);
    const { choices } = await ask({ tool_choice: 'required' });
    expect(calls.map(({ name, arguments: said }) => ({ name, arguments: said }))).toEqual(
      choices[0]!.message.tool_calls!.map((call) => call.type === 'function' && call.function),
    );
    const then = await client.responses.create({
      model: service.model,
      ...asked,
      tool_choice: 'none',
      input: [
        { role: 'user', content: asked.input },
        ...(response.output as OpenAI.Responses.ResponseInputItem[]),
        ...calls.map(({ call_id }) => ({
          type: 'function_call_output' as const,
          call_id,
          output: '{"done": true}',
        })),
      ],
    });
    expect(then.output[0]!.type).toBe('message');
  });

  test('a stream reports arguments as they come, and the SDK puts them together', async () => {
    const whole = await client.responses.create({ model: service.model, ...asked });
    const stream = client.responses.stream({ model: service.model, ...asked });
    const said: string[] = [];
    for await (const event of stream) {
      if (event.type !== 'response.function_call_arguments.delta') continue;
      said[event.output_index] = (said[event.output_index] ?? '') + event.delta;
    }
    const argumentsOf = (response: OpenAI.Responses.Response) =>
      response.output.flatMap((item) => (item.type === 'function_call' ? item.arguments : []));
    expect(said).toEqual(argumentsOf(whole));
    expect(argumentsOf(await stream.finalResponse())).toEqual(said);
  });

  test('langchain: bindTools over responses', async () => {
    const chat = new ChatOpenAI({
      model: service.model,
      apiKey: 'local',
      configuration: { baseURL: `${service.url}/v1` },
      useResponsesApi: true,
      maxRetries: 0,
    });
    // Here it sends a function's name, and drops "required".
    const bound = chat.bindTools(tools, { tool_choice: 'prune' });
    const { tool_calls } = await bound.invoke('Prune the pear.');
    expect(tool_calls).toMatchObject([{ name: 'prune', args: { tree: expect.any(String) } }]);
  });
});
