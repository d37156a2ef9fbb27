/** POST /v1/responses as the `openai` package calls it, against the real service: what chat says, in the newer form. */
import OpenAI, { APIError, toFile } from 'openai';
import { beforeAll, describe, expect, test } from 'vitest';
import { type SharedService, sharedService } from '../support/shared-service.ts';

const QUESTION = 'How are several verifiers configured?';

let service: SharedService;
let client: OpenAI;
beforeAll(async () => {
  service = await sharedService({ demo: true });
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'local', maxRetries: 0 });
});

type Body = Partial<OpenAI.Responses.ResponseCreateParamsNonStreaming> & {
  seed?: number;
  speculation?: object;
  vector_store_ids?: string[];
  file_ids?: string[];
};

const respond = (input: OpenAI.Responses.ResponseCreateParams['input'], more: Body = {}) =>
  client.responses.create({ model: service.model, input, ...more });

async function chatSays(messages: OpenAI.ChatCompletionMessageParam[], more: object = {}) {
  const chat = await client.chat.completions.create({ model: service.model, messages, ...more });
  return chat.choices[0]!;
}

describe('an answer', () => {
  test('is what chat says, with its citations and its usage', async () => {
    const chat = await client.chat.completions.create({
      model: service.model,
      messages: [{ role: 'user', content: QUESTION }],
    });
    const response = await respond(QUESTION);
    expect(response).toMatchObject({
      object: 'response',
      status: 'completed',
      error: null,
      incomplete_details: null,
      store: false,
      usage: {
        input_tokens: chat.usage!.prompt_tokens,
        output_tokens: chat.usage!.completion_tokens,
        total_tokens: chat.usage!.total_tokens,
      },
    });
    expect(response.id).toMatch(/^resp_/);
    expect(response.output_text).toBe(chat.choices[0]!.message.content);
    const [message] = response.output;
    expect(message).toMatchObject({
      type: 'message',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', annotations: chat.choices[0]!.message.annotations }],
    });
    expect(chat.choices[0]!.message.annotations).not.toEqual([]);
  });

  test('that is cut says so', async () => {
    const response = await respond(QUESTION, { max_output_tokens: 5 });
    expect(response).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      output: [{ type: 'message', status: 'incomplete' }],
      usage: { output_tokens: 5 },
    });
  });

  test('held to a JSON Schema is parsed by the SDK', async () => {
    const schema = {
      type: 'object',
      properties: { size: { type: 'integer', minimum: 1, maximum: 9 } },
      required: ['size'],
      additionalProperties: false,
    };
    const { output_parsed } = await client.responses.parse({
      model: service.model,
      input: QUESTION,
      text: { format: { type: 'json_schema', name: 'size', schema, strict: true } },
    });
    expect((output_parsed as unknown as { size: number }).size).toBeGreaterThan(0);
  });

  test('reports log-probabilities where it is asked to', async () => {
    const asked = { max_output_tokens: 8, temperature: 0 };
    const { logprobs } = await chatSays([{ role: 'user', content: QUESTION }], {
      max_tokens: 8,
      temperature: 0,
      logprobs: true,
      top_logprobs: 2,
    });
    const response = await respond(QUESTION, {
      ...asked,
      include: ['message.output_text.logprobs'],
      top_logprobs: 2,
    });
    const [message] = response.output as OpenAI.Responses.ResponseOutputMessage[];
    const [part] = message!.content as OpenAI.Responses.ResponseOutputText[];
    expect(part!.logprobs!.map(({ token }) => token)).toEqual(
      logprobs!.content!.map(({ token }) => token),
    );
    expect(part!.logprobs![0]!.top_logprobs).toHaveLength(2);
  });
});

describe('a stream', () => {
  test('has every event of its items, numbered, and ends with the whole response', async () => {
    const body = { model: service.model, input: QUESTION, temperature: 0.8, seed: 3 };
    const whole = await client.responses.create(body as Body & typeof body);
    const stream = await client.responses.create({ ...body, stream: true } as never);
    const events: OpenAI.Responses.ResponseStreamEvent[] = [];
    for await (const event of stream as unknown as AsyncIterable<(typeof events)[number]>) {
      events.push(event);
    }
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual([...events.keys()]);
    const types = events.map(({ type }) => type);
    const before = types.indexOf('response.output_text.delta');
    expect(types.slice(0, before)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
    ]);
    const after = types.slice(types.lastIndexOf('response.output_text.delta') + 1);
    expect(after.filter((type) => type !== 'response.output_text.annotation.added')).toEqual([
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    const said = events.flatMap((event) =>
      event.type === 'response.output_text.delta' ? event.delta : [],
    );
    expect(said.length).toBeGreaterThan(1);
    expect(said.join('')).toBe(whole.output_text);
    const last = events.at(-1) as OpenAI.Responses.ResponseCompletedEvent;
    expect(last.response.usage).toEqual({
      ...whole.usage,
      input_tokens_details: expect.anything(),
    });
  });

  test('is put together by the SDK', async () => {
    const stream = client.responses.stream({ model: service.model, input: QUESTION });
    const response = await stream.finalResponse();
    expect(response.output_text).toBe((await respond(QUESTION)).output_text);
  });
});

describe('what was said before', () => {
  test('instructions and items are the messages of a chat', async () => {
    const { message } = await chatSays(
      [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'What is credit?' },
        { role: 'assistant', content: 'The trees that may be in flight.' },
        { role: 'user', content: QUESTION },
      ],
      { max_tokens: 40 },
    );
    const response = await respond(
      [
        { role: 'user', content: [{ type: 'input_text', text: 'What is credit?' }] },
        { role: 'assistant', content: 'The trees that may be in flight.' },
        { type: 'message', role: 'user', content: QUESTION },
      ],
      { instructions: 'Be brief.', max_output_tokens: 40 },
    );
    expect(response.output_text).toBe(message.content);
  });

  test('what SDKs add to it is taken back too', async () => {
    const { status } = await respond([
      { role: 'user', content: QUESTION, ...{ id: 'msg_1', status: 'completed' } },
      {
        type: 'message',
        role: 'assistant',
        id: 'msg_2',
        status: 'completed',
        content: [
          { type: 'output_text', text: '{}', annotations: [], ...{ parsed: {} } },
          { type: 'refusal', refusal: 'No more.' },
        ],
      },
      {
        ...{ type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{}' },
        ...{ parsed_arguments: {} },
      } as OpenAI.Responses.ResponseFunctionToolCall,
      { type: 'function_call_output', call_id: 'call_1', output: 'done' },
      { role: 'user', content: QUESTION },
    ]);
    expect(status).toBe('completed');
  });

  test('the output of an answer is taken back as it came', async () => {
    const { id: store } = await client.vectorStores.create({ name: 'none' });
    const first = await respond(QUESTION, {
      tools: [{ type: 'file_search', vector_store_ids: [store] }],
      max_output_tokens: 20,
    });
    const second = await respond([
      { role: 'user', content: QUESTION },
      ...(first.output as OpenAI.Responses.ResponseInputItem[]),
      { role: 'user', content: 'And a single one?' },
    ]);
    expect(second.status).toBe('completed');
  });
});

test('a search is an item of its own, with what it found where that is asked for', async () => {
  const { id: store } = await client.vectorStores.create({ name: 'orchard' });
  const pear = 'The espaliered pear is pruned twice a year, in July and in the depth of winter.';
  const file = await toFile(Buffer.from(`# Orchard\n\n${pear}\n`), 'pear.md');
  await client.vectorStores.files.uploadAndPoll(store, file);
  const body: Body = {
    tools: [{ type: 'file_search', vector_store_ids: [store] }],
    max_output_tokens: 60,
  };
  const question = 'How is a pear pruned?';
  const plain = await respond(question, body);
  expect(plain.output[0]).toMatchObject({ type: 'file_search_call', results: null });
  const told = await respond(question, { ...body, include: ['file_search_call.results'] });
  expect(told.output[0]).toMatchObject({
    type: 'file_search_call',
    status: 'completed',
    queries: [question],
    results: [{ filename: 'pear.md', text: pear, score: expect.any(Number) }],
  });
  const stream = client.responses.stream({
    ...(body as object),
    model: service.model,
    input: question,
  });
  const types: string[] = [];
  for await (const { type } of stream) types.push(type);
  expect(types.slice(2, 7)).toEqual([
    'response.output_item.added',
    'response.file_search_call.in_progress',
    'response.file_search_call.searching',
    'response.file_search_call.completed',
    'response.output_item.done',
  ]);
});

test('a file by its id is answered from', async () => {
  const { id } = await client.files.create({
    file: await toFile(Buffer.from('# Quinces\n\nA quince is picked in October.'), 'quince.md'),
    purpose: 'user_data',
  });
  const content = [
    { type: 'input_file' as const, file_id: id },
    { type: 'input_text' as const, text: 'When is a quince picked?' },
  ];
  const response = await respond([{ role: 'user', content }], { max_output_tokens: 40 });
  expect(response.output_text).toContain('October');
});

describe('refusals name the field as the request has it', () => {
  const refused: [string, object, string, RegExp][] = [
    ['no input', { input: undefined }, 'input', /text or a list|required/],
    ['an empty input', { input: [] }, 'input', /at least one item|text or a list/],
    ['no question', { input: [{ role: 'system', content: 'x' }] }, 'input', /"user"/],
    ['kept responses', { previous_response_id: 'resp_1' }, 'previous_response_id', /not kept/],
    ['keeping it', { store: true }, 'store', /not kept/],
    ['in the background', { background: true }, 'background', /not supported/],
    ['a trace', { speculation: { trace: true } }, 'speculation.trace', /only \/v1\/chat/],
    ['alternatives alone', { top_logprobs: 2 }, 'top_logprobs', /message\.output_text\.logprobs/],
    [
      'a result of no call',
      { input: [{ type: 'function_call_output', call_id: 'call_1', output: '1' }] },
      'input.0.call_id',
      /no item before it has a call/,
    ],
    [
      'a reference',
      { input: [{ type: 'item_reference', id: 'msg_1' }] },
      'input.0.id',
      /not kept, send the items themselves/,
    ],
    [
      'a part of no kind',
      { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'x' }] }] },
      'input.0.content.0.type',
      /./,
    ],
    [
      'a file that is not there',
      {
        instructions: 'Hm.',
        input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'file-1' }] }],
      },
      'input.0.content.0',
      /there is no file "file-1"/,
    ],
    [
      'a search that is not there',
      { tool_choice: { type: 'file_search' } },
      'tool_choice',
      /name one in tools/,
    ],
    [
      'two searches',
      { tools: Array(2).fill({ type: 'file_search', vector_store_ids: [] }) },
      'tools',
      /at most one/,
    ],
  ];
  test.each(refused)('%s', async (_, body, param, message) => {
    const error = await client.responses
      .create({ model: service.model, input: QUESTION, ...body } as never)
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(APIError);
    expect((error as APIError).param).toBe(param);
    expect((error as APIError).message).toMatch(message);
  });
});
